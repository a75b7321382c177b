package dispatch_test

import (
	"context"
	"net/http"
	"path"
	"sync"
	"testing"
	"time"

	"drawbridge/bridge/openai"
	"drawbridge/bridge/openaitest"
)

// Whatever step a crash comes behind, each event ends exactly once, and one batch is
// made of them.
func TestCrashAtAnyStepOfABatch(t *testing.T) {
	const runs = 3
	for _, lost := range []string{"batch closed, kept", "batch uploaded, kept", "batch creating, kept", "batch submitted"} {
		t.Run(lost, func(t *testing.T) {
			w := newBatchWorld(t)
			w.collect(runs)
			w.pass(batchWait)
			w.store.refuse(lost)
			w.until("refused " + lost)
			w.pass(time.Minute)
			w.until("batch submitted")
			w.endsOnce(runs)
		})
	}
	for _, lost := range []string{"3 results", "batch done", "run succeeded"} {
		t.Run(lost, func(t *testing.T) {
			w := newBatchWorld(t)
			w.fake.End(w.submit(runs), openaitest.Ending{})
			w.pass(batchPoll)
			w.store.refuse(lost)
			w.until("refused " + lost)
			w.pass(time.Minute)
			w.endsOnce(runs)
		})
	}
}

// endsOnce has the one batch end, and every run with it.
func (w *batchWorld) endsOnce(runs int) {
	w.t.Helper()
	batches := w.fake.Batches()
	if len(batches) != 1 || len(batches[0].Lines) != runs {
		w.t.Fatalf("the provider has %d batches: %+v", len(batches), batches)
	}
	if batches[0].Status != "completed" {
		w.fake.End(batches[0].ID, openaitest.Ending{})
		w.pass(time.Hour)
	}
	stop := w.work()
	for w.over() < runs {
		w.await("run succeeded")
	}
	stop()
	if got := w.ended(); got["succeeded answered"] != runs || len(got) != 1 {
		w.t.Errorf("the runs stand as %v", got)
	}
	if n := len(w.fake.Batches()); n != 1 {
		w.t.Errorf("%d batches were made, want 1", n)
	}
}

// The answer to the request that makes the batch is lost, or the request is.
func TestBatchIsLookedForBeforeItIsMadeAgain(t *testing.T) {
	t.Run("it was made", func(t *testing.T) {
		w := newBatchWorld(t)
		w.fake.Disturb(openaitest.Create, openaitest.Disturbance{Lost: true})
		w.collect(3)
		w.pass(batchWait)
		w.until("batch creating, put off")
		w.pass(time.Minute)
		w.until("batch submitted")
		w.endsOnce(3)
	})
	t.Run("nobody knows at first", func(t *testing.T) {
		w := newBatchWorld(t)
		w.fake.Disturb(openaitest.Create, openaitest.Disturbance{Lost: true})
		w.fake.Disturb(openaitest.List, openaitest.Disturbance{Status: 500}, openaitest.Disturbance{Status: 429})
		w.collect(3)
		w.pass(batchWait)
		for range 3 { // once for the request itself
			w.until("batch creating, put off")
			w.pass(time.Hour)
		}
		w.until("batch submitted")
		w.endsOnce(3)
	})
	t.Run("it was not made", func(t *testing.T) {
		w := newBatchWorld(t)
		w.fake.Disturb(openaitest.Create, openaitest.Disturbance{Status: 500})
		w.collect(3)
		w.pass(batchWait)
		w.until("batch creating, put off")
		w.pass(2 * time.Second)
		w.until("batch creating, put off") // it may be on its way yet
		if n := len(w.fake.Batches()); n != 0 {
			t.Fatalf("%d batches", n)
		}
		w.pass(time.Minute)
		w.until("batch submitted")
		w.endsOnce(3)
	})
}

type fenceMark struct{}

// fenceWitness notes which requests carry a fence, and what it says when they go out.
type fenceWitness struct {
	mu   sync.Mutex
	said map[string]error // by method and path, of those that carry one
}

func (f *fenceWitness) RoundTrip(r *http.Request) (*http.Response, error) {
	if still, ok := r.Context().Value(fenceMark{}).(func(context.Context) error); ok {
		f.mu.Lock()
		f.said[r.Method+" "+path.Base(r.URL.Path)] = still(r.Context())
		f.mu.Unlock()
	}
	return http.DefaultTransport.RoundTrip(r)
}

// TestRUN03_RequestThatMakesABatchCarriesItsLease: alone of all that a batch takes it must
// not be made by two.
func TestRUN03_RequestThatMakesABatchCarriesItsLease(t *testing.T) {
	w, f := newBatchWorld(t), &fenceWitness{said: map[string]error{}}
	w.options.Batches = openai.NewModels([]openai.ModelSettings{{Name: "small", BaseURL: w.fake.URL()}}, openai.ModelsOptions{HTTPClient: &http.Client{Transport: f}}).Batches()
	w.options.Fence = func(ctx context.Context, still func(context.Context) error) context.Context {
		return context.WithValue(ctx, fenceMark{}, still)
	}
	w.submit(2)
	f.mu.Lock()
	defer f.mu.Unlock()
	if said, carried := f.said["POST batches"]; !carried || said != nil || len(f.said) != 1 {
		t.Errorf("fences of %v, want an open one of POST batches alone", f.said)
	}
}
