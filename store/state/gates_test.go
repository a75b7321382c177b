package state_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"drawbridge/server/dispatch"
	"drawbridge/server/webhook"
	"drawbridge/store/sqlite"
	"drawbridge/store/state"
)

// burst stores events of a source that carries two runs at once, and routes them.
func burst(t testing.TB, store *state.Store, events int, subject func(int) string) {
	t.Helper()
	lanes := dispatch.Lanes{Ordered: []string{"shop"}, AtOnce: map[string]int{"shop": 2, "shop/desk": 2}}
	if err := store.SetLanes(t.Context(), lanes); err != nil {
		t.Fatal(err)
	}
	batch := webhook.Batch{Raw: []byte("[]")}
	for n := range events {
		id := fmt.Sprintf("evt_%06d", n)
		batch.Events = append(batch.Events, webhook.Event{ID: id, Source: "shop", Key: id, ContentType: "application/json", Headers: http.Header{}, Body: []byte(`{}`), ReceivedAt: time.Now()})
	}
	if _, err := store.Accept(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	var routers sync.WaitGroup // many at once share their commits
	const at = 100
	for first := range at {
		routers.Go(func() {
			for n := first; n < events; n += at {
				run := dispatch.NewRun{ID: fmt.Sprintf("run_%06d", n), Agent: "desk", Source: "shop", Event: batch.Events[n].ID, Prompt: "look", Subject: subject(n)}
				if _, err := store.Route(t.Context(), run.Event, dispatch.Routing{Status: dispatch.Routed, Runs: []dispatch.NewRun{run}}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	routers.Wait()
}

// An event and all that it becomes are one transaction, and it becomes one run a route.
func TestRUN01_EventBecomesItsRunsInOneTransaction(t *testing.T) {
	h := newHarness(t)
	e := webhook.Event{ID: "evt_1", Source: "shop", Key: "1", ContentType: "application/json", Headers: http.Header{}, Body: []byte(`{}`), ReceivedAt: h.Now()}
	if _, err := h.store.Accept(t.Context(), webhook.Batch{Events: []webhook.Event{e}}); err != nil {
		t.Fatal(err)
	}
	made := func(vias ...string) dispatch.Routing {
		routing := dispatch.Routing{Status: dispatch.Routed}
		for _, via := range vias {
			routing.Runs = append(routing.Runs, dispatch.NewRun{ID: dispatch.NewID("run_"), Agent: "desk", Via: via, Source: "shop", Event: "evt_1", Prompt: "look"})
		}
		return routing
	}
	stands := func(want string) {
		t.Helper()
		var got string
		if err := h.store.Read().QueryRowContext(t.Context(), `SELECT (SELECT status FROM events) || ', ' || (SELECT COUNT(*) FROM runs) || ' runs, ' ||
			(SELECT COUNT(*) FROM jobs WHERE kind = 'run') || ' due'`).Scan(&got); err != nil || got != want {
			t.Fatalf("the store has: %s (%v), want %s", got, err, want)
		}
	}
	if _, err := h.store.Route(t.Context(), "evt_1", made("log", "refunds", "log")); err == nil {
		t.Fatal("an event became two runs of one route")
	}
	stands("accepted, 0 runs, 0 due")
	if _, err := h.store.Route(t.Context(), "evt_1", made("log", "refunds")); err != nil {
		t.Fatal(err)
	}
	stands("routed, 2 runs, 2 due")
	if _, err := h.store.Route(t.Context(), "evt_1", made("log")); !errors.Is(err, dispatch.ErrEnded) {
		t.Fatalf("an event was routed twice: %v", err)
	}
	stands("routed, 2 runs, 2 due")
}

// Ten thousand runs behind a bound of two are two jobs: claiming does not even see the
// others.
func TestING25_BurstBehindABoundIsTwoJobs(t *testing.T) {
	h := newHarness(t)
	const events = 10_000
	burst(t, h.store, events, func(int) string { return "" })
	var jobs, held int
	if err := h.store.Read().QueryRowContext(t.Context(), `SELECT (SELECT COUNT(*) FROM jobs), (SELECT COUNT(*) FROM runs WHERE gate = 'route')`).Scan(&jobs, &held); err != nil {
		t.Fatal(err)
	}
	if jobs != 2 || held != events-2 {
		t.Fatalf("%d jobs, %d runs held; want 2 and %d", jobs, held, events-2)
	}
	for range 50 {
		claimed, err := h.store.ClaimRuns(t.Context(), 32, time.Minute)
		if err != nil || len(claimed) != 2 {
			t.Fatalf("%d runs may begin (%v), want 2", len(claimed), err)
		}
		for _, c := range claimed {
			if err := h.store.Finish(t.Context(), c.Lease, dispatch.Ending{State: dispatch.Succeeded, At: h.Now()}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// What the gates ask for is found by an index, and needs no sorting: the cost of a run's
// end does not grow with what waits.
func TestGatesLookWithoutScanning(t *testing.T) {
	h := newHarness(t)
	burst(t, h.store, 200, func(n int) string { return fmt.Sprintf("shop/desk:%d", n%7) })
	for name, query := range state.GateQueries {
		indexed := false
		for _, step := range planOf(t, h.store, query.SQL, make([]any, strings.Count(query.SQL, "?"))...) {
			indexed = indexed || strings.Contains(step, "SEARCH") && strings.Contains(step, "INDEX "+query.Index+" (")
			if strings.HasPrefix(step, "SCAN runs") || strings.HasPrefix(step, "SCAN events") || strings.Contains(step, "TEMP B-TREE") {
				t.Errorf("%s: %s", name, step)
			}
		}
		if !indexed {
			t.Errorf("%s does not search index %s", name, query.Index)
		}
	}
}

// BenchmarkEndOfARunBehindABound ends runs with 10,000 others waiting for their place.
func BenchmarkEndOfARunBehindABound(b *testing.B) {
	for _, waiting := range []int{10, 10_000} {
		b.Run(fmt.Sprint(waiting), func(b *testing.B) {
			store, err := sqlite.Open(b.Context(), b.TempDir()+"/state.db", state.Owned, state.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = store.Close() }()
			burst(b, store, waiting+b.N, func(n int) string { return fmt.Sprintf("shop/desk:%d", n%100) })
			b.ResetTimer()
			for range b.N {
				claimed, err := store.ClaimRuns(b.Context(), 1, time.Minute)
				if err != nil || len(claimed) != 1 {
					b.Fatalf("%d runs may begin (%v), want 1", len(claimed), err)
				}
				if err := store.Finish(b.Context(), claimed[0].Lease, dispatch.Ending{State: dispatch.Succeeded, At: time.Now()}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// dueRuns is how many runs have a job.
func dueRuns(t *testing.T, store *state.Store) (n int) {
	t.Helper()
	if err := store.Read().QueryRowContext(t.Context(), `SELECT COUNT(*) FROM jobs WHERE kind = 'run'`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestVeryManyWhoWaitedForOneEventAllGoOn(t *testing.T) {
	h := newHarness(t)
	first := webhook.Event{ID: "evt_0", Source: "shop", Key: "first", ContentType: "application/json", Headers: http.Header{}, Body: []byte(`{}`), ReceivedAt: h.Now()}
	if err := h.store.SetLanes(t.Context(), dispatch.Lanes{Ordered: []string{"shop"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.store.Accept(t.Context(), webhook.Batch{Events: []webhook.Event{first}}); err != nil {
		t.Fatal(err)
	}
	const events = state.MostLetGo + 10
	burst(t, h.store, events, func(n int) string { return fmt.Sprintf("shop/desk:%d", n) })
	if n := dueRuns(t, h.store); n != 0 {
		t.Fatalf("%d may begin before the first event is routed", n)
	}
	if err := h.store.SetLanes(t.Context(), dispatch.Lanes{Ordered: []string{"shop"}}); err != nil { // without the bounds of the burst
		t.Fatal(err)
	}
	if _, err := h.store.Route(t.Context(), "evt_0", dispatch.Routing{Status: dispatch.Ignored}); err != nil {
		t.Fatal(err)
	}
	if n := dueRuns(t, h.store); n != events {
		t.Errorf("%d may begin, want all %d", n, events)
	}
}

// However many wait, a transaction lets so many go and leaves the rest to the next.
func TestVeryManyAreLetGoSomeAtATime(t *testing.T) {
	const events = 2*state.MostLetGo + 10
	h := newHarness(t)
	let := func() int { return dueRuns(t, h.store) }
	burst(t, h.store, events, func(n int) string { return fmt.Sprintf("shop/desk:%d", n) })
	if n := let(); n != 2 {
		t.Fatalf("%d may begin, want 2", n)
	}
	if more, err := h.store.LetSomeGo(t.Context(), dispatch.Lanes{}); err != nil || !more || let() != 2+state.MostLetGo {
		t.Fatalf("%d may begin after one step (%v, %v), want %d", let(), more, err, 2+state.MostLetGo)
	}
	if err := h.store.SetLanes(t.Context(), dispatch.Lanes{}); err != nil || let() != events {
		t.Errorf("%d may begin (%v), want all %d", let(), err, events)
	}
}
