package crmtest

import (
	"drawbridge/tools"
	"drawbridge/tools/crm"
)

var ticketCases = map[string]func(*bench){
	"created ticket is open and kept as given": func(b *bench) {
		ada := b.ada()
		made := call[crm.Ticket](b, crm.CreateTicketTool, crm.TicketDraft{
			Customer: "cus_demo_ada", Subject: "Late order", Body: "Where is it?\nAda", Priority: crm.High, Assignee: "support@example.com",
		})
		want := crm.Ticket{
			ID: made.ID, CustomerID: ada.ID, Subject: "Late order", Body: "Where is it?\nAda", Status: crm.TicketOpen,
			Priority: crm.High, Assignee: "support@example.com", CreatedAt: made.CreatedAt, UpdatedAt: made.CreatedAt,
		}
		b.same("made", made, want)
		b.same("found", b.tickets(crm.TicketSearch{}).Tickets, []crm.Ticket{want})
		b.same("default priority", b.ticket(ada, "Another").Priority, crm.Normal)
	},
	"update changes what is given and leaves the rest": func(b *bench) {
		made := b.ticket(b.ada(), "Late order")
		changed := call[crm.Ticket](b, crm.UpdateTicketTool, crm.TicketUpdate{
			Ticket: made.ID, Subject: new("Lost order"), Status: new(crm.TicketPending), Priority: new(crm.Urgent), Assignee: new("bo"),
		})
		made.Subject, made.Status, made.Priority, made.Assignee = "Lost order", crm.TicketPending, crm.Urgent, "bo"
		made.UpdatedAt = changed.UpdatedAt
		b.same("changed", changed, made)
		b.same("found by its new subject", b.tickets(crm.TicketSearch{Query: "lost"}).Tickets, []crm.Ticket{made})
		changed = call[crm.Ticket](b, crm.UpdateTicketTool, crm.TicketUpdate{Ticket: made.ID, Assignee: new("")})
		b.same("assignee", changed.Assignee, "")
		b.same("status", changed.Status, crm.TicketPending)
	},
	"search filters by customer, status, priority and assignee": func(b *bench) {
		ada, bruno := b.ada(), b.bruno()
		b.ticket(ada, "open")
		for subject, status := range map[string]crm.TicketStatus{"pending": crm.TicketPending, "resolved": crm.TicketResolved, "closed": crm.TicketClosed} {
			made := b.ticket(bruno, subject)
			call[crm.Ticket](b, crm.UpdateTicketTool, crm.TicketUpdate{Ticket: made.ID, Status: &status})
		}
		call[crm.Ticket](b, crm.CreateTicketTool, crm.TicketDraft{Customer: ada.ID, Subject: "urgent", Priority: crm.Urgent, Assignee: "bo"})
		for _, c := range []struct {
			search crm.TicketSearch
			want   []string
		}{
			{crm.TicketSearch{Customer: "ada@example.com"}, []string{"urgent", "open"}},
			{crm.TicketSearch{Unresolved: true}, []string{"urgent", "pending", "open"}},
			{crm.TicketSearch{Unresolved: true, Customer: bruno.ID}, []string{"pending"}},
			{crm.TicketSearch{Status: crm.TicketClosed}, []string{"closed"}},
			{crm.TicketSearch{Priority: crm.Urgent}, []string{"urgent"}},
			{crm.TicketSearch{Assignee: "bo"}, []string{"urgent"}},
			{crm.TicketSearch{Assignee: "b"}, []string{}},
		} {
			b.same(string(encode(b, c.search)), subjectsOf(b.tickets(c.search)), c.want)
		}
	},
	"update without a change is refused": func(b *bench) {
		refused(b, crm.UpdateTicketTool, crm.TicketUpdate{Ticket: b.ticket(b.ada(), "Late").ID}, tools.Invalid, "nothing to change")
	},
}

func (b *bench) tickets(s crm.TicketSearch) crm.TicketPage {
	b.Helper()
	return call[crm.TicketPage](b, crm.SearchTicketsTool, s)
}
