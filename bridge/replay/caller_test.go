package replay_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
	"drawbridge/bridge/replay"
)

// talked is a conversation with a function of the caller's own, which was called twice.
func talked(t *testing.T) (*world, *replay.Recording) {
	w := newWorld(t)
	w.talk = &bridge.Conversation{Messages: []openai.Message{{Role: openai.User, Content: "Where am I?"}},
		Functions: []openai.Function{{Name: "locate", Parameters: json.RawMessage(`{"type":"object","properties":{"exact":{"type":"boolean"}}}`)}}}
	w.run(asks("locate", `{"exact":true}`, "find", `{"id":"a"}`))
	w.answer("Berlin", bridge.Input{})
	w.run(asks("locate", `{"exact":false}`))
	w.answer("Here", bridge.Input{Messages: []openai.Message{{Role: openai.User, Content: "Quick."}}})
	return w, w.run(says("Berlin."))
}

// answer brings the result of the one call that is open.
func (w *world) answer(content string, input bridge.Input) {
	w.t.Helper()
	open, err := bridge.OpenCalls(runID, w.entries())
	if err != nil || len(open) != 1 {
		w.t.Fatalf("open calls %v, error %v", open, err)
	}
	entries, err := bridge.AnswerCalls(runID, w.entries(), map[string]string{open[0].ID: content}, input, now())
	if err != nil {
		w.t.Fatal(err)
	}
	w.add(entries...)
}

func TestConversationWithTheCallersOwnCallsComesOutTheSame(t *testing.T) {
	w, r := talked(t)
	if report := w.replay(r, replay.Options{}); !report.Same || len(report.Turns) != 3 {
		t.Errorf("report %+v", report)
	}
}

func TestCallersCallsOfAnotherModelAreAnsweredFromTheRecording(t *testing.T) {
	w, r := talked(t)
	m := saying([]openai.Answer{asks("locate", `{"exact": false}`), asks("locate", `{}`), says("I do not know.")})
	report := w.replay(r, replay.Options{Model: m})
	var got []string
	for _, turn := range report.Turns {
		for _, c := range turn.Calls {
			if c.Replayed != nil {
				got = append(got, string(c.Is)+" "+string(c.Replayed.Source)+" "+c.Replayed.Result[:4])
			}
		}
	}
	if want := []string{"other_arguments recorded Here", "other_arguments not_recorded not_"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if m.last() != "Quick." {
		t.Errorf("behind the second call the caller said %q", m.last())
	}
	report = w.replay(r, replay.Options{Model: saying([]openai.Answer{asks("locate", `{}`)}), Unrecorded: replay.Stop})
	if want := "a call of the caller's own was never recorded: locate {}"; report.Replayed.Stopped != want {
		t.Errorf("stopped %q, want %q", report.Replayed.Stopped, want)
	}
}

func TestRunThatStillWaitsForItsCallerIsTheSameAsFarAsItHasCome(t *testing.T) {
	w, _ := talked(t)
	r, err := replay.Read(runID, w.entries()[:6]) // brief, answer, intent, result, the caller's, answer
	if err != nil {
		t.Fatal(err)
	}
	report := w.replay(r, replay.Options{})
	if !report.Same || report.Replayed.Outcome != nil || len(report.Turns) != 2 {
		t.Errorf("report %+v", report)
	}
}

// Any journal that breaks off anywhere is the same as far as it goes.
func TestJournalThatBreaksOffAnywhereIsTheSameAsFarAsItGoes(t *testing.T) {
	w, _ := talked(t)
	for n := 1; n <= len(w.entries()); n++ {
		r, err := replay.Read(runID, w.entries()[:n])
		if err != nil {
			t.Fatal(err)
		}
		if report := w.replay(r, replay.Options{}); !report.Same {
			t.Errorf("after %d entries: %+v", n, report)
		}
	}
}

func TestAnswerOfABatchComesOutTheSameAndCanBeAskedForAtOnce(t *testing.T) {
	w := newWorld(t)
	w.later = true
	w.run()
	e, err := bridge.LateAnswer(runID, w.entries(), says("sales"), now())
	if err != nil {
		t.Fatal(err)
	}
	w.add(e)
	r := w.run()
	if report := w.replay(r, replay.Options{}); !report.Same || len(report.Turns) != 1 {
		t.Errorf("report %+v", report)
	}
	m := saying([]openai.Answer{says("billing")})
	report := w.replay(r, replay.Options{Model: m})
	if report.Same || report.Turns[0].Replayed.Words != "billing" || len(m.asked[0].Functions) != 0 {
		t.Errorf("report %+v, asked with %d functions", report, len(m.asked[0].Functions))
	}
}

func TestWhatWasDoneToARunIsTakenOver(t *testing.T) {
	for reason, status := range map[bridge.Reason]bridge.Status{bridge.BatchExpired: bridge.Failed, bridge.CancelledByUser: bridge.Cancelled, "fault": bridge.Failed} {
		w := newWorld(t)
		w.later = true
		w.run()
		outcome, err := bridge.LateFailure(runID, w.entries(), reason, "")
		if err != nil {
			t.Fatal(err)
		}
		outcome.Status = status
		w.add(outcome.Entry(now()))
		if report := w.replay(w.recording(), replay.Options{}); !report.Same || report.Replayed.Outcome == nil {
			t.Errorf("%s: %+v", reason, report)
		}
	}
}

func TestPlayEndsWithItsContext(t *testing.T) {
	w := newWorld(t)
	r := w.run(says("Hello."))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := r.Play(ctx, replay.Options{Tools: w.tools}); err != context.Canceled {
		t.Errorf("error %v", err)
	}
}
