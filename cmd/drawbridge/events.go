package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"drawbridge/server/dispatch"
	"drawbridge/server/webhook"
	"drawbridge/store/state"
)

// eventView is an event as the commands print it. Body is JSON where it is JSON,
// else a string.
type eventView struct {
	ID          string               `json:"id"`
	Source      string               `json:"source"`
	Status      dispatch.EventStatus `json:"status"`
	Note        string               `json:"note,omitempty"`
	Key         string               `json:"key"`
	WeakKey     bool                 `json:"weak_key,omitempty"`
	ReceivedAt  time.Time            `json:"received_at"`
	ProviderAt  *time.Time           `json:"provider_at,omitempty"` // by the sender's clock
	VerifiedBy  string               `json:"verified_by"`
	Duplicates  int                  `json:"duplicates"`
	Replays     int                  `json:"replays"`
	ContentType string               `json:"content_type"`
	Bytes       int                  `json:"bytes"`
	LastSeenAt  *time.Time           `json:"last_seen_at,omitempty"`
	Successor   string               `json:"successor,omitempty"`   // the edited event that runs in its place
	EditedFrom  string               `json:"edited_from,omitempty"` // the event that it is an edited copy of
	EditedBy    string               `json:"edited_by,omitempty"`
	EmptiedAt   *time.Time           `json:"emptied_at,omitempty"` // when its body was removed
	Headers     map[string][]string  `json:"headers,omitempty"`
	Body        any                  `json:"body,omitempty"`
	Runs        []runView            `json:"runs,omitempty"`
}

func viewEvent(e dispatch.StoredEvent) eventView {
	return eventView{ID: e.ID, Source: e.Source, Status: e.Status, Note: e.Note, Key: e.Key, WeakKey: e.Weak, ReceivedAt: e.ReceivedAt, ProviderAt: some(e.ProviderAt),
		VerifiedBy: e.VerifiedBy, Duplicates: e.Duplicates, Replays: e.Replay, ContentType: e.ContentType, Bytes: e.Size,
		Successor: e.Successor, EditedFrom: e.EditedFrom, EditedBy: e.EditedBy, EmptiedAt: some(e.EmptiedAt), LastSeenAt: some(e.LastSeen)}
}

func eventsCommand(c *console) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "events",
		Short: "Look at accepted events, and have one run again",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(eventsList(c), eventsShow(c), eventsReplay(c), eventsRejected(c))
	return cmd
}

func eventsList(c *console) *cobra.Command {
	var list listing
	var fits dispatch.EventFilter
	var status string
	var span period
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List events, the newest first",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if fits.Status = dispatch.EventStatus(status); status != "" && !slices.Contains(dispatch.EventStatuses, fits.Status) {
				return wrongUse{fmt.Errorf("--status %q: expected one of %s", status, words(dispatch.EventStatuses))}
			}
			var err error
			if fits.Since, fits.Until, err = span.read(time.Now()); err != nil {
				return err
			}
			events, err := fromStore(c, cmd, func(store *state.Store) ([]dispatch.StoredEvent, error) {
				return store.ListEvents(cmd.Context(), fits, list.limit)
			})
			if err != nil {
				return err
			}
			views, rows := []eventView{}, [][]string{}
			for _, e := range events {
				views = append(views, viewEvent(e))
				rows = append(rows, []string{e.ID, when(e.ReceivedAt), e.Source, string(e.Status), fmt.Sprint(e.Duplicates), oneLine(e.Note, 60)})
			}
			return list.print(c, views, "no events", []string{"EVENT", "RECEIVED", "SOURCE", "STATUS", "DUPLICATES", "NOTE"}, rows)
		},
	}
	list.flags(cmd)
	cmd.Flags().StringVar(&fits.Source, "source", "", "only those of this webhook")
	cmd.Flags().StringVar(&status, "status", "", "only those of this status: "+words(dispatch.EventStatuses))
	span.flags(cmd, "only those that came")
	return cmd
}

// words lists names for a person.
func words[S ~string](names []S) string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = string(name)
	}
	return strings.Join(list, ", ")
}

func eventsShow(c *console) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show EVENT",
		Short: "Show one event with its body and the runs it became",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withStore(cmd, state.ReadOnly, func(store *state.Store) error {
				return c.showEvent(cmd.Context(), store, args[0], asJSON)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (c *console) showEvent(ctx context.Context, store *state.Store, id string, asJSON bool) error {
	e, err := store.Event(ctx, id)
	if err != nil {
		return fmt.Errorf("%w; `drawbridge events list` shows which there are", err)
	}
	runs, err := store.Runs(ctx, e.ID, 100)
	if err != nil {
		return err
	}
	view := viewEvent(e)
	view.Headers, view.Body = e.Headers, bodyView(e.Body)
	if !e.EmptiedAt.IsZero() {
		view.Body = nil
	}
	for _, run := range runs {
		view.Runs = append(view.Runs, viewRun(run))
	}
	if asJSON {
		return printJSON(c.out, view)
	}
	return printEvent(c, view, e.Body)
}

func bodyView(body []byte) any {
	if json.Valid(body) {
		return json.RawMessage(body)
	}
	if utf8.Valid(body) {
		return string(body)
	}
	return body // base64
}

func printEvent(c *console, e eventView, body []byte) error {
	out := &lines{w: c.out}
	out.printf("event        %s\nsource       %s\nreceived     %s\nstatus       %s", e.ID, e.Source, when(e.ReceivedAt), e.Status)
	if e.Note != "" {
		out.printf("             %s", oneLine(e.Note, 500))
	}
	if e.ProviderAt != nil {
		out.printf("happened     %s, by its sender's clock", when(*e.ProviderAt))
	}
	out.printf("verified by  %s\nkey          %s\nduplicates   %d\nreplays      %d", e.VerifiedBy, e.Key, e.Duplicates, e.Replays)
	names := make([]string, 0, len(e.Headers))
	for name := range e.Headers {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range e.Headers[name] {
			out.printf("header       %s: %s", name, oneLine(value, 200))
		}
	}
	for _, run := range e.Runs {
		out.printf("run          %s %s %s", run.ID, run.State, run.Reason)
	}
	for _, line := range e.marks() {
		out.printf("%s", line)
	}
	if e.EmptiedAt != nil {
		return out.err
	}
	out.printf("body         %d bytes, %s\n\n%s", e.Bytes, e.ContentType, printable(string(body)))
	return out.err
}

// marks says what a person, or the time, has done to an event.
func (e eventView) marks() []string {
	var marks []string
	if e.EditedFrom != "" {
		marks = append(marks, fmt.Sprintf("edited       by %s, from event %s: its body is not what was verified", oneLine(e.EditedBy, 80), e.EditedFrom))
	}
	if e.Successor != "" {
		marks = append(marks, fmt.Sprintf("replayed     as event %s, with another body", e.Successor))
	}
	if e.EmptiedAt != nil {
		marks = append(marks, fmt.Sprintf("body         removed at %s: past its retention, or deleted. What is left makes a delivery sent again a duplicate,\n"+
			"             for as long as its key counts (last seen %s), and says where its runs come from", when(*e.EmptiedAt), when(*e.LastSeenAt)))
	}
	return marks
}

// rejectionView is a refused delivery as the command prints it.
type rejectionView struct {
	At          time.Time `json:"at"`
	Source      string    `json:"source"`
	Status      int       `json:"status"`
	Reason      string    `json:"reason"`
	Remote      string    `json:"remote"`
	HeaderNames []string  `json:"header_names"`
	Excerpt     string    `json:"excerpt"` // of an unverified body: anybody may have written it
}

func eventsRejected(c *console) *cobra.Command {
	var list listing
	var source string
	cmd := &cobra.Command{
		Use:   "rejected",
		Short: "List refused deliveries with the reason, the newest first",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			rejections, err := fromStore(c, cmd, func(store *state.Store) ([]webhook.Rejection, error) {
				return store.Rejections(cmd.Context(), source, list.limit)
			})
			if err != nil {
				return err
			}
			views, rows := []rejectionView{}, [][]string{}
			for _, r := range rejections {
				views = append(views, rejectionView{r.At, r.Source, r.Status, r.Reason, r.Remote, r.HeaderNames, strings.ToValidUTF8(string(r.Excerpt), "\uFFFD")})
				rows = append(rows, []string{when(r.At), r.Source, fmt.Sprint(r.Status), r.Remote, oneLine(r.Reason, 80)})
			}
			return list.print(c, views, "no refused deliveries", []string{"AT", "SOURCE", "ANSWERED", "FROM", "REASON"}, rows)
		},
	}
	list.flags(cmd)
	cmd.Flags().StringVar(&source, "source", "", "only those sent to this webhook")
	return cmd
}

func eventsReplay(c *console) *cobra.Command {
	return &cobra.Command{
		Use:   "replay EVENT",
		Short: "Have an event run again, as a new run with effects of its own",
		Long: `Has a stored event routed again under the settings of now, whatever became of it before. The
new run has new idempotency keys: what the first run did is done again. A serving process
takes it up within a second; otherwise the next one to start does.

To see what a run would do now, without having anything done: drawbridge replay RUN.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withStore(cmd, state.Beside, func(store *state.Store) error {
				if err := store.Replay(cmd.Context(), args[0]); err != nil {
					return err
				}
				_, err := fmt.Fprintf(c.out, "%s will run again; follow it with: drawbridge runs list\n", args[0])
				return err
			})
		},
	}
}
