package bridge

import (
	"encoding/json"

	"drawbridge/bridge/openai"
)

// Watch hears what a run does while it does it. It is called in order, from the
// goroutine that carries the run, and must not hold it up.
type Watch func(Event)

// EventKind says what an [Event] tells.
type EventKind string

const (
	// Words: the next piece of the model's words in this turn. Of an agent with an
	// output schema, the whole answer, once it fits.
	Words EventKind = "words"
	// Again: the words heard of this turn are void, the model is asked anew.
	Again EventKind = "again"
	// Turned: the turn's answer is whole and in the journal. Text holds all its words;
	// of an agent with an output schema only those of an answer that fits.
	Turned EventKind = "turned"
	// Calling: a call is about to be made.
	Calling EventKind = "calling"
	// Returned: a call has come back, or was answered without being made.
	Returned EventKind = "returned"
	// Held: a call was not made since people have to agree to it first. Text says who may.
	Held EventKind = "held"
)

// Event is one thing that a run did.
type Event struct {
	Kind EventKind
	Turn int    // from 1
	Text string // of Words, Turned, Held and Returned: of the last one the result, which may be long
	// Of Calling, Held and Returned. Arguments is empty if the model's are no JSON.
	Function  string
	CallID    string
	Arguments json.RawMessage
	IsError   bool
}

// Events are what a [Watch] would have heard of a run with this journal, the words of
// each turn in one piece.
func Events(run string, entries []Entry) ([]Event, error) {
	h := &history{run: run}
	var all []Event
	for _, e := range entries {
		if err := h.apply(e); err != nil {
			return nil, err
		}
		event, told := h.event(e)
		if !told {
			continue
		}
		if event.Kind == Turned && event.Text != "" {
			all = append(all, Event{Kind: Words, Turn: event.Turn, Text: event.Text})
		}
		all = append(all, event)
	}
	return all, nil
}

// event is what there is to tell about the entry that was applied last.
func (h *history) event(e Entry) (Event, bool) {
	t := h.lastTurn()
	switch e.Kind {
	case EntryAnswer:
		return Event{Kind: Turned, Turn: len(h.turns), Text: h.utterance(t)}, true
	case EntryIntent:
		var intent Intent
		if json.Unmarshal(e.Body, &intent) != nil || intent.Again > 0 {
			return Event{}, false // of a call that is made again it was told
		}
		return h.eventOf(Calling, t.calls[intent.Index]), true
	case EntryApproval:
		var a Approval
		if json.Unmarshal(e.Body, &a) != nil {
			return Event{}, false
		}
		held := h.eventOf(Held, t.calls[a.Index])
		held.Text = a.Why
		return held, true
	case EntryResult:
		var place Result
		if json.Unmarshal(e.Body, &place) != nil || place.Code == CallersCall {
			return Event{}, false // the caller knows
		}
		return h.eventOf(Returned, t.calls[place.Index]), true
	}
	return Event{}, false
}

func (h *history) eventOf(kind EventKind, c *call) Event {
	e := Event{Kind: kind, Turn: len(h.turns), Function: c.asked.Name, CallID: c.id}
	switch {
	case c.intent != nil:
		e.Arguments = c.intent.Arguments
	case json.Valid([]byte(c.asked.Arguments)):
		e.Arguments = json.RawMessage(c.asked.Arguments)
	}
	if kind == Returned {
		e.Text, e.IsError = c.result.Content, c.result.IsError
	}
	return e
}

// utterance is a turn's words as somebody who talks to the agent is shown them.
func (h *history) utterance(t *turn) string {
	if h.brief.Output == nil || t.closing != nil {
		return t.answer.Content
	}
	if len(t.calls) > 0 {
		return ""
	}
	fitting, _ := h.brief.fit(t.answer.Content)
	return fitting
}

// listener passes the words of the coming answer on as they come.
func (r *run) listener() openai.Listener {
	if r.task.Watch == nil || r.history.brief.Output != nil && r.history.closing == nil {
		return openai.Listener{}
	}
	turn := len(r.history.turns) + 1
	return openai.Listener{
		Text: func(delta string) {
			if r.landed() != nil {
				return // the question is being broken off
			}
			r.heard = true
			r.task.Watch(Event{Kind: Words, Turn: turn, Text: delta})
		},
		Again: r.unsay,
	}
}

// unsay takes back what was heard of an answer that broke off.
func (r *run) unsay() {
	if r.heard {
		r.heard = false
		r.task.Watch(Event{Kind: Again, Turn: len(r.history.turns) + 1})
	}
}

// tell passes on what was journaled. The words of a turn that were not heard as they
// came are told before it.
func (r *run) tell(e Event) {
	if e.Kind == Turned {
		if !r.heard && e.Text != "" {
			r.task.Watch(Event{Kind: Words, Turn: e.Turn, Text: e.Text})
		}
		r.heard = false
	}
	r.task.Watch(e)
}
