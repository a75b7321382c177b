package bridge_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
)

// spoken is a model that says its answers piece by piece, and breaks off where told.
func spoken(pieces []string, answers ...openai.Answer) bridge.Model {
	turn := 0
	return modelFunc(func(_ context.Context, r openai.Request) (openai.Answer, error) {
		a := answers[turn]
		turn++
		if r.Hear.Text != nil {
			for _, piece := range pieces {
				if piece == "again" {
					r.Hear.Again()
				} else {
					r.Hear.Text(piece)
				}
			}
		}
		return a, nil
	})
}

// watched gives the run to a fresh bridge, and what was heard of it.
func (w *world) watched(change ...func(*bridge.Task)) (heard []bridge.Event, outcome bridge.Outcome) {
	w.t.Helper()
	task := w.task()
	task.Watch = func(e bridge.Event) { heard = append(heard, e) }
	for _, f := range change {
		f(&task)
	}
	outcome, err := bridge.New(w.model, w.options).Run(context.Background(), task)
	if err != nil && !errors.Is(err, errKilled) {
		w.t.Fatal(err)
	}
	return heard, outcome
}

func (w *world) retold() []bridge.Event {
	w.t.Helper()
	events, err := bridge.Events(runID, w.entries())
	if err != nil {
		w.t.Fatal(err)
	}
	return events
}

func TestWatchHearsWordsCallsAndResultsInOrder(t *testing.T) {
	w := newWorld(t).tool("look", bridge.Read, true, returns("seen")).tool("note", bridge.Write, true, returns("noted"))
	first := asks(openai.Call{ID: "a", Name: "look", Arguments: `{"id":"1"}`}, openai.Call{ID: "b", Name: "note"}, openai.Call{ID: "c", Name: "note", Arguments: "["})
	first.Content = "Once more."
	second := says("Once more.")
	w.model = spoken([]string{"Onc", "again", "Once ", "more."}, first, second)
	heard, _ := w.watched()
	object := json.RawMessage(`{}`)
	want := []bridge.Event{
		{Kind: bridge.Words, Turn: 1, Text: "Onc"}, {Kind: bridge.Again, Turn: 1},
		{Kind: bridge.Words, Turn: 1, Text: "Once "}, {Kind: bridge.Words, Turn: 1, Text: "more."},
		{Kind: bridge.Turned, Turn: 1, Text: "Once more."},
		{Kind: bridge.Calling, Turn: 1, Function: "look", CallID: "a", Arguments: json.RawMessage(`{"id":"1"}`)},
		{Kind: bridge.Returned, Turn: 1, Function: "look", CallID: "a", Arguments: json.RawMessage(`{"id":"1"}`), Text: "seen"},
		{Kind: bridge.Calling, Turn: 1, Function: "note", CallID: "b", Arguments: object},
		{Kind: bridge.Returned, Turn: 1, Function: "note", CallID: "b", Arguments: object, Text: "noted"},
		{Kind: bridge.Returned, Turn: 1, Function: "note", CallID: "c", IsError: true, Text: w.results()[2].Content},
		{Kind: bridge.Words, Turn: 2, Text: "Onc"}, {Kind: bridge.Again, Turn: 2},
		{Kind: bridge.Words, Turn: 2, Text: "Once "}, {Kind: bridge.Words, Turn: 2, Text: "more."},
		{Kind: bridge.Turned, Turn: 2, Text: "Once more."},
	}
	if diff := cmp.Diff(want, heard); diff != "" {
		t.Error(diff)
	}
	whole := append([]bridge.Event{{Kind: bridge.Words, Turn: 1, Text: "Once more."}}, want[4:10]...)
	whole = append(whole, bridge.Event{Kind: bridge.Words, Turn: 2, Text: "Once more."}, want[14])
	if diff := cmp.Diff(whole, w.retold()); diff != "" {
		t.Errorf("from the journal: %s", diff)
	}
}

func TestNothingIsToldBeforeItIsInTheJournal(t *testing.T) {
	for n := 1; ; n++ {
		w := refundWorld(t)
		journal := &mortal{Journal: w.journal, n: n}
		heard, outcome := w.watched(func(task *bridge.Task) { task.Journal = journal })
		if outcome.Status != "" {
			return
		}
		var journaled []bridge.Event
		if len(w.entries()) > 0 {
			journaled = w.retold()
		}
		for i := range heard { // of a turn that was not journaled only words are heard
			if i >= len(journaled) && heard[i].Kind != bridge.Words {
				t.Errorf("killed at append %d: heard %+v", n, heard[i])
			}
		}
	}
}

func TestModelThatIsNotHeardIsToldOfWhole(t *testing.T) {
	w := newWorld(t)
	w.model = answers(says("Hello."))
	heard, _ := w.watched()
	if diff := cmp.Diff([]bridge.Event{{Kind: bridge.Words, Turn: 1, Text: "Hello."}, {Kind: bridge.Turned, Turn: 1, Text: "Hello."}}, heard); diff != "" {
		t.Error(diff)
	}
}

func TestAnswerInAFormIsHeardOnceItFits(t *testing.T) {
	fitting := `{"refund":true,"reason":"broken","cents":null}`
	look := asks(openai.Call{ID: "a", Name: "look"})
	look.Content = fitting // not the answer yet
	w := newWorld(t).tool("look", bridge.Read, true, returns("x"))
	w.agent.Output = json.RawMessage(verdict)
	w.model = spoken([]string{"pieces"}, look, says("no"), says(fitting))
	heard, outcome := w.watched()
	var told []string
	for _, e := range heard {
		if e.Kind == bridge.Words || e.Kind == bridge.Turned {
			told = append(told, string(e.Kind)+" "+e.Text)
		}
	}
	if diff := cmp.Diff([]string{"turned ", "turned ", "words " + outcome.Answer, "turned " + outcome.Answer}, told); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(heard, w.retold()); diff != "" {
		t.Errorf("from the journal: %s", diff)
	}
}

func TestWordsOfAnAnswerThatNeverCameAreTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.options.Now = time.Now
		w.agent.Budget.Wall = time.Minute
		w.model = modelFunc(func(ctx context.Context, r openai.Request) (openai.Answer, error) {
			if len(r.Functions) == 0 {
				return says("No time."), nil
			}
			r.Hear.Text("Well, ")
			<-ctx.Done()
			return openai.Answer{}, ctx.Err()
		})
		heard, _ := w.watched()
		var told []string
		for _, e := range heard {
			told = append(told, strings.TrimSpace(string(e.Kind)+" "+e.Text))
		}
		if diff := cmp.Diff([]string{"words Well,", "again", "words No time.", "turned No time."}, told); diff != "" {
			t.Error(diff)
		}
	})
}

func TestCallersOwnResultsAreNotToldToTheCaller(t *testing.T) {
	w := newWorld(t)
	w.model = answers(asks(openai.Call{ID: "a", Name: "weather"}), says("It rains."))
	talk := bridge.Conversation{Messages: []openai.Message{user("Weather?")}, Functions: []openai.Function{weather}}
	w.talk(talk)
	w.reply(map[string]string{w.openCalls()[0].ID: "rain"}, bridge.Input{})
	w.talk(talk)
	for _, e := range w.retold() {
		if e.Kind == bridge.Returned || e.Kind == bridge.Calling {
			t.Errorf("told %+v", e)
		}
	}
}
