package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"drawbridge/server/dispatch"
	"drawbridge/store/state"
)

func deadCommand(c *console) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "dead",
		Aliases: []string{"deadletters"},
		Short:   "Look at what gave up, and have it go on, run again or deleted",
		Long: `A dead letter is what gave up: an event that could not become what it should have (its
status is failed, unparsed or quarantined), a run that is dead, or failed while nobody waited
for its end (not so one that somebody talked to, or that "drawbridge run" began: they were
told), and a callback that could not be delivered. Dead letters are kept, whatever the
retention, until somebody does something about them.

  replay   an event is routed again, by the settings of now; a run is begun anew as another
           run, whose effects are its own; a callback is sent once more
  edit     replays an event with another body, or a run with another prompt; the original
           stays as it was
  resume   a run goes on where it gave up, and does nothing again that it has done
  delete   for good

Replaying has effects; "drawbridge replay RUN" only shows what a run would do now.

What was replayed leaves the list; if it gives up again, it is in it again. All of it works
beside a serving process, which takes it up within a second, and without one, for the next.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(deadList(c), deadShow(c), deadReplay(c), deadEdit(c), deadResume(c), deadDelete(c))
	return cmd
}

// letterView is a dead letter as the commands print it.
type letterView struct {
	Kind   dispatch.LetterKind `json:"kind"`
	ID     string              `json:"id"`
	Source string              `json:"source"`
	Agent  string              `json:"agent,omitempty"`
	Event  string              `json:"event,omitempty"`
	Run    string              `json:"run,omitempty"`
	Reason string              `json:"reason"`
	Detail string              `json:"detail,omitempty"`
	DiedAt time.Time           `json:"died_at"`
}

func viewLetter(l dispatch.DeadLetter) letterView {
	return letterView{l.Kind, l.ID, l.Source, l.Agent, l.Event, l.Run, l.Reason, l.Detail, l.At}
}

// which are the flags that say which dead letters are meant.
type which struct {
	kind string
	fits dispatch.DeadFilter
	span period
}

func (w *which) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&w.kind, "kind", "", "only those of a kind: event, run or callback")
	cmd.Flags().StringVar(&w.fits.Source, "source", "", "only those that go back to this webhook, or other source")
	cmd.Flags().StringVar(&w.fits.Agent, "agent", "", "only runs of this agent, and their callbacks")
	cmd.Flags().StringVar(&w.fits.Reason, "reason", "", "only those whose reason has this in it: failed, model_unavailable, \"answered 500\"")
	w.span.flags(cmd, "only those that gave up")
}

// filter is what the flags say.
func (w *which) filter() (dispatch.DeadFilter, error) {
	fits := w.fits
	fits.Kind = dispatch.LetterKind(w.kind)
	if w.kind != "" && !slices.Contains(dispatch.LetterKinds, fits.Kind) {
		return fits, wrongUse{fmt.Errorf("--kind %q: expected event, run or callback", w.kind)}
	}
	var err error
	fits.Since, fits.Until, err = w.span.read(time.Now())
	return fits, err
}

func deadList(c *console) *cobra.Command {
	var list listing
	var w which
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List dead letters, the newest first, and how many there are of all",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			fits, err := w.filter()
			if err != nil {
				return err
			}
			var counts []dispatch.DeadCount
			letters, err := fromStore(c, cmd, func(store *state.Store) (letters []dispatch.DeadLetter, err error) {
				if counts, err = store.CountDead(cmd.Context()); err != nil {
					return nil, err
				}
				return store.DeadLetters(cmd.Context(), fits, list.limit)
			})
			if err != nil {
				return err
			}
			views := []letterView{}
			for _, l := range letters {
				views = append(views, viewLetter(l))
			}
			if err := list.print(c, views, "no dead letters", letterHeader, letterRows(letters)); err != nil || list.asJSON {
				return err
			}
			return printCounts(c, counts, time.Now())
		},
	}
	list.flags(cmd)
	w.flags(cmd)
	return cmd
}

var letterHeader = []string{"KIND", "ID", "DIED", "SOURCE", "AGENT", "REASON", "DETAIL"}

func letterRows(letters []dispatch.DeadLetter) [][]string {
	rows := [][]string{}
	for _, l := range letters {
		rows = append(rows, []string{string(l.Kind), l.ID, when(l.At), l.Source, l.Agent, oneLine(l.Reason, 40), oneLine(l.Detail, 60)})
	}
	return rows
}

// printCounts says how many there are in all, and for how long the oldest.
func printCounts(c *console, counts []dispatch.DeadCount, now time.Time) error {
	var parts []string
	for _, n := range counts {
		if n.Count == 0 {
			continue
		}
		what := string(n.Kind)
		if n.Count > 1 {
			what += "s"
		}
		parts = append(parts, fmt.Sprintf("%d %s, the oldest since %s (%s)", n.Count, what, when(n.Oldest), roughly(now.Sub(n.Oldest))))
	}
	if len(parts) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(c.out, "\nin all: %s\n", strings.Join(parts, "; "))
	return err
}

// roughly is a span of time in its largest unit.
func roughly(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%dd", int(d.Hours()/24))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	case d >= 2*time.Minute:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	}
	return fmt.Sprintf("%ds", max(0, int(d.Seconds())))
}

func deadShow(c *console) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show a dead letter: an event with its body, a run with its timeline, a callback with its message",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withStore(cmd, state.ReadOnly, func(store *state.Store) error {
				letter, err := store.DeadLetter(cmd.Context(), args[0])
				if err != nil {
					return fmt.Errorf("%w; `drawbridge dead list` shows which there are", err)
				}
				switch letter.Kind {
				case dispatch.DeadEvent:
					return c.showEvent(cmd.Context(), store, letter.ID, asJSON)
				case dispatch.DeadRun:
					return c.showRun(cmd, store, letter.ID, asJSON)
				}
				return c.showDeadCallback(cmd.Context(), store, letter, asJSON)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// showDeadCallback shows a callback with what was to be delivered.
func (c *console) showDeadCallback(ctx context.Context, store *state.Store, letter dispatch.DeadLetter, asJSON bool) error {
	cb, err := store.Callback(ctx, letter.ID)
	if err != nil {
		return err
	}
	body := cb.Body
	if asJSON {
		return printJSON(c.out, struct {
			letterView
			Body any `json:"body"`
		}{viewLetter(letter), bodyView(body)})
	}
	out := &lines{w: c.out}
	out.printf("callback  %s\nrun       %s\nsource    %s\nagent     %s\ndied      %s\nreason    %s, %s", letter.ID, letter.Run, letter.Source, letter.Agent,
		when(letter.At), oneLine(letter.Reason, 200), letter.Detail)
	out.printf("body      %d bytes\n\n%s", len(body), printable(string(body)))
	return out.err
}
