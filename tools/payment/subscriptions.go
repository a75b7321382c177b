package payment

import (
	"context"
	"strings"
	"time"

	"drawbridge/tools"
)

// SubscriptionStatus is how a subscription stands.
type SubscriptionStatus string

// The states of a subscription. Canceled is final.
const (
	SubscriptionTrialing SubscriptionStatus = "trialing"
	SubscriptionActive   SubscriptionStatus = "active"
	SubscriptionPastDue  SubscriptionStatus = "past_due"
	SubscriptionCanceled SubscriptionStatus = "canceled"
)

// Subscription is a payment that repeats.
type Subscription struct {
	ID                string             `json:"id" jsonschema:"The subscription's id." example:"sub_0195f3c2a1b47c3e9d5f6a7b8c9d0e1f"`
	Status            SubscriptionStatus `json:"status" jsonschema:"How it stands: trialing, active, past_due (a payment failed) or canceled (ended)." enum:"trialing,active,past_due,canceled"`
	Customer          Customer           `json:"customer" jsonschema:"Who pays."`
	Plan              string             `json:"plan" jsonschema:"What is subscribed to." example:"Team plan"`
	Amount            Amount             `json:"amount" jsonschema:"What is paid each interval."`
	Interval          string             `json:"interval" jsonschema:"How often it is paid." enum:"day,week,month,year"`
	PeriodEnd         time.Time          `json:"current_period_end" jsonschema:"Until when it is paid. RFC 3339 UTC." format:"date-time"`
	CancelAtPeriodEnd bool               `json:"cancel_at_period_end" jsonschema:"It ends at current_period_end instead of renewing."`
	CanceledAt        time.Time          `json:"canceled_at,omitzero" jsonschema:"When the cancellation was made. Absent if there is none. RFC 3339 UTC." format:"date-time"`
	CancelReason      string             `json:"cancel_reason,omitempty" jsonschema:"What was noted with the cancellation."`
	CreatedAt         time.Time          `json:"created_at" jsonschema:"When it began. RFC 3339 UTC." format:"date-time"`
}

// SubscriptionQuery is a checked list request.
type SubscriptionQuery struct {
	Customer string             // reference or email; "" for any
	Status   SubscriptionStatus // "" for any
	tools.Page
}

// CancelTime says when a subscription is to end.
type CancelTime string

// The two times to end a subscription.
const (
	CancelNow       CancelTime = "now"
	CancelPeriodEnd CancelTime = "period_end"
)

// CancelRequest asks to end a subscription.
type CancelRequest struct {
	SubscriptionID string
	When           CancelTime
	Reason         string
}

// CheckCancel refuses to end what has ended, or is set to end when asked.
func CheckCancel(s Subscription, when CancelTime) error {
	switch {
	case s.Status == SubscriptionCanceled:
		return tools.Errorf(tools.Conflict, "subscription_id: %s is canceled already; nothing more will be charged.", s.ID)
	case s.CancelAtPeriodEnd && when == CancelPeriodEnd:
		return tools.Errorf(tools.Conflict, "subscription_id: %s is set to end on %s already. To end it at once, give when as now.", s.ID, s.PeriodEnd.UTC().Format(time.RFC3339))
	}
	return nil
}

// NoSuchSubscription is the error for an id that names no subscription.
func NoSuchSubscription(id string) error { return NoSuch("subscription", id, ToolListSubscriptions) }

// ListSubscriptionsInput is the input of payment_list_subscriptions.
type ListSubscriptionsInput struct {
	Customer string             `json:"customer,omitempty" jsonschema:"Only this customer: the payment provider's customer reference or the exact email address." maxLength:"254" example:"ada@example.com"`
	Status   SubscriptionStatus `json:"status,omitempty" jsonschema:"Only subscriptions in this state." enum:"trialing,active,past_due,canceled"`
	tools.Page
}

// ListSubscriptionsOutput is one page of subscriptions.
type ListSubscriptionsOutput struct {
	Subscriptions []Subscription `json:"subscriptions" jsonschema:"The subscriptions, newest first."`
	NextCursor    string         `json:"next_cursor,omitempty" jsonschema:"Pass as cursor for the next page. Absent on the last page."`
}

// ListSubscriptions lists subscriptions, newest first.
func (p *Payment) ListSubscriptions(ctx context.Context, in ListSubscriptionsInput) (ListSubscriptionsOutput, error) {
	if err := choice("status", in.Status, "", SubscriptionTrialing, SubscriptionActive, SubscriptionPastDue, SubscriptionCanceled); err != nil {
		return ListSubscriptionsOutput{}, err
	}
	found, err := p.driver.ListSubscriptions(ctx, SubscriptionQuery{Customer: strings.TrimSpace(in.Customer), Status: in.Status, Page: in.Page})
	if err != nil {
		return ListSubscriptionsOutput{}, readError(ToolListSubscriptions, err)
	}
	return ListSubscriptionsOutput{Subscriptions: found.Items, NextCursor: found.Next}, nil
}

// CancelSubscriptionInput is the input of payment_cancel_subscription.
type CancelSubscriptionInput struct {
	SubscriptionID string     `json:"subscription_id" jsonschema:"The subscription's id." minLength:"1" maxLength:"200" example:"sub_0195f3c2a1b47c3e9d5f6a7b8c9d0e1f"`
	When           CancelTime `json:"when" jsonschema:"period_end lets the customer use what they paid for and stops the renewal; now ends it at once. Neither pays anything back." enum:"now,period_end"`
	Reason         string     `json:"reason,omitempty" jsonschema:"A sentence for colleagues: why it was cancelled." maxLength:"500" example:"Customer moves to another plan."`
}

// CancelSubscriptionOutput is the result of payment_cancel_subscription.
type CancelSubscriptionOutput struct {
	Subscription
	Written
}

// CancelSubscription ends a subscription, now or when its paid period is over.
func (p *Payment) CancelSubscription(ctx context.Context, in CancelSubscriptionInput) (CancelSubscriptionOutput, error) {
	id, err := named("subscription_id", in.SubscriptionID)
	if err != nil {
		return CancelSubscriptionOutput{}, err
	}
	if err := choice("when", in.When, CancelNow, CancelPeriodEnd); err != nil {
		return CancelSubscriptionOutput{}, err
	}
	subscription, err := p.driver.CancelSubscription(ctx, CancelRequest{SubscriptionID: id, When: in.When, Reason: strings.TrimSpace(in.Reason)})
	if err != nil {
		return CancelSubscriptionOutput{}, p.writeError(ctx, ToolCancelSubscription, err)
	}
	return CancelSubscriptionOutput{Subscription: subscription, Written: p.written()}, nil
}
