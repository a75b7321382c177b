package payment

import (
	"context"
	"fmt"
	"strings"

	"drawbridge/tools"
	"drawbridge/tools/money"
)

// Bounds of a new invoice; the schema tags below say the same.
const (
	maxLines    = 100
	maxQuantity = 1_000_000
	maxDueDays  = 365
)

// LineInput is one line of a new invoice.
type LineInput struct {
	Description     string `json:"description" jsonschema:"What is charged for; the customer reads it." minLength:"1" maxLength:"500" example:"Consulting, March"`
	Quantity        int64  `json:"quantity" jsonschema:"How many, a whole number." minimum:"1" maximum:"1000000" example:"2"`
	UnitAmountMinor int64  `json:"unit_amount_minor" jsonschema:"The price of one, in minor units of the invoice's currency (1250 is EUR 12.50, JPY 1250, KWD 1.250)." minimum:"0" maximum:"999999999999" example:"1250"`
}

// CreateInvoiceInput is the input of payment_create_invoice.
type CreateInvoiceInput struct {
	Customer     string      `json:"customer" jsonschema:"Who is to pay: the payment provider's customer reference, or an email address. An address not known yet makes a new customer." minLength:"1" maxLength:"254" example:"ada@example.com"`
	CustomerName string      `json:"customer_name,omitempty" jsonschema:"The name for a new customer. Ignored if the customer is known." maxLength:"200" example:"Ada Example"`
	Currency     string      `json:"currency" jsonschema:"The currency of all lines: ISO 4217 code." minLength:"3" maxLength:"3" example:"EUR"`
	Lines        []LineInput `json:"lines" jsonschema:"What is charged for." minItems:"1" maxItems:"100"`
	DueDays      *int        `json:"due_in_days,omitempty" jsonschema:"How many days after sending it is due; 0 is at once." minimum:"0" maximum:"365" default:"30"`
	Memo         string      `json:"memo,omitempty" jsonschema:"Text for the customer, printed on the invoice." maxLength:"1000" example:"Thank you for your order."`
}

// InvoiceOutput is the result of the tools that write an invoice.
type InvoiceOutput struct {
	Invoice
	Written
}

// CreateInvoice makes a draft, which nobody outside sees.
func (p *Payment) CreateInvoice(ctx context.Context, in CreateInvoiceInput) (InvoiceOutput, error) {
	request, err := in.request()
	if err != nil {
		return InvoiceOutput{}, err
	}
	invoice, err := p.driver.CreateInvoice(ctx, request)
	return p.invoiceOutput(ctx, ToolCreateInvoice, invoice, err)
}

func (in CreateInvoiceInput) request() (r InvoiceRequest, err error) {
	r = InvoiceRequest{CustomerName: strings.TrimSpace(in.CustomerName), Memo: strings.TrimSpace(in.Memo), DueDays: DefaultDueDays}
	if r.Customer, err = named("customer", in.Customer); err != nil {
		return r, err
	}
	if in.DueDays != nil {
		r.DueDays = *in.DueDays
	}
	if r.DueDays < 0 || r.DueDays > maxDueDays {
		return r, tools.Errorf(tools.Invalid, "due_in_days: %d is not from 0 to %d days.", r.DueDays, maxDueDays)
	}
	currency, err := money.Code(in.Currency)
	if err != nil {
		return r, err
	}
	r.Lines, r.Total, err = reckon(currency, in.Lines)
	return r, err
}

// reckon works out each line and the total, which must be a sum one call may name.
func reckon(currency string, inputs []LineInput) ([]InvoiceLine, Money, error) {
	total := Money{Currency: currency}
	if len(inputs) == 0 || len(inputs) > maxLines {
		return nil, total, tools.Errorf(tools.Invalid, "lines: %d lines; give 1 to %d.", len(inputs), maxLines)
	}
	lines := make([]InvoiceLine, 0, len(inputs))
	for i, in := range inputs {
		line, err := in.line(fmt.Sprintf("lines[%d].", i), currency)
		if err != nil {
			return nil, total, err
		}
		if total, err = total.Plus(line.Amount.Money); err != nil {
			return nil, total, err
		}
		lines = append(lines, line)
	}
	return lines, total, money.Sum("lines: the total", total.AmountMinor)
}

// line checks one line; at is where it stands, for messages.
func (in LineInput) line(at, currency string) (InvoiceLine, error) {
	unit := Money{AmountMinor: in.UnitAmountMinor, Currency: currency}
	description := strings.TrimSpace(in.Description)
	switch {
	case description == "":
		return InvoiceLine{}, tools.Errorf(tools.Invalid, "%sdescription: is empty; say what is charged for.", at)
	case in.Quantity < 1 || in.Quantity > maxQuantity:
		return InvoiceLine{}, tools.Errorf(tools.Invalid, "%squantity: %d is not a whole number from 1 to %d.", at, in.Quantity, maxQuantity)
	case unit.AmountMinor < 0 || unit.AmountMinor > MaxAmountMinor:
		return InvoiceLine{}, tools.Errorf(tools.Invalid, "%sunit_amount_minor: %d is not from 0 to %d minor units.", at, unit.AmountMinor, MaxAmountMinor)
	}
	amount, err := unit.Times(in.Quantity)
	return InvoiceLine{Description: description, Quantity: in.Quantity, UnitAmount: unit.Shown(), Amount: amount.Shown()}, err
}

// InvoiceInput names an invoice to send or void.
type InvoiceInput struct {
	InvoiceID string `json:"invoice_id" jsonschema:"The invoice: its id, or its number if it has one." minLength:"1" maxLength:"200" example:"INV-000042"`
}

// SendInvoice gives a draft its number and sends it to the customer.
func (p *Payment) SendInvoice(ctx context.Context, in InvoiceInput) (InvoiceOutput, error) {
	id, err := named("invoice_id", in.InvoiceID)
	if err != nil {
		return InvoiceOutput{}, err
	}
	invoice, err := p.driver.SendInvoice(ctx, id)
	return p.invoiceOutput(ctx, ToolSendInvoice, invoice, err)
}

// VoidInvoice takes back an invoice that was sent and not paid.
func (p *Payment) VoidInvoice(ctx context.Context, in InvoiceInput) (InvoiceOutput, error) {
	id, err := named("invoice_id", in.InvoiceID)
	if err != nil {
		return InvoiceOutput{}, err
	}
	invoice, err := p.driver.VoidInvoice(ctx, id)
	return p.invoiceOutput(ctx, ToolVoidInvoice, invoice, err)
}

func (p *Payment) invoiceOutput(ctx context.Context, tool string, invoice Invoice, err error) (InvoiceOutput, error) {
	if err != nil {
		return InvoiceOutput{}, p.writeError(ctx, tool, err)
	}
	return InvoiceOutput{Invoice: invoice, Written: p.written()}, nil
}

// SearchInvoicesInput is the input of payment_search_invoices.
type SearchInvoicesInput struct {
	Filter
	Status    InvoiceStatus `json:"status,omitempty" jsonschema:"Only invoices in this state." enum:"draft,open,paid,void"`
	DueBefore string        `json:"due_before,omitempty" jsonschema:"Only invoices due before this time; with status open and the present time, those overdue. RFC 3339." format:"date-time" maxLength:"40" example:"2026-04-01T00:00:00Z"`
}

// SearchInvoicesOutput is one page of invoices.
type SearchInvoicesOutput struct {
	Invoices   []Invoice `json:"invoices" jsonschema:"The invoices found, newest first."`
	NextCursor string    `json:"next_cursor,omitempty" jsonschema:"Pass as cursor for the next page. Absent on the last page."`
}

// SearchInvoices finds invoices, newest first.
func (p *Payment) SearchInvoices(ctx context.Context, in SearchInvoicesInput) (SearchInvoicesOutput, error) {
	criteria, err := in.criteria()
	if err != nil {
		return SearchInvoicesOutput{}, err
	}
	query := InvoiceQuery{Criteria: criteria, Status: in.Status}
	if query.DueBefore, err = instant("due_before", in.DueBefore); err != nil {
		return SearchInvoicesOutput{}, err
	}
	if err := choice("status", in.Status, "", InvoiceDraft, InvoiceOpen, InvoicePaid, InvoiceVoid); err != nil {
		return SearchInvoicesOutput{}, err
	}
	found, err := p.driver.SearchInvoices(ctx, query)
	if err != nil {
		return SearchInvoicesOutput{}, readError(ToolSearchInvoices, err)
	}
	return SearchInvoicesOutput{Invoices: found.Items, NextCursor: found.Next}, nil
}
