package bridge

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"drawbridge/bridge/openai"
)

// history is what a run's entries add up to. It is built by nothing but apply,
// from the bytes of entries, in a run's first life as in its last: what a resumed
// run sees cannot differ from what the first one saw.
type history struct {
	run     string
	last    int64 // sequence number of the last entry
	brief   Brief
	turns   []*turn
	outcome *Outcome

	// Of this life, not from entries: the time worked in earlier ones, and when it
	// began. Only budgets look at them.
	worked time.Duration
	began  time.Time
}

// turn is one answer of the model and what became of its calls.
type turn struct {
	seq    int64 // of the answer's entry
	answer openai.Answer
	calls  []*call
}

// call is one call of an answer. Without an intent it has not been started;
// without a result it has not come back.
type call struct {
	index  int
	id     string // the model's, or one minted in its place
	asked  openai.Call
	intent *Intent
	result *Result
}

// replay builds the history of a run from its journal.
func replay(run string, entries []Entry) (*history, error) {
	h := &history{run: run}
	for _, e := range entries {
		if err := h.apply(e); err != nil {
			return nil, fmt.Errorf("replaying the journal of run %q: entry %d: %w", run, e.Seq, err)
		}
	}
	return h, nil
}

// apply adds one entry. An error means that the journal was not written by a
// bridge: nothing may be built on it.
func (h *history) apply(e Entry) error {
	switch {
	case e.Seq != h.last+1:
		return fmt.Errorf("it follows entry %d", h.last)
	case h.outcome != nil:
		return fmt.Errorf("it follows the outcome")
	case (h.last == 0) != (e.Kind == EntryBrief):
		return fmt.Errorf("its kind is %q: a journal opens with its only brief", e.Kind)
	}
	if err := h.take(e); err != nil {
		return err
	}
	h.last = e.Seq
	return nil
}

func (h *history) take(e Entry) error {
	switch e.Kind {
	case EntryBrief:
		return json.Unmarshal(e.Body, &h.brief)
	case EntryAnswer:
		t := &turn{seq: e.Seq}
		if err := json.Unmarshal(e.Body, &t.answer); err != nil {
			return err
		}
		t.calls = callsOf(t.seq, t.answer.Calls)
		h.turns = append(h.turns, t)
		return nil
	case EntryIntent:
		var intent Intent
		if err := json.Unmarshal(e.Body, &intent); err != nil {
			return err
		}
		c, err := h.call(intent.Answer, intent.Index)
		if err != nil {
			return err
		}
		c.intent = &intent
		return nil
	case EntryResult:
		var result Result
		if err := json.Unmarshal(e.Body, &result); err != nil {
			return err
		}
		c, err := h.call(result.Answer, result.Index)
		if err != nil {
			return err
		}
		c.result = &result
		return nil
	case EntryOutcome:
		h.outcome = new(Outcome)
		return json.Unmarshal(e.Body, h.outcome)
	}
	return fmt.Errorf("its kind is %q, which is none", e.Kind)
}

// call finds a call by its place. Only calls of the last answer are still moving.
func (h *history) call(answer int64, index int) (*call, error) {
	if len(h.turns) > 0 {
		if t := h.turns[len(h.turns)-1]; t.seq == answer && index >= 0 && index < len(t.calls) {
			return t.calls[index], nil
		}
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
	if len(h.turns) == 0 {
		return nil
	}
	t := h.turns[len(h.turns)-1]
	if t.final() || len(t.unanswered()) == 0 {
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

// final reports whether the run is over with this answer. The calls of an answer
// that was cut or withheld are not made: nobody knows what they would have been.
func (t *turn) final() bool {
	return len(t.calls) == 0 || t.answer.Refusal != "" ||
		t.answer.Finish == openai.FinishFiltered || t.answer.Finish == openai.FinishLength
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
