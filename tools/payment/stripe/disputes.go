package stripe

import (
	"context"
	"strings"

	stripe "github.com/stripe/stripe-go/v85"

	"drawbridge/tools"
	"drawbridge/tools/payment"
)

// disputed is a dispute as the family knows it.
func disputed(d *stripe.Dispute) payment.Dispute {
	out := payment.Dispute{ID: d.ID, Amount: shown(d.Amount, d.Currency), Reason: string(d.Reason), Status: disputeStatus(d.Status), CreatedAt: moment(d.Created)}
	if ch := d.Charge; ch != nil {
		out.PaymentID, out.PaymentExternalID, out.Customer = ch.ID, ch.ID, person(ch.Customer)
		if details := ch.BillingDetails; details != nil && out.Customer.Reference == "" {
			out.Customer.Name, out.Customer.Email = details.Name, details.Email
		}
	}
	if d.PaymentIntent != nil {
		out.PaymentID = d.PaymentIntent.ID
	}
	if d.EvidenceDetails != nil && out.Status == payment.DisputeNeedsResponse {
		out.RespondBy = moment(d.EvidenceDetails.DueBy)
	}
	return out
}

// disputeStatus reads Stripe's states. An inquiry (warning_...) is a dispute that took no
// money yet; one that was closed, or prevented, leaves it where it is.
func disputeStatus(s stripe.DisputeStatus) payment.DisputeStatus {
	switch s {
	case stripe.DisputeStatusNeedsResponse, stripe.DisputeStatusWarningNeedsResponse:
		return payment.DisputeNeedsResponse
	case stripe.DisputeStatusLost:
		return payment.DisputeLost
	case stripe.DisputeStatusWon, stripe.DisputeStatusWarningClosed, stripe.DisputeStatusPrevented:
		return payment.DisputeWon
	}
	return payment.DisputeUnderReview
}

// ListDisputes lists disputes, newest first.
func (b *Backend) ListDisputes(ctx context.Context, query payment.DisputeQuery) (payment.List[payment.Dispute], error) {
	var of *string
	if query.PaymentID != "" {
		pi, err := b.intent(ctx, query.PaymentID)
		if err != nil {
			return payment.List[payment.Dispute]{}, err
		}
		of = stripe.String(pi.ID)
	}
	return listing[*stripe.Dispute, payment.Dispute]{
		name: "dp", page: query.Page, every: query.Status == "",
		id: func(d *stripe.Dispute) string { return d.ID },
		ask: func(ctx context.Context, params stripe.ListParams) *stripe.V1List[*stripe.Dispute] {
			return b.api.V1Disputes.List(ctx, &stripe.DisputeListParams{ListParams: params, PaymentIntent: of, Expand: expand("data.charge.customer")})
		},
		keep: func(_ context.Context, d *stripe.Dispute) (payment.Dispute, bool, error) {
			out := disputed(d)
			return out, query.Status == "" || out.Status == query.Status, nil
		},
	}.run(ctx, b)
}

// GetDispute finds a dispute by its id.
func (b *Backend) GetDispute(ctx context.Context, id string) (payment.DisputeDetails, error) {
	d, err := b.dispute(ctx, id)
	if err != nil {
		return payment.DisputeDetails{}, err
	}
	return detailed(d), nil
}

func (b *Backend) dispute(ctx context.Context, id string) (*stripe.Dispute, error) {
	d, err := read(ctx, b, func(ctx context.Context) (*stripe.Dispute, error) {
		return b.api.V1Disputes.Retrieve(ctx, id, &stripe.DisputeRetrieveParams{Expand: expand("charge.customer")})
	})
	if missing(err) {
		return nil, payment.NoSuchDispute(id)
	}
	return d, err
}

// detailed is a dispute with its evidence, as far as that is words. When it was submitted
// Stripe does not say.
func detailed(d *stripe.Dispute) payment.DisputeDetails {
	out := payment.DisputeDetails{Dispute: disputed(d)}
	if e := d.Evidence; e != nil {
		out.Evidence = payment.Evidence{
			ProductDescription: e.ProductDescription, CustomerName: e.CustomerName, CustomerEmail: e.CustomerEmailAddress, BillingAddress: e.BillingAddress,
			ShippingAddress: e.ShippingAddress, ShippingCarrier: e.ShippingCarrier, ShippingDate: e.ShippingDate, ShippingTracking: e.ShippingTrackingNumber,
			ServiceDate: e.ServiceDate, AccessLog: e.AccessActivityLog, RefundPolicy: e.RefundPolicyDisclosure, RefundRefusal: e.RefundRefusalExplanation,
			CancellationPolicy: e.CancellationPolicyDisclosure, CancellationRebuttal: e.CancellationRebuttal,
			DuplicateOf: e.DuplicateChargeID, DuplicateExplanation: e.DuplicateChargeExplanation, Other: e.UncategorizedText,
		}
	}
	return out
}

// evidence is what to set; parts that are not said stay as they are.
func evidence(e payment.Evidence) *stripe.DisputeUpdateEvidenceParams {
	part := func(text string) *string {
		if text == "" {
			return nil
		}
		return stripe.String(text)
	}
	if e == (payment.Evidence{}) {
		return nil
	}
	return &stripe.DisputeUpdateEvidenceParams{
		ProductDescription: part(e.ProductDescription), CustomerName: part(e.CustomerName), CustomerEmailAddress: part(e.CustomerEmail), BillingAddress: part(e.BillingAddress),
		ShippingAddress: part(e.ShippingAddress), ShippingCarrier: part(e.ShippingCarrier), ShippingDate: part(e.ShippingDate), ShippingTrackingNumber: part(e.ShippingTracking),
		ServiceDate: part(e.ServiceDate), AccessActivityLog: part(e.AccessLog), RefundPolicyDisclosure: part(e.RefundPolicy), RefundRefusalExplanation: part(e.RefundRefusal),
		CancellationPolicyDisclosure: part(e.CancellationPolicy), CancellationRebuttal: part(e.CancellationRebuttal),
		DuplicateChargeID: part(e.DuplicateOf), DuplicateChargeExplanation: part(e.DuplicateExplanation), UncategorizedText: part(e.Other),
	}
}

// DraftEvidence keeps evidence with a dispute, and does not submit it.
func (b *Backend) DraftEvidence(ctx context.Context, request payment.EvidenceRequest) (payment.DisputeDetails, error) {
	return b.give(ctx, request, false)
}

// SubmitEvidence gives the evidence to the bank.
func (b *Backend) SubmitEvidence(ctx context.Context, request payment.EvidenceRequest) (payment.DisputeDetails, error) {
	return b.give(ctx, request, true)
}

func (b *Backend) give(ctx context.Context, request payment.EvidenceRequest, submit bool) (payment.DisputeDetails, error) {
	d, err := b.dispute(ctx, request.DisputeID)
	if err != nil {
		return payment.DisputeDetails{}, err
	}
	now := detailed(d)
	if refused := payment.CheckEvidence(now, b.now()); refused != nil {
		if submit && ours(ctx, d.Metadata) && d.EvidenceDetails != nil && d.EvidenceDetails.SubmissionCount > 0 {
			return now, nil // made before, and the answer was lost
		}
		return payment.DisputeDetails{}, refused
	}
	if submit {
		if err := payment.CheckSubmit(now, request.Evidence.Over(now.Evidence)); err != nil {
			return payment.DisputeDetails{}, err
		}
	}
	if strings.HasPrefix(request.Evidence.DuplicateOf, "pi_") { // Stripe wants the charge
		other, err := b.intent(ctx, request.Evidence.DuplicateOf)
		switch {
		case err != nil:
			return payment.DisputeDetails{}, err
		case other.LatestCharge == nil:
			return payment.DisputeDetails{}, tools.Errorf(tools.Invalid, "duplicate_payment_id: %s has taken no money; name a payment that has.", other.ID)
		}
		request.Evidence.DuplicateOf = other.LatestCharge.ID
	}
	params := &stripe.DisputeUpdateParams{Evidence: evidence(request.Evidence), Submit: stripe.Bool(submit), Expand: expand("charge.customer")}
	if submit {
		params.Metadata = marked(ctx, nil)
	}
	d, err = write(ctx, b, "", &params.Params, func(ctx context.Context) (*stripe.Dispute, error) { return b.api.V1Disputes.Update(ctx, d.ID, params) })
	if err != nil {
		return payment.DisputeDetails{}, err
	}
	return detailed(d), nil
}
