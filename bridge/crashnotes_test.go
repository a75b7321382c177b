package bridge_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
)

// scripted is a model that gives these answers by what the journal holds already, so
// that a resumed run is answered as the first one was, and that keeps its questions.
func (w *world) scripted(list ...openai.Answer) {
	w.model = modelFunc(func(_ context.Context, r openai.Request) (openai.Answer, error) {
		r.Hear = openai.Listener{}
		question, err := json.Marshal(r)
		if err != nil {
			w.t.Fatal(err)
		}
		w.requests = append(w.requests, string(question))
		return list[len(bodies[openai.Answer](w, bridge.EntryAnswer))], nil
	})
}

// erringWorld makes every mistake there is, is told of each, and in the end of its
// budget.
func erringWorld(t *testing.T) *world {
	w := newWorld(t).tool("look", bridge.Read, true, returns("seen")).tool("note", bridge.Write, true, returns("noted"))
	w.agent.Budget = bridge.Budget{Turns: 10}
	w.agent.Output = json.RawMessage(verdict)
	look, note := openai.Call{ID: "a", Name: "look"}, openai.Call{ID: "b", Name: "note"}
	half := openai.Call{ID: "c", Name: "note", Arguments: `{"id":`}
	w.scripted(
		says(""), clipped(note, half), asks(half, look), asks(look, note), asks(look), // the third look: a hint
		says("no form"), says(" "), asks(note, note), asks(look), asks(note), says("I am done with it."))
	return w
}

func TestEveryDeathAmongMistakesEndsInTheSameOutcome(t *testing.T) {
	whole := erringWorld(t)
	want := whole.run()
	if want.Reason != bridge.BudgetTurns || want.Answer != "I am done with it." {
		t.Fatalf("outcome %+v", want)
	}
	var why []bridge.NoteWhy
	for _, n := range bodies[bridge.Note](whole, bridge.EntryNote) {
		why = append(why, n.Why)
	}
	if diff := cmp.Diff([]bridge.NoteWhy{bridge.NoteEmpty, bridge.NoteOutput, bridge.NoteEmpty, bridge.NoteBudget, bridge.NoteLast}, why); diff != "" {
		t.Fatal(diff)
	}
	for n := 1; ; n++ {
		for _, after := range []bool{false, true} {
			w := erringWorld(t)
			if _, err := w.life(&mortal{n: n, after: after}); err == nil {
				return // it lived to its end: every death has been died
			}
			w.endsLike(t, whole, want)
		}
	}
}

// endsLike carries the run to its end and compares that, what took effect, and what
// the model was asked, with a run that lived once.
func (w *world) endsLike(t interface{ Errorf(string, ...any) }, whole *world, want bridge.Outcome) {
	got := w.run()
	if diff := cmp.Diff(want, got, ignoreUnexported); diff != "" {
		t.Errorf("outcome (-whole life +this):\n%s", diff)
	}
	if diff := cmp.Diff(whole.effects, w.effects); diff != "" {
		t.Errorf("effects, once a key each (-whole life +this):\n%s", diff)
	}
	for _, request := range w.requests {
		if !slices.Contains(whole.requests, request) {
			t.Errorf("asked the model what a whole life would not have:\n%s", request)
		}
	}
}

// talkingWorld is one whose caller is asked for something twice.
func talkingWorld(t *testing.T) *world {
	w := newWorld(t).tool("note", bridge.Write, true, returns("noted"))
	mine, note := openai.Call{ID: "a", Name: "weather"}, openai.Call{ID: "b", Name: "note"}
	w.scripted(asks(mine, note, mine), asks(note), asks(mine), says("It rains."))
	return w
}

// conversed carries the run, with the caller's answers, for as long as the journal
// lets it.
func (w *world) conversed(m *mortal) (outcome bridge.Outcome, err error) {
	task := w.task()
	task.Prompt, task.Conversation = "", &bridge.Conversation{Messages: []openai.Message{user("Weather?")}, Functions: []openai.Function{weather}}
	m.Journal, task.Journal = w.journal, m
	for err == nil {
		outcome, err = bridge.New(w.model, w.options).Run(context.Background(), task)
		if err != nil || outcome.Reason != bridge.ClientCalls {
			return outcome, err
		}
		results := map[string]string{}
		for _, c := range w.openCalls() {
			results[c.ID] = "rain"
		}
		entries, wrong := bridge.AnswerCalls(runID, w.entries(), results, bridge.Input{Messages: []openai.Message{user("And?")}}, w.now)
		if wrong != nil {
			w.t.Fatal(wrong)
		}
		err = m.Append(context.Background(), task.Lease, entries...)
	}
	return outcome, err
}

func TestEveryDeathOfAConversationEndsInTheSameOutcome(t *testing.T) {
	whole := talkingWorld(t)
	want, err := whole.conversed(&mortal{})
	if err != nil || want.Answer != "It rains." || want.Usage.Calls != 2 {
		t.Fatalf("%v, outcome %+v", err, want)
	}
	for n := 1; ; n++ {
		for _, after := range []bool{false, true} {
			w := talkingWorld(t)
			if _, err := w.conversed(&mortal{n: n, after: after}); err == nil {
				return
			} else if !errors.Is(err, errKilled) {
				t.Fatal(err)
			}
			got, err := w.conversed(&mortal{})
			if diff := cmp.Diff(want, got, ignoreUnexported); err != nil || diff != "" {
				t.Errorf("killed at append %d, after %v: %v\n%s", n, after, err, diff)
			}
			if diff := cmp.Diff(whole.effects, w.effects); diff != "" {
				t.Errorf("killed at append %d, after %v: %s", n, after, diff)
			}
			for _, request := range w.requests {
				if !slices.Contains(whole.requests, request) {
					t.Errorf("killed at append %d, after %v: asked what a whole life would not have:\n%s", n, after, request)
				}
			}
		}
	}
}

// TestWhateverHappensAResumedRunSeesWhatTheFirstOneSaw has models do anything, and the
// program die anywhere.
func TestWhateverHappensAResumedRunSeesWhatTheFirstOneSaw(t *testing.T) {
	call := rapid.Custom(func(t *rapid.T) openai.Call {
		return openai.Call{
			ID:        rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, "id"),
			Name:      rapid.SampledFrom([]string{"look", "note", "note", "read_result", "find_tools"}).Draw(t, "name"),
			Arguments: rapid.SampledFrom([]string{"{}", `{"id":"1"}`, `{"id":`, `{"handle":"r2.0"}`, `{"query":"a note"}`}).Draw(t, "arguments"),
		}
	})
	answer := rapid.Custom(func(t *rapid.T) openai.Answer {
		return openai.Answer{
			Content: rapid.SampledFrom([]string{"", " ", "Hm.", `{"refund":true,"reason":"broken","cents":null}`}).Draw(t, "content"),
			Calls:   rapid.SliceOfN(call, 0, 3).Draw(t, "calls"),
			Finish:  rapid.SampledFrom([]openai.Finish{"stop", "tool_calls", "tool_calls", "stop", "length"}).Draw(t, "finish"),
			Usage:   openai.Usage{Prompt: rapid.IntRange(0, 100).Draw(t, "prompt"), Completion: 10},
		}
	})
	rapid.Check(t, func(rt *rapid.T) {
		list := append(rapid.SliceOfN(answer, 0, 8).Draw(rt, "answers"), says("a"), says("b"), says("c"), says("d"))
		budget := bridge.Budget{Turns: rapid.IntRange(1, 9).Draw(rt, "turns"), Calls: rapid.IntRange(1, 9).Draw(rt, "calls"), Tokens: rapid.IntRange(50, 900).Draw(rt, "tokens")}
		form := rapid.Bool().Draw(rt, "form")
		make := func() *world {
			w := newWorld(t).tool("look", bridge.Read, true, returns("seen")).tool("note", bridge.Write, true, returns("noted"))
			w.agent.Budget = budget
			if form {
				w.agent.Output = json.RawMessage(verdict)
			}
			w.scripted(list...)
			return w
		}
		whole := make()
		want := whole.run()
		w := make()
		for range rapid.IntRange(1, 3).Draw(rt, "lives") {
			m := &mortal{n: rapid.IntRange(1, 12).Draw(rt, "death"), after: rapid.Bool().Draw(rt, "after")}
			if _, err := w.life(m); err != nil && !errors.Is(err, errKilled) {
				rt.Fatal(err)
			}
		}
		w.endsLike(rt, whole, want)
	})
}
