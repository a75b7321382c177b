package stripe

import (
	"context"
	"fmt"
	"strconv"

	stripe "github.com/stripe/stripe-go/v85"

	"drawbridge/tools"
	"drawbridge/tools/payment"
)

// lineMark is the metadata that says which line of its call an item is.
const lineMark = "drawbridge_line"

// CreateInvoice makes a draft, and then its lines, one request each. A call that is made
// again finds its draft, and adds the lines that are not there.
func (b *Backend) CreateInvoice(ctx context.Context, request payment.InvoiceRequest) (payment.Invoice, error) {
	prices := make([]int64, len(request.Lines))
	for i, line := range request.Lines {
		var err error
		if prices[i], err = units(fmt.Sprintf("lines[%d].unit_amount_minor", i), line.UnitAmount.Money); err != nil {
			return payment.Invoice{}, err
		}
	}
	customer, err := b.customerFor(ctx, request.Customer, request.CustomerName)
	if err != nil {
		return payment.Invoice{}, err
	}
	draft, err := b.draft(ctx, customer.ID, request)
	if err != nil {
		if ours(ctx, customer.Metadata) { // made a moment ago, by this call
			err = b.halfway(ctx, err)
		}
		return payment.Invoice{}, err
	}
	if draft.Status != stripe.InvoiceStatusDraft { // made by this call, and gone on since
		return b.whole(ctx, draft)
	}
	there, err := b.linesThere(ctx, draft)
	if err != nil {
		return payment.Invoice{}, b.halfway(ctx, err)
	}
	for i, line := range request.Lines {
		if there[strconv.Itoa(i)] {
			continue
		}
		params := &stripe.InvoiceItemCreateParams{
			Customer: stripe.String(customer.ID), Invoice: stripe.String(draft.ID), Currency: code(request.Total.Currency), Description: stripe.String(line.Description),
			Quantity: stripe.Int64(line.Quantity), UnitAmountDecimal: stripe.Float64(float64(prices[i])), Metadata: marked(ctx, map[string]string{lineMark: strconv.Itoa(i)}),
		}
		_, err := write(ctx, b, "line/"+strconv.Itoa(i), &params.Params, func(ctx context.Context) (*stripe.InvoiceItem, error) {
			return b.api.V1InvoiceItems.Create(ctx, params)
		})
		if err != nil {
			return payment.Invoice{}, b.halfway(ctx, err)
		}
	}
	made, err := read(ctx, b, func(ctx context.Context) (*stripe.Invoice, error) {
		return b.api.V1Invoices.Retrieve(ctx, draft.ID, nil)
	})
	if err != nil {
		return payment.Invoice{}, b.halfway(ctx, err)
	}
	return b.whole(ctx, made)
}

// halfway is the error of a later request of a call whose first one took effect: nothing
// that says "nothing was changed" is true then. Made again with its key, the call goes on.
func (b *Backend) halfway(ctx context.Context, err error) error {
	switch tools.CodeOf(err) {
	case tools.Unavailable, tools.RateLimited, tools.OutcomeUnknown, tools.Internal:
		unknown := tools.Errorf(tools.OutcomeUnknown, "Stripe stopped answering in the middle of the call; a part of it took effect. Look at the record before doing it again.")
		unknown.Retryable, unknown.RetryAfter = callKey(ctx) != "", tools.AsError(err).RetryAfter
		return unknown
	}
	return err
}

// draft makes the invoice, or finds the one that this call has made before.
func (b *Backend) draft(ctx context.Context, customer string, request payment.InvoiceRequest) (*stripe.Invoice, error) {
	if callKey(ctx) != "" {
		mine, err := read(ctx, b, func(ctx context.Context) (*stripe.V1List[*stripe.Invoice], error) {
			found := b.api.V1Invoices.List(ctx, &stripe.InvoiceListParams{ListParams: stripe.ListParams{Limit: stripe.Int64(scanPage), Single: true}, Customer: stripe.String(customer)})
			return found, found.Err()
		})
		if err != nil {
			return nil, err
		}
		for _, in := range mine.Data() {
			if ours(ctx, in.Metadata) {
				return in, nil
			}
		}
	}
	params := &stripe.InvoiceCreateParams{
		Customer: stripe.String(customer), Currency: code(request.Total.Currency), CollectionMethod: stripe.String(string(stripe.InvoiceCollectionMethodSendInvoice)),
		DaysUntilDue: stripe.Int64(int64(request.DueDays)), AutoAdvance: stripe.Bool(false), PendingInvoiceItemsBehavior: stripe.String("exclude"),
		Metadata: marked(ctx, map[string]string{dueMark: strconv.Itoa(request.DueDays)}),
	}
	if request.Memo != "" {
		params.Description = stripe.String(request.Memo)
	}
	return write(ctx, b, "invoice", &params.Params, func(ctx context.Context) (*stripe.Invoice, error) { return b.api.V1Invoices.Create(ctx, params) })
}

// linesThere are the lines that a draft of this call has already.
func (b *Backend) linesThere(ctx context.Context, draft *stripe.Invoice) (map[string]bool, error) {
	there := map[string]bool{}
	if draft.Lines == nil || len(draft.Lines.Data) == 0 {
		return there, nil
	}
	lines := draft.Lines.Data
	if draft.Lines.HasMore {
		var err error
		lines, err = all(ctx, b, func(l *stripe.InvoiceLineItem) string { return l.ID }, func(ctx context.Context, params stripe.ListParams) *stripe.V1List[*stripe.InvoiceLineItem] {
			return b.api.V1Invoices.ListLines(ctx, &stripe.InvoiceListLinesParams{ListParams: params, Invoice: stripe.String(draft.ID)})
		})
		if err != nil {
			return nil, err
		}
	}
	for _, line := range lines {
		if ours(ctx, line.Metadata) {
			there[line.Metadata[lineMark]] = true
		}
	}
	return there, nil
}

// SendInvoice finalizes a draft, which gives it its number, and has Stripe mail it. Only
// whoever finalized an invoice sends it, so that no customer is asked twice.
func (b *Backend) SendInvoice(ctx context.Context, id string) (payment.Invoice, error) {
	in, err := b.invoice(ctx, id)
	if err != nil {
		return payment.Invoice{}, err
	}
	refused := payment.CheckSend(invoiced(in))
	if refused != nil && !perhapsOurs(ctx, refused, in.Status == stripe.InvoiceStatusOpen) {
		return payment.Invoice{}, refused
	}
	finalize := &stripe.InvoiceFinalizeInvoiceParams{AutoAdvance: stripe.Bool(false)}
	_, err = write(ctx, b, "finalize", &finalize.Params, func(ctx context.Context) (*stripe.Invoice, error) {
		return b.api.V1Invoices.FinalizeInvoice(ctx, in.ID, finalize)
	})
	if err != nil {
		return payment.Invoice{}, b.stands(ctx, err, refused, in.ID, payment.CheckSend)
	}
	send := &stripe.InvoiceSendInvoiceParams{}
	sent, err := write(ctx, b, "send", &send.Params, func(ctx context.Context) (*stripe.Invoice, error) {
		return b.api.V1Invoices.SendInvoice(ctx, in.ID, send)
	})
	if err != nil {
		return payment.Invoice{}, b.halfway(ctx, err)
	}
	return b.whole(ctx, sent)
}

// VoidInvoice takes back an open invoice.
func (b *Backend) VoidInvoice(ctx context.Context, id string) (payment.Invoice, error) {
	in, err := b.invoice(ctx, id)
	if err != nil {
		return payment.Invoice{}, err
	}
	refused := payment.CheckVoid(invoiced(in))
	if refused != nil && !perhapsOurs(ctx, refused, in.Status == stripe.InvoiceStatusVoid) {
		return payment.Invoice{}, refused
	}
	params := &stripe.InvoiceVoidInvoiceParams{}
	void, err := write(ctx, b, "", &params.Params, func(ctx context.Context) (*stripe.Invoice, error) {
		return b.api.V1Invoices.VoidInvoice(ctx, in.ID, params)
	})
	if err != nil {
		return payment.Invoice{}, b.stands(ctx, err, refused, in.ID, payment.CheckVoid)
	}
	return b.whole(ctx, void)
}

// stands says why an invoice does not allow what was wanted: what the check before said, if
// Stripe had no answer of an earlier try, or what it says of the invoice as it is now.
func (b *Backend) stands(ctx context.Context, err, refused error, id string, check func(payment.Invoice) error) error {
	if code := tools.CodeOf(err); refused != nil && (code == tools.Conflict || code == tools.Invalid) {
		return refused
	}
	return b.overtaken(ctx, err, func() error {
		now, err := b.invoice(ctx, id)
		if err != nil {
			return err
		}
		return check(invoiced(now))
	})
}
