package crmtest

import (
	"drawbridge/tools"
	"drawbridge/tools/crm"
)

var dealCases = map[string]func(*bench){
	"created deal is kept as given": func(b *bench) {
		ada := b.ada()
		made := b.deal(crm.DealDraft{
			Customer: "ada@example.com", Title: "Tableware", AmountMinor: 480000, Currency: "EUR",
			Stage: crm.DealProposal, Owner: "sales@example.com", CloseBy: day,
		})
		want := crm.Deal{
			ID: made.ID, CustomerID: ada.ID, Title: "Tableware", AmountMinor: 480000, Currency: "EUR",
			Stage: crm.DealProposal, Owner: "sales@example.com", CloseBy: day, CreatedAt: made.CreatedAt, UpdatedAt: made.CreatedAt,
		}
		b.same("made", made, want)
		b.same("found", b.deals(crm.DealSearch{}).Deals, []crm.Deal{want})
	},
	"amount may be nothing, and a deal begins as a lead": func(b *bench) {
		made := b.deal(crm.DealDraft{Customer: b.ada().ID, Title: "Perhaps", Currency: "JPY"})
		b.same("amount", made.AmountMinor, int64(0))
		b.same("stage", made.Stage, crm.DealLead)
	},
	"update changes what is given and leaves the rest": func(b *bench) {
		made := b.deal(crm.DealDraft{Customer: b.ada().ID, Title: "Tableware", AmountMinor: 480000, Currency: "EUR"})
		changed := b.changeDeal(crm.DealUpdate{Deal: made.ID, Title: new("Plates"), AmountMinor: new(int64(0)), Currency: new("USD"), CloseBy: new(day)})
		made.Title, made.AmountMinor, made.Currency, made.CloseBy, made.UpdatedAt = "Plates", 0, "USD", day, changed.UpdatedAt
		b.same("changed", changed, made)
		won := b.changeDeal(crm.DealUpdate{Deal: made.ID, Stage: new(crm.DealWon), Owner: new("bo")})
		made.Stage, made.Owner, made.UpdatedAt = crm.DealWon, "bo", won.UpdatedAt
		b.same("won", won, made)
		b.same("found by its new title", b.deals(crm.DealSearch{Query: "plates"}).Deals, []crm.Deal{made})
	},
	"currency does not change without an amount": func(b *bench) {
		made := b.deal(crm.DealDraft{Customer: b.ada().ID, Title: "Tableware", AmountMinor: 480000, Currency: "EUR"})
		refused(b, crm.UpdateDealTool, crm.DealUpdate{Deal: made.ID, Currency: new("USD")}, tools.Invalid, "amount_minor")
	},
	"search filters by customer, stage and owner": func(b *bench) {
		ada, bruno := b.ada(), b.bruno()
		b.deal(crm.DealDraft{Customer: ada.ID, Title: "one", Currency: "EUR", Owner: "bo"})
		b.deal(crm.DealDraft{Customer: bruno.ID, Title: "two", Currency: "EUR", Stage: crm.DealWon})
		for _, c := range []struct {
			search crm.DealSearch
			want   []string
		}{
			{crm.DealSearch{}, []string{"two", "one"}},
			{crm.DealSearch{Customer: "bruno@example.org"}, []string{"two"}},
			{crm.DealSearch{Stage: crm.DealLead}, []string{"one"}},
			{crm.DealSearch{Owner: "bo"}, []string{"one"}},
			{crm.DealSearch{Query: "LINDQVIST one"}, []string{"one"}},
		} {
			b.same(string(encode(b, c.search)), dealsOf(b.deals(c.search)), c.want)
		}
	},
	"update without a change is refused": func(b *bench) {
		made := b.deal(crm.DealDraft{Customer: b.ada().ID, Title: "Tableware", Currency: "EUR"})
		refused(b, crm.UpdateDealTool, crm.DealUpdate{Deal: made.ID}, tools.Invalid, "nothing to change")
	},
}

func (b *bench) deal(draft crm.DealDraft) crm.Deal {
	b.Helper()
	return call[crm.Deal](b, crm.CreateDealTool, draft)
}

func (b *bench) changeDeal(u crm.DealUpdate) crm.Deal {
	b.Helper()
	return call[crm.Deal](b, crm.UpdateDealTool, u)
}

func (b *bench) deals(s crm.DealSearch) crm.DealPage {
	b.Helper()
	return call[crm.DealPage](b, crm.SearchDealsTool, s)
}
