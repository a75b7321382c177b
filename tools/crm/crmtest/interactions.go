package crmtest

import (
	"time"

	"drawbridge/tools"
	"drawbridge/tools/crm"
)

var interactionCases = map[string]func(*bench){
	"logged interaction is kept as given": func(b *bench) {
		ada := b.ada()
		made := call[crm.Interaction](b, crm.LogInteractionTool, crm.InteractionDraft{
			Customer: "cus_demo_ada", Kind: crm.Review, Summary: "Five stars", Body: "Not one chipped.\n\nAda", Sentiment: crm.Positive,
			OccurredAt: time.Date(2026, 3, 2, 10, 30, 0, 0, time.FixedZone("CET", 3600)),
		})
		want := crm.Interaction{
			ID: made.ID, CustomerID: ada.ID, Kind: crm.Review, Summary: "Five stars", Body: "Not one chipped.\n\nAda", Sentiment: crm.Positive,
			OccurredAt: time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC), CreatedAt: made.CreatedAt,
		}
		b.same("made", made, want)
		b.same("listed", b.interactions(crm.InteractionQuery{}).Interactions, []crm.Interaction{want})
	},
	"times are given in UTC, whatever zone they came in": func(b *bench) {
		raw := call[map[string]any](b, crm.LogInteractionTool, map[string]any{
			"customer": b.ada().ID, "kind": "call", "summary": "Called", "occurred_at": "2026-03-02T10:30:00.123456+01:00",
		})
		b.same("occurred_at", raw["occurred_at"], any("2026-03-02T09:30:00.123Z"))
	},
	"interaction without a time happened now": func(b *bench) {
		made := call[crm.Interaction](b, crm.LogInteractionTool, crm.InteractionDraft{Customer: b.ada().ID, Kind: crm.Note, Summary: "Called"})
		// A vendor's record has a time of the vendor's clock, besides that of ours.
		if apart := made.OccurredAt.Sub(made.CreatedAt).Abs(); made.OccurredAt.IsZero() || apart > time.Hour {
			b.Errorf("it happened at %s, and was logged at %s", made.OccurredAt, made.CreatedAt)
		}
	},
	"list filters by customer, kind, sentiment and time, latest first": func(b *bench) {
		ada, bruno := b.ada(), b.bruno()
		for n, draft := range []crm.InteractionDraft{
			{Customer: ada.ID, Kind: crm.Email, Summary: "one"},
			{Customer: bruno.ID, Kind: crm.Email, Summary: "two", Sentiment: crm.Negative},
			{Customer: ada.ID, Kind: crm.Call, Summary: "three", Sentiment: crm.Negative},
			{Customer: ada.ID, Kind: crm.Meeting, Summary: "four", Sentiment: crm.Neutral},
		} {
			draft.OccurredAt = day.AddDate(0, 0, n)
			call[crm.Interaction](b, crm.LogInteractionTool, draft)
		}
		for _, c := range []struct {
			query crm.InteractionQuery
			want  []string
		}{
			{crm.InteractionQuery{}, []string{"four", "three", "two", "one"}},
			{crm.InteractionQuery{Customer: "ada@example.com"}, []string{"four", "three", "one"}},
			{crm.InteractionQuery{Kind: crm.Email}, []string{"two", "one"}},
			{crm.InteractionQuery{Sentiment: crm.Negative}, []string{"three", "two"}},
			{crm.InteractionQuery{Since: day.AddDate(0, 0, 1), Until: day.AddDate(0, 0, 3)}, []string{"three", "two"}},
			{crm.InteractionQuery{Customer: ada.ID, Sentiment: crm.Positive}, []string{}},
		} {
			b.same(string(encode(b, c.query)), saidIn(b.interactions(c.query)), c.want)
		}
	},
	"period that ends before it begins is refused": func(b *bench) {
		refused(b, crm.ListInteractionsTool, crm.InteractionQuery{Since: day, Until: day.AddDate(0, 0, -1)}, tools.Invalid, "until")
	},
}

func (b *bench) interactions(q crm.InteractionQuery) crm.InteractionPage {
	b.Helper()
	return call[crm.InteractionPage](b, crm.ListInteractionsTool, q)
}
