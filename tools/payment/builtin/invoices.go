package builtin

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"drawbridge/tools/payment"
	"drawbridge/tools/sqldb"
)

const selectInvoices = `SELECT i.id, i.number, i.status, i.total_minor, i.currency, i.memo, i.due_days, i.due_at,
	i.created_at, i.sent_at, COALESCE(i.payment_id, ''), c.reference, c.name, c.email
	FROM payment_invoices i JOIN payment_customers c ON c.reference = i.customer_ref`

// scanInvoice reads an invoice without its lines.
func scanInvoice(row scanner) (payment.Invoice, error) {
	i := payment.Invoice{Lines: []payment.InvoiceLine{}}
	var total, created int64
	var number, due, sent sql.NullInt64
	var currency string
	err := row.Scan(&i.ID, &number, &i.Status, &total, &currency, &i.Memo, &i.DueDays, &due,
		&created, &sent, &i.PaymentID, &i.Customer.Reference, &i.Customer.Name, &i.Customer.Email)
	if number.Valid {
		i.Number = numbered(number.Int64)
	}
	i.Total, i.CreatedAt, i.DueAt, i.SentAt = shown(total, currency), moment(created), nullMoment(due), nullMoment(sent)
	return i, err
}

// numbered is an invoice number as the customer sees it.
func numbered(n int64) string { return fmt.Sprintf("INV-%06d", n) }

// number reads an invoice number in any case; 0 is the number of no invoice.
func number(text string) int64 {
	digits, ok := strings.CutPrefix(strings.ToUpper(text), "INV-")
	if !ok {
		return 0
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// SearchInvoices finds invoices, newest first, with their lines.
func (b *Backend) SearchInvoices(ctx context.Context, query payment.InvoiceQuery) (payment.List[payment.Invoice], error) {
	pager, err := newPager("inv", "i", query.Page)
	if err != nil {
		return payment.List[payment.Invoice]{}, err
	}
	pager.criteria(query.Criteria, "i.total_minor")
	if n := number(query.Text); n != 0 {
		pager.where("i.number = ?", n)
	} else {
		pager.text(query.Text, like("i.id"), like("i.memo"), like("c.name"), like("c.email"), like("c.reference"),
			"EXISTS (SELECT 1 FROM payment_invoice_lines l WHERE l.invoice_id = i.id AND "+like("l.description")+")")
	}
	if query.Status != "" {
		pager.where("i.status = ?", query.Status)
	}
	if !query.DueBefore.IsZero() {
		pager.where("i.due_at < ?", millisUp(query.DueBefore))
	}
	found, err := fetch(ctx, b.db.Read(), pager, selectInvoices, scanInvoice, func(i payment.Invoice) position {
		return position{At: millis(i.CreatedAt), ID: i.ID}
	})
	if err != nil {
		return payment.List[payment.Invoice]{}, err
	}
	return found, addLines(ctx, b.db.Read(), found.Items)
}

// addLines fills in the lines of invoices. Lines never change once written, so
// a query of their own sees the same ones.
func addLines(ctx context.Context, db sqldb.Querier, invoices []payment.Invoice) error {
	if len(invoices) == 0 {
		return nil
	}
	at := make(map[string]*payment.Invoice, len(invoices))
	ids := make([]any, 0, len(invoices))
	for i := range invoices {
		at[invoices[i].ID] = &invoices[i]
		ids = append(ids, invoices[i].ID)
	}
	type row struct {
		invoice string
		line    payment.InvoiceLine
	}
	rows, err := gather(ctx, db, func(s scanner) (r row, err error) {
		var unit int64
		if err := s.Scan(&r.invoice, &r.line.Description, &r.line.Quantity, &unit); err != nil {
			return r, err
		}
		price := payment.Money{AmountMinor: unit, Currency: at[r.invoice].Total.Currency}
		amount, err := price.Times(r.line.Quantity)
		r.line.UnitAmount, r.line.Amount = price.Shown(), amount.Shown()
		return r, err
	}, `SELECT invoice_id, description, quantity, unit_amount_minor FROM payment_invoice_lines
		WHERE invoice_id IN (?`+strings.Repeat(", ?", len(ids)-1)+`) ORDER BY invoice_id, position`, ids...)
	for _, r := range rows {
		at[r.invoice].Lines = append(at[r.invoice].Lines, r.line)
	}
	return err
}

// invoiceByID finds an invoice by its id or its number.
func invoiceByID(ctx context.Context, db sqldb.Querier, id string) (payment.Invoice, error) {
	invoice, err := scanInvoice(db.QueryRowContext(ctx, selectInvoices+` WHERE i.id = ? OR i.number = ?`, id, number(id)))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return invoice, payment.NoSuchInvoice(id)
	case err != nil:
		return invoice, err
	}
	one := []payment.Invoice{invoice}
	err = addLines(ctx, db, one)
	return one[0], err
}
