package payment

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"drawbridge/tools"
)

// Evidences answer disputes.
type Evidences interface {
	// GetDispute finds a dispute by its id.
	GetDispute(ctx context.Context, id string) (DisputeDetails, error)
	// DraftEvidence keeps evidence with a dispute; the bank does not see it yet.
	DraftEvidence(ctx context.Context, request EvidenceRequest) (DisputeDetails, error)
	// SubmitEvidence gives what is kept, and what is added, to the bank, for good.
	SubmitEvidence(ctx context.Context, request EvidenceRequest) (DisputeDetails, error)
}

// Evidence is what is said to the customer's bank, in words. Each part is "" if nothing
// is said about it.
type Evidence struct {
	ProductDescription   string `json:"product_description,omitempty" jsonschema:"What was sold, and how it was presented to the customer." maxLength:"20000" example:"Team plan, one month."`
	CustomerName         string `json:"customer_name,omitempty" jsonschema:"The customer's name." maxLength:"500" example:"Ada Example"`
	CustomerEmail        string `json:"customer_email,omitempty" jsonschema:"The customer's email address." maxLength:"254" example:"ada@example.com"`
	BillingAddress       string `json:"billing_address,omitempty" jsonschema:"The billing address that the customer gave." maxLength:"1000"`
	ShippingAddress      string `json:"shipping_address,omitempty" jsonschema:"Where the goods were sent." maxLength:"1000"`
	ShippingCarrier      string `json:"shipping_carrier,omitempty" jsonschema:"Who delivered them." maxLength:"200" example:"DHL"`
	ShippingDate         string `json:"shipping_date,omitempty" jsonschema:"When they were sent, in clear words or digits." maxLength:"100" example:"2026-03-01"`
	ShippingTracking     string `json:"shipping_tracking_number,omitempty" jsonschema:"The carrier's tracking number." maxLength:"200" example:"JJD000390007"`
	ServiceDate          string `json:"service_date,omitempty" jsonschema:"When the customer had the service, in clear words or digits." maxLength:"100" example:"2026-03-01"`
	AccessLog            string `json:"access_activity_log,omitempty" jsonschema:"When and from where the customer used what was bought: a line each, with time and address." maxLength:"20000"`
	RefundPolicy         string `json:"refund_policy,omitempty" jsonschema:"How the customer was shown the refund policy before buying." maxLength:"20000"`
	RefundRefusal        string `json:"refund_refusal,omitempty" jsonschema:"Why the customer is not entitled to a refund." maxLength:"20000"`
	CancellationPolicy   string `json:"cancellation_policy,omitempty" jsonschema:"How the customer was shown the cancellation policy before buying." maxLength:"20000"`
	CancellationRebuttal string `json:"cancellation_rebuttal,omitempty" jsonschema:"Why the subscription was not cancelled as the customer says." maxLength:"20000"`
	DuplicateOf          string `json:"duplicate_payment_id,omitempty" jsonschema:"The provider's reference of the other payment that the customer takes this one for." maxLength:"200"`
	DuplicateExplanation string `json:"duplicate_explanation,omitempty" jsonschema:"How the two payments differ." maxLength:"20000"`
	Other                string `json:"other,omitempty" jsonschema:"Anything else that shows that the payment was right, such as what was written with the customer." maxLength:"20000"`
}

// Parts are the parts of evidence, by their names, to be read or set.
func (e *Evidence) Parts() map[string]*string {
	return map[string]*string{
		"product_description": &e.ProductDescription, "customer_name": &e.CustomerName, "customer_email": &e.CustomerEmail,
		"billing_address": &e.BillingAddress, "shipping_address": &e.ShippingAddress, "shipping_carrier": &e.ShippingCarrier,
		"shipping_date": &e.ShippingDate, "shipping_tracking_number": &e.ShippingTracking, "service_date": &e.ServiceDate,
		"access_activity_log": &e.AccessLog, "refund_policy": &e.RefundPolicy, "refund_refusal": &e.RefundRefusal,
		"cancellation_policy": &e.CancellationPolicy, "cancellation_rebuttal": &e.CancellationRebuttal,
		"duplicate_payment_id": &e.DuplicateOf, "duplicate_explanation": &e.DuplicateExplanation, "other": &e.Other,
	}
}

// Over is the evidence with what is not said in it taken from what was kept before.
func (e Evidence) Over(before Evidence) Evidence {
	old := before.Parts()
	for name, part := range e.Parts() {
		if *part == "" {
			*part = *old[name]
		}
	}
	return e
}

// DisputeDetails is a dispute with the evidence kept for it.
type DisputeDetails struct {
	Dispute
	Evidence    Evidence  `json:"evidence" jsonschema:"The evidence kept so far."`
	SubmittedAt time.Time `json:"submitted_at,omitzero" jsonschema:"When the evidence went to the bank, as far as it is known. Absent if it has not. RFC 3339 UTC." format:"date-time"`
}

// EvidenceRequest says what to keep, or give to the bank, for a dispute. What is "" in
// the evidence stays as it is kept.
type EvidenceRequest struct {
	DisputeID string
	Evidence  Evidence
}

// CheckEvidence refuses evidence for a dispute that awaits none.
func CheckEvidence(d DisputeDetails, now time.Time) error {
	switch {
	case d.Status == DisputeUnderReview:
		return tools.Errorf(tools.Conflict, "dispute_id: %s is under_review: the evidence is with the bank, and can be given only once.", d.ID)
	case d.Status != DisputeNeedsResponse:
		return tools.Errorf(tools.Conflict, "dispute_id: %s is %s: the bank has decided, and takes no more evidence.", d.ID, d.Status)
	case !d.RespondBy.IsZero() && d.RespondBy.Before(now):
		return tools.Errorf(tools.Conflict, "dispute_id: the time to answer %s ended on %s.", d.ID, d.RespondBy.UTC().Format(time.RFC3339))
	}
	return nil
}

// CheckSubmit refuses to give the bank nothing.
func CheckSubmit(d DisputeDetails, evidence Evidence) error {
	if evidence == (Evidence{}) {
		return tools.Errorf(tools.Invalid, "dispute_id: no evidence is kept for %s and none is given; the dispute would be lost. Give evidence, or draft it with %s first.", d.ID, ToolDraftEvidence)
	}
	return nil
}

// maxEvidence bounds all parts together, in characters: what card networks take.
const maxEvidence = 150_000

// EvidenceInput is the input of the tools that write evidence.
type EvidenceInput struct {
	DisputeID string `json:"dispute_id" jsonschema:"The dispute's id." minLength:"1" maxLength:"200" example:"dsp_0195f3c2a1b47c3e9d5f6a7b8c9d0e1f"`
	Evidence
}

func (in EvidenceInput) request() (r EvidenceRequest, err error) {
	if r.DisputeID, err = named("dispute_id", in.DisputeID); err != nil {
		return r, err
	}
	r.Evidence = in.Evidence
	all := 0
	for _, part := range r.Evidence.Parts() {
		*part = strings.TrimSpace(*part)
		all += utf8.RuneCountInString(*part)
	}
	if all > maxEvidence {
		return r, tools.Errorf(tools.Invalid, "evidence: %d characters in all; give at most %d.", all, maxEvidence)
	}
	return r, nil
}

// DisputeInput names a dispute.
type DisputeInput struct {
	DisputeID string `json:"dispute_id" jsonschema:"The dispute's id." minLength:"1" maxLength:"200" example:"dsp_0195f3c2a1b47c3e9d5f6a7b8c9d0e1f"`
}

// EvidenceOutput is the result of the tools that write evidence.
type EvidenceOutput struct {
	DisputeDetails
	Written
}

// GetDispute gives one dispute with the evidence kept for it.
func (p *Payment) GetDispute(ctx context.Context, in DisputeInput) (DisputeDetails, error) {
	id, err := named("dispute_id", in.DisputeID)
	if err != nil {
		return DisputeDetails{}, err
	}
	details, err := p.driver.GetDispute(ctx, id)
	if err != nil {
		return DisputeDetails{}, readError(ToolGetDispute, err)
	}
	return details, nil
}

// DraftEvidence keeps evidence with a dispute, which nobody outside sees.
func (p *Payment) DraftEvidence(ctx context.Context, in EvidenceInput) (EvidenceOutput, error) {
	request, err := in.request()
	if err == nil && request.Evidence == (Evidence{}) {
		err = tools.Errorf(tools.Invalid, "evidence: none is given; say at least one part of it, such as product_description.")
	}
	if err != nil {
		return EvidenceOutput{}, err
	}
	details, err := p.driver.DraftEvidence(ctx, request)
	return p.evidenceOutput(ctx, ToolDraftEvidence, details, err)
}

// SubmitEvidence gives evidence to the customer's bank.
func (p *Payment) SubmitEvidence(ctx context.Context, in EvidenceInput) (EvidenceOutput, error) {
	request, err := in.request()
	if err != nil {
		return EvidenceOutput{}, err
	}
	details, err := p.driver.SubmitEvidence(ctx, request)
	return p.evidenceOutput(ctx, ToolSubmitEvidence, details, err)
}

func (p *Payment) evidenceOutput(ctx context.Context, tool string, details DisputeDetails, err error) (EvidenceOutput, error) {
	if err != nil {
		return EvidenceOutput{}, p.writeError(ctx, tool, err)
	}
	return EvidenceOutput{DisputeDetails: details, Written: p.written()}, nil
}

// NoSuchDispute is the error for an id that names no dispute.
func NoSuchDispute(id string) error { return NoSuch("dispute", id, ToolListDisputes) }

func evidenceTools(p *Payment, keyed bool) []tools.Tool {
	return []tools.Tool{
		tools.Define(tools.Spec{
			Name:        ToolGetDispute,
			Title:       "Get a dispute",
			Description: "Show one dispute with the evidence kept for it so far. Use it before evidence is drafted or submitted.",
			Effect:      tools.Read,
			Taints:      true,
		}, p.GetDispute),
		tools.Define(tools.Spec{
			Name:  ToolDraftEvidence,
			Title: "Draft evidence for a dispute",
			Description: "Keep evidence with a dispute that needs a response; the customer's bank does not see it until payment_submit_dispute_evidence. " +
				"Parts that are left out stay as they are, those given take the place of what was kept. Say only what our own records show.",
			Effect:     tools.Write,
			Idempotent: keyed,
			Taints:     true,
		}, p.DraftEvidence),
		tools.Define(tools.Spec{
			Name:  ToolSubmitEvidence,
			Title: "Submit evidence for a dispute",
			Description: "Give the evidence kept for a dispute, with any parts given here, to the customer's bank. " +
				"Give all parts here again: a person who is asked to approve this call is shown what is given here, and not what is kept. " +
				"Only once: it cannot be changed or taken back, and the bank decides by it who gets the money.",
			Effect:      tools.Money,
			Idempotent:  keyed,
			Destructive: true,
			OpenWorld:   true,
			Taints:      true,
		}, p.SubmitEvidence),
	}
}
