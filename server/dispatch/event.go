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
	// Quarantined: it does not fit the source's schema, and waits for a person to look.
	Quarantined EventStatus = "quarantined"
	// Rejected: it does not fit the source's schema, and is not wanted then.
	Rejected EventStatus = "rejected"
	// Debounced: a newer event of the same took its place.
	Debounced EventStatus = "debounced"
	// Deleted: a person deleted it, a dead letter. What is left of it is its key.
	Deleted EventStatus = "deleted"
)

// EventStatuses are all there are.
var EventStatuses = []EventStatus{Accepted, Routed, Ignored, Unparsed, Faulty, Quarantined, Rejected, Debounced, Deleted}

// StoredEvent is an event as the store has it.
type StoredEvent struct {
	webhook.Event
	// Response is what an event of OpenAI's names, if it was fetched. It is not stored.
	Response []byte
	Status   EventStatus
	// Size is that of the body, in bytes. Lists have it without the body.
	Size int
	// Note says why, for a person: "when: event.type is \"charge.failed\"".
	Note string
	// Replay counts how often a person had the event run again.
	Replay int
	// Duplicates counts the deliveries answered with this event's id after the first.
	Duplicates int
	// Successor is the event with an edited body that a person had run in the place of
	// this one, EditedFrom the one that this is in the place of; EditedBy says who.
	Successor, EditedFrom, EditedBy string
	// StatusAt is when it got its status, zero if it has the first. LastSeen is when it
	// came the last time.
	StatusAt, LastSeen time.Time
	// EmptiedAt is when its body was removed: then it is here for its key alone, or for
	// what refers to it. Zero while the body is there.
	EmptiedAt time.Time
}

// Routing is what an event became: with Status Routed a run of each route that takes it,
// or of those that could, with Faulty.
type Routing struct {
	Status EventStatus
	Note   string
	Runs   []NewRun
}

// EventFilter says which events to list. What is empty lets all through.
type EventFilter struct {
	Source string
	Status EventStatus
	// Since and Until bound when they came: not before, and before.
	Since, Until time.Time
}

// EventStore hands out accepted events.
type EventStore interface {
	// ClaimEvents leases up to limit events that wait to be routed.
	ClaimEvents(ctx context.Context, limit int, lease time.Duration) ([]StoredEvent, error)
	// Route notes what the event became, ends its job, and adds the queued runs, each
	// at its gate or with its own job, in one transaction. It gives the runs that work on the event now:
	// one that is debounced has the id of the run that was there. An event that was
	// routed already gives ErrEnded.
	Route(ctx context.Context, event string, routing Routing) (runs []string, err error)
}
