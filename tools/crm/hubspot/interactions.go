package hubspot

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"drawbridge/tools/crm"
)

// An interaction that is logged becomes a note, whatever its kind: a call or a mail of
// HubSpot's own would count as one that was made there. Its first line says what it was.
// What is listed are notes, calls, mails and meetings.

// engagement is one of HubSpot's types of interaction.
type engagement struct {
	object, title, body string
	rich                bool // the body is HTML
	kind                crm.Kind
}

var engagements = []engagement{
	{notes, "", "hs_note_body", true, crm.Note},
	{calls, "hs_call_title", "hs_call_body", true, crm.Call},
	{emails, "hs_email_subject", "hs_email_text", false, crm.Email},
	{meetings, "hs_meeting_title", "hs_meeting_body", true, crm.Meeting},
}

// Bounds of what is shown, in characters, as the family's own.
const (
	maxLine = 200
	maxText = 20_000
)

// firstLine is that of a note that was logged here.
func firstLine(kind crm.Kind, sentiment crm.Sentiment, summary string) string {
	if sentiment == "" {
		return fmt.Sprintf("[%s] %s", kind, summary)
	}
	return fmt.Sprintf("[%s, %s] %s", kind, sentiment, summary)
}

var logged = regexp.MustCompile(`^\[(call|email|meeting|note|review)(?:, (positive|neutral|negative))?\] `)

func interactionOf(r row) crm.Interaction {
	e := engagements[slices.IndexFunc(engagements, func(e engagement) bool { return e.object == r.object })]
	text := r.is(e.body)
	if e.rich {
		text = plain(text)
	}
	found := crm.Interaction{ID: r.ID, CustomerID: r.contact, Kind: e.kind, Summary: r.is(e.title), OccurredAt: r.time("hs_timestamp"), CreatedAt: r.created()}
	if e.title == "" {
		found.Summary, text, _ = strings.Cut(text, "\n")
		if said := logged.FindStringSubmatch(found.Summary); said != nil {
			found.Kind, found.Sentiment, found.Summary = crm.Kind(said[1]), crm.Sentiment(said[2]), found.Summary[len(said[0]):]
		}
	}
	text = strings.TrimSpace(text)
	found.Summary = cmp.Or(cut(strings.Join(strings.Fields(found.Summary), " "), maxLine), "("+string(found.Kind)+")")
	found.Body = cut(text, maxText)
	if found.OccurredAt.IsZero() {
		found.OccurredAt = found.CreatedAt
	}
	return found
}

// LogInteraction writes a note.
func (b *Backend) LogInteraction(ctx context.Context, in crm.InteractionDraft) (crm.Interaction, error) {
	customer, err := b.personID(ctx, in.Customer)
	if err != nil {
		return crm.Interaction{}, err
	}
	if in.OccurredAt.IsZero() {
		in.OccurredAt = b.now()
	}
	body := markup(firstLine(in.Kind, in.Sentiment, in.Summary))
	if in.Body != "" {
		body += "<br><br>" + markup(in.Body)
	}
	written := map[string]string{"hs_timestamp": stamp(in.OccurredAt), "hs_note_body": body}
	made, err := b.create(ctx, notes, customer, written)
	if err != nil {
		return crm.Interaction{}, err
	}
	return interactionOf(row{record: merged(made, written), object: notes, contact: customer}), nil
}

// ListInteractions lists them, the latest first.
func (b *Backend) ListInteractions(ctx context.Context, in crm.InteractionQuery) (crm.InteractionPage, error) {
	customer, err := b.personID(ctx, in.Customer)
	if err != nil {
		return crm.InteractionPage{}, err
	}
	l := listing[crm.Interaction]{
		name: "interactions", page: in.Page, contact: customer, look: b.whose(false),
		fits: func(r row) bool {
			one := interactionOf(r)
			return (in.Kind == "" || one.Kind == in.Kind) && (in.Sentiment == "" || one.Sentiment == in.Sentiment) &&
				(in.Since.IsZero() || !one.OccurredAt.Before(in.Since)) && (in.Until.IsZero() || one.OccurredAt.Before(in.Until))
		},
		show: func(_ context.Context, rows []row) ([]crm.Interaction, error) {
			list := []crm.Interaction{}
			for _, r := range rows {
				list = append(list, interactionOf(r))
			}
			return list, nil
		},
	}
	var group []filter
	if !in.Since.IsZero() {
		group = append(group, filter{Property: "hs_timestamp", Operator: "GTE", Value: milliseconds(in.Since)})
	}
	if !in.Until.IsZero() {
		group = append(group, filter{Property: "hs_timestamp", Operator: "LTE", Value: milliseconds(in.Until)})
	}
	for _, e := range engagements {
		if e.object != notes && (in.Sentiment != "" || in.Kind != "" && in.Kind != e.kind) {
			continue // none of these is one
		}
		s := source{object: e.object, sort: "hs_timestamp", exact: in.Kind == "" && in.Sentiment == "", properties: []string{"hs_timestamp", "hs_createdate", e.body}}
		if e.title != "" {
			s.properties = append(s.properties, e.title)
		}
		if len(group) > 0 {
			s.groups = [][]filter{group}
		}
		l.sources = append(l.sources, s)
	}
	list, next, err := l.run(ctx, b)
	return crm.InteractionPage{Interactions: list, NextCursor: next}, err
}
