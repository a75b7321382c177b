package stripe

import (
	"context"
	"math"
	"strconv"
	"strings"
	"time"

	stripe "github.com/stripe/stripe-go/v85"

	"drawbridge/tools/payment"
)

// dueMark is the metadata that holds the days to pay of a draft: Stripe takes the number
// and gives back a date only.
const dueMark = "drawbridge_due_days"

// invoiced is an invoice as the family knows it, with the lines that came with it.
func invoiced(in *stripe.Invoice) payment.Invoice {
	out := payment.Invoice{ID: in.ID, Number: in.Number, Customer: payment.Customer{Name: in.CustomerName, Email: in.CustomerEmail},
		Lines: []payment.InvoiceLine{}, Total: shown(in.Total, in.Currency), Memo: in.Description, CreatedAt: moment(in.Created)}
	if in.Customer != nil {
		out.Customer.Reference = in.Customer.ID
	}
	switch in.Status {
	case stripe.InvoiceStatusDraft:
		out.Status, out.Number = payment.InvoiceDraft, ""
	case stripe.InvoiceStatusPaid:
		out.Status = payment.InvoicePaid
	case stripe.InvoiceStatusVoid:
		out.Status = payment.InvoiceVoid
	default: // open, or given up as uncollectible: it can still be paid
		out.Status = payment.InvoiceOpen
	}
	if out.Status != payment.InvoiceDraft {
		out.DueAt = moment(in.DueDate)
		if in.StatusTransitions != nil {
			out.SentAt = moment(in.StatusTransitions.FinalizedAt)
		}
	}
	out.DueDays = dueDays(in)
	if in.Payments != nil && out.Status == payment.InvoicePaid {
		for _, paid := range in.Payments.Data {
			if paid.Status == "paid" && paid.Payment != nil && paid.Payment.PaymentIntent != nil {
				out.PaymentID = paid.Payment.PaymentIntent.ID
			}
		}
	}
	if in.Lines != nil {
		out.Lines = linesOf(in.Lines.Data)
	}
	return out
}

// dueDays is how many days after sending an invoice is due, as it was asked for, or as its
// dates tell.
func dueDays(in *stripe.Invoice) int {
	if days, err := strconv.Atoi(in.Metadata[dueMark]); err == nil && days >= 0 {
		return days
	}
	from := in.Created
	if in.StatusTransitions != nil && in.StatusTransitions.FinalizedAt > 0 {
		from = in.StatusTransitions.FinalizedAt
	}
	return int(max(0, in.DueDate-from) / int64(24*time.Hour/time.Second))
}

func linesOf(lines []*stripe.InvoiceLineItem) []payment.InvoiceLine {
	out := []payment.InvoiceLine{}
	for _, line := range lines {
		amount := money(line.Amount, line.Currency)
		unit := amount
		switch {
		case line.Pricing != nil && line.Pricing.UnitAmountDecimal == math.Trunc(line.Pricing.UnitAmountDecimal) && (line.Pricing.UnitAmountDecimal != 0 || line.Amount == 0):
			unit = money(int64(line.Pricing.UnitAmountDecimal), line.Currency)
		case line.Quantity > 1:
			unit.AmountMinor /= line.Quantity
		}
		out = append(out, payment.InvoiceLine{Description: line.Description, Quantity: max(1, line.Quantity), UnitAmount: unit.Shown(), Amount: amount.Shown()})
	}
	return out
}

// whole is an invoice with all of its lines; it comes with the first ten.
func (b *Backend) whole(ctx context.Context, in *stripe.Invoice) (payment.Invoice, error) {
	out := invoiced(in)
	if in.Lines == nil || !in.Lines.HasMore {
		return out, nil
	}
	lines, err := all(ctx, b, func(l *stripe.InvoiceLineItem) string { return l.ID }, func(ctx context.Context, params stripe.ListParams) *stripe.V1List[*stripe.InvoiceLineItem] {
		return b.api.V1Invoices.ListLines(ctx, &stripe.InvoiceListLinesParams{ListParams: params, Invoice: stripe.String(in.ID)})
	})
	out.Lines = linesOf(lines)
	return out, err
}

// SearchInvoices finds invoices, newest first, with their lines.
func (b *Backend) SearchInvoices(ctx context.Context, query payment.InvoiceQuery) (payment.List[payment.Invoice], error) {
	customers, err := b.among(ctx, query.Customer)
	if err != nil {
		return payment.List[payment.Invoice]{}, err
	}
	if customers.none {
		return payment.List[payment.Invoice]{Items: []payment.Invoice{}}, nil
	}
	asked := stripe.InvoiceListParams{Customer: customers.param, CreatedRange: created(query.Criteria), Expand: expand("data.payments")}
	if query.Status != "" && query.Status != payment.InvoiceOpen { // which for us holds what is uncollectible too
		asked.Status = stripe.String(string(query.Status))
	}
	if !query.DueBefore.IsZero() {
		asked.DueDateRange = &stripe.RangeQueryParams{LesserThan: secondsUp(query.DueBefore)}
	}
	return listing[*stripe.Invoice, payment.Invoice]{
		name: "in", page: query.Page,
		every: query.Text == "" && query.Currency == "" && query.Status != payment.InvoiceOpen && query.DueBefore.IsZero() && customers.ids == nil,
		id:    func(in *stripe.Invoice) string { return in.ID },
		ask: func(ctx context.Context, params stripe.ListParams) *stripe.V1List[*stripe.Invoice] {
			asked := asked
			asked.ListParams = params
			return b.api.V1Invoices.List(ctx, &asked)
		},
		keep: func(ctx context.Context, in *stripe.Invoice) (payment.Invoice, bool, error) {
			out := invoiced(in)
			if query.Status != "" && out.Status != query.Status || !customers.has(out.Customer.Reference) || !fits(query.Criteria, out.Total.Money) ||
				!query.DueBefore.IsZero() && (out.DueAt.IsZero() || !out.DueAt.Before(query.DueBefore)) {
				return out, false, nil
			}
			out, err := b.whole(ctx, in)
			texts := []string{out.ID, out.Number, out.Memo, out.Customer.Name, out.Customer.Email, out.Customer.Reference}
			for _, line := range out.Lines {
				texts = append(texts, line.Description)
			}
			return out, err == nil && says(query.Text, texts...), err
		},
	}.run(ctx, b)
}

// invoice finds an invoice by its id, or its number, which Stripe's search knows within a
// minute of its making.
func (b *Backend) invoice(ctx context.Context, id string) (*stripe.Invoice, error) {
	if strings.HasPrefix(id, "in_") || !strings.ContainsAny(id, "-0123456789") {
		in, err := read(ctx, b, func(ctx context.Context) (*stripe.Invoice, error) {
			return b.api.V1Invoices.Retrieve(ctx, id, &stripe.InvoiceRetrieveParams{Expand: expand("payments")})
		})
		if missing(err) {
			return nil, payment.NoSuchInvoice(id)
		}
		return in, err
	}
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(id)
	found, err := read(ctx, b, func(ctx context.Context) (*stripe.V1SearchList[*stripe.Invoice], error) {
		found := b.api.V1Invoices.Search(ctx, &stripe.InvoiceSearchParams{SearchParams: stripe.SearchParams{
			Query: `number:"` + quoted + `"`, Limit: stripe.Int64(1), Single: true,
		}, Expand: expand("data.payments")})
		return found, found.Err()
	})
	if err != nil {
		return nil, err
	}
	if len(found.Data()) == 0 {
		return nil, payment.NoSuchInvoice(id)
	}
	return found.Data()[0], nil
}
