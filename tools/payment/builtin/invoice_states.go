package builtin

import (
	"context"

	"drawbridge/tools"
	"drawbridge/tools/payment"
	"drawbridge/tools/sqldb"
)

// CreateInvoice makes a draft.
func (b *Backend) CreateInvoice(ctx context.Context, request payment.InvoiceRequest) (payment.Invoice, error) {
	return sqldb.Once(ctx, b.db, b.now, payment.ToolCreateInvoice, func(tx sqldb.Tx) (payment.Invoice, error) {
		return b.draft(ctx, tx, request)
	})
}

// SendInvoice opens a draft.
func (b *Backend) SendInvoice(ctx context.Context, id string) (payment.Invoice, error) {
	return sqldb.Once(ctx, b.db, b.now, payment.ToolSendInvoice, func(tx sqldb.Tx) (payment.Invoice, error) {
		return b.send(ctx, tx, id)
	})
}

// VoidInvoice takes back an open invoice. It keeps its number.
func (b *Backend) VoidInvoice(ctx context.Context, id string) (payment.Invoice, error) {
	return sqldb.Once(ctx, b.db, b.now, payment.ToolVoidInvoice, func(tx sqldb.Tx) (payment.Invoice, error) {
		return b.void(ctx, tx, id)
	})
}

func (b *Backend) draft(ctx context.Context, tx sqldb.Tx, request payment.InvoiceRequest) (payment.Invoice, error) {
	customer, err := b.customerFor(ctx, tx, request.Customer, request.CustomerName)
	if err != nil {
		return payment.Invoice{}, err
	}
	invoice := payment.Invoice{
		Status:    payment.InvoiceDraft,
		Customer:  customer,
		Lines:     request.Lines,
		Total:     request.Total.Shown(),
		Memo:      request.Memo,
		DueDays:   request.DueDays,
		CreatedAt: b.moment(),
	}
	if invoice.ID, err = newID("inv_"); err != nil {
		return payment.Invoice{}, err
	}
	return invoice, insertDraft(ctx, tx, invoice)
}

func insertDraft(ctx context.Context, tx sqldb.Tx, i payment.Invoice) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO payment_invoices
		(id, customer_ref, status, total_minor, currency, memo, due_days, created_at, idempotency_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		i.ID, i.Customer.Reference, i.Status, i.Total.AmountMinor, i.Total.Currency, i.Memo, i.DueDays, millis(i.CreatedAt), orNull(tools.Key(ctx)))
	if err != nil {
		return err
	}
	for at, line := range i.Lines {
		_, err := tx.ExecContext(ctx, `INSERT INTO payment_invoice_lines (invoice_id, position, description, quantity, unit_amount_minor) VALUES (?, ?, ?, ?, ?)`,
			i.ID, at+1, line.Description, line.Quantity, line.UnitAmount.AmountMinor)
		if err != nil {
			return err
		}
	}
	return nil
}

// send gives a draft the next number: only now, so that the numbers of sent
// invoices have no gaps. That no two share one is the column's constraint.
func (b *Backend) send(ctx context.Context, tx sqldb.Tx, id string) (payment.Invoice, error) {
	invoice, err := invoiceByID(ctx, tx, id)
	if err != nil {
		return payment.Invoice{}, err
	}
	if err := payment.CheckSend(invoice); err != nil {
		return payment.Invoice{}, err
	}
	sent := b.moment()
	_, err = tx.ExecContext(ctx, `UPDATE payment_invoices SET status = 'open', sent_at = ?, due_at = ?,
		number = (SELECT COALESCE(MAX(number), 0) + 1 FROM payment_invoices) WHERE id = ?`,
		millis(sent), millis(sent.AddDate(0, 0, invoice.DueDays)), invoice.ID)
	if err != nil {
		return payment.Invoice{}, err
	}
	return invoiceByID(ctx, tx, invoice.ID)
}

func (b *Backend) void(ctx context.Context, tx sqldb.Tx, id string) (payment.Invoice, error) {
	invoice, err := invoiceByID(ctx, tx, id)
	if err != nil {
		return payment.Invoice{}, err
	}
	if err := payment.CheckVoid(invoice); err != nil {
		return payment.Invoice{}, err
	}
	invoice.Status = payment.InvoiceVoid
	_, err = tx.ExecContext(ctx, `UPDATE payment_invoices SET status = 'void' WHERE id = ?`, invoice.ID)
	return invoice, err
}
