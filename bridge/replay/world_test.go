package replay_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"drawbridge/bridge"
	"drawbridge/bridge/bridgetest"
	"drawbridge/bridge/openai"
	"drawbridge/bridge/replay"
)

const runID = "run_1"

// world is a run that was carried once, with tools that are functions of the test.
type world struct {
	t       *testing.T
	journal *bridgetest.Journal
	tools   []bridge.Tool
	prompt  string
	talk    *bridge.Conversation
	budget  bridge.Budget
	returns func(tool, arguments string) bridge.CallResult
	called  []string
	later   bool
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, journal: bridgetest.NewJournal(), prompt: "See to it.",
		returns: func(string, string) bridge.CallResult { return bridge.CallResult{Content: "ok"} }}
	w.tool("find", bridge.Read).tool("note", bridge.Write).tool("send", bridge.Message)
	return w
}

func (w *world) tool(name string, effect bridge.Effect) *world {
	w.tools = append(w.tools, bridge.Tool{Name: name, Description: "A tool of the test.", Effect: effect, Idempotent: effect == bridge.Read,
		Input: json.RawMessage(`{"type":"object","properties":{"id":{"type":"string"},"n":{"type":"integer"}}}`)})
	return w
}

// Call makes world the tools of the run that is recorded.
func (w *world) Call(_ context.Context, tool string, arguments json.RawMessage, _ string) (bridge.CallResult, error) {
	w.called = append(w.called, tool+" "+string(arguments))
	return w.returns(tool, string(arguments)), nil
}

// run carries the run with a model that says this.
func (w *world) run(said ...openai.Answer) *replay.Recording {
	w.t.Helper()
	task := bridge.Task{Lease: w.journal.Lease(runID), Agent: bridge.Agent{Name: "desk", Instructions: "You work.", Model: "m1", Budget: w.budget},
		Prompt: w.prompt, Conversation: w.talk, Journal: w.journal, Session: bridge.Recorded(w.tools, w)}
	if w.later {
		task.Later = func(openai.Request) {}
	}
	outcome, err := bridge.New(saying(said), bridge.Options{Now: now, Concurrency: 1}).Run(context.Background(), task)
	if err != nil {
		w.t.Fatal(err)
	}
	if outcome.Status != bridge.Waiting {
		w.add(outcome.Entry(now()))
	}
	return w.recording()
}

func now() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

func (w *world) add(entries ...bridge.Entry) {
	w.t.Helper()
	if err := w.journal.Append(context.Background(), w.journal.Lease(runID), entries...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) entries() []bridge.Entry {
	entries, err := w.journal.Entries(context.Background(), runID)
	if err != nil {
		w.t.Fatal(err)
	}
	return entries
}

func (w *world) recording() *replay.Recording {
	w.t.Helper()
	r, err := replay.Read(runID, w.entries())
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// replay plays a recording and holds it against itself. Whatever a test does, nothing is
// called.
func (w *world) replay(r *replay.Recording, o replay.Options) replay.Report {
	w.t.Helper()
	before := len(w.called)
	if o.Tools == nil {
		o.Tools = w.tools
	}
	played, err := r.Play(context.Background(), o)
	if err != nil {
		w.t.Fatal(err)
	}
	report, err := replay.Compare(r, played, replay.Rules{})
	if err != nil {
		w.t.Fatal(err)
	}
	if len(w.called) != before {
		w.t.Errorf("a replay called %v", w.called[before:])
	}
	return report
}

// model gives its answers in turn, and keeps what it was asked.
type model struct {
	said  []openai.Answer
	asked []openai.Request
}

func saying(said []openai.Answer) *model { return &model{said: said} }

func (m *model) Complete(_ context.Context, r openai.Request) (openai.Answer, error) {
	m.asked = append(m.asked, r)
	if len(m.asked) > len(m.said) {
		return openai.Answer{}, &openai.Error{Kind: openai.Transient, Reason: openai.Unavailable, Message: "nobody is there"}
	}
	return m.said[len(m.asked)-1], nil
}

// last is the text of the last message that the model was sent.
func (m *model) last() string {
	messages := m.asked[len(m.asked)-1].Messages
	return messages[len(messages)-1].Content
}

func asks(calls ...string) openai.Answer {
	a := openai.Answer{Finish: openai.FinishCalls, Usage: openai.Usage{Prompt: 10, Completion: 5}}
	for i := 0; i < len(calls); i += 2 {
		a.Calls = append(a.Calls, openai.Call{ID: "c" + string(rune('0'+i)), Name: calls[i], Arguments: calls[i+1]})
	}
	return a
}

func says(text string) openai.Answer {
	return openai.Answer{Content: text, Finish: openai.FinishStop, Usage: openai.Usage{Prompt: 10, Completion: 5}}
}

// is lists how the calls of a report's turn stand to each other.
func is(p replay.Pair) []string {
	var out []string
	for _, c := range p.Calls {
		out = append(out, string(c.Is)+" "+c.Function)
	}
	return out
}
