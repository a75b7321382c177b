package salesforce

import (
	"context"

	"drawbridge/tools"
	"drawbridge/tools/crm"
)

func (b *Backend) ticketFields() []string {
	return selecting(append([]string{"Id", "ContactId", "AccountId", "Subject", "Description", "Status", "IsClosed", "Priority", "CreatedDate", "LastModifiedDate"},
		b.ownerFields("ticket_assignee", true)...)...)
}

func (b *Backend) ticket(ctx context.Context) func(r record) crm.Ticket {
	return func(r record) crm.Ticket {
		t := crm.Ticket{
			ID: r.text("Id"), CustomerID: customerID(r, "ContactId"), Subject: r.text("Subject"), Body: r.text("Description"),
			Status: crm.TicketOpen, Priority: crm.Normal, Assignee: b.assignee(ctx, r, "ticket_assignee"),
			CreatedAt: r.moment("CreatedDate"), UpdatedAt: r.moment("LastModifiedDate"),
		}
		if meant := b.meant(ticketStatus, r.text("Status")); meant != "" {
			t.Status = crm.TicketStatus(meant)
		} else if r.flag("IsClosed") {
			t.Status = crm.TicketClosed
		}
		if meant := b.meant(ticketPriority, r.text("Priority")); meant != "" {
			t.Priority = crm.Priority(meant)
		}
		return t
	}
}

// inStatus finds what ticket reads as a status: what is called otherwise than the settings
// know is open, or closed if Salesforce says so.
func (b *Backend) inStatus(status crm.TicketStatus) string {
	named := ""
	if all := b.values[ticketStatus][string(status)]; len(all) > 0 {
		named = oneOf("Status", all)
	}
	switch status {
	case crm.TicketOpen:
		return either(named, both("IsClosed = false", noneOf("Status", b.known(ticketStatus))))
	case crm.TicketClosed:
		return either(named, both("IsClosed = true", noneOf("Status", b.known(ticketStatus))))
	case crm.TicketPending, crm.TicketResolved:
		if named == "" {
			return "Id = null"
		}
	}
	return named
}

func (b *Backend) ofPriority(priority crm.Priority) string {
	named := ""
	if all := b.values[ticketPriority][string(priority)]; len(all) > 0 {
		named = oneOf("Priority", all)
	}
	switch {
	case priority == crm.Normal:
		return either(named, "Priority = null", noneOf("Priority", b.known(ticketPriority)))
	case named == "":
		return "Id = null"
	}
	return named
}

// SearchTickets finds cases, newest first.
func (b *Backend) SearchTickets(ctx context.Context, in crm.TicketSearch) (crm.TicketPage, error) {
	none := crm.TicketPage{Tickets: []crm.Ticket{}}
	var where conditions
	if err := where.words(in.Query, "Subject", "Contact.Name", "Contact.Email", "Account.Name"); err != nil {
		return none, err
	}
	if err := b.ofCustomer(ctx, &where, in.Customer, "ContactId", "AccountId"); err != nil {
		return none, err
	}
	if in.Status != "" {
		where.and(b.inStatus(in.Status))
	}
	if in.Unresolved {
		where.and(either(b.inStatus(crm.TicketOpen), b.inStatus(crm.TicketPending)))
	}
	if in.Priority != "" {
		where.and(b.ofPriority(in.Priority))
	}
	if known, err := b.ofAssignee(ctx, &where, "ticket_assignee", "assignee", in.Assignee, true); err != nil || !known {
		return none, err
	}
	list := listing[crm.Ticket]{name: "tickets", object: "Case", fields: b.ticketFields(), key: "CreatedDate", newest: true, scan: b.ticket(ctx)}
	found, next, err := list.page(ctx, b, where, in.Page)
	return crm.TicketPage{Tickets: found, NextCursor: next}, err
}

// CreateTicket opens a case.
func (b *Backend) CreateTicket(ctx context.Context, in crm.TicketDraft) (crm.Ticket, error) {
	if made, err := b.before(ctx, crm.CreateTicketTool, b.ticketFields()); made != nil || err != nil {
		return shown(made, err, b.ticket(ctx))
	}
	who, err := b.owner(ctx, in.Customer)
	if err != nil {
		return crm.Ticket{}, err
	}
	body := map[string]any{"Subject": in.Subject}
	put(body, "ContactId", who.contact)
	put(body, "AccountId", who.account)
	put(body, "Description", in.Body)
	if body["Status"], err = b.picked(ticketStatus, "status", string(crm.TicketOpen)); err != nil {
		return crm.Ticket{}, err
	}
	if body["Priority"], err = b.picked(ticketPriority, "priority", string(in.Priority)); err != nil {
		return crm.Ticket{}, err
	}
	if in.Assignee != "" {
		if err := b.assigned(ctx, body, "ticket_assignee", "assignee", in.Assignee, true); err != nil {
			return crm.Ticket{}, err
		}
	}
	made, err := b.create(ctx, crm.CreateTicketTool, nil, body, b.ticketFields())
	return shown(made, err, b.ticket(ctx))
}

func shown[T any](r record, err error, scan func(record) T) (T, error) {
	if err != nil {
		var none T
		return none, err
	}
	return scan(r), nil
}

// UpdateTicket changes the given fields of a case.
func (b *Backend) UpdateTicket(ctx context.Context, in crm.TicketUpdate) (crm.Ticket, error) {
	if !isID(in.Ticket, ofCase) {
		return crm.Ticket{}, missing("ticket", in.Ticket, crm.SearchTicketsTool)
	}
	body := map[string]any{}
	if in.Subject != nil {
		body["Subject"] = *in.Subject
	}
	var err error
	if in.Status != nil {
		if body["Status"], err = b.picked(ticketStatus, "status", string(*in.Status)); err != nil {
			return crm.Ticket{}, err
		}
	}
	if in.Priority != nil {
		if body["Priority"], err = b.picked(ticketPriority, "priority", string(*in.Priority)); err != nil {
			return crm.Ticket{}, err
		}
	}
	if in.Assignee != nil {
		if err := b.assigned(ctx, body, "ticket_assignee", "assignee", *in.Assignee, true); err != nil {
			return crm.Ticket{}, err
		}
	}
	changed, err := b.update(ctx, "Case", in.Ticket, nil, body, b.ticketFields())
	if tools.CodeOf(err) == tools.NotFound {
		err = missing("ticket", in.Ticket, crm.SearchTicketsTool)
	}
	return shown(changed, err, b.ticket(ctx))
}
