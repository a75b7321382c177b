package bridge_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
)

// inTurn is a model that gives these answers one after the other, and keeps what it
// was asked.
type inTurn struct {
	answers []openai.Answer
	asked   []openai.Request
}

func (m *inTurn) Complete(_ context.Context, r openai.Request) (openai.Answer, error) {
	m.asked = append(m.asked, r)
	if len(m.asked) > len(m.answers) {
		return openai.Answer{}, &openai.Error{Kind: openai.Permanent, Message: "asked once too often"}
	}
	return m.answers[len(m.asked)-1], nil
}

// last is the last message of the n-th question.
func (m *inTurn) last(n int) string {
	messages := m.asked[n].Messages
	return messages[len(messages)-1].Content
}

func TestAnswerWithoutAnythingIsAskedForAgain(t *testing.T) {
	w := newWorld(t)
	model := &inTurn{answers: []openai.Answer{says(" \n"), {Finish: openai.FinishCalls}, says("Sorry.")}}
	w.model = model
	if got := w.run(); got.Status != bridge.Succeeded || got.Answer != "Sorry." || got.Usage.Turns != 3 {
		t.Errorf("outcome %+v", got)
	}
	for n := 1; n < 3; n++ {
		if !strings.Contains(model.last(n), "held neither words nor calls") {
			t.Errorf("question %d ends in %q", n, model.last(n))
		}
	}
}

func TestThirdEmptyAnswerInARowEndsTheRun(t *testing.T) {
	w := newWorld(t).tool("look", bridge.Read, true, returns("x"))
	empty, look := says(""), asks(openai.Call{ID: "a", Name: "look"})
	w.model = &inTurn{answers: []openai.Answer{empty, empty, look, empty, empty, empty}}
	got := w.run()
	if got.Status != bridge.Failed || got.Reason != bridge.EmptyAnswer || got.Usage.Turns != 6 {
		t.Errorf("outcome %+v", got)
	}
	if want := "Not finished. The model gave neither words nor calls, 3 times in a row.\nDone: look (ok)"; got.Answer != want {
		t.Errorf("answer %q, want %q", got.Answer, want)
	}
}

// clipped is an answer that was cut in the middle of the arguments of its last call.
func clipped(calls ...openai.Call) openai.Answer {
	a := asks(calls...)
	a.Finish = openai.FinishLength
	return a
}

func TestCallsOfAClippedAnswerAreNotMade(t *testing.T) {
	w := newWorld(t).tool("crm_note", bridge.Write, true, returns("noted"))
	whole, half := openai.Call{ID: "a", Name: "crm_note", Arguments: `{"id":"1"}`}, openai.Call{ID: "b", Name: "crm_note", Arguments: `{"id":`}
	model := &inTurn{answers: []openai.Answer{clipped(whole, half), asks(whole), says("Noted.")}}
	w.model = model
	var recorded []string
	_, got := w.watched(func(task *bridge.Task) {
		task.Refused = func(_ context.Context, tool, arguments, _ string) { recorded = append(recorded, tool+" "+arguments) }
	})
	if got.Answer != "Noted." || len(w.calls()) != 1 {
		t.Errorf("outcome %+v, called %v", got, w.calls())
	}
	if diff := cmp.Diff([]string{`crm_note {"id":"1"}`, `crm_note {"id":`}, recorded); diff != "" {
		t.Errorf("on record: %s", diff)
	}
	for _, r := range w.results()[:2] {
		if r.Code != bridge.NotMade || !r.IsError || !strings.Contains(r.Content, "cut off at its limit of tokens in the middle of this call. Nothing was called.") {
			t.Errorf("result %+v", r)
		}
	}
	if !strings.Contains(model.last(1), "Write less at once.") {
		t.Errorf("asked again with %q", model.last(1))
	}
}

func TestSecondClippedAnswerInARowEndsTheRun(t *testing.T) {
	note := openai.Call{ID: "a", Name: "crm_note", Arguments: "{"}
	w := newWorld(t).tool("crm_note", bridge.Write, true, returns("noted")).tool("look", bridge.Read, true, returns("x"))
	w.model = &inTurn{answers: []openai.Answer{clipped(note), asks(openai.Call{Name: "look"}), clipped(note), clipped(note)}}
	got := w.run()
	if got.Reason != bridge.Length || got.Usage.Turns != 4 || !strings.Contains(got.Answer, "Done: look (ok)\nLeft undone: crm_note, crm_note, crm_note") {
		t.Errorf("outcome %+v", got)
	}
}

func TestWordsBesideCallsAreKeptAndTheCallsMade(t *testing.T) {
	w := newWorld(t).tool("look", bridge.Read, true, returns("x"))
	a := asks(openai.Call{ID: "a", Name: "look"})
	a.Content, a.Finish = "Let me look.", openai.FinishStop
	model := &inTurn{answers: []openai.Answer{a, says("Seen.")}}
	w.model = model
	if got := w.run(); got.Answer != "Seen." || len(w.calls()) != 1 {
		t.Errorf("outcome %+v, called %v", got, w.calls())
	}
	if said := model.asked[1].Messages[2]; said.Content != "Let me look." || len(said.Calls) != 1 {
		t.Errorf("repeated %+v", said)
	}
}

func TestSameCallWithTheSameResultIsHintedAtThenEndsTheRun(t *testing.T) {
	w := newWorld(t).tool("look", bridge.Read, true, returns("nothing new"))
	var model inTurn
	for i := range 9 { // written differently each time
		model.answers = append(model.answers, asks(openai.Call{ID: "a", Name: "look", Arguments: []string{`{"id":"1"}`, ` { "id" : "1" } `}[i%2]}))
	}
	w.model = &model
	got := w.run()
	if got.Status != bridge.Failed || got.Reason != bridge.Loop || got.Usage.Turns != 5 || len(w.calls()) != 5 {
		t.Errorf("outcome %+v after %d calls", got, len(w.calls()))
	}
	if !strings.HasPrefix(got.Answer, "Not finished. The model called look again and again, with the same arguments and the same result.") {
		t.Errorf("answer %q", got.Answer)
	}
	for n, hint := range map[int]string{1: "", 2: "", 3: "for the third time", 4: "for the fourth time"} {
		if last := model.last(n); (last == "nothing new") != (hint == "") || !strings.Contains(last, hint) {
			t.Errorf("shown after %d calls: %q", n, last)
		}
	}
	for _, r := range w.results() {
		if r.Content != "nothing new" {
			t.Errorf("journaled %q", r.Content)
		}
	}
}

func TestOnlyRealRepetitionsCount(t *testing.T) {
	look := func(id string) openai.Call {
		return openai.Call{ID: "a", Name: "look", Arguments: `{"id":"` + id + `"}`}
	}
	note := func(id string) openai.Call {
		return openai.Call{ID: "b", Name: "note", Arguments: `{"id":"` + id + `"}`}
	}
	mistake := openai.Call{ID: "c", Name: "look", Arguments: `{"id":`}
	for name, c := range map[string]struct {
		calls func(turn int) []openai.Call
		want  bridge.Reason
	}{
		"the same call":             {func(int) []openai.Call { return []openai.Call{look("1")} }, bridge.Loop},
		"the same mistake":          {func(int) []openai.Call { return []openai.Call{mistake} }, bridge.Loop},
		"two in turns":              {func(n int) []openai.Call { return []openai.Call{look(fmt.Sprint(n % 2))} }, bridge.Loop},
		"the same change":           {func(n int) []openai.Call { return []openai.Call{note("1")} }, bridge.Loop},
		"other arguments each time": {func(n int) []openai.Call { return []openai.Call{look(fmt.Sprint(n))} }, bridge.Answered},
		"other results each time":   {func(n int) []openai.Call { return []openai.Call{{ID: "d", Name: "clock"}} }, bridge.Answered},
		"a look after each change":  {func(n int) []openai.Call { return []openai.Call{look("1"), note(fmt.Sprint(n))} }, bridge.Answered},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t).tool("look", bridge.Read, true, returns("x")).tool("note", bridge.Write, false, returns("noted")).
				tool("clock", bridge.Read, true, counting())
			turn := 0
			w.model = modelFunc(func(context.Context, openai.Request) (openai.Answer, error) {
				if turn++; turn > 12 {
					return says("done"), nil
				}
				return asks(c.calls(turn)...), nil
			})
			if got := w.run(); got.Reason != c.want {
				t.Errorf("outcome %+v, want %s", got, c.want)
			}
		})
	}
}

func TestRepetitionsWithinOneAnswerAreOne(t *testing.T) {
	w := newWorld(t).tool("look", bridge.Read, true, returns("x"))
	look := openai.Call{Name: "look"}
	model := &inTurn{answers: []openai.Answer{asks(look, look, look, look, look, look), says("Seen.")}}
	w.model = model
	if got := w.run(); got.Answer != "Seen." || model.last(1) != "x" {
		t.Errorf("outcome %+v, shown %q", got, model.last(1))
	}
}

func TestTooLongQuestionIsMadeShorterOnceATurn(t *testing.T) {
	page := counting()
	w := newWorld(t).tool("look", bridge.Read, true, func(ctx context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		result, err := page(ctx, r)
		result.Content = append(result.Content, mcp.NewTextContent(strings.Repeat("All about the matter. ", 300)))
		return result, err
	})
	long := &openai.Error{Kind: openai.Permanent, Reason: openai.TooLong, Message: "the request is too long"}
	asked, sizes := 0, []int{}
	w.model = modelFunc(func(_ context.Context, r openai.Request) (openai.Answer, error) {
		if len(r.Functions) == 0 {
			return says("What was done so far: a look."), nil
		}
		size := 0
		for _, m := range r.Messages {
			size += len(m.Content)
		}
		asked, sizes = asked+1, append(sizes, size)
		return asks(openai.Call{ID: "a", Name: "look"}), map[int]error{5: long, 8: long, 9: long}[asked] // once, twice
	})
	got := w.run()
	if asked != 9 || got.Status != bridge.Failed || got.Reason != bridge.ContextFull || !strings.Contains(got.Answer, "the request is too long") {
		t.Errorf("asked %d times: %+v", asked, got)
	}
	if sizes[5] > sizes[4]*4/5 || sizes[8] > sizes[7]*4/5 {
		t.Errorf("questions of %v bytes: those asked again, the sixth and the ninth, are not clearly shorter", sizes)
	}
}

func TestRunIsAskedUnderItsModelAndFallbacks(t *testing.T) {
	w := newWorld(t)
	w.agent.Model, w.agent.Fallback = "big", []string{"small", "tiny"}
	by := says("Hello.")
	by.By, by.Passed = "small", []openai.Passed{{Model: "big", Why: "away"}}
	model := &inTurn{answers: []openai.Answer{by}}
	w.model = model
	w.run()
	if r := model.asked[0]; r.Model != "big" || cmp.Diff([]string{"small", "tiny"}, r.Fallback) != "" {
		t.Errorf("asked %q, %q", r.Model, r.Fallback)
	}
	if a := bodies[openai.Answer](w, bridge.EntryAnswer)[0]; a.By != "small" || a.Passed[0].Why != "away" {
		t.Errorf("journaled %+v", a)
	}
}
