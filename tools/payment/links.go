package payment

import (
	"context"
	"strings"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/money"
)

// Link is a page on which anyone who has its address can pay.
type Link struct {
	ID          string    `json:"id" jsonschema:"The link's id." example:"plink_0195f3c2a1b47c3e9d5f6a7b8c9d0e1f"`
	URL         string    `json:"url" jsonschema:"The address to give to the customer."`
	Amount      Amount    `json:"amount" jsonschema:"What is to be paid, each time."`
	Description string    `json:"description" jsonschema:"What the payer reads."`
	Reference   string    `json:"reference,omitempty" jsonschema:"Our own reference, kept with the payment."`
	Reusable    bool      `json:"reusable" jsonschema:"It can be paid more than once."`
	CreatedAt   time.Time `json:"created_at" jsonschema:"When it was made. RFC 3339 UTC." format:"date-time"`
}

// LinkRequest asks for a payment link.
type LinkRequest struct {
	Amount      Money
	Description string
	Reference   string
	Reusable    bool
}

// CreatePaymentLinkInput is the input of payment_create_payment_link.
type CreatePaymentLinkInput struct {
	AmountMinor int64  `json:"amount_minor" jsonschema:"What is to be paid, in minor units of currency (1250 is EUR 12.50, JPY 1250, KWD 1.250)." minimum:"1" maximum:"999999999999" example:"1250"`
	Currency    string `json:"currency" jsonschema:"ISO 4217 code." minLength:"3" maxLength:"3" example:"EUR"`
	Description string `json:"description" jsonschema:"What the payer reads." minLength:"1" maxLength:"500" example:"Order 1001"`
	Reference   string `json:"reference,omitempty" jsonschema:"Our own reference, such as an order number." maxLength:"200" example:"order-1001"`
	Reusable    bool   `json:"reusable,omitempty" jsonschema:"Let it be paid more than once, by anyone who has the address. Leave out for one customer's one payment." default:"false"`
}

// CreatePaymentLinkOutput is the result of payment_create_payment_link.
type CreatePaymentLinkOutput struct {
	Link
	Written
}

// CreatePaymentLink makes a page on which a customer can pay.
func (p *Payment) CreatePaymentLink(ctx context.Context, in CreatePaymentLinkInput) (CreatePaymentLinkOutput, error) {
	request, err := in.request()
	if err != nil {
		return CreatePaymentLinkOutput{}, err
	}
	link, err := p.driver.CreateLink(ctx, request)
	if err != nil {
		return CreatePaymentLinkOutput{}, p.writeError(ctx, ToolCreatePaymentLink, err)
	}
	return CreatePaymentLinkOutput{Link: link, Written: p.written()}, nil
}

func (in CreatePaymentLinkInput) request() (r LinkRequest, err error) {
	r = LinkRequest{Description: strings.TrimSpace(in.Description), Reference: strings.TrimSpace(in.Reference), Reusable: in.Reusable}
	if r.Description == "" {
		return r, tools.Errorf(tools.Invalid, "description: is empty; say what the payer pays for.")
	}
	if err := money.Sum("amount_minor", in.AmountMinor); err != nil {
		return r, err
	}
	r.Amount.AmountMinor = in.AmountMinor
	r.Amount.Currency, err = money.Code(in.Currency)
	return r, err
}
