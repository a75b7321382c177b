package bridge

import (
	"fmt"
	"time"
)

// Resumption is the body of an entry that has a run go on that had ended.
type Resumption struct {
	By string `json:"by"` // the person who wants it
}

// Resume is the entry by which a run goes on that gave up, behind its outcome. Its
// calls keep their keys, and what was called is not called again. A run that would only
// come to the same end is an error, and so is one that did nothing before it ended.
func Resume(run string, entries []Entry, by string, at time.Time) (Entry, error) {
	h, err := replay(run, entries)
	switch {
	case err != nil:
		return Entry{}, err
	case h.outcome == nil:
		return Entry{}, fmt.Errorf("resuming the run %q: it has not ended", run)
	case entries[0].Kind != EntryBrief:
		return Entry{}, fmt.Errorf("resuming the run %q: it had done nothing yet; replay it", run)
	}
	was := *h.outcome
	e := Entry{Seq: h.last + 1, Kind: EntryResume, At: at, Body: encode(Resumption{by})}
	if err := h.apply(e); err != nil {
		return Entry{}, err
	}
	if h.endsAgain() {
		return Entry{}, fmt.Errorf("resuming the run %q: it would end the same way (%s); replay it as a new run", run, was.Reason)
	}
	return e, nil
}

// endsAgain reports whether nothing but an end can come of what the journal says: its
// last answer was that, its budget is used up, or calls are its caller's to make.
func (h *history) endsAgain() bool {
	if h.open() != nil {
		return len(h.callersTurn()) > 0
	}
	end, _ := h.judge()
	return end != nil || h.closing != nil
}
