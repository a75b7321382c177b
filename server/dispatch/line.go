package dispatch

import (
	"context"
	"fmt"
	"time"
)

// Gate is where a queued run waits for time or for other runs. It passes the gates in
// this order, each once, and begins behind the last. Only a delayed run has a job: one
// that waits for others is given its own by the transaction that makes room for it.
type Gate string

const (
	// DelayGate: until its time.
	DelayGate Gate = "delay"
	// LineGate: until every event of its source that came earlier has been routed.
	LineGate Gate = "line"
	// SubjectGate: until every earlier run of its subject has ended.
	SubjectGate Gate = "subject"
	// RouteGate: until its route has room.
	RouteGate Gate = "route"
	// SourceGate: until its source has room. It takes up room of its route already.
	SourceGate Gate = "source"
	// Open: it may begin, or has begun.
	Open Gate = ""
)

// Lanes are what a store has to know of the settings to keep runs in order and within
// bounds. It is told before work begins; what stands at a gate that is no more goes on.
type Lanes struct {
	// Ordered are the sources of which a route orders its runs: their events are
	// routed at once, but runs do not overtake events that are not routed yet.
	Ordered []string
	// AtOnce bounds how many runs of a source, or of a route ("source/route"), may
	// have begun and not ended.
	AtOnce map[string]int
}

// LaneOf is the name of a route among [Lanes].
func LaneOf(source, route string) string { return source + "/" + route }

// LaneStore keeps lanes.
type LaneStore interface {
	// SetLanes replaces what the store knew of the settings, and lets go on what they
	// do not hold up any more.
	SetLanes(ctx context.Context, lanes Lanes) error
}

// Hold says what a run waits for, for a person.
type Hold struct {
	Gate Gate
	// Run is the earlier one of its subject, Event the earlier one of its source.
	Run, Event string
	Until      time.Time
	AtOnce     int
}

func (h Hold) String() string {
	switch h.Gate {
	case DelayGate:
		return "delayed until " + h.Until.UTC().Format(time.RFC3339)
	case LineGate:
		return fmt.Sprintf("held: event %s came earlier and is not routed yet", h.Event)
	case SubjectGate:
		return fmt.Sprintf("held: waits for run %s of the same subject", h.Run)
	case RouteGate:
		return fmt.Sprintf("held: its route has %d runs at once", h.AtOnce)
	case SourceGate:
		return fmt.Sprintf("held: its source has %d runs at once", h.AtOnce)
	}
	return ""
}
