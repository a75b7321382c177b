package hubspot

import (
	"cmp"
	"context"

	"drawbridge/tools/crm"
)

const (
	ticketStage    = "hs_pipeline_stage"
	ticketPriority = "hs_ticket_priority"
)

var ticketProperties = []string{"subject", "content", "hs_pipeline", ticketStage, ticketPriority, ownerProperty, "createdate", "hs_lastmodifieddate"}

// priorities are HubSpot's names. A ticket without one is of normal priority.
var priorities = map[crm.Priority]string{crm.Low: "LOW", crm.Normal: "MEDIUM", crm.High: "HIGH", crm.Urgent: "URGENT"}

func priorityOf(r row) crm.Priority {
	for priority, name := range priorities {
		if r.is(ticketPriority) == name {
			return priority
		}
	}
	return crm.Normal
}

func (b *Backend) ticketStatus(r row) crm.TicketStatus {
	return crm.TicketStatus(cmp.Or(b.mapping.Tickets.status(r.is(ticketStage)), string(crm.TicketOpen)))
}

func (b *Backend) ticketOf(r row, assignee string) crm.Ticket {
	return crm.Ticket{ID: r.ID, CustomerID: r.contact, Subject: r.is("subject"), Body: cut(r.is("content"), maxText), Status: b.ticketStatus(r),
		Priority: priorityOf(r), Assignee: assignee, CreatedAt: r.created(), UpdatedAt: r.updated()}
}

func (b *Backend) writtenTicket(ctx context.Context, r row) crm.Ticket {
	return b.ticketOf(r, b.ownerOf(ctx, r))
}

// CreateTicket opens a ticket.
func (b *Backend) CreateTicket(ctx context.Context, in crm.TicketDraft) (crm.Ticket, error) {
	customer, err := b.personID(ctx, in.Customer)
	if err != nil {
		return crm.Ticket{}, err
	}
	assignee, err := b.assigned(ctx, "assignee", in.Assignee)
	if err != nil {
		return crm.Ticket{}, err
	}
	stage, err := b.mapping.Tickets.stage("status", string(crm.TicketOpen), "tickets")
	if err != nil {
		return crm.Ticket{}, err
	}
	written := map[string]string{"subject": in.Subject, "hs_pipeline": b.mapping.Tickets.ID, ticketStage: stage, ticketPriority: priorities[in.Priority]}
	if in.Body != "" {
		written["content"] = in.Body
	}
	if assignee != "" {
		written[ownerProperty] = assignee
	}
	made, err := b.create(ctx, tickets, customer, written)
	if err != nil {
		return crm.Ticket{}, err
	}
	return b.writtenTicket(ctx, row{record: merged(made, written), object: tickets, contact: customer}), nil
}

// UpdateTicket changes a ticket.
func (b *Backend) UpdateTicket(ctx context.Context, in crm.TicketUpdate) (crm.Ticket, error) {
	before, err := b.one(ctx, tickets, in.Ticket, ticketProperties, "ticket", crm.SearchTicketsTool)
	if err != nil {
		return crm.Ticket{}, err
	}
	written := map[string]string{}
	if in.Subject != nil {
		written["subject"] = *in.Subject
	}
	if in.Priority != nil {
		written[ticketPriority] = priorities[*in.Priority]
	}
	if in.Status != nil && *in.Status != b.ticketStatus(before) {
		if written[ticketStage], err = b.mapping.Tickets.stage("status", string(*in.Status), "tickets"); err != nil {
			return crm.Ticket{}, err
		}
	}
	if in.Assignee != nil {
		if written[ownerProperty], err = b.assigned(ctx, "assignee", *in.Assignee); err != nil {
			return crm.Ticket{}, err
		}
	}
	if len(written) == 0 {
		return b.writtenTicket(ctx, before), nil
	}
	changed, err := b.update(ctx, tickets, before.ID, written)
	if err != nil {
		return crm.Ticket{}, err
	}
	after := before
	after.record = merged(changed, before.values(), written)
	return b.writtenTicket(ctx, after), nil
}

// SearchTickets finds tickets, the newest first.
func (b *Backend) SearchTickets(ctx context.Context, in crm.TicketSearch) (crm.TicketPage, error) {
	customer, err := b.personID(ctx, in.Customer)
	if err != nil {
		return crm.TicketPage{}, err
	}
	assignee, none, err := b.assignee(ctx, in.Assignee)
	if err != nil || none {
		return crm.TicketPage{Tickets: []crm.Ticket{}}, err
	}
	var wanted []string
	if in.Status != "" {
		wanted = []string{string(in.Status)}
	} else if in.Unresolved {
		wanted = []string{string(crm.TicketOpen), string(crm.TicketPending)}
	}
	group := b.mapping.Tickets.among(ticketStage, string(crm.TicketOpen), wanted...)
	if in.Priority != "" && in.Priority != crm.Normal {
		group = append(group, filter{Property: ticketPriority, Operator: "EQ", Value: priorities[in.Priority]})
	}
	if assignee != "" {
		group = append(group, filter{Property: ownerProperty, Operator: "EQ", Value: assignee})
	}
	s := source{object: tickets, properties: ticketProperties, sort: "createdate", exact: in.Query == "" && in.Priority != crm.Normal}
	if len(group) > 0 {
		s.groups = [][]filter{group}
	}
	l := listing[crm.Ticket]{
		name: "tickets", page: in.Page, contact: customer, sources: []source{s}, look: b.whose(in.Query != ""),
		fits: func(r row) bool {
			status := b.ticketStatus(r)
			return (in.Status == "" || status == in.Status) && (!in.Unresolved || status == crm.TicketOpen || status == crm.TicketPending) &&
				(in.Priority == "" || priorityOf(r) == in.Priority) && (assignee == "" || r.is(ownerProperty) == assignee)
		},
		says: func(r row) bool {
			return holds(in.Query, r.is("subject"), r.is("content"), nameOf(r.person), r.person.is("email"), r.person.is("company"))
		},
		show: func(ctx context.Context, rows []row) ([]crm.Ticket, error) {
			names, err := b.ownersOf(ctx, rows)
			list := []crm.Ticket{}
			for _, r := range rows {
				list = append(list, b.ticketOf(r, names[r.is(ownerProperty)]))
			}
			return list, err
		},
	}
	list, next, err := l.run(ctx, b)
	return crm.TicketPage{Tickets: list, NextCursor: next}, err
}
