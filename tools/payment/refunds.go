package payment

import (
	"context"
	"strings"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/money"
)

// RefundReason is why money is given back.
type RefundReason string

// The reasons for a refund.
const (
	ReasonDuplicate  RefundReason = "duplicate"
	ReasonFraudulent RefundReason = "fraudulent"
	ReasonRequested  RefundReason = "requested_by_customer"
	ReasonOther      RefundReason = "other"
)

// RefundStatus is how a refund stands at the provider.
type RefundStatus string

// The states of a refund. A pending refund is on its way and cannot be stopped.
const (
	RefundPending   RefundStatus = "pending"
	RefundSucceeded RefundStatus = "succeeded"
	RefundFailed    RefundStatus = "failed"
)

// Refund is money given back.
type Refund struct {
	ID        string       `json:"id" jsonschema:"The refund's id." example:"ref_0195f3c2a1b47c3e9d5f6a7b8c9d0e1f"`
	PaymentID string       `json:"payment_id" jsonschema:"The payment it gives back."`
	Amount    Amount       `json:"amount" jsonschema:"What was given back."`
	Reason    RefundReason `json:"reason" jsonschema:"Why." enum:"duplicate,fraudulent,requested_by_customer,other"`
	Note      string       `json:"note,omitempty" jsonschema:"What was noted for colleagues."`
	Status    RefundStatus `json:"status" jsonschema:"How it stands at the provider: pending (on its way), succeeded or failed." enum:"pending,succeeded,failed"`
	CreatedAt time.Time    `json:"created_at" jsonschema:"When it was made. RFC 3339 UTC." format:"date-time"`
}

// RefundRequest asks for a refund. AmountMinor 0 stands for all that is left.
type RefundRequest struct {
	PaymentID   string
	AmountMinor int64
	Currency    string // "" or the one the amount is meant in
	Reason      RefundReason
	Note        string
}

// Refunded is a refund and how it leaves its payment.
type Refunded struct {
	Refund
	PaymentStatus ChargeStatus `json:"payment_status" jsonschema:"How the payment stands after this refund." enum:"partially_refunded,refunded"`
	LeftToRefund  Amount       `json:"left_to_refund" jsonschema:"What of the payment can still be refunded."`
}

// CheckRefund decides what a request refunds of a payment as it is now: the whole
// of what is left, or the part asked for. It refuses what must not be refunded
// (Conflict, naming the payment's status) and more than is left (Invalid).
func CheckRefund(charge Charge, request RefundRequest) (Money, error) {
	left := charge.LeftToRefund.Money
	switch {
	case charge.Status == ChargePending:
		return Money{}, tools.Errorf(tools.Conflict, "payment_id: %s is pending: the money has not arrived, so it cannot be given back yet. Look at it again later with %s.", charge.ID, ToolGetPayment)
	case charge.Status == ChargeFailed:
		return Money{}, tools.Errorf(tools.Conflict, "payment_id: %s is failed: no money was taken, so there is nothing to give back.", charge.ID)
	case charge.Status == ChargeAuthorized:
		return Money{}, tools.Errorf(tools.Conflict, "payment_id: %s is authorized: its money is held and not taken. Release it with %s instead.", charge.ID, ToolCancelPayment)
	case charge.Status == ChargeCanceled:
		return Money{}, tools.Errorf(tools.Conflict, "payment_id: %s is canceled: no money was taken, so there is nothing to give back.", charge.ID)
	case charge.Status == ChargeRefunded:
		return Money{}, tools.Errorf(tools.Conflict, "payment_id: %s is refunded: all of %s was given back already. Do not refund it again.", charge.ID, charge.Amount)
	case charge.Disputed:
		return Money{}, tools.Errorf(tools.Conflict, "payment_id: %s is disputed: the customer's bank has taken the money back, and a refund would pay it twice. See %s.", charge.ID, ToolListDisputes)
	case request.Currency != "" && request.Currency != left.Currency:
		return Money{}, tools.Errorf(tools.Invalid, "currency: %s was paid in %s, not %s. Give amount_minor in minor units of %s.", charge.ID, left.Currency, request.Currency, left.Currency)
	case request.AmountMinor > left.AmountMinor:
		return Money{}, tools.Errorf(tools.Invalid, "amount_minor: %d is above the %d left to refund on %s; refund at most %d (%s), or leave amount_minor out to refund all that is left.",
			request.AmountMinor, left.AmountMinor, charge.ID, left.AmountMinor, left)
	case request.AmountMinor == 0:
		return left, nil
	}
	return Money{AmountMinor: request.AmountMinor, Currency: left.Currency}, nil
}

// CreateRefundInput is the input of payment_create_refund. AmountMinor is a
// pointer so that an explicit 0 is refused instead of taken for the whole.
type CreateRefundInput struct {
	PaymentID   string       `json:"payment_id" jsonschema:"The payment to refund: its id, or the provider's reference of it." minLength:"1" maxLength:"200" example:"pi_demo_1001"`
	AmountMinor *int64       `json:"amount_minor,omitempty" jsonschema:"How much to refund, in minor units of the payment's currency (1250 is EUR 12.50, JPY 1250, KWD 1.250). Leave out to refund all that is left." minimum:"1" maximum:"999999999999" example:"1250"`
	Currency    string       `json:"currency,omitempty" jsonschema:"The currency amount_minor is meant in, as a check: refused if the payment was made in another. ISO 4217 code." minLength:"3" maxLength:"3" example:"EUR"`
	Reason      RefundReason `json:"reason" jsonschema:"Why the money is given back." enum:"duplicate,fraudulent,requested_by_customer,other"`
	Note        string       `json:"note,omitempty" jsonschema:"A sentence for colleagues who look at the refund later. The customer does not see it." maxLength:"500" example:"Parcel 1001 arrived broken."`
}

// CreateRefundOutput is the result of payment_create_refund.
type CreateRefundOutput struct {
	Refunded
	Written
}

// CreateRefund gives back the whole of what is left of a payment, or a part.
func (p *Payment) CreateRefund(ctx context.Context, in CreateRefundInput) (CreateRefundOutput, error) {
	request, err := in.request()
	if err != nil {
		return CreateRefundOutput{}, err
	}
	refunded, err := p.driver.CreateRefund(ctx, request)
	if err != nil {
		return CreateRefundOutput{}, p.writeError(ctx, ToolCreateRefund, err)
	}
	return CreateRefundOutput{Refunded: refunded, Written: p.written()}, nil
}

func (in CreateRefundInput) request() (r RefundRequest, err error) {
	r = RefundRequest{Reason: in.Reason, Note: strings.TrimSpace(in.Note)}
	if r.PaymentID, err = named("payment_id", in.PaymentID); err != nil {
		return r, err
	}
	if r.AmountMinor, r.Currency, err = money.Part(in.AmountMinor, in.Currency); err != nil {
		return r, err
	}
	return r, choice("reason", in.Reason, ReasonDuplicate, ReasonFraudulent, ReasonRequested, ReasonOther)
}
