package bridge

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"

	"drawbridge/bridge/openai"
)

// history is what a run's entries add up to. It is built by nothing but apply,
// from the bytes of entries, in a run's first life as in its last: what a resumed
// run sees cannot differ from what the first one saw.
type history struct {
	run   string
	last  int64 // sequence number of the last entry
	brief Brief
	// before are the asides ahead of the first turn; those behind a turn are its own.
	before []aside
	turns  []*turn
	// summary stands for the turns up to the answer that it names, earlier for messages
	// of the caller from before the run; summaries are all there were.
	summary, earlier *Summary
	summaries        []*Summary
	moved            int64 // sequence number of the last fold or summary
	// demand is what the run's caller asks of the model now.
	demand demand
	// warned are the budgets that the model was told are nearly used up; closing is
	// what announced the last question, if one did.
	warned  []Reason
	closing *Note
	repeats repeats
	outcome *Outcome

	// Of this life, not from entries: the time worked in earlier ones, and when it
	// began. Only budgets look at them.
	worked time.Duration
	began  time.Time
	// tight: the model found the last question too long, whatever we had counted.
	tight bool
}

// turn is one answer of the model, what became of its calls, and what was said to
// the model before it was asked again.
type turn struct {
	seq    int64 // of the answer's entry
	answer openai.Answer
	calls  []*call
	after  []aside
	// closing is what announced this turn as the last, if a budget is used up.
	closing *Note
	// folded: of its results no more is shown than a line, or show bytes of each.
	folded bool
	show   int
}

// aside is something that is said to the model behind a turn: by the bridge, or by
// the run's caller. One of the two is set.
type aside struct {
	note  *Note
	input *Input
}

// call is one call of an answer. Without an intent it has not been started;
// without a result it has not come back, and with a doubt nobody waits for it.
type call struct {
	index  int
	id     string // the model's, or one minted in its place
	asked  openai.Call
	theirs bool // to be made by the run's caller
	intent *Intent
	begun  begun // of the intent
	result *Result
	fault  bool // what came back last was no answer to the call
	// Of a call whose outcome is not known, since the last intent.
	doubt    *Doubt
	doubted  time.Time // when that was found
	check    *Check
	checked  *Checked
	decision *Decision
	// Of a call that people have to agree to, since the last intent or before the first: it
	// is known not to have been made.
	approval *Approval
	approved *Approved
	askedAt  time.Time
	// sure, of this life: it is known not to have taken effect, and may be made whatever
	// the server remembers of it. tried: it was begun in an earlier life, and may have.
	sure, tried bool
	// outline is what there is in a result that is shown cut, once it was needed.
	outline *string
	// hint is what the model is told behind the result, if it makes this call too often.
	hint string
	// times counts the turns that made this call, with these arguments, and had this
	// result, this one included.
	times int
}

// begun is where and when an entry was noted.
type begun struct {
	seq int64
	at  time.Time
}

// lastTurn is nil before the first answer.
func (h *history) lastTurn() *turn {
	if len(h.turns) == 0 {
		return nil
	}
	return h.turns[len(h.turns)-1]
}

// call finds a call by its place. Only calls of the last answer are still moving.
func (h *history) call(answer int64, index int) (*call, error) {
	if t := h.lastTurn(); t != nil && t.seq == answer && index >= 0 && index < len(t.calls) {
		return t.calls[index], nil
	}
	return nil, fmt.Errorf("it is about call %d of answer %d, which is not in the last answer", index, answer)
}

// callsOf gives every call of an answer an id of its own. Models leave ids out
// and give them twice; the answer stays as it is in the journal, and the mending
// comes out the same whenever it is done.
func callsOf(seq int64, asked []openai.Call) []*call {
	given := map[string]bool{"": true}
	for _, a := range asked {
		given[a.ID] = true
	}
	used := map[string]bool{"": true}
	calls := make([]*call, len(asked))
	for i, a := range asked {
		id := a.ID
		if used[id] {
			id = fmt.Sprintf("call_%d_%d", seq, i)
			for given[id] || used[id] {
				id += "_"
			}
		}
		used[id] = true
		calls[i] = &call{index: i, id: id, asked: a}
	}
	return calls
}

// open is the last turn, if calls of it still have to come back.
func (h *history) open() *turn {
	t := h.lastTurn()
	if t == nil || t.final() || h.clippedAgain() || len(t.unanswered()) == 0 {
		return nil
	}
	return t
}

func (t *turn) unanswered() []*call {
	var out []*call
	for _, c := range t.calls {
		if c.result == nil {
			out = append(out, c)
		}
	}
	return out
}

// final reports whether no call of the answer can be made, since it has none, was
// withheld, or came when it was too late for calls.
func (t *turn) final() bool {
	return len(t.calls) == 0 || t.closing != nil || t.answer.Refusal != "" || t.answer.Finish == openai.FinishFiltered
}

// clipped reports whether the answer was cut in the middle of its calls. They are
// not made: nobody knows what they would have been.
func (t *turn) clipped() bool { return len(t.calls) > 0 && t.answer.Finish == openai.FinishLength }

// clippedAgain reports whether the last answer was cut in its calls like the one
// before it, in spite of what the model was told.
func (h *history) clippedAgain() bool {
	n := len(h.turns)
	return n > 1 && h.turns[n-1].clipped() && h.turns[n-2].clipped()
}

// tainted reports whether the run has seen text written by outsiders.
func (h *history) tainted() bool {
	if h.brief.Tainted {
		return true
	}
	for _, t := range h.turns {
		for _, c := range t.calls {
			if c.result != nil && c.result.Taints {
				return true
			}
		}
	}
	return false
}

// key is the idempotency key of a call: of the run, the answer and the place in
// it, so that a resumed run comes to the same one and a new run never does.
func (h *history) key(t *turn, c *call) string {
	sum := sha256.New()
	sum.Write([]byte(h.run))
	place := binary.BigEndian.AppendUint64([]byte{0}, uint64(t.seq))
	sum.Write(binary.BigEndian.AppendUint64(place, uint64(c.index)))
	return "dbk_" + hex.EncodeToString(sum.Sum(nil))[:40]
}
