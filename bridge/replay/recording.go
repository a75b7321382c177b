package replay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
)

// ErrNothing: there is no journal, or none that a run could be carried by.
var ErrNothing = errors.New("there is nothing to replay")

// Recording is a run as its journal has it. It does not change, and may be played often.
type Recording struct {
	run     string
	entries []bridge.Entry
	brief   bridge.Brief
	said    []saying
	calls   []recordedCall // that had an intent, in the order of those
	// waits are, by key and for each intent under it, the approval that it waited for then;
	// nil if none.
	waits   map[string][]*bridge.Approval
	theirs  []exchange // calls of the run's caller
	outcome *bridge.Outcome
}

// saying is one thing that the model said: an answer, or a summary of what it was not to
// be shown any more.
type saying struct {
	seq     int64
	answer  openai.Answer
	summary bool
}

// recordedCall is one call and, unless the run ended before it came back, its result.
type recordedCall struct {
	intent bridge.Intent
	result *bridge.Result
	seq    int64 // of the result
}

// exchange is one time that the run's caller answered: what its calls returned, and what
// it said besides.
type exchange struct {
	results []theirResult
	input   bridge.Input
}

type theirResult struct{ function, arguments, content string }

// Read takes a journal to pieces. One of a run that has not begun, or that ended before it
// began, is [ErrNothing].
func Read(run string, entries []bridge.Entry) (*Recording, error) {
	switch {
	case len(entries) == 0:
		return nil, fmt.Errorf("reading the journal of run %q: %w: it is empty", run, ErrNothing)
	case entries[0].Kind != bridge.EntryBrief:
		return nil, fmt.Errorf("reading the journal of run %q: %w: the run ended before it began", run, ErrNothing)
	}
	if _, err := bridge.UsageOf(run, entries); err != nil { // it is sound
		return nil, err
	}
	r := &Recording{run: run, entries: entries, waits: map[string][]*bridge.Approval{}}
	for _, e := range entries {
		if err := r.take(e); err != nil {
			return nil, fmt.Errorf("reading the journal of run %q: entry %d: %w", run, e.Seq, err)
		}
	}
	return r, nil
}

// Brief is what the run knew about itself.
func (r *Recording) Brief() bridge.Brief { return r.brief }

// Functions are the names of all functions that the run could call, as far as its journal
// shows: those of its brief, and those that it called.
func (r *Recording) Functions() map[string]bool {
	names := map[string]bool{}
	for _, list := range [][]string{r.brief.Functions, r.brief.LeftOut} {
		for _, name := range list {
			names[name] = true
		}
	}
	for _, c := range r.calls {
		if !c.intent.Unknown {
			names[c.intent.Function] = true
		}
	}
	return names
}

// Later reports whether the run's answers came later, with batches.
func (r *Recording) Later() bool { return r.brief.FunctionsHash == "" }

func (r *Recording) take(e bridge.Entry) error {
	switch e.Kind {
	case bridge.EntryBrief:
		return json.Unmarshal(e.Body, &r.brief)
	case bridge.EntryAnswer:
		s := saying{seq: e.Seq}
		r.said = append(r.said, s)
		return json.Unmarshal(e.Body, &r.said[len(r.said)-1].answer)
	case bridge.EntrySummary:
		var summary bridge.Summary
		err := json.Unmarshal(e.Body, &summary)
		r.said = append(r.said, saying{seq: e.Seq, answer: summary.Asked, summary: true})
		return err
	case bridge.EntryIntent:
		var intent bridge.Intent
		err := json.Unmarshal(e.Body, &intent)
		r.calls = append(r.calls, recordedCall{intent: intent})
		r.waits[intent.Key] = append(r.waits[intent.Key], nil)
		return err
	case bridge.EntryApproval:
		return r.takeApproval(e)
	case bridge.EntryResult:
		return r.takeResult(e)
	case bridge.EntryInput:
		if len(r.theirs) == 0 {
			return errors.New("the caller speaks where it was not asked")
		}
		return json.Unmarshal(e.Body, &r.theirs[len(r.theirs)-1].input)
	case bridge.EntryOutcome:
		r.outcome = new(bridge.Outcome)
		return json.Unmarshal(e.Body, r.outcome)
	case bridge.EntryResume:
		r.outcome = nil
	}
	return nil
}

// takeApproval notes that a call waited for people. One that was asked for ahead of its
// turn had no intent, and was not put to anybody.
func (r *Recording) takeApproval(e bridge.Entry) error {
	a := new(bridge.Approval)
	if err := json.Unmarshal(e.Body, a); err != nil {
		return err
	}
	for i := len(r.calls) - 1; i >= 0; i-- {
		if in := r.calls[i].intent; in.Answer == a.Answer && in.Index == a.Index {
			list := r.waits[in.Key]
			list[len(list)-1] = a
			break
		}
	}
	return nil
}

func (r *Recording) takeResult(e bridge.Entry) error {
	result := new(bridge.Result)
	if err := json.Unmarshal(e.Body, result); err != nil {
		return err
	}
	if result.Code == bridge.CallersCall {
		asked := r.asked(*result)
		if e.Seq < 2 || !r.callers(e.Seq-1) {
			r.theirs = append(r.theirs, exchange{})
		}
		last := &r.theirs[len(r.theirs)-1]
		last.results = append(last.results, theirResult{asked.Name, canonical(asked.Arguments), result.Content})
		return nil
	}
	for i := len(r.calls) - 1; i >= 0; i-- {
		if c := &r.calls[i]; c.intent.Answer == result.Answer && c.intent.Index == result.Index {
			c.result, c.seq = result, e.Seq
			break
		}
	}
	return nil
}

// callers reports whether an entry is a result that the run's caller brought.
func (r *Recording) callers(seq int64) bool {
	var on bridge.Result
	e := r.entries[seq-1]
	return e.Kind == bridge.EntryResult && json.Unmarshal(e.Body, &on) == nil && on.Code == bridge.CallersCall
}

// asked is the call that a result answers, as the model wrote it.
func (r *Recording) asked(result bridge.Result) openai.Call {
	for _, s := range r.said {
		if s.seq == result.Answer && result.Index < len(s.answer.Calls) {
			return s.answer.Calls[result.Index]
		}
	}
	return openai.Call{}
}

// canonical writes JSON in one way, whatever the order of its members and its white
// space. What is no JSON stays as it is.
func canonical(text string) string {
	value, ok := decode(text)
	if !ok {
		return text
	}
	return string(encode(value))
}

// encode writes what was decoded, or a text, as a person reads it.
func encode(value any) json.RawMessage {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(fmt.Sprintf("replay: encoding %T: %v", value, err)) // it came from JSON
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

// decode reads JSON, with numbers as they were written.
func decode(text string) (value any, ok bool) {
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.UseNumber()
	if decoder.Decode(&value) != nil || decoder.More() {
		return nil, false
	}
	return value, true
}
