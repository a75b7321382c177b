package stripe

import (
	"context"
	"slices"
	"strings"

	stripe "github.com/stripe/stripe-go/v85"

	"drawbridge/tools/payment"
)

// SearchPayments finds payments, newest first.
func (b *Backend) SearchPayments(ctx context.Context, query payment.PaymentQuery) (payment.List[payment.Charge], error) {
	customers, err := b.among(ctx, query.Customer)
	if err != nil {
		return payment.List[payment.Charge]{}, err
	}
	if customers.none {
		return payment.List[payment.Charge]{Items: []payment.Charge{}}, nil
	}
	return listing[*stripe.PaymentIntent, payment.Charge]{
		name: "pi", page: query.Page,
		every: query.Text == "" && query.Status == "" && query.Currency == "" && customers.ids == nil,
		id:    func(pi *stripe.PaymentIntent) string { return pi.ID },
		ask: func(ctx context.Context, params stripe.ListParams) *stripe.V1List[*stripe.PaymentIntent] {
			return b.api.V1PaymentIntents.List(ctx, &stripe.PaymentIntentListParams{
				ListParams: params, Customer: customers.param, CreatedRange: created(query.Criteria), Expand: expand("data.latest_charge", "data.customer"),
			})
		},
		keep: func(ctx context.Context, pi *stripe.PaymentIntent) (payment.Charge, bool, error) {
			if !customers.has(person(pi.Customer).Reference) {
				return payment.Charge{}, false, nil
			}
			charge := plain(pi)
			if !fits(query.Criteria, charge.Amount.Money) ||
				!says(query.Text, charge.ID, charge.ExternalID, charge.Description, charge.Customer.Name, charge.Customer.Email, charge.Customer.Reference) {
				return charge, false, nil
			}
			charge, err := b.settled(ctx, pi, nil)
			return charge, err == nil && (query.Status == "" || charge.Status == query.Status), err
		},
	}.run(ctx, b)
}

// GetPayment finds a payment by its id or that of its charge.
func (b *Backend) GetPayment(ctx context.Context, id string) (payment.ChargeDetails, error) {
	_, charge, refunds, err := b.payment(ctx, id)
	if err != nil {
		return payment.ChargeDetails{}, err
	}
	details := payment.ChargeDetails{Charge: charge, Refunds: []payment.Refund{}}
	for _, refund := range refunds {
		details.Refunds = append(details.Refunds, refunded(refund, charge.ID))
	}
	return details, nil
}

// payment reads a payment with its refunds, oldest first.
func (b *Backend) payment(ctx context.Context, id string) (*stripe.PaymentIntent, payment.Charge, []*stripe.Refund, error) {
	pi, err := b.intent(ctx, id, "latest_charge.refunds", "customer")
	if err != nil {
		return nil, payment.Charge{}, nil, err
	}
	refunds, err := b.refunds(ctx, pi)
	if err != nil {
		return nil, payment.Charge{}, nil, err
	}
	charge, err := b.settled(ctx, pi, refunds)
	return pi, charge, refunds, err
}

// intent finds a PaymentIntent by its id or that of one of its charges.
func (b *Backend) intent(ctx context.Context, id string, expansions ...string) (*stripe.PaymentIntent, error) {
	given := id
	if strings.HasPrefix(id, "ch_") || strings.HasPrefix(id, "py_") {
		charge, err := read(ctx, b, func(ctx context.Context) (*stripe.Charge, error) { return b.api.V1Charges.Retrieve(ctx, id, nil) })
		switch {
		case missing(err) || err == nil && charge.PaymentIntent == nil:
			return nil, payment.NoSuchPayment(given)
		case err != nil:
			return nil, err
		}
		id = charge.PaymentIntent.ID
	}
	pi, err := read(ctx, b, func(ctx context.Context) (*stripe.PaymentIntent, error) {
		return b.api.V1PaymentIntents.Retrieve(ctx, id, &stripe.PaymentIntentRetrieveParams{Expand: expand(expansions...)})
	})
	if missing(err) {
		return nil, payment.NoSuchPayment(given)
	}
	return pi, err
}

// refunds are a payment's, oldest first. The charge brings the newest ten with it.
func (b *Backend) refunds(ctx context.Context, pi *stripe.PaymentIntent) ([]*stripe.Refund, error) {
	ch := pi.LatestCharge
	if ch == nil || ch.Created == 0 {
		return []*stripe.Refund{}, nil
	}
	if ch.Refunds != nil && !ch.Refunds.HasMore {
		refunds := slices.Clone(ch.Refunds.Data)
		slices.Reverse(refunds)
		return refunds, nil
	}
	refunds, err := all(ctx, b, func(r *stripe.Refund) string { return r.ID }, func(ctx context.Context, params stripe.ListParams) *stripe.V1List[*stripe.Refund] {
		return b.api.V1Refunds.List(ctx, &stripe.RefundListParams{ListParams: params, Charge: stripe.String(ch.ID)})
	})
	slices.Reverse(refunds)
	return refunds, err
}

// plain is a payment without what was given back, or taken back, of it.
func plain(pi *stripe.PaymentIntent) payment.Charge {
	c := payment.Charge{ID: pi.ID, Status: payment.ChargePending, Amount: shown(pi.Amount, pi.Currency), Customer: person(pi.Customer), Description: pi.Description, CreatedAt: moment(pi.Created)}
	switch pi.Status {
	case stripe.PaymentIntentStatusSucceeded:
		c.Status = payment.ChargeSucceeded
		if pi.AmountReceived > 0 {
			c.Amount = shown(pi.AmountReceived, pi.Currency)
		}
	case stripe.PaymentIntentStatusRequiresCapture:
		c.Status = payment.ChargeAuthorized
	case stripe.PaymentIntentStatusCanceled:
		c.Status, c.FailureReason = payment.ChargeCanceled, string(pi.CancellationReason)
	case stripe.PaymentIntentStatusRequiresPaymentMethod:
		if failed := pi.LastPaymentError; failed != nil {
			c.Status, c.FailureReason = payment.ChargeFailed, string(failed.Code)
			if failed.DeclineCode != "" {
				c.FailureReason = string(failed.DeclineCode)
			}
		}
	}
	if ch := pi.LatestCharge; ch != nil {
		c.ExternalID = ch.ID
		if details := ch.BillingDetails; details != nil && c.Customer.Reference == "" {
			c.Customer.Name, c.Customer.Email = details.Name, details.Email
		}
	}
	if c.Customer.Email == "" {
		c.Customer.Email = pi.ReceiptEmail
	}
	return c
}

// settled is a payment with all that became of it. refunds are its refunds, where they are
// known.
func (b *Backend) settled(ctx context.Context, pi *stripe.PaymentIntent, refunds []*stripe.Refund) (payment.Charge, error) {
	c, back := plain(pi), int64(0)
	if ch := pi.LatestCharge; ch != nil && c.Status == payment.ChargeSucceeded {
		var err error
		if ch.Disputed {
			if c.Disputed, err = b.takenBack(ctx, ch.ID); err != nil {
				return c, err
			}
		}
		// Of a charge that was captured in part Stripe may count what it released among
		// what was given back; so its refunds are added up.
		if refunds == nil && ch.AmountRefunded > 0 && ch.AmountCaptured < ch.Amount {
			if refunds, err = b.refunds(ctx, pi); err != nil {
				return c, err
			}
		}
		if back = ch.AmountRefunded; refunds != nil {
			back = sumOf(refunds)
		}
	}
	c.Settle(money(back, pi.Currency).AmountMinor)
	return c, nil
}

// sumOf adds up what refunds give back. One that failed gives nothing.
func sumOf(refunds []*stripe.Refund) (sum int64) {
	for _, refund := range refunds {
		if refund.Status != stripe.RefundStatusFailed && refund.Status != stripe.RefundStatusCanceled {
			sum += refund.Amount
		}
	}
	return sum
}

// takenBack reports whether the bank holds the money of a charge that was disputed. An
// inquiry takes none, and a dispute that was won gives it back.
func (b *Backend) takenBack(ctx context.Context, charge string) (bool, error) {
	disputes, err := all(ctx, b, func(d *stripe.Dispute) string { return d.ID }, func(ctx context.Context, params stripe.ListParams) *stripe.V1List[*stripe.Dispute] {
		return b.api.V1Disputes.List(ctx, &stripe.DisputeListParams{ListParams: params, Charge: stripe.String(charge)})
	})
	return slices.ContainsFunc(disputes, func(d *stripe.Dispute) bool {
		return d.Status == stripe.DisputeStatusNeedsResponse || d.Status == stripe.DisputeStatusUnderReview || d.Status == stripe.DisputeStatusLost
	}), err
}

func expand(paths ...string) []*string {
	if len(paths) == 0 {
		return nil // an empty list is one that Stripe refuses
	}
	return stripe.StringSlice(paths)
}
