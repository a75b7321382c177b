package stripe

import (
	"context"
	"slices"

	stripe "github.com/stripe/stripe-go/v85"

	"drawbridge/tools"
	"drawbridge/tools/payment"
)

// What a refund's metadata holds for us, besides its key: Stripe has no field for a note,
// and knows three reasons.
const (
	noteMark   = "drawbridge_note"
	reasonMark = "drawbridge_reason"
)

// refunded is a refund as the family knows it.
func refunded(r *stripe.Refund, paymentID string) payment.Refund {
	out := payment.Refund{ID: r.ID, PaymentID: paymentID, Amount: shown(r.Amount, r.Currency), Reason: payment.RefundReason(r.Metadata[reasonMark]),
		Note: r.Metadata[noteMark], Status: payment.RefundPending, CreatedAt: moment(r.Created)}
	if out.Reason == "" {
		out.Reason = reasonOf(string(r.Reason))
	}
	switch r.Status {
	case stripe.RefundStatusSucceeded:
		out.Status = payment.RefundSucceeded
	case stripe.RefundStatusFailed, stripe.RefundStatusCanceled:
		out.Status = payment.RefundFailed
	}
	return out
}

// reasonOf reads one of Stripe's reasons.
func reasonOf(text string) payment.RefundReason {
	switch r := payment.RefundReason(text); r {
	case payment.ReasonDuplicate, payment.ReasonFraudulent, payment.ReasonRequested:
		return r
	}
	return payment.ReasonOther
}

// reason is one of ours as Stripe wants it; nil for one that it does not know.
func reason(r payment.RefundReason) *string {
	if r == payment.ReasonOther {
		return nil
	}
	return stripe.String(string(r))
}

// CreateRefund gives back the whole of what is left, or a part. That a payment is not
// refunded beyond what was paid is Stripe's to decide, at the moment of the refund; here
// it is looked at first, so that most refusals need no write.
func (b *Backend) CreateRefund(ctx context.Context, request payment.RefundRequest) (payment.Refunded, error) {
	pi, charge, refunds, err := b.payment(ctx, request.PaymentID)
	if err != nil {
		return payment.Refunded{}, err
	}
	if i := slices.IndexFunc(refunds, func(r *stripe.Refund) bool { return ours(ctx, r.Metadata) }); i >= 0 {
		// This call was made before, and its answer was lost.
		return payment.Refunded{Refund: refunded(refunds[i], charge.ID), PaymentStatus: charge.Status, LeftToRefund: charge.LeftToRefund}, nil
	}
	amount, err := payment.CheckRefund(charge, request)
	if err != nil {
		return payment.Refunded{}, err
	}
	params := &stripe.RefundCreateParams{
		PaymentIntent: stripe.String(pi.ID), Reason: reason(request.Reason), Expand: expand("charge"),
		Metadata: marked(ctx, map[string]string{noteMark: request.Note, reasonMark: string(request.Reason)}),
	}
	if request.AmountMinor > 0 { // else all that is left then, so that the same call is the same request
		sum, err := units("amount_minor", amount)
		if err != nil {
			return payment.Refunded{}, err
		}
		params.Amount = stripe.Int64(sum)
	}
	made, err := write(ctx, b, "", &params.Params, func(ctx context.Context) (*stripe.Refund, error) { return b.api.V1Refunds.Create(ctx, params) })
	if err != nil {
		return payment.Refunded{}, b.overtaken(ctx, err, func() error {
			_, now, _, err := b.payment(ctx, pi.ID)
			if err == nil {
				_, err = payment.CheckRefund(now, request)
			}
			return err
		})
	}
	left := charge
	left.Settle(charge.Refunded.AmountMinor + money(made.Amount, made.Currency).AmountMinor)
	if ch := made.Charge; ch != nil && ch.AmountCaptured == ch.Amount && ch.AmountRefunded > 0 {
		left.Settle(money(ch.AmountRefunded, ch.Currency).AmountMinor) // with what others gave back meanwhile
	}
	return payment.Refunded{Refund: refunded(made, charge.ID), PaymentStatus: left.Status, LeftToRefund: left.LeftToRefund}, nil
}

// overtaken says in the family's words why Stripe refused what it would have taken when it
// was looked at: check looks again. Errors of another kind stay what they are.
func (b *Backend) overtaken(ctx context.Context, err error, check func() error) error {
	switch tools.CodeOf(err) {
	case tools.Invalid, tools.Conflict, tools.NotFound:
	default:
		return err
	}
	if now := check(); tools.CodeOf(now) == tools.Invalid || tools.CodeOf(now) == tools.Conflict {
		return now
	}
	return err
}
