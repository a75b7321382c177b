package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
)

// moment is one line of a run's timeline.
type moment struct {
	At   time.Time `json:"at"`
	Seq  int64     `json:"seq"`
	What string    `json:"what"` // brief, passed, says, calls, again, result, doubt, looks, finds, person, asks, agreed, input, note, folds, sums, end, resume
	Tool string    `json:"tool,omitempty"`
	Text string    `json:"text,omitempty"`
	Bad  bool      `json:"error,omitempty"`
	Key  string    `json:"idempotency_key,omitempty"`
}

// timeline reads journal entries as a person would tell them. It is given entries
// as they come and remembers what it needs of the earlier ones.
type timeline struct {
	tools map[string]string // by place of the call: the function that the model asked for
	turns int
}

// read gives the moments of one entry.
func (t *timeline) read(e bridge.Entry) ([]moment, error) {
	var moments []moment
	var err error
	switch e.Kind {
	case bridge.EntryBrief:
		moments, err = parse(e, brief)
	case bridge.EntryAnswer:
		moments, err = parse(e, func(a openai.Answer) []moment { return t.answer(e.Seq, a) })
	case bridge.EntryIntent:
		moments, err = parse(e, intent)
	case bridge.EntryResult:
		moments, err = parse(e, t.result)
	case bridge.EntryDoubt, bridge.EntryCheck, bridge.EntryChecked, bridge.EntryDecision,
		bridge.EntryApproval, bridge.EntryApproved:
		moments, err = t.doubted(e)
	case bridge.EntryInput:
		moments, err = parse(e, input)
	case bridge.EntryNote:
		moments, err = parse(e, func(n bridge.Note) []moment {
			return []moment{{What: "note", Text: fmt.Sprintf("to the model, about %s: %s", strings.Trim(string(n.Why)+" "+string(n.Reason), " "), n.Text)}}
		})
	case bridge.EntryFold:
		moments, err = parse(e, func(f bridge.Fold) []moment {
			return []moment{{What: "folds", Text: fmt.Sprintf("results up to entry %d are shown to the model %s", f.Upto, folded(f))}}
		})
	case bridge.EntrySummary:
		moments, err = parse(e, func(s bridge.Summary) []moment {
			return append(passed(s.Asked), moment{What: "sums", Text: fmt.Sprintf("up %s for the model: %s", summed(s), s.Text)})
		})
	case bridge.EntryResume:
		moments, err = parse(e, func(r bridge.Resumption) []moment {
			return []moment{{What: "resume", Text: "goes on, as " + r.By + " wants"}}
		})
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

func brief(b bridge.Brief) []moment {
	models := strings.Join(append([]string{b.Model}, b.Fallback...), ", else ")
	text := fmt.Sprintf("agent %s, model %s, %d functions offered", b.Agent, models, len(b.Functions))
	if b.Conversation != nil && len(b.Conversation.Params.Metadata) > 0 {
		metadata, _ := json.Marshal(b.Conversation.Params.Metadata) // a map of strings
		text += ", metadata " + string(metadata)                    // whatever the model made of them
	}
	return []moment{{What: "brief", Text: text}}
}

func input(in bridge.Input) []moment {
	text := "the caller goes on"
	for _, m := range in.Messages {
		text += ": " + m.Content
	}
	return []moment{{What: "input", Text: text}}
}

// passed tells which models did not answer before the one that did.
func passed(a openai.Answer) []moment {
	var moments []moment
	for _, p := range a.Passed {
		moments = append(moments, moment{What: "passed", Text: fmt.Sprintf("over model %s: %s", p.Model, p.Why), Bad: true})
	}
	return moments
}

func (t *timeline) answer(seq int64, a openai.Answer) []moment {
	t.turns++
	if t.tools == nil {
		t.tools = map[string]string{}
	}
	for i, call := range a.Calls {
		t.tools[place(seq, i)] = call.Name
	}
	text := a.Content + a.Refusal
	switch {
	case text != "":
	case len(a.Calls) == 1:
		text = "asks for a call"
	default:
		text = fmt.Sprintf("asks for %d calls", len(a.Calls))
	}
	return append(passed(a), moment{What: "says", Text: fmt.Sprintf("turn %d (%s): %s", t.turns, speaker(a), text), Bad: a.Refusal != ""})
}

// speaker is who gave an answer: the name of the settings, and what the endpoint
// calls it where that is another.
func speaker(a openai.Answer) string {
	switch {
	case a.By == "" || a.By == a.Model:
		return a.Model
	case a.Model == "":
		return a.By
	}
	return a.By + ", " + a.Model
}

func intent(i bridge.Intent) []moment {
	what := "calls"
	if i.Again > 0 {
		what = "again"
	}
	return []moment{{What: what, Tool: i.Function, Text: string(i.Arguments), Key: i.Key}}
}

func (t *timeline) result(r bridge.Result) []moment {
	text := r.Content
	if r.Code == bridge.CallersCall {
		text = "from the caller: " + text
	}
	return []moment{{What: "result", Tool: t.tools[place(r.Answer, r.Index)], Text: text, Bad: r.IsError}}
}

// folded says how a fold has results shown.
func folded(f bridge.Fold) string {
	if f.Show > 0 {
		return fmt.Sprintf("up to %d bytes", f.Show)
	}
	return "as one line each"
}

// summed says what a summary stands for.
func summed(s bridge.Summary) string {
	if s.Messages > 0 {
		return fmt.Sprintf("the caller's first %d messages", s.Messages)
	}
	return fmt.Sprintf("entry 1 to %d", s.Upto)
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
