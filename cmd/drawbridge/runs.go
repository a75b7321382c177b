package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
	"drawbridge/store/state"
)

// runView is a run as the commands print it.
type runView struct {
	ID         string                `json:"id"`
	Agent      string                `json:"agent"`
	Owner      string                `json:"owner,omitempty"`
	Source     string                `json:"source"`
	Event      string                `json:"event,omitempty"`
	State      dispatch.State        `json:"state"`
	Via        string                `json:"via,omitempty"`
	Priority   string                `json:"priority"`
	Subject    string                `json:"subject,omitempty"`
	Held       string                `json:"held,omitempty"` // what a queued run waits for
	Budget     *bridge.Budget        `json:"budget,omitempty"`
	Reason     string                `json:"reason,omitempty"`
	Tainted    bool                  `json:"tainted"`
	Attempts   int                   `json:"attempts"`
	Usage      bridge.Usage          `json:"usage"`
	CreatedAt  time.Time             `json:"created_at"`
	StartedAt  *time.Time            `json:"started_at,omitempty"`
	FinishedAt *time.Time            `json:"finished_at,omitempty"`
	Answer     string                `json:"answer,omitempty"`
	Prompt     string                `json:"prompt,omitempty"`
	Calls      []dispatch.CallReport `json:"calls,omitempty"`
	// Unknown are calls of which nobody knows whether they took effect: the run waits for
	// a person to decide.
	Unknown []bridge.UnknownCall `json:"unknown,omitempty"`
	// Approvals are those that the run waits for.
	Approvals []bridge.AwaitedApproval `json:"approvals,omitempty"`
	Batch     *runBatch                `json:"batch,omitempty"`
	Callbacks []callbackView           `json:"callbacks,omitempty"`
	Timeline  []moment                 `json:"timeline,omitempty"`
	// Dead: nobody has done anything about its having given up.
	Dead        bool       `json:"dead,omitempty"`
	Successor   string     `json:"successor,omitempty"`    // the run that a person had run in its place
	SuccessorOf string     `json:"successor_of,omitempty"` // the run that it is in the place of
	EditedBy    string     `json:"edited_by,omitempty"`    // who gave it another prompt than that had
	EmptiedAt   *time.Time `json:"emptied_at,omitempty"`   // when its prompt, answer and journal were removed
}

// callbackView is a callback as the commands print it.
type callbackView struct {
	ID       string                 `json:"id"`
	State    dispatch.CallbackState `json:"state"`
	Attempts int                    `json:"attempts"`
	Status   int                    `json:"last_status,omitempty"`
	Reason   string                 `json:"last_reason,omitempty"`
	LastAt   *time.Time             `json:"last_at,omitempty"`
}

// marks says what a person, or the time, has done to a run.
func (r runView) marks() []string {
	var marks []string
	if r.Dead {
		marks = append(marks, "dead      kept until somebody does something about it: drawbridge dead --help")
	}
	if r.SuccessorOf != "" {
		marks = append(marks, "replays   "+r.SuccessorOf)
	}
	if r.EditedBy != "" {
		marks = append(marks, "edited    by "+oneLine(r.EditedBy, 80)+": its prompt is not that of the run it replays")
	}
	if r.Successor != "" {
		marks = append(marks, "replayed  as "+r.Successor)
	}
	if r.EmptiedAt != nil {
		marks = append(marks, "removed   prompt, answer and journal, at "+when(*r.EmptiedAt)+": past its retention, or deleted")
	}
	return marks
}

func viewRun(r dispatch.Run) runView {
	view := runView{Via: r.Via, Priority: r.Priority.String(), Subject: r.Subject, ID: r.ID, Agent: r.Agent, Owner: r.Owner, Source: r.Source, Event: r.Event, State: r.State, Reason: r.Reason, Tainted: r.Tainted,
		Attempts: r.Attempts, Usage: r.Usage, CreatedAt: r.Created, StartedAt: some(r.Started), FinishedAt: some(r.FinishedAt), Answer: r.Answer}
	view.Dead, view.Successor, view.SuccessorOf, view.EditedBy, view.EmptiedAt = r.Dead, r.Successor, r.SuccessorOf, r.EditedBy, some(r.EmptiedAt)
	if r.Budget != (bridge.Budget{}) {
		view.Budget = &r.Budget
	}
	return view
}

// viewHeld is viewRun with what the run waits for.
func viewHeld(ctx context.Context, store *state.Store, r dispatch.Run) (runView, error) {
	view := viewRun(r)
	held, err := store.Held(ctx, r)
	view.Held = held.String()
	return view, err
}

func some(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func runsCommand(c *console) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "runs",
		Short: "Look at agent runs, decide about them, and cancel them",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(runsList(c), runsShow(c), runsCancel(c), runsUndecided(c), runsResolve(c))
	return cmd
}

func runsList(c *console) *cobra.Command {
	var list listing
	var fits dispatch.RunFilter
	var states []string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List runs, the newest first",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, name := range states {
				state := dispatch.State(name)
				if !slices.Contains(dispatch.States, state) {
					return wrongUse{fmt.Errorf("--state %q: a state is one of %q", name, dispatch.States)}
				}
				fits.States = append(fits.States, state)
			}
			views, err := fromStore(c, cmd, func(store *state.Store) ([]runView, error) {
				return viewRuns(cmd.Context(), store, fits, list.limit)
			})
			if err != nil {
				return err
			}
			views, rows := append([]runView{}, views...), [][]string{} // a list in JSON, if an empty one
			for _, r := range views {
				rows = append(rows, []string{r.ID, when(r.CreatedAt), r.Agent, r.Source, r.Priority, string(r.State), cmp.Or(r.Held, r.Reason), cost(r.Usage), oneLine(r.Answer, 60)})
			}
			empty := "no runs yet"
			if len(fits.States) > 0 || fits.Agent+fits.Source+fits.Event != "" {
				empty = "no runs that fit"
			}
			return list.print(c, views, empty, []string{"RUN", "CREATED", "AGENT", "SOURCE", "PRIORITY", "STATE", "REASON", "COST", "ANSWER"}, rows)
		},
	}
	list.flags(cmd)
	cmd.Flags().StringSliceVar(&states, "state", nil, "only runs in these states, separated by commas")
	cmd.Flags().StringVar(&fits.Agent, "agent", "", "only runs of this agent")
	cmd.Flags().StringVar(&fits.Source, "source", "", "only runs that this started: api, chat, cli, the name of a webhook or a schedule")
	cmd.Flags().StringVar(&fits.Event, "event", "", "only runs that this event started")
	return cmd
}

// viewRuns are the newest runs that fit.
func viewRuns(ctx context.Context, store *state.Store, fits dispatch.RunFilter, limit int) ([]runView, error) {
	runs, err := store.ListRuns(ctx, fits, limit)
	if err != nil {
		return nil, err
	}
	views := make([]runView, len(runs))
	for i, r := range runs {
		if views[i], err = viewHeld(ctx, store, r); err != nil {
			return nil, err
		}
	}
	return views, nil
}

func runsShow(c *console) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show RUN",
		Short: "Show one run as a timeline",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withStore(cmd, state.ReadOnly, func(store *state.Store) error {
				return c.showRun(cmd, store, args[0], asJSON)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (c *console) showRun(cmd *cobra.Command, store *state.Store, id string, asJSON bool) error {
	run, err := store.Run(cmd.Context(), id)
	if err != nil {
		return fmt.Errorf("%w; `drawbridge runs list` shows which there are", err)
	}
	view, err := wholeRun(cmd, store, run)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(c.out, view)
	}
	return printRun(c, view)
}

// wholeRun adds to a run what its journal and its callbacks tell.
func wholeRun(cmd *cobra.Command, store *state.Store, run dispatch.Run) (runView, error) {
	view, err := viewHeld(cmd.Context(), store, run)
	if err != nil {
		return view, err
	}
	view.Prompt = run.Prompt
	entries, err := store.Entries(cmd.Context(), run.ID)
	if err != nil {
		return view, err
	}
	if view.Calls, err = dispatch.Calls(entries); err != nil {
		return view, err
	}
	if !run.State.Ended() {
		if view.Usage, err = bridge.UsageOf(run.ID, entries); err != nil {
			return view, err
		}
	}
	var story timeline
	for _, entry := range entries {
		moments, err := story.read(entry)
		if err != nil {
			return view, err
		}
		view.Timeline = append(view.Timeline, moments...)
	}
	if view.Unknown, err = unknownCalls(cmd, store, run); err != nil {
		return view, err
	}
	if view.Approvals, err = awaitedApprovals(cmd, store, run); err != nil {
		return view, err
	}
	if view.Batch, err = batchOfRun(cmd.Context(), store, run); err != nil {
		return view, err
	}
	callbacks, err := store.Callbacks(cmd.Context(), run.ID)
	for _, cb := range callbacks {
		view.Callbacks = append(view.Callbacks, callbackView{cb.ID, cb.State, cb.Attempts, cb.LastStatus, cb.LastReason, some(cb.LastAt)})
	}
	return view, err
}

// used says what a run has used, and what it cost where the prices are known.
func used(u bridge.Usage) string {
	text := fmt.Sprintf("%d turns, %d calls, %d tokens in (%d cached), %d out (%d reasoning)",
		u.Turns, u.Calls, u.PromptTokens, u.CachedTokens, u.CompletionTokens, u.ReasoningTokens)
	if u.Currency != "" {
		text += ", " + cost(u)
	}
	return text
}

// cost is the money used, with the digits that are not zero and two at least; "-"
// where no price is known.
func cost(u bridge.Usage) string {
	if u.Currency == "" {
		return "-"
	}
	const unit = 1_000_000
	decimals := strings.TrimRight(fmt.Sprintf("%06d", u.Cost%unit), "0")
	return fmt.Sprintf("%d.%s%s %s", u.Cost/unit, decimals, strings.Repeat("0", max(0, 2-len(decimals))), u.Currency)
}

// override names what a run's route sets of its agent's budget.
func override(b bridge.Budget) string {
	var parts []string
	for _, count := range []struct {
		n    int
		noun string
	}{{b.Turns, "turns"}, {b.Calls, "calls"}, {b.Tokens, "tokens"}} {
		if count.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count.n, count.noun))
		}
	}
	if b.Wall > 0 {
		parts = append(parts, b.Wall.String())
	}
	if b.Cost > 0 {
		parts = append(parts, cost(bridge.Usage{Cost: b.Cost, Currency: b.Currency}))
	}
	return strings.Join(parts, ", ") + ", in place of the agent's"
}

func printRun(c *console, r runView) error {
	out, p := &lines{w: c.out}, paintFor(c.out)
	out.printf("run       %s\nagent     %s\nsource    %s", r.ID, r.Agent, r.Source)
	if r.Event != "" {
		out.printf("event     %s", r.Event)
	}
	if r.Owner != "" {
		out.printf("owner     %s", r.Owner)
	}
	if r.Subject != "" {
		out.printf("subject   %s", oneLine(r.Subject, 200))
	}
	if r.Priority != dispatch.Normal.String() {
		out.printf("priority  %s", r.Priority)
	}
	if r.Budget != nil {
		out.printf("budget    %s", override(*r.Budget))
	}
	out.printf("state     %s %s", r.State, cmp.Or(r.Held, r.Reason))
	if r.Batch != nil {
		out.printf("batch     %s %s", r.Batch.ID, strings.TrimSpace(string(r.Batch.State)+" "+r.Batch.Status))
	}
	for _, mark := range r.marks() {
		out.printf("%s", mark)
	}
	for _, call := range r.Unknown {
		out.printf("unknown   %s", p.bad(fmt.Sprintf("call %d: %s %s", call.Call, call.Tool, oneLine(string(call.Arguments), 110))))
		out.printf("          made %s under key %s; not known since %s: %s", when(call.Made), call.Key, when(call.Since), oneLine(call.Why, 200))
		if call.LookedUp != "" {
			out.printf("          looked up: %s", oneLine(call.LookedUp, 200))
		}
		if look := lookFor(call); look != "" {
			out.printf("          look for %s", look)
		}
		out.printf("          decide: drawbridge runs resolve %s --call %d --happened | --did-not-happen | --give-up", r.ID, call.Call)
	}
	for _, a := range r.Approvals {
		out.printf("approval  %s", p.bad(fmt.Sprintf("%s: %s %s", a.ID, a.Tool, oneLine(string(a.Arguments), 110))))
		out.printf("          asked for %s, until %s; decide: drawbridge approvals approve %s | deny %s", when(a.Asked), when(a.Expires), a.ID, a.ID)
	}
	out.printf("used      %s", used(r.Usage))
	out.printf("created   %s\n", when(r.CreatedAt))
	for _, m := range r.Timeline {
		m.show(out, p, r.CreatedAt)
	}
	for _, cb := range r.Callbacks {
		out.printf("%10scallback %s: %s after %d attempts %s", "", cb.ID, cb.State, cb.Attempts, cb.Reason)
	}
	if r.Answer != "" {
		out.printf("\n%s", printable(r.Answer))
	}
	return out.err
}
