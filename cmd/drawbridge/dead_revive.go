package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"drawbridge/server/dispatch"
	"drawbridge/store/state"
)

// maxEdited bounds an event's edited body: that of the largest delivery that can be
// accepted.
const maxEdited = 64 << 20

// chosen are the flags of a command that does something about dead letters: those named
// one by one, or all that fit.
type chosen struct {
	which
	all, yes bool
}

func (s *chosen) flags(cmd *cobra.Command) {
	s.which.flags(cmd)
	cmd.Flags().BoolVar(&s.all, "all", false, "all there are, where nothing else says which")
	cmd.Flags().BoolVar(&s.yes, "yes", false, "do it, to more than one that was not named")
}

// pick gives the dead letters that are meant. Several that were not named are shown
// first, and need a word.
func (s *chosen) pick(c *console, cmd *cobra.Command, store *state.Store, ids []string, act string) ([]dispatch.DeadLetter, error) {
	fits, err := s.filter()
	if err != nil {
		return nil, err
	}
	filtered := fits != (dispatch.DeadFilter{})
	switch {
	case len(ids) > 0 && (filtered || s.all):
		return nil, wrongUse{errors.New("want ids or flags that say which, not both")}
	case len(ids) > 0:
		return named(cmd.Context(), store, ids)
	case !filtered && !s.all:
		return nil, wrongUse{fmt.Errorf("want ids, or flags that say which, or --all; see %q", cmd.CommandPath()+" --help")}
	}
	const most = 1_000_000
	letters, err := store.DeadLetters(cmd.Context(), fits, most)
	if err != nil {
		return nil, err
	}
	if len(letters) == 0 {
		return nil, errors.New("no dead letter is of that kind; `drawbridge dead list` shows which there are")
	}
	if len(letters) > 1 && !s.yes {
		shown := letters[:min(len(letters), 20)]
		if err := table(c.out, "", letterHeader, letterRows(shown)); err != nil {
			return nil, err
		}
		if more := len(letters) - len(shown); more > 0 {
			_, _ = fmt.Fprintf(c.out, "and %d more\n", more)
		}
		return nil, wrongUse{fmt.Errorf("this would %s all %d of them; say --yes if that is meant", act, len(letters))}
	}
	return letters, nil
}

func named(ctx context.Context, store *state.Store, ids []string) ([]dispatch.DeadLetter, error) {
	letters := make([]dispatch.DeadLetter, len(ids))
	for i, id := range ids {
		var err error
		if letters[i], err = store.DeadLetter(ctx, id); err != nil {
			return nil, fmt.Errorf("%w; `drawbridge dead list` shows which there are", err)
		}
	}
	return letters, nil
}

// each does something about every one, and goes on where that fails.
func (c *console) each(ctx context.Context, letters []dispatch.DeadLetter, do func(dispatch.DeadLetter) (string, error)) error {
	failed := 0
	for _, letter := range letters {
		said, err := do(letter)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			_, err = fmt.Fprintln(c.out, said)
		}
		if err != nil {
			failed++
			_, _ = fmt.Fprintf(c.err, "drawbridge: %v\n", err)
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d were left as they are", failed, len(letters))
	}
	return nil
}

// person is who uses this terminal.
func person() string {
	name := ""
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if name == "" {
		name = "somebody"
	}
	if host, err := os.Hostname(); err == nil {
		name += " on " + host
	}
	return name
}

func deadReplay(c *console) *cobra.Command {
	var choice chosen
	cmd := &cobra.Command{
		Use:   "replay [ID...]",
		Short: "Have dead letters run again: an event as it came, a run as another run, a callback once more",
		Long: `Replays dead letters, named one by one or by flags. An event is routed again by the settings of
now. A run is begun anew, with its prompt, as another run that has idempotency keys of its own:
what the dead one did is done again ("dead resume" does not). A callback is sent once more,
under its id.`,
		RunE: func(cmd *cobra.Command, ids []string) error {
			return c.withStore(cmd, state.Beside, func(store *state.Store) error {
				letters, err := choice.pick(c, cmd, store, ids, "replay")
				if err != nil {
					return err
				}
				return c.each(cmd.Context(), letters, func(l dispatch.DeadLetter) (string, error) {
					return replayLetter(cmd.Context(), store, l.Kind, dispatch.Revival{ID: l.ID, By: person()})
				})
			})
		},
	}
	choice.flags(cmd)
	return cmd
}

// replayLetter has one dead letter run again, and says as what.
func replayLetter(ctx context.Context, store *state.Store, kind dispatch.LetterKind, r dispatch.Revival) (string, error) {
	switch kind {
	case dispatch.DeadEvent:
		r.NewID = dispatch.NewID("evt_")
		id, err := store.ReviveEvent(ctx, r)
		if id != r.ID {
			return fmt.Sprintf("event %s will be routed as %s, with the body given", r.ID, id), err
		}
		return fmt.Sprintf("event %s will be routed again", id), err
	case dispatch.DeadRun:
		r.NewID = dispatch.NewID("run_")
		id, err := store.ReviveRun(ctx, r)
		return fmt.Sprintf("run %s will run again as %s", r.ID, id), err
	}
	return fmt.Sprintf("callback %s will be sent once more", r.ID), sendAgain(ctx, store, r.ID)
}

// sendAgain has a dead callback sent once more. If that fails it is dead again.
func sendAgain(ctx context.Context, store *state.Store, id string) error {
	sent, err := store.ReplayCallbacks(ctx, dispatch.CallbackFilter{ID: id, State: dispatch.Undelivered})
	if err == nil && sent == (dispatch.Replayed{}) {
		err = fmt.Errorf("sending callback %q: %w", id, dispatch.ErrNotDead)
	}
	return err
}

func deadEdit(c *console) *cobra.Command {
	var body, prompt string
	cmd := &cobra.Command{
		Use:   "edit ID --body FILE | --prompt FILE",
		Short: "Replay an event with another body, or a run with another prompt",
		Long: `Replays a dead event with the body in a file, or a dead run with the prompt in a file; - is
standard input. The original stays as it was, and names what took its place, which names who
edited it. An edited event keeps the original's key: the sender's next attempt at the delivery
is a duplicate of the original.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (body == "") == (prompt == "") {
				return wrongUse{errors.New("want one of --body (of an event) and --prompt (of a run)")}
			}
			return c.withStore(cmd, state.Beside, func(store *state.Store) error {
				letter, err := store.DeadLetter(cmd.Context(), args[0])
				if err != nil {
					return fmt.Errorf("%w; `drawbridge dead list` shows which there are", err)
				}
				edited, err := c.edited(letter, body, prompt)
				if err != nil {
					return err
				}
				said, err := replayLetter(cmd.Context(), store, letter.Kind, edited)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(c.out, said)
				return err
			})
		},
	}
	cmd.Flags().StringVar(&body, "body", "", "file with the event's body")
	cmd.Flags().StringVar(&prompt, "prompt", "", "file with the run's prompt")
	return cmd
}

// edited is the replay with what the files hold.
func (c *console) edited(letter dispatch.DeadLetter, body, prompt string) (dispatch.Revival, error) {
	r := dispatch.Revival{ID: letter.ID, By: person()}
	switch {
	case letter.Kind == dispatch.DeadEvent && body != "":
		raw, err := c.readFile(body, maxEdited)
		if err == nil && raw == nil {
			raw = []byte{} // no body is a body; none given would be the original's
		}
		r.Body = raw
		return r, err
	case letter.Kind == dispatch.DeadRun && prompt != "":
		raw, err := c.readFile(prompt, maxPrompt)
		text := strings.TrimSpace(string(raw))
		if err == nil && (text == "" || !utf8.ValidString(text)) {
			err = wrongUse{fmt.Errorf("%s: a prompt is text in UTF-8", prompt)}
		}
		r.Prompt = &text
		return r, err
	case letter.Kind == dispatch.DeadCallback:
		return r, wrongUse{errors.New("a callback says what came of its run, and is not edited")}
	}
	return r, wrongUse{fmt.Errorf("%s is an %s: want --body for an event and --prompt for a run", letter.ID, letter.Kind)}
}

// readFile reads a file, or standard input, of at most so many bytes.
func (c *console) readFile(name string, most int64) ([]byte, error) {
	from := c.in
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, wrongUse{err}
		}
		defer func() { _ = file.Close() }()
		from = file
	}
	raw, err := io.ReadAll(io.LimitReader(from, most+1))
	if err == nil && int64(len(raw)) > most {
		err = wrongUse{fmt.Errorf("%s is above %d bytes", name, most)}
	}
	return raw, err
}

func deadResume(c *console) *cobra.Command {
	return &cobra.Command{
		Use:   "resume RUN...",
		Short: "Have dead runs go on where they gave up, without doing anything twice",
		Long: `A run that gave up, because its model was away for a day, say, goes on from its journal: the
calls it made are not made again, and those it makes have the keys they would have had. Its
faults are forgotten. A run that would only come to the same end (its budget is used up, the
model has declined) is not resumed: replay it instead.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, ids []string) error {
			return c.withStore(cmd, state.Beside, func(store *state.Store) error {
				letters, err := named(cmd.Context(), store, ids)
				if err != nil {
					return err
				}
				return c.each(cmd.Context(), letters, func(l dispatch.DeadLetter) (string, error) {
					if l.Kind != dispatch.DeadRun {
						return "", fmt.Errorf("%s is no run; replay it", l.ID)
					}
					return fmt.Sprintf("run %s goes on", l.ID), store.ResumeRun(cmd.Context(), dispatch.Revival{ID: l.ID, By: person()})
				})
			})
		},
	}
}

func deadDelete(c *console) *cobra.Command {
	var choice chosen
	cmd := &cobra.Command{
		Use:   "delete [ID...]",
		Short: "Delete dead letters for good",
		Long: `Deletes dead letters, named one by one or by flags. Of an event the key stays for as long as it
makes a delivery sent again a duplicate; a run goes with its journal.`,
		RunE: func(cmd *cobra.Command, ids []string) error {
			return c.withStore(cmd, state.Beside, func(store *state.Store) error {
				letters, err := choice.pick(c, cmd, store, ids, "delete")
				if err != nil {
					return err
				}
				return c.each(cmd.Context(), letters, func(l dispatch.DeadLetter) (string, error) {
					return fmt.Sprintf("%s %s is deleted", l.Kind, l.ID), store.DeleteDead(cmd.Context(), dispatch.Revival{ID: l.ID, By: person()})
				})
			})
		},
	}
	choice.flags(cmd)
	return cmd
}
