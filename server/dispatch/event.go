package dispatch

import (
	"context"
	"time"

	"drawbridge/server/webhook"
)

// EventStatus says what became of an accepted event.
type EventStatus string

const (
	Accepted EventStatus = "accepted" // stored; nobody looked at it yet
	Routed   EventStatus = "routed"   // became a run
	Ignored  EventStatus = "ignored"  // the source's condition did not hold
	Unparsed EventStatus = "unparsed" // verified and kept, but not of a form we read
	Faulty   EventStatus = "failed"   // the prompt or the condition could not be evaluated
)

// StoredEvent is an event as the store has it.
type StoredEvent struct {
	webhook.Event
	Status EventStatus
	// Note says why, for a person: "when: event.type is \"charge.failed\"".
	Note string
	// Replay counts how often a person had the event run again.
	Replay int
	// Duplicates counts the deliveries answered with this event's id after the first.
	Duplicates int
}

// Routing is what an event became. Run is nil unless Status is Routed.
type Routing struct {
	Status EventStatus
	Note   string
	Run    *NewRun
}

// EventStore hands out accepted events.
type EventStore interface {
	// ClaimEvents leases up to limit events that wait to be routed.
	ClaimEvents(ctx context.Context, limit int, lease time.Duration) ([]StoredEvent, error)
	// Route notes what the event became, ends its job, and adds the queued run
	// with its own job, in one transaction. An event that was routed already gives
	// ErrEnded.
	Route(ctx context.Context, event string, routing Routing) error
}
