package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
	"drawbridge/store/state"
	"drawbridge/tools/email"
)

func runsUndecided(c *console) *cobra.Command {
	var list listing
	cmd := &cobra.Command{
		Use:   "undecided",
		Short: "List runs that wait for a person: nobody knows whether a call of theirs took effect",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			views, err := fromStore(c, cmd, func(store *state.Store) ([]undecidedView, error) {
				return undecidedRuns(cmd, store, list.limit)
			})
			if err != nil {
				return err
			}
			views, rows := append([]undecidedView{}, views...), [][]string{} // a list in JSON, if an empty one
			for _, v := range views {
				rows = append(rows, []string{v.Run, v.Agent, fmt.Sprint(v.Call), v.Tool, oneLine(string(v.Arguments), 60), when(v.Since), oneLine(v.Why, 60), v.LookFor})
			}
			return list.print(c, views, "no run waits for a person", []string{"RUN", "AGENT", "CALL", "TOOL", "ARGUMENTS", "SINCE", "WHY", "LOOK FOR"}, rows)
		},
	}
	list.flags(cmd)
	return cmd
}

// undecidedView is a call that somebody has to decide about, as the command prints it.
type undecidedView struct {
	Run   string `json:"run"`
	Agent string `json:"agent"`
	bridge.UnknownCall
	LookFor string `json:"look_for,omitempty"`
}

// lookFor is what a person can look for in the system that was called, "" if all there is
// are the arguments. A mail goes out under an id that follows from the key of its call, which
// the log of the mail server has.
func lookFor(call bridge.UnknownCall) string {
	if call.Tool != email.ToolSend {
		return ""
	}
	return "a Message-ID that begins with " + strings.TrimSuffix(email.MessageID(call.Key, mail.Address{}), "@>")
}

func undecidedRuns(cmd *cobra.Command, store *state.Store, limit int) ([]undecidedView, error) {
	runs, err := store.ListRuns(cmd.Context(), dispatch.RunFilter{States: []dispatch.State{dispatch.Waiting}, Reason: string(bridge.OutcomeOpen)}, limit)
	if err != nil {
		return nil, err
	}
	var views []undecidedView
	for _, run := range runs {
		calls, err := unknownCalls(cmd, store, run)
		if err != nil {
			return nil, err
		}
		for _, call := range calls {
			views = append(views, undecidedView{run.ID, run.Agent, call, lookFor(call)})
		}
	}
	return views, nil
}

// unknownCalls are those that a run waits for a person to decide about.
func unknownCalls(cmd *cobra.Command, store *state.Store, run dispatch.Run) ([]bridge.UnknownCall, error) {
	if !run.Undecided() {
		return nil, nil
	}
	entries, err := store.Entries(cmd.Context(), run.ID)
	if err != nil {
		return nil, err
	}
	return bridge.Unknown(run.ID, entries)
}

// awaitedApprovals are those that a run waits for people to decide about.
func awaitedApprovals(cmd *cobra.Command, store *state.Store, run dispatch.Run) ([]bridge.AwaitedApproval, error) {
	if !run.AwaitsApproval() {
		return nil, nil
	}
	entries, err := store.Entries(cmd.Context(), run.ID)
	if err != nil {
		return nil, err
	}
	return dispatch.Awaited(run, entries)
}

// resolution is what `runs resolve` is asked for.
type resolution struct {
	call                        int64
	happened, didNot, giveUp    bool
	result                      string
	asJSON, resultGiven, called bool
}

func runsResolve(c *console) *cobra.Command {
	var r resolution
	cmd := &cobra.Command{
		Use:   "resolve RUN (--happened | --did-not-happen | --give-up)",
		Short: "Decide about a call of which nobody knows whether it took effect",
		Long: `A call was begun, and its answer was lost: the program was stopped in the middle of it, or
the connection broke. Where the tool can neither be called again nor be asked, the run waits
until a person has looked in the system that was called, and says what is there:

  --happened        it took effect; --result is what it returned, as JSON, for the model
  --did-not-happen  it did not, and is made again under its key
  --give-up         the run ends, as failed

` + "`drawbridge runs undecided`" + ` lists the calls. The decision, and who made it, is in the run's journal.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r.resultGiven, r.called = cmd.Flags().Changed("result"), cmd.Flags().Changed("call")
			ruling, err := r.ruling()
			if err != nil {
				return wrongUse{err}
			}
			return c.withStore(cmd, state.Beside, func(store *state.Store) error {
				return c.resolveRun(cmd, store, args[0], ruling, r.asJSON)
			})
		},
	}
	flags := cmd.Flags()
	flags.Int64Var(&r.call, "call", 0, "which call, by its number in `runs undecided`; not needed if there is one")
	flags.BoolVar(&r.happened, "happened", false, "it took effect")
	flags.StringVar(&r.result, "result", "", "with --happened: what it returned, as JSON")
	flags.BoolVar(&r.didNot, "did-not-happen", false, "it did not take effect: make it again, under its key")
	flags.BoolVar(&r.giveUp, "give-up", false, "end the run")
	flags.BoolVar(&r.asJSON, "json", false, "print the run as JSON")
	return cmd
}

// ruling reads the flags.
func (r resolution) ruling() (bridge.Ruling, error) {
	ruling := bridge.Ruling{Call: r.call, By: person()}
	given := 0
	for verdict, set := range map[bridge.Verdict]bool{bridge.Happened: r.happened, bridge.DidNotHappen: r.didNot, bridge.GiveUp: r.giveUp} {
		if set {
			ruling.Verdict = verdict
			given++
		}
	}
	switch {
	case given != 1:
		return ruling, errors.New("say what is so: one of --happened, --did-not-happen, --give-up")
	case r.called && r.call < 1:
		return ruling, fmt.Errorf("--call %d: a call's number is 1 or more", r.call)
	case r.resultGiven && !r.happened:
		return ruling, errors.New("--result goes with --happened")
	case r.resultGiven && !json.Valid([]byte(r.result)):
		return ruling, fmt.Errorf("--result %q: this is no JSON", oneLine(r.result, 60))
	case r.resultGiven:
		ruling.Result = json.RawMessage(r.result)
	}
	return ruling, nil
}

func (c *console) resolveRun(cmd *cobra.Command, store *state.Store, id string, r bridge.Ruling, asJSON bool) error {
	err := dispatch.Resolve(cmd.Context(), store, id, r, time.Now())
	switch {
	case errors.Is(err, bridge.ErrNotUnknown):
		return fmt.Errorf("%w; `drawbridge runs undecided` lists those there are", err)
	case err != nil:
		return err
	}
	run, err := store.Run(cmd.Context(), id)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(c.out, viewRun(run))
	}
	said := "goes on"
	switch {
	case r.Verdict == bridge.GiveUp:
		said = "ends"
	case run.Undecided():
		said = "waits for a decision about another call"
	}
	_, err = fmt.Fprintf(c.out, "noted: run %s %s\n", id, said)
	return err
}

// printUndecided says that a run waits, to somebody who waits for the run.
func (c *console) printUndecided(cmd *cobra.Command, store *state.Store, run dispatch.Run) error {
	if run.AwaitsApproval() {
		waits, err := awaitedApprovals(cmd, store, run)
		if err == nil {
			_, err = fmt.Fprintln(c.out, printable(dispatch.NeedsApproval(waits)))
		}
		return err
	}
	calls, err := unknownCalls(cmd, store, run)
	if err == nil {
		_, err = fmt.Fprintln(c.out, printable(dispatch.InDoubt(run.ID, calls)))
	}
	return err
}
