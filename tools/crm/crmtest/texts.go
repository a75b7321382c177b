package crmtest

import (
	"strings"

	"drawbridge/tools/crm"
)

// Lengths in characters, as the schemas give them; é is two bytes long.
var (
	line  = strings.Repeat("é", 200)
	short = strings.Repeat("é", 1000)
	body  = strings.Repeat("é", 20000)
)

var textCases = map[string]func(*bench){
	"texts of a customer as long as the schema allows are kept whole": func(b *bench) {
		owner := b.customer(crm.CustomerDraft{
			Name: line, Email: strings.Repeat("a", 64) + "@example.com", Phone: line, Company: line, ExternalID: line, Note: short,
		})
		b.same("customer", b.profile(owner.ID), owner)
		b.same("name", owner.Name, line)
		b.same("note", owner.Note, short)
	},
	"texts of an interaction as long as the schema allows are kept whole": func(b *bench) {
		said := call[crm.Interaction](b, crm.LogInteractionTool, crm.InteractionDraft{Customer: b.ada().ID, Kind: crm.Email, Summary: line, Body: body})
		b.same("interaction", b.interactions(crm.InteractionQuery{}).Interactions, []crm.Interaction{said})
		b.same("body", said.Body, body)
	},
	"texts of a task as long as the schema allows are kept whole": func(b *bench) {
		task := b.task(crm.TaskDraft{Title: line, Detail: body, Assignee: line})
		b.same("task", b.tasks(crm.TaskQuery{Assignee: line}).Tasks, []crm.Task{task})
		b.same("detail", task.Detail, body)
		done := call[crm.Task](b, crm.CompleteTaskTool, crm.TaskCompletion{Task: task.ID, Outcome: short})
		b.same("outcome", done.Outcome, short)
	},
	"texts of a ticket as long as the schema allows are kept whole": func(b *bench) {
		ticket := call[crm.Ticket](b, crm.CreateTicketTool, crm.TicketDraft{Customer: b.ada().ID, Subject: line, Body: body, Assignee: line})
		b.same("ticket", b.tickets(crm.TicketSearch{Query: line}).Tickets, []crm.Ticket{ticket})
		b.same("body", ticket.Body, body)
	},
	"texts and sums of a deal as large as the schema allows are kept whole": func(b *bench) {
		deal := b.deal(crm.DealDraft{Customer: b.ada().ID, Title: line, Owner: line, AmountMinor: 1<<53 - 1, Currency: "EUR"})
		b.same("deal", b.deals(crm.DealSearch{}).Deals, []crm.Deal{deal})
		b.same("title", deal.Title, line)
		b.same("amount", deal.AmountMinor, int64(1<<53-1))
	},
	"a reason for review as long as the schema allows is kept whole": func(b *bench) {
		b.order(b.ada(), 2, nil)
		order := b.changeOrder(crm.OrderUpdate{Order: "A-1002", FlaggedForReview: new(true), ReviewReason: &short})
		b.same("reason", order.ReviewReason, short)
	},
	"text that looks like SQL, JSON or markup is only text": func(b *bench) {
		odd := `'; DROP TABLE crm_customers; -- {"a":[1]} <b>&amp;</b> \n %s ${HOME}`
		owner := b.customer(crm.CustomerDraft{Name: odd, Note: odd})
		b.same("name", b.profile(owner.ID).Name, odd)
	},
	"text of a ticket that looks like SQL, JSON or markup is only text": func(b *bench) {
		odd := `'; DROP TABLE crm_customers; -- {"a":[1]} <b>&amp;</b> \n %s ${HOME}`
		owner := b.ada()
		ticket := call[crm.Ticket](b, crm.CreateTicketTool, crm.TicketDraft{Customer: owner.ID, Subject: odd, Body: odd})
		b.same("ticket", b.tickets(crm.TicketSearch{Query: "drop table"}).Tickets, []crm.Ticket{ticket})
	},
}
