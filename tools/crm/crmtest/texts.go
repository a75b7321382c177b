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
	"texts as long as the schema allows are kept whole": func(b *bench) {
		owner := b.customer(crm.CustomerDraft{
			Name: line, Email: strings.Repeat("a", 64) + "@example.com", Phone: line, Company: line, ExternalID: line, Note: short,
		})
		b.same("customer", b.profile(owner.ID), owner)
		b.same("name", owner.Name, line)
		b.same("note", owner.Note, short)

		said := call[crm.Interaction](b, crm.LogInteractionTool, crm.InteractionDraft{Customer: owner.ID, Kind: crm.Email, Summary: line, Body: body})
		b.same("interaction", b.interactions(crm.InteractionQuery{}).Interactions, []crm.Interaction{said})
		b.same("body", said.Body, body)

		task := b.task(crm.TaskDraft{Title: line, Detail: body, Assignee: line})
		b.same("task", b.tasks(crm.TaskQuery{Assignee: line}).Tasks, []crm.Task{task})
		done := call[crm.Task](b, crm.CompleteTaskTool, crm.TaskCompletion{Task: task.ID, Outcome: short})
		b.same("outcome", done.Outcome, short)

		ticket := call[crm.Ticket](b, crm.CreateTicketTool, crm.TicketDraft{Customer: owner.ID, Subject: line, Body: body, Assignee: line})
		b.same("ticket", b.tickets(crm.TicketSearch{Query: line}).Tickets, []crm.Ticket{ticket})

		deal := b.deal(crm.DealDraft{Customer: owner.ID, Title: line, Owner: line, AmountMinor: 1<<53 - 1, Currency: "EUR"})
		b.same("deal", b.deals(crm.DealSearch{}).Deals, []crm.Deal{deal})

		b.order(owner, 2, nil)
		order := b.changeOrder(crm.OrderUpdate{Order: "A-1002", FlaggedForReview: new(true), ReviewReason: &short})
		b.same("reason", order.ReviewReason, short)
	},
	"text that looks like SQL, JSON or markup is only text": func(b *bench) {
		odd := `'; DROP TABLE crm_customers; -- {"a":[1]} <b>&amp;</b> \n %s ${HOME}`
		owner := b.customer(crm.CustomerDraft{Name: odd, Note: odd})
		b.same("name", b.profile(owner.ID).Name, odd)
		ticket := call[crm.Ticket](b, crm.CreateTicketTool, crm.TicketDraft{Customer: owner.ID, Subject: odd, Body: odd})
		b.same("ticket", b.tickets(crm.TicketSearch{Query: "drop table"}).Tickets, []crm.Ticket{ticket})
	},
}
