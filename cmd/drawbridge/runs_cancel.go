package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"drawbridge/server/dispatch"
	"drawbridge/store/state"
)

// cancelWait is how long `runs cancel` waits for the process that carries the run.
// It learns of the request within about a second; a write under way may take longer.
const cancelWait = 10 * time.Second

func runsCancel(c *console) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "cancel RUN",
		Short: "End a run before it is done",
		Long: `Ends a run. One that nobody carries ends at once; one that is being carried by a serving
process ends there within about a second: reads under way are broken off, a call that changes
something is waited for and recorded first. Exit code 0 means that the run is cancelled.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withStore(cmd, state.Beside, func(store *state.Store) error {
				return c.cancelRun(cmd, store, args[0], asJSON)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the run as JSON")
	return cmd
}

func (c *console) cancelRun(cmd *cobra.Command, store *state.Store, id string, asJSON bool) error {
	state, err := store.RequestCancel(cmd.Context(), id, "cancelled from the command line")
	switch {
	case errors.Is(err, dispatch.ErrEnded):
		return fmt.Errorf("run %s has ended already: %s", id, state)
	case errors.Is(err, dispatch.ErrNotFound):
		return fmt.Errorf("run %q: %w; `drawbridge runs list` shows which there are", id, dispatch.ErrNotFound)
	case err != nil:
		return err
	}
	run, err := awaitCancel(cmd.Context(), store, id)
	if err != nil {
		return err
	}
	if asJSON {
		if err := printJSON(c.out, viewRun(run)); err != nil {
			return err
		}
	}
	switch {
	case !run.State.Ended():
		return fmt.Errorf("run %s is %s still: it ends as soon as a call under way has come back, or a process serves from this store; see it with: drawbridge runs show %s", id, run.State, id)
	case run.State != dispatch.Cancelled:
		return fmt.Errorf("run %s was quicker: %s %s", id, run.State, run.Reason)
	case asJSON:
		return nil
	}
	_, err = fmt.Fprintf(c.out, "run %s is cancelled\n", id)
	return err
}

// awaitCancel waits until the run has ended, for as long as is worth waiting at a
// terminal.
func awaitCancel(ctx context.Context, store *state.Store, id string) (dispatch.Run, error) {
	over := time.NewTimer(cancelWait)
	defer over.Stop()
	ticker := time.NewTicker(followEvery)
	defer ticker.Stop()
	for {
		run, err := store.Run(ctx, id)
		if err != nil || run.State.Ended() {
			return run, err
		}
		select {
		case <-ctx.Done():
			return run, ctx.Err()
		case <-over.C:
			return run, nil
		case <-ticker.C:
		}
	}
}
