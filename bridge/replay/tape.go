package replay

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"drawbridge/bridge"
)

// errCut: the recorded run was broken off in this call, and so is the replay.
var errCut = errors.New("the recorded run was broken off here")

// errStopped: the replay goes no further, errOver: nor has the recorded run.
var (
	errStopped = errors.New("the replay stops here")
	errOver    = errors.New("the recorded run has come no further")
)

// tape is the journal of a replay, in memory. It keeps an eye on the recorded one, and
// knows how far the two have gone in step.
type tape struct {
	was    []bridge.Entry
	guided bool // the recorded answers are given: what comes from outside does, too
	open   bool // the recorded run has not ended: nothing is known of what comes then

	mu      sync.Mutex
	entries []bridge.Entry
	begins  bool  // a life of the run: what the clock says next is when it began
	given   int64 // sequence number of the answer that was given last
	apart   int64 // the first entry that is of another kind than the recorded one, 0 if none is
	stop    bool  // behind the next append
}

var _ bridge.Journal = (*tape)(nil)

func (t *tape) Entries(context.Context, string) ([]bridge.Entry, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.begins = true
	out := slices.Clone(t.entries)
	for i := range out {
		out[i].Body = bytes.Clone(out[i].Body)
	}
	return out, nil
}

func (t *tape) Append(_ context.Context, _ bridge.Lease, entries ...bridge.Entry) error {
	return t.write(entries...)
}

func (t *tape) write(entries ...bridge.Entry) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range entries {
		if err := t.refusal(e); err != nil {
			return err
		}
		t.add(e)
	}
	if t.stop {
		return errStopped
	}
	return nil
}

// refusal is why an entry is not taken: the recorded run had come to where it was put an
// end to, or where nothing more is known of it. The lock is held.
func (t *tape) refusal(e bridge.Entry) error {
	if !t.inStep() {
		return nil
	}
	next := t.at(int64(len(t.entries) + 1))
	switch {
	case next == nil && t.open:
		return errOver
	case next != nil && next.Kind == bridge.EntryOutcome && e.Kind != bridge.EntryOutcome && fromOutside(*outcomeOf(*next)):
		return errCut
	}
	return nil
}

// fromOutside reports whether a run ended so for what was done to it: somebody cancelled
// it, its model or its tools were away, the program broke, a batch or its caller did not come.
func fromOutside(o bridge.Outcome) bool {
	switch o.Reason {
	case bridge.ModelUnavailable, bridge.ToolsUnavailable, bridge.ModelError, bridge.ClientGone, bridge.BatchExpired, bridge.BatchCancelled, "fault":
		return true
	}
	return o.Status == bridge.Cancelled
}

// add takes one entry. The lock is held.
func (t *tape) add(e bridge.Entry) {
	e.Seq = int64(len(t.entries) + 1)
	if next := t.next(); next != nil && next.Kind == e.Kind && e.Kind == bridge.EntryDoubt {
		e.Body = next.Body // what was done about it then, whatever the settings say now
	}
	t.entries = append(t.entries, e)
	if next := t.at(e.Seq); t.apart == 0 && (next == nil || next.Kind != e.Kind) {
		t.apart = e.Seq
	}
}

// at is a recorded entry, nil if there is none.
func (t *tape) at(seq int64) *bridge.Entry {
	if seq < 1 || seq > int64(len(t.was)) {
		return nil
	}
	return &t.was[seq-1]
}

// inStep reports whether what was recorded still says what comes next. The lock is held.
func (t *tape) inStep() bool { return t.guided && t.apart == 0 }

// next is the recorded entry that comes next, if the two are in step. The lock is held.
func (t *tape) next() *bridge.Entry {
	if !t.inStep() {
		return nil
	}
	return t.at(int64(len(t.entries) + 1))
}

// follow is next as another reads it.
func (t *tape) follow() *bridge.Entry {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.next()
}

// endBefore is an outcome that was recorded between now and an entry: the run ended there,
// and went on later or not at all. The lock is held.
func (t *tape) endBefore(seq int64) *bridge.Outcome {
	if !t.inStep() {
		return nil
	}
	for at := int64(len(t.entries) + 1); at < seq; at++ {
		if e := t.at(at); e != nil && e.Kind == bridge.EntryOutcome {
			return outcomeOf(*e)
		}
	}
	return nil
}

// tension says how much of something is used, as far as recorded decisions tell.
type tension int

const (
	slack    tension = iota
	pressing         // the model is told that most of it is used
	over
)

// tensions are how the clock and the day's budget stand: what was decided by them next
// is decided again.
func (t *tape) tensions() (wall, day tension) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.inStep() {
		return slack, slack
	}
	from := max(int64(len(t.entries)), t.given)
	set := func(reason bridge.Reason, to tension) {
		switch reason {
		case bridge.BudgetWall:
			wall = to
		case bridge.BudgetDay:
			day = to
		}
	}
	for seq := from + 1; ; seq++ {
		e := t.at(seq)
		if e == nil {
			return wall, day
		}
		switch e.Kind {
		case bridge.EntryResult:
			var result bridge.Result
			_ = json.Unmarshal(e.Body, &result)
			if result.Code == bridge.ResultCode(bridge.BudgetWall) {
				set(bridge.BudgetWall, over)
				return wall, day
			}
			if !t.begun(result, from) {
				return wall, day
			}
		case bridge.EntryNote:
			var note bridge.Note
			_ = json.Unmarshal(e.Body, &note)
			switch note.Why {
			case bridge.NoteBudget:
				set(note.Reason, pressing)
				continue
			case bridge.NoteLast:
				set(note.Reason, over)
			}
			return wall, day
		default:
			return wall, day
		}
	}
}

// begun reports whether the call of a result had begun by an entry.
func (t *tape) begun(result bridge.Result, by int64) bool {
	for seq := result.Answer; seq <= by; seq++ {
		if e := t.at(seq); e != nil && e.Kind == bridge.EntryIntent {
			var intent bridge.Intent
			_ = json.Unmarshal(e.Body, &intent)
			if intent.Answer == result.Answer && intent.Index == result.Index {
				return true
			}
		}
	}
	return false
}

// ahead is how far from its end the clock of a replay of recorded answers stands, so that
// it never runs out by itself, however slow the machine.
const ahead = time.Hour

// clock is the time in a replay of recorded answers: it stands still, but where the
// recorded run was out of time.
func (t *tape) clock(began time.Time, wall time.Duration) func() time.Time {
	return func() time.Time {
		if t.began() {
			return began
		}
		switch now, _ := t.tensions(); now {
		case over:
			return began.Add(ahead + wall)
		case pressing:
			return began.Add(ahead + wall - wall/5)
		}
		return began
	}
}

// began reports, once a life, that it begins.
func (t *tape) began() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	begins := t.begins
	t.begins = false
	return begins
}

// daily stands in for the budget of a day, which is not in the journal: so many turns, of
// which as many are used as the recorded decisions say.
const daily = 100

func (t *tape) today(context.Context) (bridge.Usage, time.Time, error) {
	used := 0
	switch _, day := t.tensions(); day {
	case over:
		used = daily
	case pressing:
		used = daily - daily/5
	}
	return bridge.Usage{Turns: used}, time.Time{}, nil
}
