package dispatch

import "time"

// RunFilter says which runs to list. What is empty lets all through.
type RunFilter struct {
	Owner, Agent, Source, Event string
	States                      []State
	// Reason is why a run stands where it stands, as in [Run].
	Reason string
	// Behind leaves out this run, and those listed before it: where a page ends, the
	// next one goes on.
	Behind RunMark
}

// RunMark is a place in a list of runs: that of one of them, which need not be there
// any more.
type RunMark struct {
	Created time.Time
	ID      string
}

// Mark is the run's place in lists.
func (r Run) Mark() RunMark { return RunMark{r.Created, r.ID} }
