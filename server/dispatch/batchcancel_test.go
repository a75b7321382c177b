package dispatch_test

import (
	"sync"
	"testing"
	"time"

	"drawbridge/bridge/openaitest"
	"drawbridge/server/dispatch"
)

func TestCancelledRunsAnswerIsThrownAway(t *testing.T) {
	w := newBatchWorld(t)
	id := w.submit(2)
	runs, err := w.store.Runs(t.Context(), "", 10)
	if err != nil {
		t.Fatal(err)
	}
	if state, err := w.dispatcher().Cancel(t.Context(), runs[0].ID, "no need"); err != nil || state != dispatch.Cancelled {
		t.Fatal(state, err)
	}
	w.fake.End(id, openaitest.Ending{})
	w.pass(batchPoll)
	w.until("run succeeded", "batch done", "callback delivered", "callback delivered")
	if got := w.ended(); got["cancelled cancelled"] != 1 || got["succeeded answered"] != 1 {
		t.Errorf("the runs stand as %v", got)
	}
}

func TestCancellingAllCancelsTheBatchAtTheProvider(t *testing.T) {
	w := newBatchWorld(t)
	id := w.submit(2)
	if err := w.store.CancelBatch(t.Context(), w.ours().ID, "no need"); err != nil {
		t.Fatal(err)
	}
	w.until("run cancelled", "run cancelled", "batch submitted")
	if got := w.fake.Batches()[0].Status; got != "cancelling" {
		t.Fatalf("the provider has it as %s, want cancelling", got)
	}
	w.fake.End(id, openaitest.Ending{Status: "cancelled", Fate: func(int) openaitest.Fate { return openaitest.Nowhere }})
	w.pass(time.Hour)
	w.until("batch done")
	if got := w.ended(); got["cancelled cancelled"] != 2 {
		t.Errorf("the runs stand as %v", got)
	}
}

func TestCancellingEachRunCancelsTheBatch(t *testing.T) {
	w := newBatchWorld(t)
	w.submit(1)
	if _, err := w.dispatcher().Cancel(t.Context(), w.onlyRun().ID, "no need"); err != nil {
		t.Fatal(err)
	}
	w.pass(batchPoll)
	w.until("batch submitted")
	if got := w.fake.Batches()[0].Status; got != "cancelling" {
		t.Errorf("the provider has it as %s, want cancelling", got)
	}
}

func TestBatchCancelledBeforeItIsSubmittedIsNotMade(t *testing.T) {
	w := newBatchWorld(t)
	w.collect(2)
	if err := w.store.CancelBatch(t.Context(), w.ours().ID, "no need"); err != nil {
		t.Fatal(err)
	}
	w.until("run cancelled", "run cancelled", "batch done")
	if n := w.fake.Uploads() + len(w.fake.Batches()); n != 0 {
		t.Errorf("the provider heard of it")
	}
}

func TestBatchWhoseRunsAreAllCancelledIsNotMade(t *testing.T) {
	w := newBatchWorld(t)
	w.collect(1)
	if _, err := w.dispatcher().Cancel(t.Context(), w.onlyRun().ID, "no need"); err != nil {
		t.Fatal(err)
	}
	w.pass(batchWait)
	w.until("batch done")
	if n := w.fake.Uploads(); n != 0 {
		t.Errorf("the provider heard of it")
	}
}

// The file is there, and the provider had no time for the batch: by the time it has, nobody
// asks anything any more.
func TestUploadedBatchWhoseRunsAreAllCancelledIsNotMade(t *testing.T) {
	for name, cancel := range map[string]func(*batchWorld){
		"the runs": func(w *batchWorld) {
			if _, err := w.dispatcher().Cancel(t.Context(), w.onlyRun().ID, "no need"); err != nil {
				t.Fatal(err)
			}
			w.pass(time.Hour)
		},
		"the batch": func(w *batchWorld) {
			if err := w.store.CancelBatch(t.Context(), w.ours().ID, "no need"); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newBatchWorld(t)
			w.collect(1)
			w.fake.Disturb(openaitest.Create, openaitest.Disturbance{Status: 429})
			w.pass(batchWait)
			w.until("batch uploaded, put off")
			cancel(w)
			w.until("batch done")
			if made, files := len(w.fake.Batches()), w.fake.Files(); made != 0 || files != 0 {
				t.Errorf("%d batches were made, and %d files stay at the provider", made, files)
			}
		})
	}
}

// Nobody asks anything in a batch, and at the moment when that is found a run does.
func TestQuestionThatJoinsABatchAtItsEndIsAsked(t *testing.T) {
	w := newBatchWorld(t)
	w.collect(1)
	if _, err := w.dispatcher().Cancel(t.Context(), w.onlyRun().ID, "no need"); err != nil {
		t.Fatal(err)
	}
	w.pass(batchWait)
	w.store.afterQuestions = sync.OnceFunc(func() { w.waitsForABatch(w.start("desk", "")) })
	w.until("batch done")
	w.pass(batchWait)
	w.until("batch submitted")
	w.fake.End(w.theirs(), openaitest.Ending{})
	w.pass(batchPoll)
	w.until("run succeeded")
}

// waitsForABatch returns when a run that is carried meanwhile has asked something.
func (w *batchWorld) waitsForABatch(run string) {
	changed, stop := w.store.Watch(run)
	defer stop()
	for {
		r, err := w.store.Run(w.t.Context(), run)
		if err != nil || r.State == dispatch.Waiting {
			return // the test ends, or goes on
		}
		select {
		case <-changed:
		case <-w.t.Context().Done():
			return
		}
	}
}

// Somebody cancelled it at the provider: asking again would be against their will.
func TestBatchCancelledAtTheProviderEndsItsRuns(t *testing.T) {
	w := newBatchWorld(t)
	w.fake.End(w.submit(2), openaitest.Ending{Status: "cancelled", Fate: func(i int) openaitest.Fate {
		return []openaitest.Fate{openaitest.Answered, openaitest.Nowhere}[i]
	}})
	w.pass(batchPoll)
	w.until("run succeeded", "run failed", "batch done")
	if got := w.ended(); got["succeeded answered"] != 1 || got["failed batch_cancelled"] != 1 {
		t.Errorf("the runs stand as %v", got)
	}
}
