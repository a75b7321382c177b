package storetest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
)

// submit submits a run that is new.
func submit(t *testing.T, h Harness, run dispatch.NewRun) {
	t.Helper()
	id, fresh, err := h.Store().Submit(t.Context(), run)
	if err != nil || !fresh || id != run.ID {
		t.Fatalf("submitting %s gave %q, fresh %v (%v)", run.ID, id, fresh, err)
	}
}

func submittedRunIsQueuedAsItWasAsked(t *testing.T, h Harness) {
	asked := dispatch.NewRun{ID: "run_1", Agent: "billing", Source: dispatch.FromAPI, Prompt: "do it", Owner: "key:desk", CallbackURL: "https://example.com/done",
		Metadata: map[string]string{"ticket": "T-1", "é": "<ü>"}, Priority: dispatch.High}
	submit(t, h, asked)
	h.Restart(t)
	run, err := h.Store().Run(t.Context(), "run_1")
	if err != nil {
		t.Fatal(err)
	}
	want := dispatch.Run{ID: "run_1", Agent: "billing", Source: dispatch.FromAPI, Via: "billing", Prompt: "do it", Owner: "key:desk", CallbackURL: "https://example.com/done",
		Metadata: map[string]string{"ticket": "T-1", "é": "<ü>"}, Priority: dispatch.High, State: dispatch.Queued, Created: h.Now()}
	if diff := cmp.Diff(want, run); diff != "" {
		t.Errorf("the run (-want +got):\n%s", diff)
	}
	if runs := claim(t, h); len(runs) != 1 || runs[0].Run.ID != "run_1" {
		t.Errorf("%+v are due, want the run", runs)
	}
}

func submittedUnderAKnownKeyIsTheFirstRun(t *testing.T, h Harness) {
	ctx, s := t.Context(), h.Store()
	submit(t, h, talk("run_1", "k", "d"))
	if id, fresh, err := s.Submit(ctx, talk("run_2", "k", "d")); err != nil || fresh || id != "run_1" {
		t.Errorf("the same key gave %q, fresh %v (%v), want run_1 again", id, fresh, err)
	}
	if _, _, err := s.Submit(ctx, talk("run_2", "k", "other")); !errors.Is(err, dispatch.ErrKeyReused) {
		t.Errorf("the key for another request gave %v, want ErrKeyReused", err)
	}
	if _, _, err := s.Begin(ctx, talk("run_2", "k", "other"), brief(h), lease); !errors.Is(err, dispatch.ErrKeyReused) {
		t.Errorf("the key for a conversation gave %v, want ErrKeyReused", err)
	}
	other := talk("run_3", "k", "other")
	other.Owner = "key:shop"
	submit(t, h, other)
	submit(t, h, talk("run_4", "", "d")) // without a key each is one of its own
	submit(t, h, talk("run_5", "", "d"))
	if _, err := s.Run(ctx, "run_2"); !errors.Is(err, dispatch.ErrNotFound) {
		t.Errorf("looking for the run that was not made gave %v, want ErrNotFound", err)
	}
	if runs := claim(t, h); len(runs) != 4 {
		t.Errorf("%d runs are due, want 4", len(runs))
	}
}

func submittedAtOnceUnderOneKeyIsOneRun(t *testing.T, h Harness) {
	var mu sync.Mutex
	ids, news := map[string]int{}, 0
	var all sync.WaitGroup
	for i := range 30 {
		all.Go(func() {
			id, fresh, err := h.Store().Submit(t.Context(), talk(fmt.Sprintf("run_%d", i), "k", "d"))
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if ids[id]++; fresh {
				news++
			}
		})
	}
	all.Wait()
	if runs := claim(t, h); len(ids) != 1 || news != 1 || len(runs) != 1 {
		t.Errorf("one key at once gave the runs %v, %d of them new, %d due; want one", ids, news, len(runs))
	}
}

func runIsNotDueBeforeItMayStart(t *testing.T, h Harness) {
	later := talk("run_1", "", "")
	later.StartAt = h.Now().Add(time.Hour)
	submit(t, h, later)
	past := talk("run_2", "", "")
	past.StartAt = h.Now().Add(-time.Hour)
	submit(t, h, past)
	if runs := claim(t, h); len(runs) != 1 || runs[0].Run.ID != "run_2" {
		t.Errorf("%+v are due, want run_2 only", runs)
	}
	h.Advance(time.Hour - time.Millisecond)
	for _, c := range claim(t, h) {
		if c.Run.ID == "run_1" {
			t.Error("run_1 is due before its time")
		}
	}
	h.Advance(time.Millisecond)
	if runs := claim(t, h); len(runs) != 1 || runs[0].Run.ID != "run_1" || !runs[0].Run.StartAt.Equal(later.StartAt) {
		t.Errorf("%+v are due, want run_1", runs)
	}
}

func moreUrgentRunGoesFirst(t *testing.T, h Harness) {
	for i, priority := range []dispatch.Priority{dispatch.Low, dispatch.Normal, dispatch.High} {
		run := talk(fmt.Sprintf("run_%d", i), "", "")
		run.Priority = priority
		submit(t, h, run)
		h.Advance(time.Second) // the less urgent have waited for longer
	}
	var order []string
	for range 3 {
		runs, err := h.Store().ClaimRuns(t.Context(), 1, time.Hour)
		if err != nil || len(runs) != 1 {
			t.Fatalf("claimed %d (%v), want 1", len(runs), err)
		}
		order = append(order, runs[0].Run.ID)
		if len(order) == 1 { // it keeps its place when it is put down
			if err := h.Store().Release(t.Context(), runs[0].Lease); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := strings.Join(order, " "); got != "run_2 run_2 run_1" {
		t.Errorf("claimed %s, want the most urgent first", got)
	}
}

// listed gives the ids that a filter lets through, in their order.
func listed(t *testing.T, h Harness, fits dispatch.RunFilter, limit int) string {
	t.Helper()
	runs, err := h.Store().ListRuns(t.Context(), fits, limit)
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]string, len(runs))
	for i, run := range runs {
		ids[i] = run.ID
	}
	return strings.Join(ids, " ")
}

func listShowsTheRunsThatFit(t *testing.T, h Harness) {
	accept(t, h, event(h, 1))
	claimEvents(t, h)
	if _, err := h.Store().Route(t.Context(), "evt_001", dispatch.Routing{Status: dispatch.Routed, Runs: []dispatch.NewRun{{
		ID: "run_1", Agent: "triage", Source: "shop", Event: "evt_001", Prompt: "look"}}}); err != nil {
		t.Fatal(err)
	}
	claim(t, h) // run_1 is running
	for i, owner := range []string{"key:desk", "key:shop", "key:desk"} {
		h.Advance(time.Second)
		run := talk(fmt.Sprintf("run_%d", i+2), "", "")
		run.Owner = owner
		submit(t, h, run)
	}
	if _, err := h.Store().RequestCancel(t.Context(), "run_4", "enough"); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		fits dispatch.RunFilter
		want string
	}{
		{dispatch.RunFilter{}, "run_4 run_3 run_2 run_1"},
		{dispatch.RunFilter{Owner: "key:desk"}, "run_4 run_2"},
		{dispatch.RunFilter{Owner: "key:desk", States: []dispatch.State{dispatch.Cancelled}}, "run_4"},
		{dispatch.RunFilter{Agent: "triage"}, "run_1"},
		{dispatch.RunFilter{Source: "chat"}, "run_4 run_3 run_2"},
		{dispatch.RunFilter{Event: "evt_001"}, "run_1"},
		{dispatch.RunFilter{States: []dispatch.State{dispatch.Running, dispatch.Queued}}, "run_3 run_2 run_1"},
		{dispatch.RunFilter{Owner: "key:nobody"}, ""},
		{dispatch.RunFilter{Owner: "key:shop", Agent: "triage"}, ""},
	} {
		if got := listed(t, h, test.fits, 10); got != test.want {
			t.Errorf("%+v lists %q, want %q", test.fits, got, test.want)
		}
	}
}

func listGoesOnBehindAMark(t *testing.T, h Harness) {
	for i := range 7 { // several in the same millisecond
		submit(t, h, talk(fmt.Sprintf("run_%d", i), "", ""))
		if i%3 == 2 {
			h.Advance(time.Millisecond)
		}
	}
	var pages []string
	fits := dispatch.RunFilter{Owner: "key:desk"}
	for {
		runs, err := h.Store().ListRuns(t.Context(), fits, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(runs) == 0 {
			break
		}
		pages = append(pages, listed(t, h, fits, 2))
		fits.Behind = runs[len(runs)-1].Mark()
		h.Advance(time.Second)
		submit(t, h, talk(fmt.Sprintf("run_late%d", len(pages)), "", "")) // what comes meanwhile moves no page
	}
	if diff := cmp.Diff([]string{"run_6 run_5", "run_4 run_3", "run_2 run_1", "run_0"}, pages); diff != "" {
		t.Errorf("the pages (-want +got):\n%s", diff)
	}
}

// told reports whether a watch has told of a change since it was last asked.
func told(changed <-chan struct{}) bool {
	select {
	case <-changed:
		return true
	default:
		return false
	}
}

func watchTellsOfEachChange(t *testing.T, h Harness) {
	ctx, s := t.Context(), h.Store()
	submit(t, h, talk("run_1", "", ""))
	submit(t, h, talk("run_2", "", ""))
	first, stopFirst := s.Watch("run_1")
	second, stopSecond := s.Watch("run_1")
	other, stopOther := s.Watch("run_2")
	defer stopSecond()
	defer stopOther()
	var c dispatch.Claimed
	takeOne := func() error {
		claimed, _, err := s.ClaimRun(ctx, "run_1", lease)
		if err == nil {
			c = *claimed
		}
		return err
	}
	astray := 0
	for _, change := range []struct {
		name string
		make func() error
	}{
		{"ClaimRun", takeOne},
		{"Append", func() error { return s.Append(ctx, c.Lease, entry(1)) }},
		{"Release", func() error { return s.Release(ctx, c.Lease) }},
		{"a second ClaimRun", takeOne},
		{"Park", func() error { return s.Park(ctx, c.Lease, h.Now().Add(time.Hour), string(bridge.ClientCalls), 0) }},
		{"Continue", func() error {
			claimed, _, err := s.Continue(ctx, "run_1", dispatch.RequestKey{}, []bridge.Entry{entry(2)}, lease)
			if err == nil {
				c = *claimed
			}
			return err
		}},
		{"RequestCancel", func() error { _, err := s.RequestCancel(ctx, "run_1", "enough"); return err }},
		{"Finish", func() error {
			return s.Finish(ctx, c.Lease, dispatch.Ending{State: dispatch.Cancelled, At: h.Now()})
		}},
	} {
		if err := change.make(); err != nil {
			t.Fatalf("%s: %v", change.name, err)
		}
		if a, b := told(first), told(second); !a || !b {
			t.Errorf("%s: the first was told %v, the second %v; want both", change.name, a, b)
		}
		if told(other) {
			astray++
		}
	}
	if astray > 1 { // once, it may be told of what was there when it began
		t.Errorf("who watches run_2 was told %d times of run_1", astray)
	}
	if claim(t, h); !told(other) {
		t.Error("ClaimRuns was not told")
	}
	stopFirst()
	stopFirst() // once is as good as twice
	submit(t, h, talk("run_3", "", ""))
	third, stopThird := s.Watch("run_3")
	if _, err := s.RequestCancel(ctx, "run_3", "enough"); err != nil || !told(third) {
		t.Errorf("the end of a run that nobody carries was not told (%v)", err)
	}
	stopThird()
}
