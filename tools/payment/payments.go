package payment

import (
	"context"
	"time"
)

// Customer is who paid or is to pay, as the payment provider knows them.
type Customer struct {
	Reference string `json:"reference" jsonschema:"The payment provider's customer reference." example:"cus_demo_ada"`
	Name      string `json:"name,omitempty" jsonschema:"The customer's name." example:"Ada Example"`
	Email     string `json:"email,omitempty" jsonschema:"The customer's email address." example:"ada@example.com"`
}

// ChargeStatus is how a payment stands.
type ChargeStatus string

// The states of a payment. Pending becomes authorized, succeeded or failed; authorized
// becomes succeeded when it is captured; both become canceled when they are given up;
// refunds move it from succeeded towards refunded.
const (
	ChargePending           ChargeStatus = "pending"
	ChargeSucceeded         ChargeStatus = "succeeded"
	ChargeFailed            ChargeStatus = "failed"
	ChargePartiallyRefunded ChargeStatus = "partially_refunded"
	ChargeRefunded          ChargeStatus = "refunded"
	ChargeAuthorized        ChargeStatus = "authorized"
	ChargeCanceled          ChargeStatus = "canceled"
)

// Taken reports whether the money was taken, even if it was given back since.
func (s ChargeStatus) Taken() bool {
	return s == ChargeSucceeded || s == ChargePartiallyRefunded || s == ChargeRefunded
}

// Charge is one payment of a customer. (Payment is the family's own type.)
type Charge struct {
	ID            string       `json:"id" jsonschema:"The payment's id." example:"pay_0195f3c2a1b47c3e9d5f6a7b8c9d0e1f"`
	ExternalID    string       `json:"external_id,omitempty" jsonschema:"The provider's reference of the payment, as found in orders and mails." example:"pi_demo_1001"`
	Status        ChargeStatus `json:"status" jsonschema:"How the payment stands: pending (money not here yet), authorized (held on the card, to be captured), succeeded, failed (no money taken), canceled (given up, no money taken), partially_refunded or refunded." enum:"pending,authorized,succeeded,failed,canceled,partially_refunded,refunded"`
	FailureReason string       `json:"failure_reason,omitempty" jsonschema:"Why a failed payment failed, or a canceled one was given up." example:"card_declined"`
	Amount        Amount       `json:"amount" jsonschema:"What was to be paid; of a payment that was captured in part, that part."`
	Refunded      Amount       `json:"refunded" jsonschema:"What was given back so far."`
	LeftToRefund  Amount       `json:"left_to_refund" jsonschema:"What can still be refunded now."`
	Disputed      bool         `json:"disputed" jsonschema:"The customer's bank has taken the money back, for now or for good; such a payment cannot be refunded."`
	Customer      Customer     `json:"customer" jsonschema:"Who paid."`
	Description   string       `json:"description,omitempty" jsonschema:"What the payment was for." example:"Order 1001"`
	CreatedAt     time.Time    `json:"created_at" jsonschema:"When it was made. RFC 3339 UTC." format:"date-time" example:"2026-03-01T09:30:00Z"`
}

// Settle sets what follows from the sum refunded so far, in minor units: Refunded,
// LeftToRefund and, for a payment that succeeded, its Status. Amount, Disputed
// and a Status of another kind than refunded or partially_refunded must be set before.
func (c *Charge) Settle(refundedMinor int64) {
	left := int64(0)
	if c.Status.Taken() {
		left = c.Amount.AmountMinor - refundedMinor
		switch {
		case left <= 0:
			c.Status = ChargeRefunded
		case refundedMinor > 0:
			c.Status = ChargePartiallyRefunded
		}
		if c.Disputed {
			left = 0
		}
	}
	c.Refunded = Money{AmountMinor: refundedMinor, Currency: c.Amount.Currency}.Shown()
	c.LeftToRefund = Money{AmountMinor: left, Currency: c.Amount.Currency}.Shown()
}

// ChargeDetails is a payment with its refunds, oldest first.
type ChargeDetails struct {
	Charge
	Refunds []Refund `json:"refunds" jsonschema:"Its refunds, oldest first."`
}

// PaymentQuery is a checked search.
type PaymentQuery struct {
	Criteria
	Status ChargeStatus // "" for any
}

// SearchPaymentsInput is the input of payment_search_payments.
type SearchPaymentsInput struct {
	Filter
	Status ChargeStatus `json:"status,omitempty" jsonschema:"Only payments in exactly this state." enum:"pending,authorized,succeeded,failed,canceled,partially_refunded,refunded"`
}

// SearchPaymentsOutput is one page of payments.
type SearchPaymentsOutput struct {
	Payments   []Charge `json:"payments" jsonschema:"The payments found, newest first."`
	NextCursor string   `json:"next_cursor,omitempty" jsonschema:"Pass as cursor for the next page. Absent on the last page."`
}

// SearchPayments finds payments, newest first.
func (p *Payment) SearchPayments(ctx context.Context, in SearchPaymentsInput) (SearchPaymentsOutput, error) {
	criteria, err := in.criteria()
	if err != nil {
		return SearchPaymentsOutput{}, err
	}
	if err := choice("status", in.Status, "", ChargePending, ChargeAuthorized, ChargeSucceeded, ChargeFailed, ChargeCanceled, ChargePartiallyRefunded, ChargeRefunded); err != nil {
		return SearchPaymentsOutput{}, err
	}
	found, err := p.driver.SearchPayments(ctx, PaymentQuery{Criteria: criteria, Status: in.Status})
	if err != nil {
		return SearchPaymentsOutput{}, readError(ToolSearchPayments, err)
	}
	return SearchPaymentsOutput{Payments: found.Items, NextCursor: found.Next}, nil
}

// GetPaymentInput is the input of payment_get_payment.
type GetPaymentInput struct {
	PaymentID string `json:"payment_id" jsonschema:"The payment's id, or the provider's reference of it." minLength:"1" maxLength:"200" example:"pi_demo_1001"`
}

// GetPayment gives one payment with its refunds.
func (p *Payment) GetPayment(ctx context.Context, in GetPaymentInput) (ChargeDetails, error) {
	id, err := named("payment_id", in.PaymentID)
	if err != nil {
		return ChargeDetails{}, err
	}
	details, err := p.driver.GetPayment(ctx, id)
	if err != nil {
		return ChargeDetails{}, readError(ToolGetPayment, err)
	}
	return details, nil
}

// NoSuchPayment is the error for an id that names no payment.
func NoSuchPayment(id string) error { return NoSuch("payment", id, ToolSearchPayments) }
