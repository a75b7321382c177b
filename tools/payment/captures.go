package payment

import (
	"context"

	"drawbridge/tools"
	"drawbridge/tools/money"
)

// Captures ends payments that were authorized, or not finished, one way or the other.
type Captures interface {
	// CapturePayment takes what [CheckCapture] allows.
	CapturePayment(ctx context.Context, request CaptureRequest) (Charge, error)
	// CancelPayment gives up a payment for which [CheckCancelPayment] allows it.
	CancelPayment(ctx context.Context, request CancelPaymentRequest) (Charge, error)
}

// CaptureRequest asks to take what is held. AmountMinor 0 stands for all of it.
type CaptureRequest struct {
	PaymentID   string
	AmountMinor int64
	Currency    string // "" or the one the amount is meant in
}

// CancelPaymentRequest asks to give a payment up.
type CancelPaymentRequest struct {
	PaymentID string
	Reason    RefundReason
}

// CheckCapture decides what a request takes of a payment as it is now.
func CheckCapture(charge Charge, request CaptureRequest) (Money, error) {
	held := charge.Amount.Money
	switch {
	case charge.Status != ChargeAuthorized:
		return Money{}, tools.Errorf(tools.Conflict, "payment_id: %s is %s; only an authorized payment can be captured, and only once.", charge.ID, charge.Status)
	case request.Currency != "" && request.Currency != held.Currency:
		return Money{}, tools.Errorf(tools.Invalid, "currency: %s is held in %s, not %s. Give amount_minor in minor units of %s.", charge.ID, held.Currency, request.Currency, held.Currency)
	case request.AmountMinor > held.AmountMinor:
		return Money{}, tools.Errorf(tools.Invalid, "amount_minor: %d is above the %d held for %s; capture at most %d (%s), or leave amount_minor out to capture all of it.",
			request.AmountMinor, held.AmountMinor, charge.ID, held.AmountMinor, held)
	case request.AmountMinor == 0:
		return held, nil
	}
	return Money{AmountMinor: request.AmountMinor, Currency: held.Currency}, nil
}

// CheckCancelPayment refuses to cancel what has ended.
func CheckCancelPayment(charge Charge) error {
	switch charge.Status {
	case ChargeAuthorized, ChargePending:
		return nil
	case ChargeCanceled:
		return tools.Errorf(tools.Conflict, "payment_id: %s is canceled already; no money will be taken.", charge.ID)
	case ChargeFailed:
		return tools.Errorf(tools.Conflict, "payment_id: %s is failed: no money was taken, so there is nothing to cancel.", charge.ID)
	}
	return tools.Errorf(tools.Conflict, "payment_id: %s is %s: the money was taken. To give it back, refund it with %s.", charge.ID, charge.Status, ToolCreateRefund)
}

// CapturePaymentInput is the input of payment_capture_payment.
type CapturePaymentInput struct {
	PaymentID   string `json:"payment_id" jsonschema:"The authorized payment: its id, or the provider's reference of it." minLength:"1" maxLength:"200" example:"pi_demo_1001"`
	AmountMinor *int64 `json:"amount_minor,omitempty" jsonschema:"How much to take, in minor units of the payment's currency (1250 is EUR 12.50, JPY 1250, KWD 1.250). The rest is released. Leave out to take all that is held." minimum:"1" maximum:"999999999999" example:"1250"`
	Currency    string `json:"currency,omitempty" jsonschema:"The currency amount_minor is meant in, as a check: refused if the payment is held in another. ISO 4217 code." minLength:"3" maxLength:"3" example:"EUR"`
}

// ChargeOutput is the result of the tools that write a payment.
type ChargeOutput struct {
	Charge
	Written
}

// CapturePayment takes the money that a payment holds.
func (p *Payment) CapturePayment(ctx context.Context, in CapturePaymentInput) (ChargeOutput, error) {
	request, err := in.request()
	if err != nil {
		return ChargeOutput{}, err
	}
	charge, err := p.driver.CapturePayment(ctx, request)
	return p.chargeOutput(ctx, ToolCapturePayment, charge, err)
}

func (in CapturePaymentInput) request() (r CaptureRequest, err error) {
	if r.PaymentID, err = named("payment_id", in.PaymentID); err != nil {
		return r, err
	}
	r.AmountMinor, r.Currency, err = money.Part(in.AmountMinor, in.Currency)
	return r, err
}

// CancelPaymentInput is the input of payment_cancel_payment.
type CancelPaymentInput struct {
	PaymentID string       `json:"payment_id" jsonschema:"The payment to give up: its id, or the provider's reference of it." minLength:"1" maxLength:"200" example:"pi_demo_1001"`
	Reason    RefundReason `json:"reason" jsonschema:"Why it is given up." enum:"duplicate,fraudulent,requested_by_customer,other"`
}

// CancelPayment gives up a payment that has not taken money.
func (p *Payment) CancelPayment(ctx context.Context, in CancelPaymentInput) (ChargeOutput, error) {
	id, err := named("payment_id", in.PaymentID)
	if err != nil {
		return ChargeOutput{}, err
	}
	if err := choice("reason", in.Reason, ReasonDuplicate, ReasonFraudulent, ReasonRequested, ReasonOther); err != nil {
		return ChargeOutput{}, err
	}
	charge, err := p.driver.CancelPayment(ctx, CancelPaymentRequest{PaymentID: id, Reason: in.Reason})
	return p.chargeOutput(ctx, ToolCancelPayment, charge, err)
}

func (p *Payment) chargeOutput(ctx context.Context, tool string, charge Charge, err error) (ChargeOutput, error) {
	if err != nil {
		return ChargeOutput{}, p.writeError(ctx, tool, err)
	}
	return ChargeOutput{Charge: charge, Written: p.written()}, nil
}

// captureTools end payments that hold money, or wait for it.
func captureTools(p *Payment, keyed bool) []tools.Tool {
	return []tools.Tool{
		tools.Define(tools.Spec{
			Name:  ToolCapturePayment,
			Title: "Capture a payment",
			Description: "Take the money that an authorized payment holds: all of it, or a part, and then the rest is released. " +
				"Only once, and only while it is authorized. Do not use it for a payment that is pending: that one takes its money by itself.",
			Effect:      tools.Money,
			Idempotent:  keyed,
			Destructive: true,
			Taints:      true,
		}, p.CapturePayment),
		tools.Define(tools.Spec{
			Name:  ToolCancelPayment,
			Title: "Cancel a payment",
			Description: "Give up a payment that is authorized or pending, for good: what it holds is released, and it takes no money. " +
				"For one that succeeded, refund it instead.",
			Effect:      tools.Money,
			Idempotent:  keyed,
			Destructive: true,
			Taints:      true,
		}, p.CancelPayment),
	}
}
