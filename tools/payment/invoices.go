package payment

import (
	"time"

	"drawbridge/tools"
)

// InvoiceStatus is how an invoice stands.
type InvoiceStatus string

// The states of an invoice: draft -> open -> paid | void. Nothing leads back.
const (
	InvoiceDraft InvoiceStatus = "draft"
	InvoiceOpen  InvoiceStatus = "open"
	InvoicePaid  InvoiceStatus = "paid"
	InvoiceVoid  InvoiceStatus = "void"
)

// DefaultDueDays is the time to pay, in days, of an invoice that names none.
const DefaultDueDays = 30

// Invoice asks a customer for money.
type Invoice struct {
	ID        string        `json:"id" jsonschema:"The invoice's id." example:"inv_0195f3c2a1b47c3e9d5f6a7b8c9d0e1f"`
	Number    string        `json:"number,omitempty" jsonschema:"The number the customer sees. A draft has none: it gets the next one when it is sent." example:"INV-000042"`
	Status    InvoiceStatus `json:"status" jsonschema:"How it stands: draft (not sent), open (sent, to be paid), paid or void." enum:"draft,open,paid,void"`
	Customer  Customer      `json:"customer" jsonschema:"Who is to pay."`
	Lines     []InvoiceLine `json:"lines" jsonschema:"What is charged for, in order."`
	Total     Amount        `json:"total" jsonschema:"The sum of the lines."`
	Memo      string        `json:"memo,omitempty" jsonschema:"Text for the customer."`
	DueDays   int           `json:"due_in_days" jsonschema:"How many days after sending it is due; 0 is at once."`
	DueAt     time.Time     `json:"due_at,omitzero" jsonschema:"When it is due. Absent on a draft. RFC 3339 UTC." format:"date-time"`
	CreatedAt time.Time     `json:"created_at" jsonschema:"When the draft was made. RFC 3339 UTC." format:"date-time"`
	SentAt    time.Time     `json:"sent_at,omitzero" jsonschema:"When it was sent. RFC 3339 UTC." format:"date-time"`
	PaymentID string        `json:"payment_id,omitempty" jsonschema:"The payment that paid it."`
}

// InvoiceLine is one line of an invoice.
type InvoiceLine struct {
	Description string `json:"description" jsonschema:"What is charged for."`
	Quantity    int64  `json:"quantity" jsonschema:"How many."`
	UnitAmount  Amount `json:"unit_amount" jsonschema:"The price of one."`
	Amount      Amount `json:"amount" jsonschema:"Quantity times unit_amount."`
}

// InvoiceRequest asks for a draft. All lines are in one currency and Total, their
// sum, is positive.
type InvoiceRequest struct {
	// Customer is the provider's reference, or an email address: then of the
	// customer who has it, or of a new one called CustomerName.
	Customer, CustomerName string
	Lines                  []InvoiceLine
	Total                  Money
	Memo                   string
	DueDays                int
}

// InvoiceQuery is a checked search. Criteria's sums apply to the total.
type InvoiceQuery struct {
	Criteria
	Status    InvoiceStatus // "" for any
	DueBefore time.Time     // exclusive; zero for any
}

// CheckSend refuses to send what is not a draft.
func CheckSend(invoice Invoice) error {
	if invoice.Status == InvoiceDraft {
		return nil
	}
	return tools.Errorf(tools.Conflict, "invoice_id: %s is %s; only a draft can be sent, and only once.", invoice.ID, invoice.Status)
}

// CheckVoid refuses to void what is not open.
func CheckVoid(invoice Invoice) error {
	switch invoice.Status {
	case InvoiceOpen:
		return nil
	case InvoiceDraft:
		return tools.Errorf(tools.Conflict, "invoice_id: %s is draft: nobody was asked to pay it, so there is nothing to void. It can be left as it is.", invoice.ID)
	case InvoicePaid:
		return tools.Errorf(tools.Conflict, "invoice_id: %s is paid and cannot be voided. To give the money back, refund payment %s with %s.", invoice.ID, invoice.PaymentID, ToolCreateRefund)
	}
	return tools.Errorf(tools.Conflict, "invoice_id: %s is %s already.", invoice.ID, invoice.Status)
}

// NoSuchInvoice is the error for an id that names no invoice.
func NoSuchInvoice(id string) error { return NoSuch("invoice", id, ToolSearchInvoices) }
