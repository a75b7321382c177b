package payment

import (
	"context"
	"strings"
	"time"

	"drawbridge/tools"
)

// DisputeStatus is how a dispute stands.
type DisputeStatus string

// The states of a dispute. Until it is won, the money is with the customer's bank.
const (
	DisputeNeedsResponse DisputeStatus = "needs_response"
	DisputeUnderReview   DisputeStatus = "under_review"
	DisputeWon           DisputeStatus = "won"
	DisputeLost          DisputeStatus = "lost"
)

// Dispute is a payment that a customer has asked their bank to take back.
type Dispute struct {
	ID                string        `json:"id" jsonschema:"The dispute's id." example:"dsp_0195f3c2a1b47c3e9d5f6a7b8c9d0e1f"`
	PaymentID         string        `json:"payment_id" jsonschema:"The disputed payment."`
	PaymentExternalID string        `json:"payment_external_id,omitempty" jsonschema:"The provider's reference of the disputed payment." example:"pi_demo_1001"`
	Amount            Amount        `json:"amount" jsonschema:"What the customer's bank took back."`
	Reason            string        `json:"reason" jsonschema:"The bank's reason code." example:"product_not_received"`
	Status            DisputeStatus `json:"status" jsonschema:"How it stands: needs_response (evidence is due by respond_by), under_review, won (the money is back) or lost." enum:"needs_response,under_review,won,lost"`
	RespondBy         time.Time     `json:"respond_by,omitzero" jsonschema:"Until when evidence can be given. Absent if none is awaited. RFC 3339 UTC." format:"date-time"`
	Customer          Customer      `json:"customer" jsonschema:"Who paid."`
	CreatedAt         time.Time     `json:"created_at" jsonschema:"When it was opened. RFC 3339 UTC." format:"date-time"`
}

// DisputeQuery is a checked list request.
type DisputeQuery struct {
	PaymentID string        // id or provider's reference; "" for any
	Status    DisputeStatus // "" for any
	tools.Page
}

// ListDisputesInput is the input of payment_list_disputes.
type ListDisputesInput struct {
	PaymentID string        `json:"payment_id,omitempty" jsonschema:"Only disputes of this payment: its id, or the provider's reference of it." maxLength:"200" example:"pi_demo_1001"`
	Status    DisputeStatus `json:"status,omitempty" jsonschema:"Only disputes in this state." enum:"needs_response,under_review,won,lost"`
	tools.Page
}

// ListDisputesOutput is one page of disputes.
type ListDisputesOutput struct {
	Disputes   []Dispute `json:"disputes" jsonschema:"The disputes, newest first."`
	NextCursor string    `json:"next_cursor,omitempty" jsonschema:"Pass as cursor for the next page. Absent on the last page."`
}

// ListDisputes lists disputes, newest first.
func (p *Payment) ListDisputes(ctx context.Context, in ListDisputesInput) (ListDisputesOutput, error) {
	if err := choice("status", in.Status, "", DisputeNeedsResponse, DisputeUnderReview, DisputeWon, DisputeLost); err != nil {
		return ListDisputesOutput{}, err
	}
	found, err := p.driver.ListDisputes(ctx, DisputeQuery{PaymentID: strings.TrimSpace(in.PaymentID), Status: in.Status, Page: in.Page})
	if err != nil {
		return ListDisputesOutput{}, readError(ToolListDisputes, err)
	}
	return ListDisputesOutput{Disputes: found.Items, NextCursor: found.Next}, nil
}
