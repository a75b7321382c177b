package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"drawbridge/server/dispatch"
)

// owe ends a run that owes a callback to an endpoint, which is an address if it has a
// colon. The callback's id tells its number.
func owe(t *testing.T, h Harness, n int, endpoint string) string {
	t.Helper()
	c := dispatch.Callback{ID: fmt.Sprintf("msg_%03d", n), Run: fmt.Sprintf("run_%03d", n), Route: endpoint, Body: fmt.Appendf(nil, "body %d", n), Created: h.Now()}
	if slices.Contains([]byte(endpoint), ':') {
		c.Route, c.URL = "", endpoint
	}
	start(t, h, c.Run)
	for _, claimed := range claim(t, h) {
		if claimed.Run.ID == c.Run {
			if err := h.Store().Finish(t.Context(), claimed.Lease, dispatch.Ending{State: dispatch.Succeeded, At: h.Now(), Callback: &c}); err != nil {
				t.Fatal(err)
			}
		}
	}
	return c.ID
}

// claimedIDs claims callbacks, and gives their ids.
func claimedIDs(t *testing.T, h Harness, limit int, limits dispatch.EndpointLimits) []string {
	t.Helper()
	claimed, err := h.Store().ClaimCallbacks(t.Context(), limit, lease, limits)
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]string, len(claimed))
	for i, c := range claimed {
		ids[i] = c.ID
	}
	return ids
}

func wantDue(t *testing.T, h Harness, limits dispatch.EndpointLimits, want ...string) {
	t.Helper()
	at, ok, err := h.Store().NextCallback(t.Context(), limits)
	if now := ok && !at.After(h.Now()); err != nil || now != (len(want) > 0) {
		t.Fatalf("the next is due at %v (%v, %v), and it is %v; want one now: %v", at, ok, err, h.Now(), len(want) > 0)
	}
	got := claimedIDs(t, h, 100, limits)
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("due (-want +got):\n%s", diff)
	}
}

// tried notes an attempt now.
func tried(t *testing.T, h Harness, id string, a dispatch.Attempt, p dispatch.Patience) dispatch.Turn {
	t.Helper()
	a.At = h.Now()
	turn, err := h.Store().Attempted(t.Context(), id, a, p)
	if err != nil {
		t.Fatal(err)
	}
	return turn
}

func failed(h Harness, again time.Duration) dispatch.Attempt {
	return dispatch.Attempt{State: dispatch.Pending, Status: 500, Reason: "answered 500", Next: h.Now().Add(again)}
}

func wantState(t *testing.T, h Harness, id string, state dispatch.CallbackState, attempts int) dispatch.Callback {
	t.Helper()
	c, err := h.Store().Callback(t.Context(), id)
	if err != nil || c.State != state || c.Attempts != attempts || c.Due.IsZero() != (state != dispatch.Pending) {
		t.Fatalf("callback %s is %+v (%v), want it %s after %d attempts", id, c, err, state, attempts)
	}
	return c
}

func callbacksAreClaimedByEndpointInTurn(t *testing.T, h Harness) {
	limits := dispatch.EndpointLimits{AtOnce: 2, Of: map[string]dispatch.EndpointLimit{"wide": {AtOnce: 3}}}
	for n := range 5 {
		owe(t, h, n, "slow")
	}
	h.Advance(time.Second)
	owe(t, h, 10, "https://one.example/x")
	for n := range 4 {
		owe(t, h, 20+n, "wide")
	}
	if diff := cmp.Diff([]string{"msg_000", "msg_010", "msg_020", "msg_001"}, claimedIDs(t, h, 4, limits)); diff != "" {
		t.Fatalf("of the first four slots (-want +got):\n%s", diff)
	}
	wantDue(t, h, limits, "msg_021", "msg_022") // slow has its two, wide three
	wantDue(t, h, limits)
	tried(t, h, "msg_001", failed(h, time.Hour), dispatch.Patience{})
	wantDue(t, h, limits, "msg_002")
	tried(t, h, "msg_021", dispatch.Attempt{State: dispatch.Delivered, Status: 200}, dispatch.Patience{})
	wantDue(t, h, limits, "msg_023")
	if c := wantState(t, h, "msg_010", dispatch.Pending, 0); c.URL != "https://one.example/x" || c.Endpoint() != c.URL || string(c.Body) != "body 10" {
		t.Errorf("the callback of an address came back as %+v", c)
	}
}

func callbacksInOrderWaitForTheFirst(t *testing.T, h Harness) {
	limits := dispatch.EndpointLimits{AtOnce: 4, Of: map[string]dispatch.EndpointLimit{"line": {InOrder: true}}}
	for n := range 3 {
		owe(t, h, n, "line")
	}
	owe(t, h, 9, "other")
	wantDue(t, h, limits, "msg_000", "msg_009")
	tried(t, h, "msg_000", failed(h, time.Minute), dispatch.Patience{})
	wantDue(t, h, limits) // it is still the first
	h.Advance(time.Minute - time.Millisecond)
	tried(t, h, "msg_009", dispatch.Attempt{State: dispatch.Delivered}, dispatch.Patience{})
	wantDue(t, h, limits)
	if at, ok, err := h.Store().NextCallback(t.Context(), limits); err != nil || !ok || !at.Equal(h.Now().Add(time.Millisecond)) {
		t.Errorf("the next is due at %v (%v, %v)", at, ok, err)
	}
	h.Advance(time.Millisecond)
	wantDue(t, h, limits, "msg_000")
	tried(t, h, "msg_000", dispatch.Attempt{State: dispatch.Undelivered, Status: 500}, dispatch.Patience{})
	wantDue(t, h, limits, "msg_001")
	tried(t, h, "msg_001", dispatch.Attempt{State: dispatch.Delivered, Status: 200}, dispatch.Patience{})
	wantDue(t, h, limits, "msg_002")
}

func callbacksOfALostWorkerAreClaimedAgain(t *testing.T, h Harness) {
	limits := dispatch.EndpointLimits{AtOnce: 1}
	owe(t, h, 1, "shop")
	owe(t, h, 2, "shop")
	wantDue(t, h, limits, "msg_001")
	h.Advance(lease / 2)
	wantDue(t, h, limits)
	if at, ok, err := h.Store().NextCallback(t.Context(), limits); err != nil || !ok || !at.Equal(h.Now().Add(lease/2)) {
		t.Errorf("while all are under way the next is due at %v (%v, %v), want the lease's end", at, ok, err)
	}
	h.Advance(lease / 2)
	wantDue(t, h, limits, "msg_001") // first what was lost
	h.Restart(t)
	wantDue(t, h, limits, "msg_002") // which has waited longest
}

func callbackAttemptsAreKept(t *testing.T, h Harness) {
	owe(t, h, 1, "shop")
	claimedIDs(t, h, 1, dispatch.EndpointLimits{})
	first := dispatch.Attempt{At: h.Now(), State: dispatch.Pending, Status: 503, Reason: "answered 503", Latency: 1500 * time.Microsecond,
		Remote: "93.184.216.34:443", Excerpt: []byte("over\x00loaded"), Next: h.Now().Add(time.Minute)}
	tried(t, h, "msg_001", first, dispatch.Patience{})
	h.Advance(time.Minute)
	second := dispatch.Attempt{At: h.Now(), State: dispatch.Delivered, Status: 204}
	tried(t, h, "msg_001", second, dispatch.Patience{})
	made, err := h.Store().CallbackAttempts(t.Context(), "msg_001")
	if diff := cmp.Diff([]dispatch.Made{{Attempt: first}, {Attempt: second}}, made, cmpopts.EquateEmpty()); diff != "" || err != nil {
		t.Errorf("attempts (-want +got): %v\n%s", err, diff)
	}
	if _, err := h.Store().Attempted(t.Context(), "msg_404", second, dispatch.Patience{}); !errors.Is(err, dispatch.ErrNotFound) {
		t.Errorf("an attempt of a callback that is not there: %v", err)
	}
	if _, err := h.Store().Callback(t.Context(), "msg_404"); !errors.Is(err, dispatch.ErrNotFound) {
		t.Errorf("a callback that is not there: %v", err)
	}
}

func failingEndpointIsDisabled(t *testing.T, h Harness) {
	patience := dispatch.Patience{For: 120 * time.Hour}
	owe(t, h, 1, "shop")
	owe(t, h, 2, "other")
	since := h.Now()
	if turn := tried(t, h, "msg_001", failed(h, 0), patience); turn.Disabled || turn.HalfWay || turn.Failures != 1 || !turn.FailingSince.Equal(since) {
		t.Errorf("after one failure: %+v", turn)
	}
	h.Advance(60 * time.Hour)
	if turn := tried(t, h, "msg_001", failed(h, 0), patience); turn.Disabled || !turn.HalfWay {
		t.Errorf("at half the time: %+v", turn)
	}
	if turn := tried(t, h, "msg_001", failed(h, 0), patience); turn.HalfWay {
		t.Error("it is warned of twice")
	}
	h.Advance(60*time.Hour - time.Millisecond)
	if turn := tried(t, h, "msg_001", failed(h, 0), patience); turn.Disabled {
		t.Errorf("a moment before its time: %+v", turn)
	}
	h.Advance(time.Millisecond)
	turn := tried(t, h, "msg_001", failed(h, 0), patience)
	if !turn.Disabled || turn.Why == "" || turn.HeldNow != 1 || turn.Failures != 5 || !turn.DisabledAt.Equal(h.Now()) {
		t.Errorf("at its time: %+v", turn)
	}
	wantState(t, h, "msg_001", dispatch.Held, 5)
	wantState(t, h, "msg_002", dispatch.Pending, 0)

	// A success begins the time anew, and so many in a row is another measure.
	tried(t, h, "msg_002", failed(h, 0), dispatch.Patience{InARow: 3})
	tried(t, h, "msg_002", failed(h, 0), dispatch.Patience{InARow: 3})
	owe(t, h, 3, "other")
	if turn := tried(t, h, "msg_003", dispatch.Attempt{State: dispatch.Delivered}, dispatch.Patience{InARow: 3}); turn.Failures != 0 || !turn.FailingSince.IsZero() {
		t.Errorf("after a success: %+v", turn)
	}
	for n := range 3 {
		if turn := tried(t, h, "msg_002", failed(h, 0), dispatch.Patience{InARow: 3}); turn.Disabled != (n == 2) {
			t.Errorf("failure %d of 3: %+v", n+1, turn)
		}
	}
}

func disabledEndpointKeepsWhatIsOwed(t *testing.T, h Harness) {
	for n := range 4 {
		owe(t, h, n, "shop")
	}
	wantDue(t, h, dispatch.EndpointLimits{AtOnce: 2}, "msg_000", "msg_001")
	turn := tried(t, h, "msg_000", dispatch.Attempt{State: dispatch.Pending, Status: 410, Next: h.Now(), Disable: "it answered 410 Gone"}, dispatch.Patience{})
	if !turn.Disabled || turn.Why != "it answered 410 Gone" || turn.HeldNow != 4 {
		t.Errorf("after a 410: %+v", turn)
	}
	tried(t, h, "msg_001", failed(h, 0), dispatch.Patience{}) // it was under way
	owe(t, h, 4, "shop")
	for n := range 5 {
		wantState(t, h, fmt.Sprintf("msg_%03d", n), dispatch.Held, min(1, max(0, 2-n)))
	}
	h.Advance(1000 * time.Hour)
	wantDue(t, h, dispatch.EndpointLimits{})
	endpoints, err := h.Store().Endpoints(t.Context())
	if err != nil || len(endpoints) != 1 || endpoints[0].Name != "shop" || endpoints[0].Held != 5 || endpoints[0].DisabledAt.IsZero() || endpoints[0].Failures != 2 {
		t.Errorf("endpoints %+v (%v)", endpoints, err)
	}
	if n, err := h.Store().EnableEndpoint(t.Context(), "shop"); err != nil || n != 5 {
		t.Errorf("enabling made %d due (%v), want 5", n, err)
	}
	wantDue(t, h, dispatch.EndpointLimits{AtOnce: 9}, "msg_000", "msg_001", "msg_002", "msg_003", "msg_004")
	if _, err := h.Store().EnableEndpoint(t.Context(), "shop"); !errors.Is(err, dispatch.ErrNotFound) {
		t.Errorf("enabling what is enabled: %v", err)
	}
	if turn := tried(t, h, "msg_000", failed(h, 0), dispatch.Patience{For: time.Hour}); turn.Disabled || turn.Failures != 1 {
		t.Errorf("the first failure after that: %+v", turn)
	}
}

func replayIsOneAttempt(t *testing.T, h Harness) {
	ctx, s := t.Context(), h.Store()
	replay := func(id string, want dispatch.Replayed) {
		t.Helper()
		if got, err := s.ReplayCallbacks(ctx, dispatch.CallbackFilter{ID: id}); err != nil || got != want {
			t.Fatalf("replaying %s: %+v (%v), want %+v", id, got, err, want)
		}
	}
	dead, sent, waits, held := owe(t, h, 1, "a"), owe(t, h, 2, "b"), owe(t, h, 3, "c"), owe(t, h, 4, "d")
	wantDue(t, h, dispatch.EndpointLimits{}, dead, sent, waits, held)
	replay(dead, dispatch.Replayed{UnderWay: 1})
	tried(t, h, dead, dispatch.Attempt{State: dispatch.Undelivered}, dispatch.Patience{})
	tried(t, h, sent, dispatch.Attempt{State: dispatch.Delivered}, dispatch.Patience{})
	later := h.Now().Add(time.Hour)
	tried(t, h, waits, failed(h, time.Hour), dispatch.Patience{})
	tried(t, h, held, dispatch.Attempt{State: dispatch.Pending, Disable: "gone"}, dispatch.Patience{})
	wantDue(t, h, dispatch.EndpointLimits{})
	for id, before := range map[string]dispatch.CallbackState{dead: dispatch.Undelivered, sent: dispatch.Delivered, waits: dispatch.Pending, held: dispatch.Held} {
		replay(id, dispatch.Replayed{Due: 1})
		replay(id, dispatch.Replayed{Due: 1}) // asked twice is asked once
		claimed, err := s.ClaimCallbacks(ctx, 10, lease, dispatch.EndpointLimits{})
		if err != nil || len(claimed) != 1 || claimed[0].ID != id || claimed[0].Before != before {
			t.Fatalf("claimed %+v (%v), want %s, which was %s", claimed, err, id, before)
		}
		tried(t, h, id, failed(h, time.Second), dispatch.Patience{})
		if c := wantState(t, h, id, before, 2); c.Manual != 1 || c.Before != "" || before == dispatch.Pending && !c.Due.Equal(later) {
			t.Errorf("after an attempt on request that failed: %+v", c)
		}
	}
	h.Advance(time.Minute)
	wantDue(t, h, dispatch.EndpointLimits{}) // and that was all
	replay(dead, dispatch.Replayed{Due: 1})
	tried(t, h, dead, dispatch.Attempt{State: dispatch.Delivered, Status: 200}, dispatch.Patience{})
	wantState(t, h, dead, dispatch.Delivered, 3)
	made, err := s.CallbackAttempts(ctx, dead)
	if err != nil || len(made) != 3 || made[0].Manual || !made[1].Manual || made[1].State != dispatch.Undelivered || made[2].State != dispatch.Delivered {
		t.Errorf("attempts %+v (%v)", made, err)
	}
}

func replayPicksWhatItIsAskedFor(t *testing.T, h Harness) {
	const each = 3
	begin := h.Now()
	for n := range 4 * each { // of each hour and endpoint, one delivered and two not
		id := owe(t, h, n, []string{"a", "https://b.example/"}[n/each%2])
		state := dispatch.Undelivered
		if n%each == 0 {
			state = dispatch.Delivered
		}
		tried(t, h, id, dispatch.Attempt{State: state}, dispatch.Patience{})
		if n%each == each-1 {
			h.Advance(time.Hour)
		}
	}
	for _, c := range []struct {
		filter dispatch.CallbackFilter
		want   int
	}{
		{dispatch.CallbackFilter{ID: "msg_000"}, 1},
		{dispatch.CallbackFilter{ID: "msg_404"}, 0},
		{dispatch.CallbackFilter{Endpoint: "a"}, 6},
		{dispatch.CallbackFilter{Endpoint: "a", Missing: true}, 4},
		{dispatch.CallbackFilter{Missing: true}, 8},
		{dispatch.CallbackFilter{Since: begin.Add(time.Hour), Until: begin.Add(2 * time.Hour)}, 6},
		{dispatch.CallbackFilter{Since: begin.Add(3 * time.Hour)}, 3},
		{dispatch.CallbackFilter{Endpoint: "https://b.example/", Until: begin.Add(time.Hour), Missing: true}, 2},
		{dispatch.CallbackFilter{State: dispatch.Delivered}, 4},
	} {
		got, err := h.Store().ReplayCallbacks(t.Context(), c.filter)
		if err != nil || got.Due != c.want {
			t.Errorf("%+v: %+v (%v), want %d", c.filter, got, err, c.want)
		}
		ids := claimedIDs(t, h, 100, dispatch.EndpointLimits{AtOnce: 100})
		if len(ids) != c.want {
			t.Errorf("%+v: %q are due, want %d", c.filter, ids, c.want)
		}
		for _, id := range ids {
			tried(t, h, id, failed(h, 0), dispatch.Patience{})
		}
	}
}

func callbacksAreFoundByWhatIsAsked(t *testing.T, h Harness) {
	for n := range 3 {
		owe(t, h, n, "a")
	}
	owe(t, h, 3, "b")
	tried(t, h, "msg_001", dispatch.Attempt{State: dispatch.Delivered}, dispatch.Patience{})
	for _, c := range []struct {
		filter dispatch.CallbackFilter
		limit  int
		want   []string
	}{
		{dispatch.CallbackFilter{}, 10, []string{"msg_003", "msg_002", "msg_001", "msg_000"}},
		{dispatch.CallbackFilter{}, 2, []string{"msg_003", "msg_002"}},
		{dispatch.CallbackFilter{State: dispatch.Pending}, 10, []string{"msg_003", "msg_002", "msg_000"}},
		{dispatch.CallbackFilter{Run: "run_001"}, 10, []string{"msg_001"}},
		{dispatch.CallbackFilter{Endpoint: "b"}, 10, []string{"msg_003"}},
		{dispatch.CallbackFilter{Endpoint: "c"}, 10, nil},
	} {
		found, err := h.Store().FindCallbacks(t.Context(), c.filter, c.limit)
		var got []string
		for _, one := range found {
			got = append(got, one.ID)
		}
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%+v (-want +got): %v\n%s", c.filter, err, diff)
		}
	}
}
