package retention

import "time"

// Kind is something that a store keeps, and the steps remove.
type Kind string

const (
	// Remains are what removing a run left behind: a crash in the middle of it, or a
	// callback that was still owed.
	Remains    Kind = "remains of runs"
	Callbacks  Kind = "callbacks"
	Runs       Kind = "runs" // with their journals, and the keys of requests for them
	Events     Kind = "events"
	Deliveries Kind = "deliveries" // whole bodies of deliveries that were several events
	Audit      Kind = "audit"
	Rejections Kind = "rejections"
	// Calls are the guard's and the backends' memory of calls under an idempotency key.
	Calls   Kind = "calls"
	Effects Kind = "effects"
	// Approvals are what people were asked to agree to, and what they said.
	Approvals Kind = "approvals"
	Days      Kind = "days" // what agents used in a day
	// Endpoints is how it went with receivers of callbacks that nothing is left of.
	Endpoints Kind = "endpoints"
)

// Kinds are all, in the order of a pass: what refers to another comes before it.
var Kinds = []Kind{Remains, Callbacks, Runs, Events, Deliveries, Audit, Rejections, Calls, Effects, Approvals, Days, Endpoints}

// Bound is how much of a kind is kept.
type Bound struct {
	Age   time.Duration // 0 is forever
	Count int           // the newest of them; 0 is however many
}

// Policy is how much of everything is kept.
type Policy struct {
	Events, Runs, Callbacks, Audit Bound
	Rejections, Calls              time.Duration // 0 is forever
	// Sources say otherwise for what comes of the events of a webhook.
	Sources map[string]Source
}

// Source is what holds for one webhook.
type Source struct {
	// Own: Age counts for its events, their runs and callbacks, in place of all that the
	// policy says of these.
	Own bool
	Age time.Duration // 0 is forever
	// Dedupe is how long after it was last seen a key makes a delivery a duplicate; 0 is
	// DefaultDedupe.
	Dedupe time.Duration
}

// DefaultDedupe is how long a key counts that nothing is said about (ING-10).
const DefaultDedupe = 35 * 24 * time.Hour

// keptDays is how long it is known what an agent used in a day, and how a receiver of
// callbacks did that nothing is left of.
const keptDays = 400 * 24 * time.Hour

// Due says what of a kind is to go: what was there before a time.
type Due struct {
	Now time.Time
	// Before is that time, zero if nothing is to go. Sources have it of their own.
	Before  time.Time
	Sources map[string]time.Time
	// Dedupe is how long a source's keys count, without one DefaultDedupe.
	Dedupe map[string]time.Duration
}

// Of is the time for what comes of a source.
func (d Due) Of(source string) time.Time {
	if own, ok := d.Sources[source]; ok {
		return own
	}
	return d.Before
}

// Latest is the latest of all these times: what came after it stays, whatever its source.
func (d Due) Latest() time.Time {
	latest := d.Before
	for _, before := range d.Sources {
		if before.After(latest) {
			latest = before
		}
	}
	return latest
}

// Past reports whether something of the source that ended, or came, at a time is to go.
func (d Due) Past(source string, at time.Time) bool { return at.Before(d.Of(source)) }

// Counts reports whether an event's key, last seen at a time, still makes a delivery a
// duplicate.
func (d Due) Counts(source string, seen time.Time) bool {
	dedupe := d.Dedupe[source]
	if dedupe == 0 {
		dedupe = DefaultDedupe
	}
	return !seen.Add(dedupe).Before(d.Now)
}

// bound is what the policy says of a kind.
func (p Policy) bound(kind Kind) Bound {
	switch kind {
	case Callbacks:
		return p.Callbacks
	case Runs:
		return p.Runs
	case Events:
		return p.Events
	case Audit:
		return p.Audit
	case Rejections:
		return Bound{Age: p.Rejections}
	case Calls, Effects, Approvals:
		return Bound{Age: p.Calls}
	case Days, Endpoints:
		return Bound{Age: keptDays}
	}
	return Bound{}
}

// before is the time of an age, zero for what is kept forever.
func before(now time.Time, age time.Duration) time.Time {
	if age == 0 {
		return time.Time{}
	}
	return now.Add(-age)
}

// due is what the policy's ages make due at a time.
func (p Policy) due(kind Kind, now time.Time) Due {
	d := Due{Now: now, Before: before(now, p.bound(kind).Age), Sources: map[string]time.Time{}, Dedupe: map[string]time.Duration{}}
	for name, source := range p.Sources {
		if source.Own && (kind == Events || kind == Runs || kind == Callbacks) {
			d.Sources[name] = before(now, source.Age)
		}
		if source.Dedupe > 0 {
			d.Dedupe[name] = source.Dedupe
		}
	}
	return d
}
