package dispatch_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/bridge"
	"drawbridge/bridge/openaitest"
	"drawbridge/server/dispatch"
)

func TestManyEventsAreOneBatchAndEachGetsItsOwnAnswer(t *testing.T) {
	w := newBatchWorld(t)
	events := w.collect(3)
	if got := w.ended(); got["waiting batch"] != 3 {
		t.Fatalf("the runs stand as %v, want all to wait for a batch", got)
	}
	if w.asked != 0 || len(w.fake.Batches()) != 0 {
		t.Errorf("the model was asked %d times, the provider has %d batches: too early", w.asked, len(w.fake.Batches()))
	}
	w.pass(batchWait)
	w.until("batch submitted")
	w.fake.Func(func(r openaitest.Request) openaitest.Reply {
		for i := range 3 {
			if strings.Contains(r.Last().Text, fmt.Sprintf(`"n":%d}`, i)) {
				return openaitest.Say(fmt.Sprintf("Paid: %d", i), openaitest.Uses(openaitest.Usage{Prompt: 101, Completion: 10}))
			}
		}
		return openaitest.Fail(400)
	})
	w.fake.End(w.theirs(), openaitest.Ending{Backwards: true, Extra: []string{"{", `{"custom_id":"run_of_nobody","error":{"code":"x"}}`}})
	w.pass(batchPoll)
	w.until(append(times(3, "run succeeded"), append(times(3, "callback delivered"), "batch done")...)...)

	for i, event := range events {
		runs, err := w.store.Runs(t.Context(), event, 10)
		if err != nil || len(runs) != 1 {
			t.Fatalf("%d runs came of event %d (%v)", len(runs), i, err)
		}
		r := runs[0]
		want := bridge.Usage{Turns: 1, PromptTokens: 101, CompletionTokens: 10, Cost: 56, Currency: "USD"} // half of 111, rounded up
		if diff := cmp.Diff(want, r.Usage); diff != "" || r.Answer != fmt.Sprintf("Paid: %d", i) || !r.Tainted {
			t.Errorf("event %d was answered with %q (-want +got):\n%s", i, r.Answer, diff)
		}
	}
	if len(w.received) != 3 {
		t.Errorf("%d callbacks arrived, want one a run", len(w.received))
	}
	if used, err := w.store.UsedOn(t.Context(), "desk", w.clock()); err != nil || used.Turns != 3 || used.Cost != 3*56 {
		t.Errorf("the agent's day has %+v (%v)", used, err)
	}
	batches := w.fake.Batches()
	if len(batches) != 1 || len(batches[0].Lines) != 3 || w.fake.Uploads() != 1 {
		t.Errorf("there were %d uploads and the batches %+v", w.fake.Uploads(), batches)
	}
	if n := w.fake.Files(); n != 0 {
		t.Errorf("%d files stayed at the provider", n)
	}
	if w.asked != 0 {
		t.Errorf("the model was asked %d times besides", w.asked)
	}
}

func TestFullBatchDoesNotWait(t *testing.T) {
	w := newBatchWorld(t)
	few := w.settings.Batches["desk"]
	few.Limits.Questions = 2
	w.settings.Batches["desk"] = few
	for i := range 2 {
		w.accept(fmt.Sprintf(`{"type":"paid","n":%d}`, i))
	}
	w.until("run collected", "run collected", "batch submitted")
	if got := w.fake.Batches(); len(got) != 1 || len(got[0].Lines) != 2 {
		t.Errorf("the provider has %+v", got)
	}
}

func TestWebhookOfABatchContinuesItAtOnce(t *testing.T) {
	w := newBatchWorld(t)
	id := w.submit(2)
	w.fake.End(id, openaitest.Ending{})
	event := w.tell("batch.completed", id)
	w.until("event ignored", "run succeeded", "run succeeded", "batch done") // at the same time as it was submitted
	stored, err := w.store.Event(t.Context(), event)
	if err != nil || !strings.Contains(stored.Note, "woke it") {
		t.Errorf("the event's note is %q (%v)", stored.Note, err)
	}
}

// Another program's batches, and other events, are for the source's routes.
func TestOtherEventsOfOpenAIAreRouted(t *testing.T) {
	w := newBatchWorld(t)
	route := &dispatch.Route{Source: "openai", Agent: "desk", Prompt: "Look."}
	if err := route.Compile(); err != nil {
		t.Fatal(err)
	}
	w.settings.Sources["openai"] = &dispatch.Source{Name: "openai", Routes: []*dispatch.Route{route}}
	w.tell("batch.completed", "batch_of_another")
	w.tell("eval.run.succeeded", "evalrun_1")
	w.until("event routed", "event routed")
}

func TestBatchIsPolledWithGrowingPauses(t *testing.T) {
	w := newBatchWorld(t)
	w.submit(1)
	pauses := []time.Duration{batchPoll}
	for range 6 {
		w.pass(pauses[len(pauses)-1])
		w.until("batch submitted")
		due, ok, err := w.store.NextDue(t.Context(), dispatch.BatchJob)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		pauses = append(pauses, due.Sub(w.clock()))
	}
	m := time.Minute
	if diff := cmp.Diff([]time.Duration{5 * m, 10 * m, 20 * m, 40 * m, 60 * m, 60 * m, 60 * m}, pauses); diff != "" {
		t.Errorf("pauses (-want +got):\n%s", diff)
	}
	w.fake.End(w.theirs(), openaitest.Ending{})
	w.pass(time.Hour)
	w.until("run succeeded", "batch done")
}

func TestAnswerThatDoesNotFitIsAskedForInTheNextBatch(t *testing.T) {
	w := newBatchWorld(t)
	agent := w.settings.Agents["desk"]
	agent.Output = []byte(`{"type":"object","properties":{"paid":{"type":"boolean"}},"required":["paid"]}`)
	w.settings.Agents["desk"] = agent
	w.fake.Answer(openaitest.Say("yes"), openaitest.Say(`{"paid":true}`), openaitest.Say("no"), openaitest.Say("no"))
	w.fake.End(w.submit(2), openaitest.Ending{})
	w.pass(batchPoll)
	w.until("run succeeded", "run collected", "batch done")
	if got := w.ended(); got["succeeded answered"] != 1 || got["waiting batch"] != 1 {
		t.Fatalf("the runs stand as %v", got)
	}
	for n := range 2 {
		w.pass(batchWait)
		w.until("batch submitted")
		lines := w.fake.Batches()[n+1].Lines
		if len(lines) != 1 || len(lines[0].Request.Messages) != 4+2*n || !strings.Contains(lines[0].Request.Last().Text, "does not fit the form") {
			t.Fatalf("asked again with %+v", lines)
		}
		w.fake.End(w.theirs(), openaitest.Ending{})
		w.pass(batchPoll)
		w.until("batch done", []string{"run collected", "run failed"}[n])
	}
	if got := w.ended(); got["failed output_invalid"] != 1 || len(w.fake.Batches()) != 3 {
		t.Errorf("after %d batches the runs stand as %v", len(w.fake.Batches()), got)
	}
}

func TestWhatNobodyCameToIsAskedInTheNextBatchTwice(t *testing.T) {
	w := newBatchWorld(t)
	id := w.submit(4)
	fate := []openaitest.Fate{openaitest.Answered, openaitest.Expired, openaitest.Nowhere, openaitest.Expired}
	w.fake.End(id, openaitest.Ending{Status: "expired", Fate: func(i int) openaitest.Fate { return fate[i] }})
	w.pass(batchPoll)
	w.until("run succeeded", "batch done")
	for _, told := range [][]string{{"batch done"}, {"run failed", "run failed", "run failed", "batch done"}} {
		w.pass(batchWait)
		w.until("batch submitted")
		if lines := w.fake.Batches()[len(w.fake.Batches())-1].Lines; len(lines) != 3 {
			t.Fatalf("asked again were %d, want 3", len(lines))
		}
		w.fake.End(w.theirs(), openaitest.Ending{Status: "expired", Fate: func(int) openaitest.Fate { return openaitest.Nowhere }})
		w.pass(batchPoll)
		w.until(told...)
	}
	if got := w.ended(); got["failed batch_expired"] != 3 || got["succeeded answered"] != 1 {
		t.Errorf("the runs stand as %v", got)
	}
	w.pass(1000 * time.Hour)
	if _, due, err := w.store.NextDue(t.Context(), dispatch.BatchJob); due || err != nil {
		t.Errorf("a batch is left (%v)", err)
	}
}

func TestErrorsOfSingleQuestions(t *testing.T) {
	w := newBatchWorld(t)
	id := w.submit(5)
	w.fake.Answer(openaitest.Fail(400), openaitest.Fail(500), openaitest.Decline("No."), openaitest.Say("", openaitest.Finish("content_filter")),
		openaitest.Fail(400, openaitest.ErrorIs("invalid_request_error", "context_length_exceeded", "too long")))
	w.fake.End(id, openaitest.Ending{})
	w.pass(batchPoll)
	w.until(append(times(4, "run failed"), "batch done")...)
	want := map[string]int{"failed model_error": 1, "waiting batch": 1, "failed model_refused": 1, "failed content_filtered": 1, "failed context_full": 1}
	if diff := cmp.Diff(want, w.ended()); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
	w.pass(batchWait)
	w.until("batch submitted")
	w.fake.End(w.theirs(), openaitest.Ending{})
	w.pass(batchPoll)
	w.until("run succeeded")
}

func TestBatchThatIsNotTaken(t *testing.T) {
	t.Run("there is no room for it", func(t *testing.T) {
		w := newBatchWorld(t)
		first := w.submit(2)
		w.fake.Refuse(first, "token_limit_exceeded", 0)
		w.pass(batchPoll)
		w.until("batch uploaded")
		if b := w.ours(); !strings.Contains(b.Error, "token_limit_exceeded") || b.Round != 2 {
			t.Errorf("the batch is %+v", b)
		}
		w.pass(time.Hour)
		w.until("batch submitted")
		if w.theirs() == first || w.fake.Uploads() != 1 {
			t.Errorf("it was not made again of the same file: %d uploads", w.fake.Uploads())
		}
		w.fake.End(w.theirs(), openaitest.Ending{})
		w.pass(batchPoll)
		w.until("run succeeded", "run succeeded", "batch done")
	})
	t.Run("something is wrong with it", func(t *testing.T) {
		w := newBatchWorld(t)
		w.fake.Refuse(w.submit(2), "model_not_found", 0)
		w.pass(batchPoll)
		w.until("run failed", "run failed", "batch done")
		if got := w.ended(); got["failed model_error"] != 2 {
			t.Errorf("the runs stand as %v", got)
		}
	})
	t.Run("the server has no batches", func(t *testing.T) {
		w := newBatchWorld(t)
		w.fake.Disturb(openaitest.Upload, openaitest.Disturbance{Status: 404})
		w.collect(1)
		w.pass(batchWait)
		w.until("run failed", "batch done")
		if run := w.onlyRun(); run.Reason != "model_error" || !strings.Contains(run.Answer, "batches need OpenAI's own API") {
			t.Errorf("the run failed with %q: %s", run.Reason, run.Answer)
		}
	})
}

func TestPassingFaultsPutABatchOff(t *testing.T) {
	w := newBatchWorld(t)
	w.fake.Disturb(openaitest.Upload, openaitest.Disturbance{Status: 500}, openaitest.Disturbance{Status: 401})
	w.fake.Disturb(openaitest.Create, openaitest.Disturbance{Status: 429})
	w.fake.Disturb(openaitest.Retrieve, openaitest.Disturbance{Status: 503}, openaitest.Disturbance{Status: 401})
	w.collect(1)
	w.pass(batchWait)
	for _, told := range []string{"batch closed, put off", "batch closed, put off", "batch uploaded, put off", "batch submitted", "batch submitted, put off", "batch submitted, put off"} {
		w.until(told)
		w.pass(batchPoll)
	}
	if b := w.ours(); b.Error == "" || b.Attempts != 2 {
		t.Errorf("the batch is %+v, want its fault told", b)
	}
	w.fake.End(w.theirs(), openaitest.Ending{})
	w.fake.Disturb(openaitest.Content, openaitest.Disturbance{Lost: true})
	w.until("batch submitted, put off")
	w.pass(batchPoll)
	w.until("run succeeded", "batch done")
	if len(w.fake.Batches()) != 1 {
		t.Errorf("%d batches were made, want 1", len(w.fake.Batches()))
	}
}

func TestBatchThatTheProviderForgotIsAskedAgain(t *testing.T) {
	w := newBatchWorld(t)
	w.submit(1)
	w.fake.Disturb(openaitest.Retrieve, openaitest.Disturbance{Status: 404})
	w.pass(batchPoll)
	w.until("batch done")
	w.pass(batchWait)
	w.until("batch submitted")
	if n := len(w.fake.Batches()); n != 2 {
		t.Errorf("%d batches, want a second one", n)
	}
}

func TestAgentThatAnswersInBatchesCannotBeTalkedTo(t *testing.T) {
	w := newBatchWorld(t)
	d := w.dispatcher()
	_, err := d.Talk(t.Context(), dispatch.Talk{Run: dispatch.NewRun{Agent: "desk", Owner: "key:a"}})
	if !errors.Is(err, dispatch.ErrAnswersLater) {
		t.Errorf("gave %v", err)
	}
}

func TestRunCarriedAloneBringsItsBatchAlong(t *testing.T) {
	w := newBatchWorld(t)
	few := w.settings.Batches["desk"]
	few.Limits.Questions = 1
	w.settings.Batches["desk"] = few
	id := w.start("desk", "")
	ended := make(chan error, 1)
	d := w.dispatcher()
	go func() { ended <- d.RunOne(t.Context(), id) }()
	w.await("batch submitted")
	w.fake.End(w.theirs(), openaitest.Ending{})
	if _, err := w.store.WakeBatch(t.Context(), w.theirs()); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if run := w.onlyRun(); run.State != dispatch.Succeeded || run.Answer != "It is paid." {
		t.Errorf("the run ended as %+v", run)
	}
}

// A change of the settings neither loses an answer that is paid for nor asks for it twice.
func TestAgentThatIsTalkedToLaterOnTakesItsAnswerFromTheBatch(t *testing.T) {
	w := newBatchWorld(t)
	w.fake.End(w.submit(1), openaitest.Ending{})
	w.settings.Batches = nil
	w.pass(batchPoll)
	w.until("run succeeded", "batch done")
	if run := w.onlyRun(); run.Answer != "It is paid." || w.asked != 0 {
		t.Errorf("the run was answered with %q, the model asked %d times besides", run.Answer, w.asked)
	}
}
