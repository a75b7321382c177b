package dispatch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
)

// part is one exchange of a transcript. The next one begins with the results that
// the caller gave.
type part struct {
	seq   int64 // of the journal's entry that it begins with
	first int   // of its items
	last  int   // behind its items, once it has ended
	end   *ExchangeEnd

	before bridge.Usage    // what the run had used when it began
	answer json.RawMessage // the last one of the model
}

// resume is told what a new life finds in the journal.
func (t *transcript) resume(l *life, entries []bridge.Entry) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.holder != l {
		return nil
	}
	if err := t.learn(entries); err != nil {
		return err
	}
	if p := t.open(); p.end != nil { // it goes on by itself, as when its caller is gone
		t.begin(int64(len(entries))+1, p.end.Outcome.Usage)
	}
	return nil
}

// learn takes over what a whole journal tells beyond what is known.
func (t *transcript) learn(entries []bridge.Entry) error {
	for _, at := range replies(entries) {
		if int64(at) < t.open().seq {
			continue
		}
		if err := t.extend(entries[:at]); err != nil {
			return err
		}
		end, err := waitingEnd(t.run, entries[:at])
		if err != nil {
			return err
		}
		t.close(end)
		t.begin(int64(at)+1, end.Outcome.Usage)
	}
	return t.extend(entries)
}

// extend adds the events of a journal beyond those that are known.
func (t *transcript) extend(entries []bridge.Entry) error {
	if int64(len(entries)) <= t.seq {
		return nil
	}
	if slices.ContainsFunc(entries[t.seq:], telling) {
		told, err := bridge.Events(t.run, entries[:t.seq])
		if err != nil {
			return fmt.Errorf("telling of run %q: %w", t.run, err)
		}
		all, err := bridge.Events(t.run, entries)
		if err != nil {
			return fmt.Errorf("telling of run %q: %w", t.run, err)
		}
		for _, e := range all[len(told):] {
			t.add(e)
		}
	}
	t.read(entries[t.seq:])
	return nil
}

// telling reports whether an entry may have events. A brief is not read for nothing:
// it may hold many images.
func telling(e bridge.Entry) bool {
	return e.Kind == bridge.EntryAnswer || e.Kind == bridge.EntryIntent || e.Kind == bridge.EntryApproval || e.Kind == bridge.EntryResult
}

// read notes what an end will have to say.
func (t *transcript) read(entries []bridge.Entry) {
	for _, e := range entries {
		t.seq = e.Seq
		if e.Kind == bridge.EntryAnswer {
			t.open().answer = e.Body
		}
	}
}

// replies are the indices of the entries that exchanges after the first begin with:
// results that the caller gave, behind anything else.
func replies(entries []bridge.Entry) []int {
	var at []int
	given := false
	for i, e := range entries {
		before := given
		if given = callersResult(e); given && !before {
			at = append(at, i)
		}
	}
	return at
}

func callersResult(e bridge.Entry) bool {
	if e.Kind != bridge.EntryResult || !bytes.Contains(e.Body, []byte(bridge.CallersCall)) {
		return false
	}
	var result bridge.Result
	return json.Unmarshal(e.Body, &result) == nil && result.Code == bridge.CallersCall
}

// open is the last part.
func (t *transcript) open() *part { return t.parts[len(t.parts)-1] }

func (t *transcript) begin(seq int64, used bridge.Usage) {
	t.parts = append(t.parts, &part{seq: seq, first: len(t.items), before: used})
}

// close ends the last part, unless it has its end.
func (t *transcript) close(end ExchangeEnd) {
	p := t.open()
	if p.end != nil {
		return
	}
	var answer openai.Answer
	if p.answer != nil && json.Unmarshal(p.answer, &answer) == nil {
		end.Finish, end.Model, end.Refusal = answer.Finish, answer.Model, answer.Refusal
	}
	end.Usage = beyond(end.Outcome.Usage, p.before)
	p.end, p.last, t.spoken = &end, len(t.items), nil
}

// waitingEnd is the end of an exchange whose run waits for its caller.
func waitingEnd(run string, entries []bridge.Entry) (ExchangeEnd, error) {
	calls, err := bridge.OpenCalls(run, entries)
	if err != nil {
		return ExchangeEnd{}, err
	}
	used, err := bridge.UsageOf(run, entries)
	if err != nil {
		return ExchangeEnd{}, err
	}
	return ExchangeEnd{State: Waiting, Calls: calls, Outcome: bridge.Outcome{Status: bridge.Waiting, Reason: bridge.ClientCalls, Usage: used}}, nil
}

// beyond is what of a usage came after another.
func beyond(all, before bridge.Usage) bridge.Usage {
	all.Turns -= before.Turns
	all.Calls -= before.Calls
	all.PromptTokens -= before.PromptTokens
	all.CompletionTokens -= before.CompletionTokens
	all.CachedTokens -= before.CachedTokens
	all.ReasoningTokens -= before.ReasoningTokens
	all.Cost -= before.Cost
	all.Wall -= before.Wall
	return all
}
