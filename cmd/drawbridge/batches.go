package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"drawbridge/bridge"
	"drawbridge/config"
	"drawbridge/server/dispatch"
	"drawbridge/store/state"
)

// batchView is a batch as the commands print it.
type batchView struct {
	ID    string              `json:"id"`
	Agent string              `json:"agent"`
	Model string              `json:"model"`
	State dispatch.BatchState `json:"state"`
	// Questions is how many it has, Open how many wait for something to come of them.
	Questions int   `json:"questions"`
	Open      int   `json:"open"`
	Bytes     int64 `json:"bytes"`
	// Provider and Status are its id at the provider, and what that says of it.
	Provider    string         `json:"provider,omitempty"`
	Status      string         `json:"status,omitempty"`
	Cancel      string         `json:"cancel,omitempty"`
	Attempts    int            `json:"attempts"`
	Error       string         `json:"error,omitempty"`
	CreatedAt   time.Time      `json:"created_at"`
	SubmittedAt *time.Time     `json:"submitted_at,omitempty"`
	EndedAt     *time.Time     `json:"ended_at,omitempty"`
	Runs        []questionView `json:"runs,omitempty"`
}

// questionView is what a run asks in a batch.
type questionView struct {
	Run string `json:"run"`
	// Batches counts those it was in.
	Batches int `json:"batches"`
	// Came is what came of it: answered, or a reason why it was not; "" until then.
	Came string `json:"came,omitempty"`
}

func viewBatch(b dispatch.Batch) batchView {
	return batchView{ID: b.ID, Agent: b.Agent, Model: b.Model, State: b.State, Questions: b.Questions, Open: b.Open, Bytes: b.Bytes, Provider: b.Remote, Status: b.Status,
		Cancel: b.Cancel, Attempts: b.Attempts, Error: b.Error, CreatedAt: b.Created, SubmittedAt: some(b.Submitted), EndedAt: some(b.Ended)}
}

func viewQuestion(q dispatch.Question) questionView {
	view := questionView{Run: q.Run, Batches: q.Tries}
	switch {
	case q.Result == nil:
	case q.Result.Answer != nil:
		view.Came = "answered"
	default:
		view.Came = string(q.Result.Reason)
	}
	return view
}

// runBatch is the batch that a run waits for.
type runBatch struct {
	ID     string              `json:"id"`
	State  dispatch.BatchState `json:"state"`
	Status string              `json:"status,omitempty"` // at the provider
}

// batchOfRun is what a run waits for, nil if it is no batch.
func batchOfRun(ctx context.Context, store *state.Store, run dispatch.Run) (*runBatch, error) {
	if run.State != dispatch.Waiting || run.Reason != string(bridge.Batch) {
		return nil, nil
	}
	q, err := store.Question(ctx, run.ID)
	if errors.Is(err, dispatch.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	b, err := store.Batch(ctx, q.Batch)
	return &runBatch{b.ID, b.State, b.Status}, err
}

func batchesCommand(c *console) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "batches",
		Short: "Look at batches of agents that answer in batches, submit and cancel them",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(batchesList(c), batchesShow(c), batchesSubmit(c), batchesCancel(c))
	return cmd
}

func batchesList(c *console) *cobra.Command {
	var list listing
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List batches, the newest first",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			batches, err := fromStore(c, cmd, func(store *state.Store) ([]dispatch.Batch, error) {
				return store.Batches(cmd.Context(), list.limit)
			})
			if err != nil {
				return err
			}
			views, rows := []batchView{}, [][]string{}
			for _, b := range batches {
				views = append(views, viewBatch(b))
				rows = append(rows, []string{b.ID, when(b.Created), b.Agent, string(b.State), b.Status, fmt.Sprint(b.Questions), fmt.Sprint(b.Open), b.Remote, oneLine(b.Error, 60)})
			}
			return list.print(c, views, "no batches yet", []string{"BATCH", "CREATED", "AGENT", "STATE", "PROVIDER", "QUESTIONS", "OPEN", "PROVIDER'S ID", "FAULT"}, rows)
		},
	}
	list.flags(cmd)
	return cmd
}

func batchesShow(c *console) *cobra.Command {
	var asJSON bool
	var limit int
	cmd := &cobra.Command{
		Use:   "show BATCH",
		Short: "Show one batch, with its runs",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withStore(cmd, state.ReadOnly, func(store *state.Store) error {
				batch, err := store.Batch(cmd.Context(), args[0])
				if err != nil {
					return fmt.Errorf("%w; `drawbridge batches list` shows which there are", err)
				}
				questions, err := store.Questions(cmd.Context(), batch.ID, limit)
				if err != nil {
					return err
				}
				view := viewBatch(batch)
				for _, q := range questions {
					view.Runs = append(view.Runs, viewQuestion(q))
				}
				if asJSON {
					return printJSON(c.out, view)
				}
				return printBatch(c, view)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().IntVar(&limit, "limit", 1000, "how many runs to show at most")
	return cmd
}

func printBatch(c *console, b batchView) error {
	out := &lines{w: c.out}
	out.printf("batch     %s\nagent     %s, model %s\nstate     %s", b.ID, b.Agent, b.Model, strings.TrimSpace(string(b.State)+" "+b.Status))
	out.printf("questions %d, %d open, %d bytes\ncreated   %s", b.Questions, b.Open, b.Bytes, when(b.CreatedAt))
	if b.Provider != "" {
		out.printf("provider  %s", b.Provider)
	}
	if b.SubmittedAt != nil {
		out.printf("submitted %s", when(*b.SubmittedAt))
	}
	if b.EndedAt != nil {
		out.printf("ended     %s", when(*b.EndedAt))
	}
	if b.Cancel != "" {
		out.printf("cancel    %s", b.Cancel)
	}
	if b.Error != "" {
		out.printf("fault     %s (%d in a row)", printable(b.Error), b.Attempts)
	}
	for _, q := range b.Runs {
		again := ""
		if q.Batches > 1 {
			again = fmt.Sprintf(" (its batch number %d)", q.Batches)
		}
		came := q.Came
		if came == "" {
			came = "open"
		}
		out.printf("%10s%s %s%s", "", q.Run, came, again)
	}
	return out.err
}

func batchesSubmit(c *console) *cobra.Command {
	return &cobra.Command{
		Use:   "submit AGENT",
		Short: "Have what an agent was asked so far submitted now",
		Long: `Closes the batch that is being collected for an agent, instead of waiting for batch.max_events
or batch.max_wait. The process that serves from the store submits it within about a second.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := c.settings(cmd)
			if err != nil {
				return err
			}
			if err := answersInBatches(cfg, args[0]); err != nil {
				return err
			}
			return c.withStore(cmd, state.Beside, func(store *state.Store) error {
				ids, err := store.SubmitBatches(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if len(ids) == 0 {
					_, err = fmt.Fprintf(c.out, "nothing is being collected for agent %s\n", args[0])
				}
				for _, id := range ids {
					if _, err = fmt.Fprintf(c.out, "batch %s is to be submitted now\n", id); err != nil {
						break
					}
				}
				return err
			})
		},
	}
}

// answersInBatches refuses the name of an agent that does not.
func answersInBatches(cfg *config.Config, agent string) error {
	var names []string
	for name, a := range cfg.Agents {
		if a.InBatches() {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	switch {
	case slices.Contains(names, agent):
		return nil
	case len(names) == 0:
		return wrongUse{errors.New("no agent answers in batches; set mode: batch at one")}
	}
	return wrongUse{fmt.Errorf("agent %q does not answer in batches; there are %s", agent, strings.Join(names, ", "))}
}

func batchesCancel(c *console) *cobra.Command {
	return &cobra.Command{
		Use:   "cancel BATCH",
		Short: "Cancel all runs that wait for a batch, and the batch",
		Long: `Cancels the runs whose answers have not come yet, and then the batch at the provider, which
keeps what was answered by then, and wants it paid. The process that serves from the store does
so within about a second.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withStore(cmd, state.Beside, func(store *state.Store) error {
				err := store.CancelBatch(cmd.Context(), args[0], "cancelled from the command line")
				switch {
				case errors.Is(err, dispatch.ErrEnded):
					return fmt.Errorf("batch %s is done already", args[0])
				case errors.Is(err, dispatch.ErrNotFound):
					return fmt.Errorf("batch %q: %w; `drawbridge batches list` shows which there are", args[0], dispatch.ErrNotFound)
				case err != nil:
					return err
				}
				_, err = fmt.Fprintf(c.out, "batch %s is to be cancelled\n", args[0])
				return err
			})
		},
	}
}
