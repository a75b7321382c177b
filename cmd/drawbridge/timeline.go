package main

import (
	"encoding/json"
	"fmt"
	"time"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
)

// moment is one line of a run's timeline.
type moment struct {
	At   time.Time `json:"at"`
	Seq  int64     `json:"seq"`
	What string    `json:"what"` // brief, says, calls, result, end
	Tool string    `json:"tool,omitempty"`
	Text string    `json:"text,omitempty"`
	Bad  bool      `json:"error,omitempty"`
	Key  string    `json:"idempotency_key,omitempty"`
}

// timeline reads journal entries as a person would tell them. It is given entries
// as they come and remembers what it needs of the earlier ones.
type timeline struct {
	tools map[string]string // by call id: the function called
	turns int
}

// read gives the moments of one entry.
func (t *timeline) read(e bridge.Entry) ([]moment, error) {
	var moments []moment
	var err error
	switch e.Kind {
	case bridge.EntryBrief:
		moments, err = parse(e, func(b bridge.Brief) []moment {
			return []moment{{What: "brief", Text: fmt.Sprintf("agent %s, model %s, %d functions offered", b.Agent, b.Model, len(b.Functions))}}
		})
	case bridge.EntryAnswer:
		moments, err = parse(e, t.answer)
	case bridge.EntryIntent:
		moments, err = parse(e, t.intent)
	case bridge.EntryResult:
		moments, err = parse(e, t.result)
	case bridge.EntryOutcome:
		moments, err = parse(e, func(o bridge.Outcome) []moment {
			return []moment{{What: "end", Text: fmt.Sprintf("%s: %s", o.Status, o.Reason), Bad: o.Status != bridge.Succeeded}}
		})
	}
	for i := range moments {
		moments[i].At, moments[i].Seq = e.At, e.Seq
	}
	return moments, err
}

func parse[T any](e bridge.Entry, tell func(T) []moment) ([]moment, error) {
	var body T
	if err := json.Unmarshal(e.Body, &body); err != nil {
		return nil, fmt.Errorf("reading journal entry %d: %w", e.Seq, err)
	}
	return tell(body), nil
}

func (t *timeline) answer(a openai.Answer) []moment {
	t.turns++
	text := a.Content + a.Refusal
	if text == "" {
		text = fmt.Sprintf("asks for %d calls", len(a.Calls))
	}
	return []moment{{What: "says", Text: fmt.Sprintf("turn %d (%s): %s", t.turns, a.Model, text), Bad: a.Refusal != ""}}
}

func (t *timeline) intent(i bridge.Intent) []moment {
	if t.tools == nil {
		t.tools = map[string]string{}
	}
	t.tools[place(i.Answer, i.Index)] = i.Function
	return []moment{{What: "calls", Tool: i.Function, Text: string(i.Arguments), Key: i.Key}}
}

func (t *timeline) result(r bridge.Result) []moment {
	return []moment{{What: "result", Tool: t.tools[place(r.Answer, r.Index)], Text: r.Content, Bad: r.IsError}}
}

func place(answer int64, index int) string { return fmt.Sprintf("%d.%d", answer, index) }

// show prints a moment on one line.
func (m moment) show(out *lines, p paint, since time.Time) {
	text := oneLine(m.Text, 110)
	if m.Bad {
		text = p.bad(text)
	}
	tool := ""
	if m.Tool != "" {
		tool = p.bold(m.Tool) + " "
	}
	out.printf("%s  %-6s %s%s", p.dim(fmt.Sprintf("%8s", m.At.Sub(since).Round(time.Millisecond))), m.What, tool, text)
}
