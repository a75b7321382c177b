package builtin

import (
	"context"
	"database/sql"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/crm"
	"drawbridge/tools/sqldb"
)

const selectTickets = `SELECT id, customer_id, subject, body, status, priority, assignee, created_at, updated_at FROM crm_tickets`

var ticketList = list[crm.Ticket, int64]{
	name:   "tickets",
	query:  selectTickets,
	key:    "created_at",
	newest: true,
	scan:   scanTicket,
	at:     func(t crm.Ticket) (int64, string) { return millis(t.CreatedAt), t.ID },
}

func scanTicket(row scanner) (t crm.Ticket, err error) {
	var created, updated sql.NullInt64
	err = row.Scan(&t.ID, &t.CustomerID, &t.Subject, &t.Body, &t.Status, &t.Priority, &t.Assignee, &created, &updated)
	t.CreatedAt, t.UpdatedAt = moment(created), moment(updated)
	return t, err
}

// CreateTicket opens a ticket.
func (b *Backend) CreateTicket(ctx context.Context, in crm.TicketDraft) (crm.Ticket, error) {
	return once(ctx, b, crm.CreateTicketTool, func(tx sqldb.Tx, at time.Time) (crm.Ticket, error) {
		owner, err := customer(ctx, tx, in.Customer)
		if err != nil {
			return crm.Ticket{}, err
		}
		id, err := newID("tck")
		if err != nil {
			return crm.Ticket{}, err
		}
		t := crm.Ticket{
			ID: id, CustomerID: owner.ID, Subject: in.Subject, Body: in.Body, Status: crm.TicketOpen,
			Priority: in.Priority, Assignee: in.Assignee, CreatedAt: at, UpdatedAt: at,
		}
		return t, insertTicket(ctx, tx, t, "")
	})
}

func insertTicket(ctx context.Context, tx sqldb.Tx, t crm.Ticket, onConflict string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO crm_tickets
		(id, customer_id, subject, body, status, priority, assignee, search_text, created_at, updated_at, idempotency_key)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`+onConflict,
		t.ID, t.CustomerID, t.Subject, t.Body, string(t.Status), string(t.Priority), t.Assignee,
		ticketText(t), millis(t.CreatedAt), millis(t.UpdatedAt), orNull(tools.Key(ctx)))
	return err
}

// UpdateTicket changes the given fields.
func (b *Backend) UpdateTicket(ctx context.Context, in crm.TicketUpdate) (crm.Ticket, error) {
	return once(ctx, b, crm.UpdateTicketTool, func(tx sqldb.Tx, at time.Time) (crm.Ticket, error) {
		t, err := one(tx.QueryRowContext(ctx, selectTickets+` WHERE id = ?`, in.Ticket), scanTicket,
			tools.Errorf(tools.NotFound, "no ticket %q; search with %s", in.Ticket, crm.SearchTicketsTool))
		if err != nil {
			return t, err
		}
		set(&t.Subject, in.Subject)
		set(&t.Status, in.Status)
		set(&t.Priority, in.Priority)
		set(&t.Assignee, in.Assignee)
		t.UpdatedAt = at
		_, err = tx.ExecContext(ctx, `UPDATE crm_tickets
			SET subject = ?, status = ?, priority = ?, assignee = ?, search_text = ?, updated_at = ? WHERE id = ?`,
			t.Subject, string(t.Status), string(t.Priority), t.Assignee, ticketText(t), millis(at), t.ID)
		return t, err
	})
}

func ticketText(t crm.Ticket) string { return searchable(t.Subject, t.Body) }

// SearchTickets finds tickets, newest first.
func (b *Backend) SearchTickets(ctx context.Context, in crm.TicketSearch) (crm.TicketPage, error) {
	var where filter
	if err := where.ofCustomer(ctx, b.db.Read(), in.Customer); err != nil {
		return crm.TicketPage{}, err
	}
	where.words(in.Query, true)
	equal(&where, "status", in.Status)
	if in.Unresolved {
		where.and("status IN ('open', 'pending')")
	}
	equal(&where, "priority", in.Priority)
	equal(&where, "assignee", in.Assignee)
	rows, next, err := ticketList.page(ctx, b.db.Read(), where, in.Page)
	return crm.TicketPage{Tickets: rows, NextCursor: next}, err
}
