package dispatch_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
	"drawbridge/server/dispatch"
)

// askWith is a talk whose caller has a function of its own.
func askWith(key string) dispatch.Talk {
	t := ask(key)
	t.Conversation.Functions = []openai.Function{{Name: "open_door", Parameters: json.RawMessage(`{"type":"object","properties":{}}`)}}
	return t
}

// opens notes, asks the caller to open the door, and says what came of it.
func opens() answerFunc {
	return inOrder(calls("I note it.", "crm_note", "open_door"), says("It is open."))
}

// answers are results for all calls that an exchange ended with.
func answers(x dispatch.Exchange) dispatch.Reply {
	r := dispatch.Reply{Run: x.Run(), Owner: "key:desk", Agent: "desk", Results: map[string]string{},
		Functions: askWith("").Conversation.Functions}
	for _, call := range x.End().Calls {
		r.Results[call.ID] = "it opened"
	}
	return r
}

func TestReplyCarriesTheSameRunOn(t *testing.T) {
	w := newWorld(t)
	w.play(opens())
	d := w.serve()
	first := d.talk(askWith(""))
	same(t, "heard first", []string{"words: I note it.", "turned 1", "calling crm_note", "returned crm_note"}, rest(t, first))
	end := first.End()
	if end.State != dispatch.Waiting || end.Outcome.Reason != bridge.ClientCalls || end.Finish != openai.FinishCalls ||
		len(end.Calls) != 1 || end.Calls[0].Name != "open_door" || end.Calls[0].Arguments != "{}" {
		t.Fatalf("the first exchange ended as %+v", end)
	}
	if run := w.onlyRun(); run.State != dispatch.Waiting || run.Reason != "client_calls" || run.Attempts != 0 {
		t.Errorf("the run stands as %+v", run)
	}
	second := d.reply(answers(first))
	same(t, "heard then", []string{"words: It is open.", "turned 2"}, rest(t, second))
	if second.Run() != first.Run() || second.End().State != dispatch.Succeeded {
		t.Errorf("the second exchange is of %s and ended as %+v", second.Run(), second.End())
	}
	same(t, "used first", bridge.Usage{Turns: 1, Calls: 1, PromptTokens: 10, CompletionTokens: 2}, first.End().Usage)
	same(t, "used then", bridge.Usage{Turns: 1, PromptTokens: 10, CompletionTokens: 2}, second.End().Usage)

	all, err := d.Follow(t.Context(), first.Run())
	if err != nil {
		t.Fatal(err)
	}
	defer all.Leave()
	same(t, "heard by who follows", []string{"words: I note it.", "turned 1", "calling crm_note", "returned crm_note", "words: It is open.", "turned 2"}, rest(t, all))
}

func TestCallerMayBeAskedAgain(t *testing.T) {
	w := newWorld(t)
	w.play(inOrder(calls("", "open_door"), calls("Again.", "open_door"), says("It is open.")))
	d := w.serve()
	first := d.talk(askWith(""))
	rest(t, first)
	second := d.reply(answers(first))
	same(t, "heard then", []string{"words: Again.", "turned 2"}, rest(t, second))
	if end := second.End(); end.State != dispatch.Waiting || len(end.Calls) != 1 || end.Calls[0].ID == first.End().Calls[0].ID {
		t.Fatalf("the second exchange ended as %+v, want it waiting for another call", end)
	}
	same(t, "heard last", []string{"words: It is open.", "turned 3"}, rest(t, d.reply(answers(second))))
}

func TestReplyThatCannotBeTakenChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.play(inOrder(calls("", "open_door", "open_door"), says("Both are open.")))
	d := w.serve()
	first := d.talk(askWith(""))
	rest(t, first)
	good := answers(first)
	open := first.End().Calls
	for name, c := range map[string]struct {
		change func(r *dispatch.Reply)
		want   error
	}{
		"another's run":       {func(r *dispatch.Reply) { r.Owner = "key:other" }, dispatch.ErrNotFound},
		"another agent's run": {func(r *dispatch.Reply) { r.Agent = "other" }, dispatch.ErrNotFound},
		"no run":              {func(r *dispatch.Reply) { r.Run = "run_x" }, dispatch.ErrNotFound},
		"no results":          {func(r *dispatch.Reply) { r.Results = nil }, dispatch.ErrNotWaiting},
		"results of others":   {func(r *dispatch.Reply) { r.Results = map[string]string{"call_x_1_1": "?"} }, dispatch.ErrNotWaiting},
		"more results": {func(r *dispatch.Reply) {
			r.Results = map[string]string{open[0].ID: "", open[1].ID: "", "call_x_1_1": "?"}
		}, dispatch.ErrNotWaiting},
	} {
		r := good
		c.change(&r)
		if _, err := d.Reply(t.Context(), r); !errors.Is(err, c.want) {
			t.Errorf("%s gave %v, want %v", name, err, c.want)
		}
	}
	part := good
	part.Results = map[string]string{open[0].ID: "it opened"}
	var missing *dispatch.MissingResultsError
	if _, err := d.Reply(t.Context(), part); !errors.As(err, &missing) || len(missing.CallIDs) != 1 || missing.CallIDs[0] != open[1].ID {
		t.Errorf("half the results gave %v, want what is missing", err)
	}
	rest(t, d.reply(good))
	if _, err := d.Reply(t.Context(), good); !errors.Is(err, dispatch.ErrEnded) {
		t.Errorf("after the end it gave %v, want ErrEnded", err)
	}
}

func TestReplyThatIsSentAgainJoinsTheFirst(t *testing.T) {
	w := newWorld(t)
	release := make(chan struct{})
	m := w.play(func(_ context.Context, n int, _ openai.Request) (openai.Answer, error) {
		if n == 1 {
			return calls("", "open_door"), nil
		}
		<-release
		return says("It is open."), nil
	})
	d := w.serve()
	first := d.talk(askWith(""))
	rest(t, first)
	r := answers(first)
	r.Key, r.Digest = "k", "d"
	one := d.reply(r)
	keyed := d.reply(r)
	r.Key = ""
	bare := d.reply(r)
	other := r
	other.Results = map[string]string{first.End().Calls[0].ID: "it is stuck"}
	if _, err := d.Reply(t.Context(), other); !errors.Is(err, dispatch.ErrNotWaiting) {
		t.Errorf("other results gave %v, want ErrNotWaiting", err)
	}
	other.Results = map[string]string{first.End().Calls[0].ID: "it opened", "call_x_1_1": "?"}
	if _, err := d.Reply(t.Context(), other); !errors.Is(err, dispatch.ErrNotWaiting) {
		t.Errorf("more results gave %v, want ErrNotWaiting", err)
	}
	other = r
	other.Messages = []openai.Message{{Role: openai.User, Content: "Leave it shut!"}}
	if _, err := d.Reply(t.Context(), other); !errors.Is(err, dispatch.ErrNotWaiting) {
		t.Errorf("other words gave %v, want ErrNotWaiting: they would go unheard", err)
	}
	close(release)
	for _, x := range []dispatch.Exchange{one, keyed, bare} {
		same(t, "heard", []string{"words: It is open.", "turned 2"}, rest(t, x))
	}
	r.Key = "k"
	same(t, "heard after the end", []string{"words: It is open.", "turned 2"}, rest(t, d.reply(r)))
	if m.times() != 2 {
		t.Errorf("the model was asked %d times, want 2", m.times())
	}
}

func TestReplyWithWordsJoinsWhenItIsSentAgain(t *testing.T) {
	w := newWorld(t)
	release := make(chan struct{})
	w.play(func(_ context.Context, n int, _ openai.Request) (openai.Answer, error) {
		if n == 1 {
			return calls("", "open_door"), nil
		}
		<-release
		return says("It is open."), nil
	})
	d := w.serve()
	first := d.talk(askWith(""))
	rest(t, first)
	r := answers(first)
	r.Messages = []openai.Message{{Role: openai.User, Content: "Quick!"}}
	one, again := d.reply(r), d.reply(r)
	r.Messages = nil
	if _, err := d.Reply(t.Context(), r); !errors.Is(err, dispatch.ErrNotWaiting) {
		t.Errorf("fewer words gave %v, want ErrNotWaiting", err)
	}
	close(release)
	for _, x := range []dispatch.Exchange{one, again} {
		same(t, "heard", []string{"words: It is open.", "turned 2"}, rest(t, x))
	}
}

func TestReplyToACancelledRunSaysSo(t *testing.T) {
	w := newWorld(t)
	w.play(opens())
	d := w.serve()
	first := d.talk(askWith(""))
	rest(t, first)
	if _, err := d.Cancel(t.Context(), first.Run(), "enough"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Reply(t.Context(), answers(first)); !errors.Is(err, dispatch.ErrCancelled) || !errors.Is(err, dispatch.ErrEnded) {
		t.Errorf("it gave %v, want ErrCancelled", err)
	}
}

// A crash right behind what made the results durable: nobody was told, nothing was asked.
func TestReplyWhoseProcessDiesIsCarriedOnAtTheNextStart(t *testing.T) {
	w := newWorld(t)
	w.play(opens())
	d := w.serve()
	first := d.talk(askWith(""))
	rest(t, first)
	d.stop()
	entries, err := w.store.Entries(t.Context(), first.Run())
	if err != nil {
		t.Fatal(err)
	}
	r := answers(first)
	added, err := bridge.AnswerCalls(r.Run, entries, r.Results, bridge.Input{Functions: r.Functions, Params: &r.Params}, w.clock())
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.store.Store.Continue(t.Context(), r.Run, dispatch.RequestKey{}, added, dispatch.LeaseFor); err != nil {
		t.Fatal(err)
	}
	w.pass(2 * dispatch.LeaseFor)
	all, err := w.serve().Follow(t.Context(), r.Run)
	if err != nil {
		t.Fatal(err)
	}
	defer all.Leave()
	same(t, "heard", []string{"words: I note it.", "turned 1", "calling crm_note", "returned crm_note", "words: It is open.", "turned 2"}, rest(t, all))
	if run := w.onlyRun(); run.State != dispatch.Succeeded {
		t.Errorf("the run ended as %s %s", run.State, run.Reason)
	}
}

// A stop in the middle of a beginning is heard as one: what has begun must not be asked
// for once more.
func TestReplyThatIsTakenInTheMomentOfAStopHasBegun(t *testing.T) {
	w := newWorld(t)
	w.play(opens())
	d := w.serve()
	first := d.talk(askWith(""))
	rest(t, first)
	w.store.afterContinue = d.stop
	x := d.reply(answers(first))
	if _, err := x.Next(t.Context()); !errors.Is(err, dispatch.ErrStopping) {
		t.Errorf("listening gave %v, want ErrStopping", err)
	}
	if run := w.onlyRun(); run.State != dispatch.Queued {
		t.Errorf("the run is %s, want it queued", run.State)
	}
	w.store.afterContinue = nil
	d = w.serve()
	all, err := d.Follow(t.Context(), first.Run())
	if err != nil {
		t.Fatal(err)
	}
	defer all.Leave()
	if rest(t, all); all.End().State != dispatch.Succeeded {
		t.Errorf("after the next start it ended as %+v", all.End())
	}
}

// The key of a request is that of the exchange it began, whatever came after.
func TestKeyGivesItsOwnExchangeAgain(t *testing.T) {
	w := newWorld(t)
	w.play(opens())
	d := w.serve()
	first := d.talk(askWith("k1"))
	rest(t, first)
	r := answers(first)
	r.Key, r.Digest = "k2", "d"
	second := d.reply(r)
	rest(t, second)
	for range 2 { // from memory or from the journal
		again := d.talk(askWith("k1"))
		same(t, "heard under the first key", []string{"words: I note it.", "turned 1", "calling crm_note", "returned crm_note"}, rest(t, again))
		got, want := again.End(), first.End()
		got.Outcome.Answer, want.Outcome.Answer = "", "" // in words for whoever looks
		same(t, "its end", want, got)
		again = d.reply(r)
		same(t, "heard under the second", []string{"words: It is open.", "turned 2"}, rest(t, again))
		same(t, "its usage", second.End().Usage, again.End().Usage)
		d.stop()
		d = w.serve()
	}
}

func TestRunWhoseCallerStaysAwayFails(t *testing.T) {
	w := newWorld(t)
	w.play(opens())
	d := w.serve()
	first := d.talk(askWith(""))
	rest(t, first)
	d.stop()
	w.pass(time.Hour - time.Second)
	d = w.serve()
	if run := w.onlyRun(); run.State != dispatch.Waiting {
		t.Errorf("before its time the run is %s", run.State)
	}
	d.stop()
	w.pass(time.Second)
	w.until("run failed")
	if run := w.onlyRun(); run.State != dispatch.Failed || run.Reason != "client_gone" {
		t.Errorf("the run ended as %s %s", run.State, run.Reason)
	}
	// It has made a note, which another run would make again.
	if _, err := w.serve().Reply(t.Context(), answers(first)); !errors.Is(err, dispatch.ErrExpired) || !errors.Is(err, dispatch.ErrEnded) {
		t.Errorf("a late reply gave %v, want ErrExpired", err)
	}
}

// A crash between the answer and the parking must not look like a caller who is gone.
func TestRunLeftBeforeItWaitedForItsCallerWaits(t *testing.T) {
	w := newWorld(t)
	w.play(opens())
	w.store.refuse("run waiting")
	d := w.serve()
	x := d.talk(askWith(""))
	w.await("refused run waiting")
	w.pass(2 * dispatch.LeaseFor)
	d.stop()
	d = w.serve()
	defer d.stop()
	w.await("run waiting")
	again, err := d.Follow(t.Context(), x.Run())
	if err != nil {
		t.Fatal(err)
	}
	defer again.Leave()
	rest(t, again)
	if end := again.End(); end.State != dispatch.Waiting || len(end.Calls) != 1 {
		t.Errorf("it ended as %+v", end)
	}
}
