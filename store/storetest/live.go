package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
)

// talk is a run that somebody of the owner "key:desk" starts under a key.
func talk(id, key, digest string) dispatch.NewRun {
	return dispatch.NewRun{ID: id, Agent: "billing", Source: "chat", Prompt: "do it", Owner: "key:desk", Key: key, Digest: digest}
}

// brief opens the journal of a run.
func brief(h Harness) bridge.Entry {
	return bridge.Entry{Seq: 1, Kind: bridge.EntryBrief, At: h.Now(), Body: json.RawMessage(`{"agent":"billing"}`)}
}

// begin begins a run that is new.
func begin(t *testing.T, h Harness, run dispatch.NewRun) dispatch.Claimed {
	t.Helper()
	c, place, err := h.Store().Begin(t.Context(), run, brief(h), lease)
	if err != nil || c == nil || place != (dispatch.Place{Run: run.ID, Seq: 1}) {
		t.Fatalf("beginning %s gave %+v at %+v (%v), want it new", run.ID, c, place, err)
	}
	return *c
}

// begun begins run_1.
func begun(t *testing.T, h Harness) dispatch.Claimed {
	t.Helper()
	return begin(t, h, talk("run_1", "", ""))
}

func beginIsRunningWithItsBrief(t *testing.T, h Harness) {
	c := begun(t, h)
	if c.Run.ID != "run_1" || c.Run.Owner != "key:desk" || c.Run.State != dispatch.Running || c.Run.Started.IsZero() || c.Lease.Epoch != 1 {
		t.Errorf("began as %+v, want it running under its first lease", c)
	}
	entries, err := h.Store().Entries(t.Context(), "run_1")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]bridge.Entry{brief(h)}, entries); diff != "" {
		t.Errorf("the journal (-want +got):\n%s", diff)
	}
	if runs := claim(t, h); len(runs) != 0 {
		t.Error("a run that was begun is due for others")
	}
	if err := h.Store().Append(t.Context(), c.Lease, entry(2)); err != nil {
		t.Errorf("whoever began it could not write: %v", err)
	}
	h.Advance(lease)
	if runs := claim(t, h); len(runs) != 1 || runs[0].Run.Owner != "key:desk" {
		t.Errorf("after the lease ran out %+v are due, want the run", runs)
	}
}

func beginIsAllOrNothing(t *testing.T, h Harness) {
	begun(t, h)
	again := talk("run_1", "k", "d") // the id is taken: the run cannot be added
	if _, _, err := h.Store().Begin(t.Context(), again, brief(h), lease); err == nil {
		t.Fatal("a second run of the same id was begun")
	}
	if _, err := h.Store().Keyed(t.Context(), dispatch.RequestKey{Owner: "key:desk", Key: "k", Digest: "d"}); !errors.Is(err, dispatch.ErrNotFound) {
		t.Errorf("the key of a run that was not begun gave %v, want ErrNotFound", err)
	}
}

func sameKeyIsTheSameRun(t *testing.T, h Harness) {
	ctx, s := t.Context(), h.Store()
	begin(t, h, talk("run_1", "k", "d"))
	c, place, err := s.Begin(ctx, talk("run_2", "k", "d"), brief(h), lease)
	if err != nil || c != nil || place != (dispatch.Place{Run: "run_1", Seq: 1}) {
		t.Errorf("the same key gave %+v at %+v (%v), want the place of the first", c, place, err)
	}
	if _, err := s.Run(ctx, "run_2"); !errors.Is(err, dispatch.ErrNotFound) {
		t.Errorf("looking for a second run gave %v, want ErrNotFound", err)
	}
	if _, _, err := s.Begin(ctx, talk("run_2", "k", "other"), brief(h), lease); !errors.Is(err, dispatch.ErrKeyReused) {
		t.Errorf("the key for another request gave %v, want ErrKeyReused", err)
	}
	h.Restart(t)
	if place, err := h.Store().Keyed(ctx, dispatch.RequestKey{Owner: "key:desk", Key: "k", Digest: "d"}); err != nil || place.Run != "run_1" {
		t.Errorf("after a restart the key gives %+v (%v), want run_1", place, err)
	}
	if _, err := h.Store().Keyed(ctx, dispatch.RequestKey{Owner: "key:desk", Key: "k", Digest: "other"}); !errors.Is(err, dispatch.ErrKeyReused) {
		t.Errorf("looking up the key for another request gave %v, want ErrKeyReused", err)
	}
}

func requestWithoutAKeyIsFoundByWhatItAskedFor(t *testing.T, h Harness) {
	ctx := t.Context()
	asked := dispatch.RequestKey{Owner: "key:desk", Digest: "d"}
	if _, err := h.Store().Keyed(ctx, asked); !errors.Is(err, dispatch.ErrNotFound) {
		t.Errorf("before any request: %v, want ErrNotFound", err)
	}
	begin(t, h, talk("run_1", "", "d"))
	begin(t, h, talk("run_2", "", "d")) // each is a run of its own
	begin(t, h, talk("run_3", "", "other"))
	if place, err := h.Store().Keyed(ctx, asked); err != nil || place != (dispatch.Place{Run: "run_2", Seq: 1}) {
		t.Errorf("found %+v (%v), want the last that asked for the same", place, err)
	}
	if _, err := h.Store().Keyed(ctx, dispatch.RequestKey{Owner: "key:shop", Digest: "d"}); !errors.Is(err, dispatch.ErrNotFound) {
		t.Errorf("another owner finds it: %v", err)
	}
}

func sameKeyAtOnceMakesOneRun(t *testing.T, h Harness) {
	var mu sync.Mutex
	places, fresh := map[dispatch.Place]int{}, 0
	var all sync.WaitGroup
	for i := range 30 {
		all.Go(func() {
			c, place, err := h.Store().Begin(t.Context(), talk(fmt.Sprintf("run_%d", i), "k", "d"), brief(h), lease)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			places[place]++
			if c != nil {
				fresh++
			}
		})
	}
	all.Wait()
	if len(places) != 1 || fresh != 1 {
		t.Errorf("one key at once gave the places %v, %d of them new; want one run", places, fresh)
	}
}

func keysOfDifferentOwnersDoNotMeet(t *testing.T, h Harness) {
	begin(t, h, talk("run_1", "k", "d"))
	other := talk("run_2", "k", "d")
	other.Owner = "key:other"
	begin(t, h, other)
}

// waits begins run_1 and parks it until its caller answers, with two entries journaled.
func waits(t *testing.T, h Harness) {
	t.Helper()
	c := begun(t, h)
	if err := h.Store().Append(t.Context(), c.Lease, entry(2)); err != nil {
		t.Fatal(err)
	}
	if err := h.Store().Park(t.Context(), c.Lease, h.Now().Add(time.Hour), string(bridge.ClientCalls), 0); err != nil {
		t.Fatal(err)
	}
}

func continueAppendsAndClaims(t *testing.T, h Harness) {
	waits(t, h)
	ctx, s := t.Context(), h.Store()
	key := dispatch.RequestKey{Owner: "key:desk", Key: "k", Digest: "d"}
	c, place, err := s.Continue(ctx, "run_1", key, []bridge.Entry{entry(3), entry(4)}, lease)
	if err != nil || c == nil || place != (dispatch.Place{Run: "run_1", Seq: 3}) || c.Run.State != dispatch.Running || c.Lease.Epoch != 2 {
		t.Fatalf("continuing gave %+v at %+v (%v), want it running under its second lease", c, place, err)
	}
	if entries, err := s.Entries(ctx, "run_1"); err != nil || len(entries) != 4 {
		t.Errorf("the journal has %d entries (%v), want 4", len(entries), err)
	}
	h.Advance(lease - time.Millisecond)
	if runs := claim(t, h); len(runs) != 0 {
		t.Error("a run that was continued is due for others")
	}
	if got, err := s.Keyed(ctx, key); err != nil || got != place {
		t.Errorf("its key gives %+v (%v), want %+v", got, err, place)
	}
}

func continueNeedsARunThatWaits(t *testing.T, h Harness) {
	ctx := t.Context()
	next := func(seq int64) error {
		_, _, err := h.Store().Continue(ctx, "run_1", dispatch.RequestKey{}, []bridge.Entry{entry(seq)}, lease)
		return err
	}
	if err := next(1); !errors.Is(err, dispatch.ErrNotWaiting) && !errors.Is(err, dispatch.ErrNotFound) {
		t.Errorf("continuing no run gave %v", err)
	}
	waits(t, h)
	for _, seq := range []int64{2, 4} {
		if err := next(seq); !errors.Is(err, dispatch.ErrNotWaiting) {
			t.Errorf("entry %d behind entry 2 gave %v, want ErrNotWaiting", seq, err)
		}
	}
	if err := next(3); err != nil {
		t.Fatal(err)
	}
	if err := next(4); !errors.Is(err, dispatch.ErrNotWaiting) {
		t.Errorf("continuing a running run gave %v, want ErrNotWaiting", err)
	}
	h.Advance(lease)
	if err := h.Store().Park(ctx, claim(t, h)[0].Lease, h.Now().Add(time.Hour), "model_unavailable", 0); err != nil {
		t.Fatal(err)
	}
	if err := next(4); !errors.Is(err, dispatch.ErrNotWaiting) {
		t.Errorf("continuing a run that waits for its model gave %v, want ErrNotWaiting", err)
	}
}

func continueUnderAKnownKeyChangesNothing(t *testing.T, h Harness) {
	waits(t, h)
	ctx, s := t.Context(), h.Store()
	key := dispatch.RequestKey{Owner: "key:desk", Key: "k", Digest: "d"}
	if _, _, err := s.Continue(ctx, "run_1", key, []bridge.Entry{entry(3)}, lease); err != nil {
		t.Fatal(err)
	}
	c, place, err := s.Continue(ctx, "run_1", key, []bridge.Entry{entry(4)}, lease)
	if err != nil || c != nil || place != (dispatch.Place{Run: "run_1", Seq: 3}) {
		t.Errorf("the same key gave %+v at %+v (%v), want the place of the first", c, place, err)
	}
	key.Digest = "other"
	if _, _, err := s.Continue(ctx, "run_1", key, []bridge.Entry{entry(4)}, lease); !errors.Is(err, dispatch.ErrKeyReused) {
		t.Errorf("the key for another request gave %v, want ErrKeyReused", err)
	}
	if entries, err := s.Entries(ctx, "run_1"); err != nil || len(entries) != 3 {
		t.Errorf("the journal has %d entries (%v), want 3", len(entries), err)
	}
}
