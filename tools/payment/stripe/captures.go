package stripe

import (
	"context"

	stripe "github.com/stripe/stripe-go/v85"

	"drawbridge/tools"
	"drawbridge/tools/payment"
)

// perhapsOurs reports whether a check's refusal may be the effect of this very call, made
// before: then it is sent all the same, since Stripe answers the same key with the same
// result, and refuses anything else.
func perhapsOurs(ctx context.Context, refused error, done bool) bool {
	return done && callKey(ctx) != "" && tools.CodeOf(refused) == tools.Conflict
}

// CapturePayment takes the whole of what a payment holds, or a part.
func (b *Backend) CapturePayment(ctx context.Context, request payment.CaptureRequest) (payment.Charge, error) {
	pi, err := b.intent(ctx, request.PaymentID, "latest_charge", "customer")
	if err != nil {
		return payment.Charge{}, err
	}
	charge := plain(pi)
	amount, refused := payment.CheckCapture(charge, request)
	if refused != nil && !perhapsOurs(ctx, refused, charge.Status == payment.ChargeSucceeded) {
		return payment.Charge{}, refused
	}
	params := &stripe.PaymentIntentCaptureParams{Expand: expand("latest_charge", "customer"), Metadata: marked(ctx, nil)}
	if request.AmountMinor > 0 {
		amount.AmountMinor, amount.Currency = request.AmountMinor, charge.Amount.Currency
		sum, err := units("amount_minor", amount)
		if err != nil {
			return payment.Charge{}, err
		}
		params.AmountToCapture = stripe.Int64(sum)
	}
	captured, err := write(ctx, b, "", &params.Params, func(ctx context.Context) (*stripe.PaymentIntent, error) {
		return b.api.V1PaymentIntents.Capture(ctx, pi.ID, params)
	})
	return b.ended(ctx, captured, err, refused, func(now payment.Charge) error { _, err := payment.CheckCapture(now, request); return err }, pi.ID)
}

// CancelPayment gives up a payment that has taken no money.
func (b *Backend) CancelPayment(ctx context.Context, request payment.CancelPaymentRequest) (payment.Charge, error) {
	pi, err := b.intent(ctx, request.PaymentID, "latest_charge", "customer")
	if err != nil {
		return payment.Charge{}, err
	}
	charge := plain(pi)
	refused := payment.CheckCancelPayment(charge)
	if refused != nil && !perhapsOurs(ctx, refused, charge.Status == payment.ChargeCanceled) {
		return payment.Charge{}, refused
	}
	params := &stripe.PaymentIntentCancelParams{CancellationReason: reason(request.Reason), Expand: expand("latest_charge", "customer")}
	canceled, err := write(ctx, b, "", &params.Params, func(ctx context.Context) (*stripe.PaymentIntent, error) {
		return b.api.V1PaymentIntents.Cancel(ctx, pi.ID, params)
	})
	return b.ended(ctx, canceled, err, refused, payment.CheckCancelPayment, pi.ID)
}

// ended is the result of a write that ends a payment. refused is what the check before it
// said, which holds if Stripe did not have the answer of an earlier try.
func (b *Backend) ended(ctx context.Context, pi *stripe.PaymentIntent, err, refused error, check func(payment.Charge) error, id string) (payment.Charge, error) {
	if err == nil {
		c := plain(pi)
		c.Settle(0)
		return c, nil
	}
	if code := tools.CodeOf(err); refused != nil && (code == tools.Conflict || code == tools.Invalid) {
		return payment.Charge{}, refused
	}
	return payment.Charge{}, b.overtaken(ctx, err, func() error {
		now, err := b.intent(ctx, id, "latest_charge", "customer")
		if err != nil {
			return err
		}
		return check(plain(now))
	})
}
