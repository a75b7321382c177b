package replay_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
	"drawbridge/bridge/replay"
)

func TestRecordedAnswersGiveTheSameRun(t *testing.T) {
	w := newWorld(t)
	r := w.run(asks("find", `{"id":"a"}`, "find", `{"id":"b"}`), asks("send", `{"id":"a"}`, "nothing", `{}`, "note", `{"id":`), says("Done."))
	report := w.replay(r, replay.Options{})
	if !report.Same || len(report.Turns) != 3 || report.NotRecorded != 0 {
		t.Errorf("report %+v", report)
	}
	if report.Recorded.Usage != report.Replayed.Usage {
		t.Errorf("used %+v, and in the replay %+v", report.Recorded.Usage, report.Replayed.Usage)
	}
}

// What the tools of today make of the same answers is what a replay is for.
func TestToolThatTakesOtherArgumentsNowIsADifference(t *testing.T) {
	w := newWorld(t)
	r := w.run(asks("find", `{"id":"a"}`), says("Done."))
	tools := slices.Clone(w.tools)
	tools[0].Input = json.RawMessage(`{"type":"object","properties":{"id":{"type":"integer"}},"required":["id"]}`)
	report := w.replay(r, replay.Options{Tools: tools})
	if report.Same || !slices.Equal(report.Turns[0].Differs, []replay.Difference{replay.Results}) {
		t.Fatalf("turn %+v", report.Turns[0])
	}
	if now := report.Turns[0].Calls[0].Replayed; now.Code != bridge.InvalidArguments {
		t.Errorf("now it is %+v", now)
	}
	if report = w.replay(r, replay.Options{Tools: w.tools[1:]}); report.Same {
		t.Error("a tool that is gone made no difference")
	}
}

func TestOtherModelIsAskedAndCallsAreAnsweredFromTheRecording(t *testing.T) {
	w := newWorld(t)
	w.returns = func(_, arguments string) bridge.CallResult { return bridge.CallResult{Content: "found " + arguments} }
	r := w.run(asks("find", `{"id":"a","n":1}`), asks("note", `{"id":"a"}`), says("Noted."))
	m := saying([]openai.Answer{asks("find", `{"n": 1, "id": "a"}`), asks("note", `{"id":"b"}`), says("Noted b.")})
	report := w.replay(r, replay.Options{Model: m})
	if report.Same || !report.Turns[0].Same {
		t.Fatalf("first turn %+v", report.Turns[0])
	}
	if got := report.Turns[0].Calls[0].Replayed; got.Source != replay.Recorded || !strings.Contains(got.Result, "found") {
		t.Errorf("the recorded call gave %+v", got)
	}
	if got := is(report.Turns[1]); !slices.Equal(got, []string{"other_arguments note"}) {
		t.Errorf("second turn: %v", got)
	}
	change := report.Turns[1].Calls[0].Changes[0]
	if change.Path != "id" || string(change.Recorded) != `"a"` || string(change.Replayed) != `"b"` {
		t.Errorf("changed %+v", change)
	}
	if got := report.Turns[1].Calls[0].Replayed; got.Source != replay.NotRecorded || got.Code != bridge.NotRecorded || !got.IsError {
		t.Errorf("the call that was never made gave %+v", got)
	}
	if last := m.last(); !strings.Contains(last, "not_recorded") || !strings.Contains(last, "was not made") || !strings.Contains(last, "the one call of it there had other arguments") {
		t.Errorf("the model was told %q", last)
	}
	if report.NotRecorded != 1 || !slices.Equal(report.Differs, []replay.Difference{replay.OutcomeIs}) {
		t.Errorf("report: %d not recorded, differs %v", report.NotRecorded, report.Differs)
	}
}

func TestSameCallTwiceReturnsWhatItReturnedInItsOrder(t *testing.T) {
	w := newWorld(t)
	times := 0
	w.returns = func(string, string) bridge.CallResult {
		times++
		return bridge.CallResult{Content: strings.Repeat("x", times)}
	}
	r := w.run(asks("find", `{"id":"a"}`), asks("note", `{"id":"a"}`), asks("find", `{"id":"a"}`), says("Done."))
	m := saying([]openai.Answer{says("Let me see."), says("unused")})
	m.said = []openai.Answer{asks("note", `{"id":"a"}`), asks("find", `{"id":"a"}`, "find", `{"id":"a"}`, "find", `{"id":"a"}`), asks("note", `{"id":"a"}`), says("Done.")}
	report := w.replay(r, replay.Options{Model: m})
	var got []string
	for _, turn := range report.Turns {
		for _, c := range turn.Calls {
			if c.Replayed != nil {
				got = append(got, c.Function+" "+string(c.Replayed.Source)+" "+c.Replayed.Result[:min(3, len(c.Replayed.Result))])
			}
		}
	}
	want := []string{"note recorded xx", "find recorded x", "find recorded xxx", "find recorded_again xxx", "note not_recorded not"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if missing := report.Turns[0].Calls[0]; missing.Is != replay.MissingCall || missing.Elsewhere != 2 {
		t.Errorf("a call that is made a turn later: %+v", missing)
	}
}

func TestReplayStopsAtWhatWasNeverRecordedIfThatIsWanted(t *testing.T) {
	w := newWorld(t)
	r := w.run(asks("find", `{"id":"a"}`), says("Done."))
	m := saying([]openai.Answer{asks("send", `{"id":"z"}`), says("never asked")})
	report := w.replay(r, replay.Options{Model: m, Unrecorded: replay.Stop})
	if len(m.asked) != 1 {
		t.Errorf("the model was asked %d times, want once", len(m.asked))
	}
	if report.Same || report.Replayed.Outcome != nil || report.Replayed.Stopped != `a call was never recorded: send {"id":"z"}` {
		t.Errorf("replayed %+v", report.Replayed)
	}
	if got := is(report.Turns[0]); !slices.Equal(got, []string{"missing find", "new send"}) {
		t.Errorf("first turn: %v", got)
	}
}

func TestOtherPromptReachesTheModel(t *testing.T) {
	w := newWorld(t)
	r := w.run(says("Hello."))
	brief := r.Brief()
	brief.Prompt = "Something else."
	m := saying([]openai.Answer{says("Hello.")})
	report := w.replay(r, replay.Options{Model: m, Brief: &brief})
	if m.last() != "Something else." || !report.Same {
		t.Errorf("asked %q; report %+v", m.last(), report)
	}
}

func TestModelThatIsAwayEndsTheReplayAndSaysSo(t *testing.T) {
	w := newWorld(t)
	report := w.replay(w.run(says("Hello.")), replay.Options{Model: saying(nil)})
	if report.Same || !strings.Contains(report.Replayed.Stopped, "nobody is there") {
		t.Errorf("replayed %+v", report.Replayed)
	}
}

func TestAnyWordsLeavesCallsAndTheEndToCompare(t *testing.T) {
	w := newWorld(t)
	r := w.run(asks("find", `{"id":"a"}`), says("Done."))
	for _, c := range []struct {
		said []openai.Answer
		same bool
	}{
		{[]openai.Answer{asks("find", `{"id":"a"}`), says("All is well.")}, true},
		{[]openai.Answer{asks("find", `{"id":"b"}`), says("Done.")}, false},
		{[]openai.Answer{says("Done.")}, false},
	} {
		played, err := r.Play(context.Background(), replay.Options{Tools: w.tools, Model: saying(c.said)})
		if err != nil {
			t.Fatal(err)
		}
		if report, err := replay.Compare(r, played, replay.Rules{AnyWords: true}); err != nil || report.Same != c.same {
			t.Errorf("%v: same %v, error %v; want %v", c.said, report.Same, err, c.same)
		}
	}
}

func TestTurnsTheOtherWayRoundAreNamed(t *testing.T) {
	w := newWorld(t)
	r := w.run(asks("send", `{"id":"a"}`, "note", `{"id":"a"}`), says("Done."))
	report := w.replay(r, replay.Options{Model: saying([]openai.Answer{asks("note", `{"id":"a"}`, "send", `{"id":"a"}`), says("Done.")})})
	if !slices.Equal(report.Turns[0].Differs, []replay.Difference{replay.Order}) {
		t.Errorf("first turn differs in %v", report.Turns[0].Differs)
	}
	long := w.replay(r, replay.Options{Model: saying([]openai.Answer{asks("send", `{"id":"a"}`), asks("note", `{"id":"a"}`), says("Done.")})})
	if !slices.Equal(long.Turns[2].Differs, []replay.Difference{replay.NewTurn}) {
		t.Errorf("third turn differs in %v", long.Turns[2].Differs)
	}
	short := w.replay(r, replay.Options{Model: saying([]openai.Answer{says("Done.")})})
	if !slices.Equal(short.Turns[1].Differs, []replay.Difference{replay.MissingTurn}) {
		t.Errorf("second turn differs in %v", short.Turns[1].Differs)
	}
}

func TestJournalWithoutABeginningIsNothingToReplay(t *testing.T) {
	for _, entries := range [][]bridge.Entry{nil, {{Seq: 1, Kind: bridge.EntryOutcome, Body: json.RawMessage(`{"status":"cancelled"}`)}}} {
		if _, err := replay.Read(runID, entries); !errors.Is(err, replay.ErrNothing) {
			t.Errorf("reading %v: %v", entries, err)
		}
	}
	if _, err := replay.Read(runID, []bridge.Entry{{Seq: 3, Kind: bridge.EntryBrief}}); err == nil || errors.Is(err, replay.ErrNothing) {
		t.Errorf("a journal with a gap: %v", err)
	}
}
