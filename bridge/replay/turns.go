package replay

import (
	"encoding/json"
	"fmt"
	"slices"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
)

// Turn is one answer of the model, what became of its calls, and what was said to it then.
type Turn struct {
	Model   string        `json:"model,omitempty"` // who answered, by its configured name if there is one
	Words   string        `json:"words,omitempty"`
	Refusal string        `json:"refusal,omitempty"`
	Finish  openai.Finish `json:"finish,omitempty"`
	Calls   []Call        `json:"-"` // a report has them side by side
	// Then is what else happened before the next turn: what the runtime said to the
	// model, what the caller said, what the model is not shown any more, an end.
	Then  []Aside      `json:"then,omitempty"`
	Usage openai.Usage `json:"usage"`
	// Cost is in millionths of a unit of Currency.
	Cost     int64  `json:"cost_micros,omitempty"`
	Currency string `json:"currency,omitempty"`

	seq int64
}

// Call is one call that the model asked for. Arguments are as its tool gets them or, where
// it was not made, as the model wrote them.
type Call struct {
	Function  string            `json:"function"`
	Arguments string            `json:"arguments"`
	Result    string            `json:"result,omitempty"`
	IsError   bool              `json:"is_error,omitempty"`
	Code      bridge.ResultCode `json:"code,omitempty"`
	Returned  bool              `json:"returned"` // there is a result, if an empty one
	// Source says, in a replay, where the result comes from; empty where the bridge gave it.
	Source Source `json:"source,omitempty"`

	asked string // the arguments as the model wrote them
	made  bool   // or was to be: it was sent on, as far as arguments go
}

// arguments are those of two calls in the same terms: as their tool gets them if both
// were made, else as the model wrote them.
func arguments(a, b Call) (string, string) {
	if a.made && b.made {
		return a.Arguments, b.Arguments
	}
	return a.asked, b.asked
}

// Aside is something that happened behind a turn, or before the first.
type Aside struct {
	Kind bridge.EntryKind `json:"kind"`
	Text string           `json:"text"`

	by string // what it was decided by, where its words depend on the time
}

// Side is a whole run: what it was, and what came of it.
type Side struct {
	// Before is what happened before the first turn.
	Before  []Aside         `json:"before,omitempty"`
	Turns   []Turn          `json:"-"` // a report has them side by side
	Outcome *bridge.Outcome `json:"outcome,omitempty"`
	Stopped string          `json:"stopped,omitempty"` // why there is no outcome
	Usage   bridge.Usage    `json:"usage"`
}

// reader makes turns of entries.
type reader struct {
	side    Side
	sources map[string]Source
	callers map[string]Source
	run     string
}

func (r *Recording) side() (Side, error) {
	s, err := (&reader{run: r.run}).read(r.entries)
	if s.Outcome == nil {
		s.Stopped = "the run has not ended"
	}
	return s, err
}

func (p Played) side(run string) (Side, error) {
	s, err := (&reader{run: run, sources: p.sources, callers: p.callers}).read(p.Entries)
	s.Outcome, s.Stopped = p.Outcome, p.Stopped
	return s, err
}

func (r *reader) read(entries []bridge.Entry) (Side, error) {
	var err error
	if r.side.Usage, err = bridge.UsageOf(r.run, entries); err != nil {
		return Side{}, err
	}
	for _, e := range entries {
		if err := r.take(e); err != nil {
			return Side{}, fmt.Errorf("reading entry %d: %w", e.Seq, err)
		}
	}
	return r.side, nil
}

func (r *reader) take(e bridge.Entry) error {
	switch e.Kind {
	case bridge.EntryAnswer:
		return into(e, func(a openai.Answer) { r.side.Turns = append(r.side.Turns, turnOf(e.Seq, a)) })
	case bridge.EntryIntent:
		return into(e, r.intent)
	case bridge.EntryResult:
		return into(e, r.result)
	case bridge.EntryNote:
		return into(e, func(n bridge.Note) { r.aside(noteOf(n)) })
	case bridge.EntryInput:
		return into(e, func(i bridge.Input) { r.aside(Aside{Kind: e.Kind, Text: inputWords(i)}) })
	case bridge.EntryFold:
		return into(e, func(f bridge.Fold) {
			r.aside(Aside{Kind: e.Kind, Text: fmt.Sprintf("results up to entry %d are shown to the model in %s", f.Upto, shown(f))})
		})
	case bridge.EntrySummary:
		return into(e, func(s bridge.Summary) {
			r.aside(Aside{Kind: e.Kind, Text: fmt.Sprintf("a summary stands for %s: %s", summed(s), s.Text)})
		})
	case bridge.EntryResume:
		return into(e, func(s bridge.Resumption) { r.aside(Aside{Kind: e.Kind, Text: "goes on, as " + s.By + " wants"}) })
	case bridge.EntryOutcome:
		return into(e, func(o bridge.Outcome) { r.side.Outcome = &o })
	}
	return nil
}

func into[T any](e bridge.Entry, take func(T)) error {
	var body T
	if err := json.Unmarshal(e.Body, &body); err != nil {
		return err
	}
	take(body)
	return nil
}

func turnOf(seq int64, a openai.Answer) Turn {
	t := Turn{Model: a.By, Words: a.Content, Refusal: a.Refusal, Finish: a.Finish, Usage: a.Usage, Cost: a.Cost, Currency: a.Currency, seq: seq}
	if t.Model == "" {
		t.Model = a.Model
	}
	for _, c := range a.Calls {
		asked := canonical(c.Arguments)
		t.Calls = append(t.Calls, Call{Function: c.Name, Arguments: asked, asked: asked})
	}
	return t
}

// call finds a call by its place.
func (r *reader) call(answer int64, index int) *Call {
	if n := len(r.side.Turns); n > 0 && r.side.Turns[n-1].seq == answer && index < len(r.side.Turns[n-1].Calls) {
		return &r.side.Turns[n-1].Calls[index]
	}
	return &Call{} // a sound journal has none
}

func (r *reader) intent(i bridge.Intent) {
	c := r.call(i.Answer, i.Index)
	c.Source = r.sources[i.Key]
	if !i.Unknown { // else nobody could say what the tool takes
		c.Arguments, c.made = canonical(string(i.Arguments)), true
	}
}

func (r *reader) result(result bridge.Result) {
	c := r.call(result.Answer, result.Index)
	c.Result, c.IsError, c.Code, c.Returned = result.Content, result.IsError, result.Code, true
	if result.Code == bridge.CallersCall {
		c.Source = r.callers[bridge.ClientCallID(r.run, result.Answer, result.Index)]
	}
}

// aside takes what happened behind the last turn. An end that somebody had the run go on
// from is one.
func (r *reader) aside(a Aside) {
	list := &r.side.Before
	if n := len(r.side.Turns); n > 0 {
		list = &r.side.Turns[n-1].Then
	}
	if o := r.side.Outcome; o != nil {
		*list = append(*list, Aside{Kind: bridge.EntryOutcome, Text: ending(*o)})
		r.side.Outcome = nil
	}
	*list = append(*list, a)
}

func noteOf(n bridge.Note) Aside {
	a := Aside{Kind: bridge.EntryNote, Text: n.Text}
	if slices.Contains([]bridge.Reason{bridge.BudgetWall, bridge.BudgetDay}, n.Reason) {
		a.by = fmt.Sprintf("%s %s", n.Why, n.Reason)
	}
	return a
}

func inputWords(i bridge.Input) string {
	text := "the caller goes on"
	for _, m := range i.Messages {
		text += ": " + m.Content
	}
	if i.Functions != nil {
		text += fmt.Sprintf(" (with %d functions)", len(i.Functions))
	}
	return text
}

func shown(f bridge.Fold) string {
	if f.Show > 0 {
		return fmt.Sprintf("at most %d bytes each", f.Show)
	}
	return "a line each"
}

func summed(s bridge.Summary) string {
	if s.Messages > 0 {
		return fmt.Sprintf("the caller's first %d messages", s.Messages)
	}
	return fmt.Sprintf("the turns up to entry %d", s.Upto)
}

func ending(o bridge.Outcome) string { return fmt.Sprintf("%s (%s)", o.Status, o.Reason) }

func outcomeOf(e bridge.Entry) *bridge.Outcome {
	outcome := new(bridge.Outcome)
	_ = json.Unmarshal(e.Body, outcome) // it was read before
	return outcome
}
