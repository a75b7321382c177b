package runapi_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"drawbridge/server/auth"
	"drawbridge/server/runapi"
)

// polled begins a long poll and gives what it is answered.
func (w *world) polled(path string) <-chan answered {
	over := make(chan answered, 1)
	go func() { over <- w.do(http.MethodGet, path, "") }()
	return over
}

func TestLongPollAnswersWhenTheRunHasEnded(t *testing.T) {
	w := newWorld(t, runapi.Options{})
	id := w.start(`{"agent":"desk","prompt":"Look."}`)
	over := w.polled("/v1/runs/" + id + "?wait=300s")
	w.awaitWatch(id)
	lease := w.claim(id)
	w.journal(lease, 1, "brief", `{"agent":"desk"}`)
	select {
	case got := <-over:
		t.Fatalf("a run that is at work was answered: %d %s", got.status, got.body)
	default:
	}
	w.finish(lease, "Done.")
	got := <-over
	var r run
	got.as(t, &r)
	if got.status != http.StatusOK || r.State != "succeeded" || r.Answer != "Done." || r.Reason != "answered" || r.Usage.Turns != 1 {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got = w.do(http.MethodGet, "/v1/runs/"+id+"?wait=300&state=queued", ""); got.status != http.StatusOK {
		t.Errorf("a run that has ended already: %d %s", got.status, got.body)
	}
}

func TestLongPollAnswersWhenTheRunIsInAnotherState(t *testing.T) {
	w := newWorld(t, runapi.Options{})
	id := w.start(`{"agent":"desk","prompt":"Look."}`)
	over := w.polled("/v1/runs/" + id + "?wait=5m&state=queued")
	w.awaitWatch(id)
	w.claim(id)
	var r run
	if got := <-over; got.status != http.StatusOK {
		t.Errorf("%d %s", got.status, got.body)
	} else if got.as(t, &r); r.State != "running" {
		t.Errorf("the run is %s", r.State)
	}
	if got := w.do(http.MethodGet, "/v1/runs/"+id+"?wait=5m&state=waiting", ""); got.status != http.StatusOK { // it is in another already
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestLongPollAnswersWhenTheTimeIsUp(t *testing.T) {
	w := newWorld(t, runapi.Options{})
	id := w.start(`{"agent":"desk","prompt":"Look."}`)
	got := w.do(http.MethodGet, "/v1/runs/"+id+"?wait=10ms", "")
	var r run
	if got.as(t, &r); got.status != http.StatusOK || r.State != "queued" {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestWhatCannotBeWaitedForIsRefused(t *testing.T) {
	w := newWorld(t, runapi.Options{})
	id := w.start(`{"agent":"desk","prompt":"Look."}`)
	for query, want := range map[string]string{
		"wait=soon":                    "invalid_value wait",
		"wait=-1s":                     "invalid_value wait",
		"wait=301":                     "invalid_value wait",
		"wait=1h":                      "invalid_value wait",
		"state=queued":                 "invalid_value state",
		"wait=1s&state=busy":           "invalid_value state",
		"wait=1s&state=queued,running": "invalid_value state",
		"stream=yes":                   "invalid_value stream",
		"stream=true&wait=1s":          "invalid_value wait",
		"wait=1s&until=done":           "unknown_parameter until",
	} {
		if got := w.do(http.MethodGet, "/v1/runs/"+id+"?"+query, ""); got.status != http.StatusBadRequest || got.code() != want {
			t.Errorf("%q: %d %s, want %s", query, got.status, got.body, want)
		}
	}
	w.key.Name = "other"
	for _, query := range []string{"wait=5m", "stream=true"} {
		if got := w.do(http.MethodGet, "/v1/runs/"+id+"?"+query, ""); got.status != http.StatusNotFound || got.code() != "run_not_found id" {
			t.Errorf("somebody else's run, %s: %d %s", query, got.status, got.body)
		}
	}
}

// TestThousandLongPollsLookOnlyWhenSomethingChanged: each reads the run when it begins
// and when the run has changed, and nothing in between.
func TestThousandLongPollsLookOnlyWhenSomethingChanged(t *testing.T) {
	const polls = 1000
	w := newWorld(t, runapi.Options{})
	quiet, ends := w.start(`{"agent":"desk","prompt":"1"}`), w.start(`{"agent":"desk","prompt":"2"}`)
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	before := w.store.read()
	var all sync.WaitGroup
	answers := make(chan string, polls)
	for i := range polls {
		id := quiet
		if i%2 == 0 {
			id = ends
		}
		all.Go(func() {
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+"/v1/runs/"+id+"?wait=300s", nil)
			if err != nil {
				t.Error(err)
				return
			}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				if ctx.Err() == nil {
					t.Error(err)
				}
				return
			}
			_ = response.Body.Close()
			answers <- response.Status
		})
	}
	for range polls {
		select {
		case <-w.store.watched:
		case <-time.After(60 * time.Second):
			t.Fatal("not all polls wait")
		}
	}
	w.finish(w.claim(ends), "Done.")
	for range polls / 2 {
		if status := <-answers; status != "200 OK" {
			t.Fatal(status)
		}
	}
	// A poll reads its run when it is found and when it begins to wait. Those of the run
	// that ended read it again at each of its two changes. The look for other processes'
	// changes may tell each once more, and those of the run that changed twice.
	if reads := w.store.read() - before; reads > polls*5 {
		t.Errorf("%d polls read %d times", polls, reads)
	}
	leave()
	all.Wait()
}

func TestClientThatGoesAwayLeavesNothingBehind(t *testing.T) {
	w := newWorld(t, runapi.Options{})
	w.key.Limit = auth.Limit{Concurrent: 2}
	id := w.start(`{"agent":"desk","prompt":"Look."}`)
	http.DefaultClient.CloseIdleConnections()
	existing := goleak.IgnoreCurrent()
	ctx, leave := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for _, query := range []string{"?wait=300s", "?stream=true"} {
		all.Go(func() {
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+"/v1/runs/"+id+query, nil)
			if err != nil {
				t.Error(err)
				return
			}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				return // it left before it was answered
			}
			defer func() { _ = response.Body.Close() }()
			buffer := make([]byte, 1)
			for err == nil {
				_, err = response.Body.Read(buffer)
			}
		})
		w.awaitWatch(id)
	}
	if got := w.do(http.MethodGet, "/v1/runs/"+id+"?wait=1s", ""); got.status != http.StatusTooManyRequests {
		t.Errorf("a third at once: %d", got.status)
	}
	leave()
	all.Wait()
	http.DefaultClient.CloseIdleConnections()
	goleak.VerifyNone(t, existing)
}
