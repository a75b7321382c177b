package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"drawbridge/config"
	"drawbridge/server/dispatch"
	"drawbridge/store/sqlite"
	"drawbridge/store/state"
)

// maxPrompt bounds a prompt read from standard input, in bytes.
const maxPrompt = 1 << 20

func runCommand(c *console) *cobra.Command {
	var agent string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "run [PROMPT]",
		Short: "Have an agent do something now, and wait for the end",
		Long: `Starts a durable run with the prompt given as an argument or on standard input, shows its
steps and prints its answer. Beside a serving process on the same store the run is handed to
that process, and goes on there when you interrupt; otherwise it is carried here, alone, and
an interrupt cancels it. Exit code 0 means that the run succeeded. The answer of an agent of
mode batch may take a day.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := c.settings(cmd)
			if err != nil {
				return err
			}
			prompt, err := c.prompt(args)
			if err != nil {
				return err
			}
			name, err := pickAgent(cfg, agent)
			if err != nil {
				return err
			}
			return c.runOnce(cmd, cfg, dispatch.NewRun{ID: dispatch.NewID("run_"), Agent: name, Source: dispatch.FromTerminal, Prompt: prompt}, asJSON)
		},
	}
	cmd.Flags().StringVar(&agent, "agent", "", "the agent that carries the run (may be left out if there is only one)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the finished run as JSON")
	return cmd
}

// prompt is the arguments, or standard input if there are none.
func (c *console) prompt(args []string) (string, error) {
	text := strings.Join(args, " ")
	if text == "" || text == "-" {
		raw, err := io.ReadAll(io.LimitReader(c.in, maxPrompt+1))
		if err != nil {
			return "", fmt.Errorf("reading the prompt: %w", err)
		}
		if len(raw) > maxPrompt {
			return "", wrongUse{fmt.Errorf("the prompt is above %d bytes", maxPrompt)}
		}
		text = string(raw)
	}
	if text = strings.TrimSpace(text); text == "" {
		return "", wrongUse{errors.New(`a prompt is needed: drawbridge run "what to do", or on standard input`)}
	}
	return text, nil
}

func pickAgent(cfg *config.Config, name string) (string, error) {
	names := make([]string, 0, len(cfg.Agents))
	for known := range cfg.Agents {
		names = append(names, known)
	}
	slices.Sort(names)
	switch {
	case name == "" && len(names) == 1:
		return names[0], nil
	case name == "":
		return "", wrongUse{fmt.Errorf("--agent is needed: there are %s", strings.Join(names, ", "))}
	case !slices.Contains(names, name):
		return "", wrongUse{fmt.Errorf("there is no agent %q: there are %s", name, strings.Join(names, ", "))}
	}
	return name, nil
}

// runOnce carries the run here, or hands it to the process that serves.
func (c *console) runOnce(cmd *cobra.Command, cfg *config.Config, run dispatch.NewRun, asJSON bool) error {
	ctx := cmd.Context()
	by, err := c.carrierFor(ctx, cfg)
	if err != nil {
		return err
	}
	defer by.close()
	if err := by.store.Start(ctx, run); err != nil {
		return err
	}
	story := c.err
	if asJSON {
		story = io.Discard
	}
	end, err := by.carryAndFollow(ctx, run.ID, story)
	switch {
	case err == nil:
		return c.printEnd(cmd, by.store, end, asJSON)
	case ctx.Err() != nil:
		return by.interrupted(context.WithoutCancel(ctx), run.ID)
	}
	return err
}

// carrier is who carries one run: this process, or the one that serves from the store.
type carrier struct {
	store *state.Store
	carry func(ctx context.Context, run string) error // nil: the other one does
	close func()
}

func (c *console) carrierFor(ctx context.Context, cfg *config.Config) (carrier, error) {
	a, err := newApp(ctx, cfg, appOptions{Log: c.logger(config.Log{Level: "error", Format: cfg.Log.Format})})
	var locked *sqlite.LockedError
	if errors.As(err, &locked) {
		store, err := openStoreOf(ctx, cfg, state.Beside)
		return carrier{store: store, close: func() { _ = store.Close() }}, err
	}
	if err != nil {
		return carrier{}, err
	}
	by := carrier{store: a.store, carry: a.worker.RunOne, close: func() { _ = a.Stop(context.WithoutCancel(ctx)) }}
	if notice := a.model.notice(); notice != "" {
		_, _ = fmt.Fprintln(c.err, "drawbridge:", notice)
	}
	a.mounts.start(ctx)
	// A run that begins without its tools goes wrong: wait, and say what is missing.
	if err = a.mounts.settled(ctx, startTimeouts(cfg), c.err); err == nil {
		err = c.warnOfMounts(a.mounts)
	}
	if err != nil {
		by.close()
	}
	return by, err
}

// carryAndFollow tells the run's steps until it has ended, or nobody carries it any more.
func (by carrier) carryAndFollow(ctx context.Context, run string, story io.Writer) (dispatch.Run, error) {
	if by.carry == nil {
		return follow(ctx, by.store, run, story)
	}
	following, unfollow := context.WithCancel(ctx)
	defer unfollow()
	carried := make(chan error, 1)
	go func() {
		err := by.carry(ctx, run)
		if err != nil {
			unfollow() // there is nothing to wait for
		}
		carried <- err
	}()
	end, err := follow(following, by.store, run, story)
	if broken := <-carried; broken != nil {
		err = broken
	}
	return end, err
}

// interrupted says what becomes of a run that nobody waits for any more. One that was
// carried here has been put down, and is cancelled.
func (by carrier) interrupted(ctx context.Context, run string) error {
	if by.carry == nil {
		return fmt.Errorf("run %s goes on in the process that serves; see it with: drawbridge runs show %s", run, run)
	}
	state, err := by.store.RequestCancel(ctx, run, "interrupted")
	switch {
	case errors.Is(err, dispatch.ErrEnded):
		return fmt.Errorf("run %s was quicker: %s; see it with: drawbridge runs show %s", run, state, run)
	case err != nil:
		return err
	case state != dispatch.Cancelled:
		return fmt.Errorf("run %s is to be cancelled and is %s still; see it with: drawbridge runs show %s", run, state, run)
	}
	return fmt.Errorf("run %s was cancelled", run)
}

func (c *console) printEnd(cmd *cobra.Command, store *state.Store, end dispatch.Run, asJSON bool) error {
	if asJSON {
		view, err := wholeRun(cmd, store, end)
		if err != nil {
			return err
		}
		if err := printJSON(c.out, view); err != nil {
			return err
		}
	} else if end.AwaitsPeople() {
		if err := c.printUndecided(cmd, store, end); err != nil {
			return err
		}
	} else if _, err := fmt.Fprintln(c.out, printable(end.Answer)); err != nil {
		return err
	}
	if end.State != dispatch.Succeeded {
		_, _ = fmt.Fprintf(c.err, "drawbridge: run %s %s: %s\n", end.ID, end.State, end.Reason)
		return errSilent
	}
	return nil
}

// followEvery is how often a followed run's journal is looked at: the run may be
// in another process.
const followEvery = 50 * time.Millisecond

// follow tells a run's steps until it has ended, or waits for a person.
func follow(ctx context.Context, store *state.Store, id string, w io.Writer) (dispatch.Run, error) {
	out, p := &lines{w: w}, paintFor(w)
	var story timeline
	var seq int64
	ticker := time.NewTicker(followEvery)
	defer ticker.Stop()
	for {
		run, err := store.Run(ctx, id)
		if err != nil {
			return run, err
		}
		entries, err := store.EntriesAfter(ctx, id, seq)
		if err != nil {
			return run, err
		}
		for _, entry := range entries {
			moments, err := story.read(entry)
			if err != nil {
				return run, err
			}
			for _, m := range moments {
				m.show(out, p, run.Created)
			}
			seq = entry.Seq
		}
		if run.State.Ended() || run.AwaitsPeople() {
			return run, nil
		}
		select {
		case <-ctx.Done():
			return run, ctx.Err()
		case <-ticker.C:
		}
	}
}
