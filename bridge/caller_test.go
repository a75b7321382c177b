package bridge_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
)

// weather is a function of the caller's own.
var weather = openai.Function{Name: "weather", Description: "Of a town.", Parameters: json.RawMessage(`{"type":"object","properties":{"town":{"type":"string"}}}`)}

// talk gives the run of a conversation to a fresh bridge.
func (w *world) talk(c bridge.Conversation, change ...func(*bridge.Task)) bridge.Outcome {
	w.t.Helper()
	task := w.task()
	task.Prompt, task.Conversation = "", &c
	for _, f := range change {
		f(&task)
	}
	outcome, err := bridge.New(w.model, w.options).Run(context.Background(), task)
	if err != nil {
		w.t.Fatal(err)
	}
	return outcome
}

// reply appends what the caller answers.
func (w *world) reply(results map[string]string, input bridge.Input) {
	w.t.Helper()
	entries, err := bridge.AnswerCalls(runID, w.entries(), results, input, w.now)
	if err == nil {
		err = w.journal.Append(context.Background(), w.journal.Lease(runID), entries...)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) openCalls() []openai.Call {
	w.t.Helper()
	calls, err := bridge.OpenCalls(runID, w.entries())
	if err != nil {
		w.t.Fatal(err)
	}
	return calls
}

func user(text string) openai.Message { return openai.Message{Role: openai.User, Content: text} }

func TestConversationStandsInPlaceOfThePrompt(t *testing.T) {
	w := newWorld(t)
	half := 0.5
	model := &inTurn{answers: []openai.Answer{says("Ada.")}}
	w.model = model
	said := []openai.Message{
		{Role: openai.System, Content: "Be brief."}, user("Hello."), {Role: openai.Assistant, Content: "Hello!"},
		{Role: openai.User, Parts: []json.RawMessage{[]byte(`{"type":"text","text":"Who is this?"}`), []byte(`{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}`)}},
	}
	w.agent.Images = true
	if got := w.talk(bridge.Conversation{Messages: said, Params: openai.Params{Temperature: &half, Stop: []string{"."}}}); got.Answer != "Ada." {
		t.Errorf("outcome %+v", got)
	}
	r := model.asked[0]
	if r.Messages[0].Content != "You work at the desk." || cmp.Diff(said, r.Messages[1:]) != "" {
		t.Errorf("asked %+v", r.Messages)
	}
	if *r.Params.Temperature != half || r.Params.Stop[0] != "." {
		t.Errorf("params %+v", r.Params)
	}
}

func TestCallersFunctionsComeBehindOursWordForWord(t *testing.T) {
	w := newWorld(t).tool("look", bridge.Read, true, returns("x"))
	model := &inTurn{answers: []openai.Answer{says("Hello.")}}
	w.model = model
	w.talk(bridge.Conversation{Messages: []openai.Message{user("Hello.")}, Functions: []openai.Function{weather}})
	var names []string
	for _, f := range model.asked[0].Functions {
		names = append(names, f.Name)
	}
	if diff := cmp.Diff([]string{"read_result", "look", "weather"}, names); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(weather, model.asked[0].Functions[2]); diff != "" {
		t.Error(diff)
	}
}

func TestCallersCallsWaitForTheCallerOnceOursAreMade(t *testing.T) {
	w := newWorld(t).tool("look", bridge.Read, true, returns("seen")).tool("note", bridge.Write, false, returns("noted"))
	model := &inTurn{answers: []openai.Answer{
		asks(openai.Call{ID: "a", Name: "weather", Arguments: `{"town": "Jena"}`}, openai.Call{ID: "b", Name: "note"}, openai.Call{ID: "c", Name: "weather", Arguments: `{"town"`}),
		says("It rains."),
	}}
	w.model = model
	talk := bridge.Conversation{Messages: []openai.Message{user("Weather?")}, Functions: []openai.Function{weather}}
	for range 2 { // carried again before the caller answers, it still waits
		if got := w.talk(talk); got.Status != bridge.Waiting || got.Reason != bridge.ClientCalls || len(w.calls()) != 1 {
			t.Fatalf("outcome %+v, called %v", got, w.calls())
		}
	}
	want := []openai.Call{
		{ID: bridge.ClientCallID(runID, 2, 0), Name: "weather", Arguments: `{"town": "Jena"}`},
		{ID: bridge.ClientCallID(runID, 2, 2), Name: "weather", Arguments: `{"town"`},
	}
	if diff := cmp.Diff(want, w.openCalls()); diff != "" {
		t.Error(diff)
	}
	w.reply(map[string]string{want[0].ID: "rain", want[1].ID: "no such town"}, bridge.Input{Messages: []openai.Message{user("Quick!")}})
	if open := w.openCalls(); len(open) != 0 {
		t.Errorf("open after the answer: %+v", open)
	}
	got := w.talk(talk)
	if got.Status != bridge.Succeeded || got.Answer != "It rains." || !got.Tainted || got.Usage.Calls != 1 {
		t.Errorf("outcome %+v", got)
	}
	var shown []string
	for _, m := range model.asked[1].Messages[3:] {
		shown = append(shown, fmt.Sprint(m.Role, " ", m.CallID, " ", m.Content))
	}
	if diff := cmp.Diff([]string{"tool a rain", "tool b noted", "tool c no such town", "user  Quick!"}, shown); diff != "" {
		t.Error(diff)
	}
	if r := w.results()[1]; r.Code != bridge.CallersCall || !r.Taints {
		t.Errorf("journaled %+v", r)
	}
}

func TestRunWhoseCallerIsGoneEndsByThatName(t *testing.T) {
	w := newWorld(t).tool("look", bridge.Read, true, returns("seen"))
	w.model = answers(asks(openai.Call{ID: "a", Name: "weather"}, openai.Call{ID: "b", Name: "look"}))
	talk := bridge.Conversation{Messages: []openai.Message{user("Weather?")}, Functions: []openai.Function{weather}}
	w.talk(talk)
	got := w.talk(talk, func(task *bridge.Task) { task.CallerGone, task.Session = true, nil })
	if got.Status != bridge.Failed || got.Reason != bridge.ClientGone || !strings.Contains(got.Answer, "Done: look (ok)\nLeft undone: weather") {
		t.Errorf("outcome %+v", got)
	}
}

func TestAnswersOfTheCallerHaveToFitWhatIsOpen(t *testing.T) {
	w := newWorld(t).tool("look", bridge.Read, true, returns("seen"))
	w.model = answers(asks(openai.Call{ID: "a", Name: "weather"}, openai.Call{ID: "b", Name: "weather"}))
	w.talk(bridge.Conversation{Messages: []openai.Message{user("Weather?")}, Functions: []openai.Function{weather}})
	first, second, other := bridge.ClientCallID(runID, 2, 0), bridge.ClientCallID(runID, 2, 1), bridge.ClientCallID("run_2", 2, 0)
	both := map[string]string{first: "", second: ""}
	taken := weather
	taken.Name = "look"
	for name, c := range map[string]struct {
		results map[string]string
		input   bridge.Input
		param   string
	}{
		"one missing":                 {map[string]string{first: ""}, bridge.Input{}, ""},
		"another run's":               {map[string]string{first: "", second: "", other: ""}, bridge.Input{}, ""},
		"a function of ours":          {both, bridge.Input{Functions: []openai.Function{taken}}, "tools[0].function.name"},
		"a choice that is not there":  {both, bridge.Input{Params: &openai.Params{ToolChoice: []byte(`{"type":"function","function":{"name":"wether"}}`)}}, "tool_choice"},
		"a choice that was withdrawn": {both, bridge.Input{Functions: []openai.Function{}, Params: &openai.Params{ToolChoice: []byte(`{"type":"function","function":{"name":"weather"}}`)}}, "tool_choice"},
	} {
		_, err := bridge.AnswerCalls(runID, w.entries(), c.results, c.input, w.now)
		var refused *bridge.ConversationError
		if err == nil || errors.As(err, &refused) != (c.param != "") || refused != nil && refused.Param != c.param {
			t.Errorf("%s: %v, want an error about %q", name, err, c.param)
		}
	}
	chosen := openai.Params{ToolChoice: []byte(`{"type":"function","function":{"name":"weather"}}`)}
	if _, err := bridge.AnswerCalls(runID, w.entries(), both, bridge.Input{Params: &chosen}, w.now); err != nil {
		t.Errorf("a choice among the functions that stay: %v", err)
	}
	w.reply(both, bridge.Input{})
	if _, err := bridge.AnswerCalls(runID, w.entries(), both, bridge.Input{}, w.now); err == nil {
		t.Error("the same calls can be answered twice")
	}
}

func TestCallerMayAskForSomethingElseFromThenOn(t *testing.T) {
	w := newWorld(t).tool("look", bridge.Read, true, returns("seen"))
	tides := weather
	tides.Name = "tides"
	model := &inTurn{answers: []openai.Answer{asks(openai.Call{ID: "a", Name: "weather"}), asks(openai.Call{ID: "b", Name: "tides"}), says("High.")}}
	w.model = model
	talk := bridge.Conversation{Messages: []openai.Message{user("Weather?")}, Functions: []openai.Function{weather}, Params: openai.Params{User: "ada", ToolChoice: []byte(`"required"`)}}
	w.talk(talk)
	choose := openai.Params{User: "bob", ToolChoice: []byte(`{"type":"function","function":{"name":"tides"}}`)}
	w.reply(map[string]string{w.openCalls()[0].ID: "rain"}, bridge.Input{Functions: []openai.Function{tides}, Params: &choose})
	w.talk(talk)
	before := len(w.entries())
	w.reply(map[string]string{w.openCalls()[0].ID: "high"}, bridge.Input{Functions: []openai.Function{tides}, Params: &openai.Params{User: "bob"}})
	if added := len(w.entries()) - before; added != 2 { // the result, and the params: the choice is gone
		t.Errorf("%d entries for a result and no choice any more", added)
	}
	if inputs := bodies[bridge.Input](w, bridge.EntryInput); inputs[0].Functions == nil || inputs[1].Functions != nil {
		t.Errorf("journaled %+v, want functions where they are new only", inputs)
	}
	if got := w.talk(talk); got.Answer != "High." {
		t.Errorf("outcome %+v", got)
	}
	for n, want := range []struct{ function, user, choice string }{
		{"weather", "ada", `"required"`}, {"tides", "bob", string(choose.ToolChoice)}, {"tides", "bob", ""},
	} {
		r := model.asked[n]
		if last := r.Functions[len(r.Functions)-1].Name; last != want.function || r.Params.User != want.user || string(r.Params.ToolChoice) != want.choice {
			t.Errorf("question %d offers %s, with %+v", n, last, r.Params)
		}
	}
}

func TestChoiceThatTheCallerRepeatsHoldsAnew(t *testing.T) {
	w := newWorld(t)
	model := &inTurn{answers: []openai.Answer{asks(openai.Call{ID: "a", Name: "weather"}), asks(openai.Call{ID: "b", Name: "weather"})}}
	w.model = model
	params := openai.Params{ToolChoice: []byte(`{"type":"function","function":{"name":"weather"}}`)}
	talk := bridge.Conversation{Messages: []openai.Message{user("Weather?")}, Functions: []openai.Function{weather}, Params: params}
	w.talk(talk)
	w.reply(map[string]string{w.openCalls()[0].ID: "rain"}, bridge.Input{Params: &params})
	w.talk(talk)
	if again := model.asked[1].Params.ToolChoice; string(again) != string(params.ToolChoice) {
		t.Errorf("asked again with the choice %q", again)
	}
}

func TestCallsThatNobodyIsToMakeAreNotOpen(t *testing.T) {
	for name, c := range map[string]struct {
		answer openai.Answer
		params openai.Params
	}{
		"cut in the middle": {clipped(openai.Call{ID: "a", Name: "weather"}), openai.Params{}},
		"not wanted":        {asks(openai.Call{ID: "a", Name: "weather"}), openai.Params{ToolChoice: []byte(`"none"`)}},
	} {
		w := newWorld(t)
		w.model = answers(c.answer, says("Sorry."))
		talk := bridge.Conversation{Messages: []openai.Message{user("Weather?")}, Functions: []openai.Function{weather}, Params: c.params}
		w.talk(talk)
		w.journal = resumed(w, 2) // the brief and the answer
		if open := w.openCalls(); len(open) != 0 {
			t.Errorf("%s: open %+v", name, open)
		}
		if got := w.talk(talk); got.Answer != "Sorry." {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestReadsBesideACallersCallStillRunTogether(t *testing.T) {
	w := newWorld(t).tool("look", bridge.Read, true, returns("seen"))
	w.model = answers(asks(openai.Call{ID: "a", Name: "look"}, openai.Call{ID: "b", Name: "weather"}, openai.Call{ID: "c", Name: "look"}))
	journal := &commits{Journal: w.journal}
	w.talk(bridge.Conversation{Messages: []openai.Message{user("Weather?")}, Functions: []openai.Function{weather}},
		func(task *bridge.Task) { task.Journal = journal })
	if diff := cmp.Diff([]string{"brief", "answer intent intent", "result result"}, journal.seen); diff != "" {
		t.Error(diff)
	}
}

func TestWordsOfTheCallerEndARepetition(t *testing.T) {
	for said, want := range map[string]bridge.Reason{"": bridge.Loop, "Ask again.": bridge.ClientCalls} {
		w := newWorld(t)
		hinted := false
		w.model = modelFunc(func(_ context.Context, r openai.Request) (openai.Answer, error) {
			for _, m := range r.Messages {
				hinted = hinted || strings.Contains(m.Content, "for the third time")
			}
			return asks(openai.Call{ID: "a", Name: "weather"}), nil
		})
		talk := bridge.Conversation{Messages: []openai.Message{user("Weather?")}, Functions: []openai.Function{weather}}
		got := w.talk(talk)
		for range 6 {
			if got.Reason != bridge.ClientCalls {
				break
			}
			input := bridge.Input{}
			if said != "" {
				input.Messages = []openai.Message{user(said)}
			}
			w.reply(map[string]string{w.openCalls()[0].ID: "rain"}, input)
			got = w.talk(talk)
		}
		if got.Reason != want || hinted != (said == "") {
			t.Errorf("said %q: %+v, want %s; hinted at the repetition: %v", said, got, want, hinted)
		}
		if said == "" && !strings.Contains(got.Answer, "Done: weather (by the caller), ") {
			t.Errorf("answer %q", got.Answer)
		}
	}
}

func TestBriefOfABridgeBeginsTheRunThatItIsOf(t *testing.T) {
	w := newWorld(t).tool("look", bridge.Read, true, returns("x"))
	w.model = answers(says("Hello."))
	whole := w.task()
	entry, err := bridge.New(w.model, w.options).Brief(context.Background(), whole)
	if err != nil {
		t.Fatal(err)
	}
	w.run()
	if diff := cmp.Diff(w.entries()[0], entry); diff != "" {
		t.Errorf("not as Run would begin:\n%s", diff)
	}
	w.journal = resumed(w, 1)
	if got := w.run(); got.Answer != "Hello." {
		t.Errorf("begun with it: %+v", got)
	}
}

func TestCallIDsAreShortAndLeadBackToTheirCalls(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		run := "run_" + rapid.StringMatching(`[0-9a-f]{32}`).Draw(rt, "run")
		seq, index := rapid.Int64Range(1, 99_999).Draw(rt, "seq"), rapid.IntRange(0, 127).Draw(rt, "index")
		id := bridge.ClientCallID(run, seq, index)
		gotRun, gotSeq, gotIndex, ok := bridge.ClientCall(id)
		if !ok || gotRun != run || gotSeq != seq || gotIndex != index || len(id) > 40 {
			rt.Fatalf("%s of %s, %d, %d reads %s, %d, %d, %v", id, run, seq, index, gotRun, gotSeq, gotIndex, ok)
		}
	})
	for _, id := range []string{"", "call_", "call_1", "call_1_2", "call__2_0", "call_a_02_0", "call_a_2_-0", "call_a_2_x", "toolu_a_2_0", "call_GpHVGFq0VN5dz2fP6LN1ePVk"} {
		if run, _, _, ok := bridge.ClientCall(id); ok {
			t.Errorf("%q is taken for a call of %q", id, run)
		}
	}
}
