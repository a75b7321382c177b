package guard

import (
	"context"
	"time"

	"drawbridge/tools"
)

// Totals is the memory of what was done how often and for how much, over all nodes and
// restarts. What is under way counts as done: a call is noted before it is made, and taken
// back if it did nothing. So of two calls at once that each fit below a bound, but not
// together, one at least finds the other.
type Totals interface {
	// Reserve notes a call and gives its place in the order of calls: whatever has a lower
	// place was noted before. A call that is noted already under its ID, at an earlier time,
	// keeps its place, and is known.
	Reserve(ctx context.Context, e Effected) (place int64, known bool, err error)
	// TakeBack takes back what is noted under an ID: nothing was done.
	TakeBack(ctx context.Context, id string) error
	// Sum adds up what fits.
	Sum(ctx context.Context, q Tally) (Sum, error)
	// Made gives how often a run's calls of each tool were let through so far. Reads whose
	// rows wait for the run's journal may be missing.
	Made(ctx context.Context, run string) (map[string]int, error)
}

// Effected is a call that counts.
type Effected struct {
	// ID names the call. One under a caller's key has the same each time.
	ID              string
	Principal, Tool string
	Effect          tools.Effect
	Measure
	At time.Time
}

// Measure is how much a call does.
type Measure struct {
	// Minor is how much money it moves, in minor units of Currency (ISO 4217, upper case);
	// 0 and "" if none, or if nobody can tell.
	Minor    int64
	Currency string
	// Recipients are those whom a message goes to, 0 if it is none.
	Recipients int
}

// Tally says which calls to add up. What is "" or zero is no bound.
type Tally struct {
	Principal, Tool string
	Effect          tools.Effect
	Currency        string
	Since           time.Time // those at this time count
	Before          int64     // only those with a lower place
}

// Sum is what several calls come to.
type Sum struct {
	Calls      int
	Minor      int64 // of one currency; of several it means nothing
	Recipients int
}

// TotalsKept is how long a call counts at least: no period is longer.
const TotalsKept = 31 * 24 * time.Hour

// Periods are the spans of time that totals are asked for, each up to now: the day is the
// last 24 hours, so that nobody may do twice as much around midnight.
var Periods = map[string]time.Duration{"hour": time.Hour, "day": 24 * time.Hour, "week": 7 * 24 * time.Hour, "month": TotalsKept}
