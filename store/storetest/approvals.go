package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/server/dispatch"
	"drawbridge/server/guard"
)

// wants is the n-th approval that is asked for of one call, under a key.
func wants(h Harness, n int, key string) guard.Approval {
	return guard.Approval{
		ID: fmt.Sprint("apr_", n), Digest: "digest", Call: "call", Key: key, Principal: "agent:desk", For: "key:desk", Door: "agent", Tool: "payment_create_refund", Effect: "money",
		Arguments: json.RawMessage(`{"amount":1}`), Rule: "refunds", Reason: "money goes out", Policy: "v1", Terms: guard.Terms{By: []string{"key:boss*"}, Count: 1, Within: time.Hour},
		State: guard.ApprovalPending, Created: h.Now(), Expires: h.Now().Add(time.Hour),
	}
}

func askFor(t *testing.T, h Harness, wanted guard.Approval) guard.Approval {
	t.Helper()
	found, err := h.Store().Ask(t.Context(), wanted)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

var boss = guard.Decider{Name: "key:boss", How: "api"}

func yes(h Harness) guard.ApprovalVerdict {
	return guard.ApprovalVerdict{Approve: true, At: h.Now()}
}

func no(h Harness) guard.ApprovalVerdict {
	return guard.ApprovalVerdict{Note: "not this one", At: h.Now()}
}

func says(t *testing.T, h Harness, id string, by guard.Decider, v guard.ApprovalVerdict) guard.Approval {
	t.Helper()
	a, err := h.Store().DecideApproval(t.Context(), id, by, v)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// stands checks how an approval stands.
func stands(t *testing.T, h Harness, id string, want guard.ApprovalState) guard.Approval {
	t.Helper()
	a, err := h.Store().Approval(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if a.State != want {
		t.Errorf("%s is %s, want %s", id, a.State, want)
	}
	return a
}

func approvalIsKeptWhole(t *testing.T, h Harness) {
	wanted := wants(h, 1, "k1")
	wanted.Terms.Count = 2
	if diff := cmp.Diff(wanted, askFor(t, h, wanted)); diff != "" {
		t.Error(diff)
	}
	h.Advance(time.Minute)
	says(t, h, "apr_1", boss, yes(h))
	h.Advance(time.Minute)
	other := guard.Decider{Name: "key:boss2", How: "link", Person: "bea"}
	says(t, h, "apr_1", other, guard.ApprovalVerdict{Approve: true, Note: "fine", At: h.Now()})
	h.Restart(t)
	want := wanted
	want.State, want.Expires = guard.ApprovalGiven, h.Now().Add(time.Hour)
	want.Decisions = []guard.ApprovalDecision{{By: "key:boss", Person: "key:boss", Approved: true, How: "api", At: h.Now().Add(-time.Minute)},
		{By: "key:boss2", Person: "bea", Approved: true, How: "link", At: h.Now(), Note: "fine"}}
	if diff := cmp.Diff(want, stands(t, h, "apr_1", guard.ApprovalGiven)); diff != "" {
		t.Error(diff)
	}
	if _, err := h.Store().Approval(t.Context(), "apr_9"); !errors.Is(err, guard.ErrNoApproval) {
		t.Errorf("an approval that nobody asked for: %v", err)
	}
}

func sameCallFindsItsApproval(t *testing.T, h Harness) {
	for _, key := range []string{"", "k1"} {
		h := h.Fresh(t)
		askFor(t, h, wants(h, 1, key))
		h.Restart(t)
		if again := askFor(t, h, wants(h, 2, key)); again.ID != "apr_1" || again.State != guard.ApprovalPending {
			t.Errorf("key %q: the same call got %+v", key, again)
		}
		if other := askFor(t, h, wants(h, 3, "another")); other.ID != "apr_3" {
			t.Errorf("key %q: another key got %s", key, other.ID)
		}
		changed := wants(h, 4, key)
		changed.Call, changed.Digest = "other arguments", "other digest"
		if other := askFor(t, h, changed); other.ID != "apr_4" {
			t.Errorf("key %q: other arguments got %s", key, other.ID)
		}
		says(t, h, "apr_1", boss, yes(h))
		if again := askFor(t, h, wants(h, 5, key)); again.ID != "apr_1" || again.State != guard.ApprovalGiven {
			t.Errorf("key %q: the same call got %+v", key, again)
		}
	}
}

func approvalHoldsForOneVersionOfTheRules(t *testing.T, h Harness) {
	askFor(t, h, wants(h, 1, "k1"))
	says(t, h, "apr_1", boss, yes(h))
	other := wants(h, 2, "k1")
	other.Digest, other.Policy = "of v2", "v2"
	if got := askFor(t, h, other); got.ID != "apr_2" || got.State != guard.ApprovalPending {
		t.Errorf("under other rules the call got %+v", got)
	}
	stands(t, h, "apr_1", guard.ApprovalExpired)
	// What was used stays so: the call may have been made.
	says(t, h, "apr_2", boss, yes(h))
	if _, err := h.Store().Use(t.Context(), "apr_2", h.Now(), nil); err != nil {
		t.Fatal(err)
	}
	third := wants(h, 3, "k1")
	third.Digest = "of v3"
	if got := askFor(t, h, third); got.ID != "apr_2" || got.State != guard.ApprovalUsed {
		t.Errorf("a call that was begun got %+v", got)
	}
}

func approvalIsUsedOnce(t *testing.T, h Harness) {
	askFor(t, h, wants(h, 1, ""))
	if _, err := h.Store().Use(t.Context(), "apr_1", h.Now(), nil); !errors.Is(err, guard.ErrNotApproved) {
		t.Errorf("used before anybody agreed: %v", err)
	}
	says(t, h, "apr_1", boss, yes(h))
	const callers = 8
	errs := make([]error, callers)
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() { _, errs[i] = h.Store().Use(t.Context(), "apr_1", h.Now(), nil) })
	}
	all.Wait()
	used := 0
	for _, err := range errs {
		if err == nil {
			used++
		} else if !errors.Is(err, guard.ErrNotApproved) {
			t.Error(err)
		}
	}
	if used != 1 {
		t.Errorf("it was used %d times", used)
	}
	if next := askFor(t, h, wants(h, 2, "")); next.ID != "apr_2" {
		t.Errorf("the next call without a key found %+v", next)
	}
}

func approvalIsUsedWithItsClaim(t *testing.T, h Harness) {
	ctx := t.Context()
	c := guard.Claim{Principal: "agent:desk", Key: "k1", Tool: "payment_create_refund", Digest: "d", At: h.Now()}
	known := func() guard.PriorState {
		t.Helper()
		prior, err := h.Store().Lookup(ctx, c.Principal, c.Key)
		if err != nil {
			t.Fatal(err)
		}
		return prior.State
	}
	askFor(t, h, wants(h, 1, "k1"))
	if _, err := h.Store().Use(ctx, "apr_1", h.Now(), &c); !errors.Is(err, guard.ErrNotApproved) || known() != guard.Fresh {
		t.Errorf("without an approval: %v, and the key is %s", err, known())
	}
	says(t, h, "apr_1", boss, yes(h))
	if prior, err := h.Store().Use(ctx, "apr_1", h.Now(), &c); err != nil || prior.State != guard.Fresh || known() != guard.Started {
		t.Errorf("with one: %+v (%v), and the key is %s", prior, err, known())
	}
	stands(t, h, "apr_1", guard.ApprovalUsed)

	// The call took no effect: both are given up, and the call can be made again.
	row := guard.Row{At: h.Now(), Arguments: json.RawMessage(`{}`)}
	if err := h.Store().Record(ctx, row, &guard.Settlement{Principal: c.Principal, Key: c.Key, Tool: c.Tool, Digest: c.Digest, At: h.Now(), Unused: "apr_1"}); err != nil {
		t.Fatal(err)
	}
	if stands(t, h, "apr_1", guard.ApprovalGiven); known() != guard.Fresh {
		t.Errorf("given up, the key is %s", known())
	}
	// One whose key has a result by now is not used up.
	if err := h.Store().Record(ctx, row, &guard.Settlement{Principal: c.Principal, Key: c.Key, Tool: c.Tool, Digest: c.Digest, Result: json.RawMessage(`{}`), At: h.Now()}); err != nil {
		t.Fatal(err)
	}
	if prior, err := h.Store().Use(ctx, "apr_1", h.Now(), &c); err != nil || prior.State != guard.Settled {
		t.Errorf("a settled key: %+v (%v)", prior, err)
	}
	stands(t, h, "apr_1", guard.ApprovalGiven)
	// Without a key there is only the approval to be given back, and nothing to be settled.
	if _, err := h.Store().Use(ctx, "apr_1", h.Now(), nil); err != nil {
		t.Fatal(err)
	}
	if err := h.Store().Record(ctx, row, &guard.Settlement{At: h.Now(), Unused: "apr_1"}); err != nil {
		t.Fatal(err)
	}
	stands(t, h, "apr_1", guard.ApprovalGiven)
	if prior, err := h.Store().Lookup(ctx, "", ""); err != nil || prior.State != guard.Fresh {
		t.Errorf("the empty key is %+v (%v)", prior, err)
	}
}

func approvalRunsOut(t *testing.T, h Harness) {
	for name, agreed := range map[string]bool{"nobody decided": false, "not used in time": true} {
		for _, key := range []string{"", "k1"} {
			t.Run(name+", key "+key, func(t *testing.T) {
				h := h.Fresh(t)
				askFor(t, h, wants(h, 1, key))
				h.Advance(59 * time.Minute)
				if agreed {
					says(t, h, "apr_1", boss, yes(h))
					h.Advance(59 * time.Minute) // it holds for as long as people had for it
				}
				if last := askFor(t, h, wants(h, 2, key)); last.ID != "apr_1" || !last.Waits() {
					t.Fatalf("in time the call got %+v", last)
				}
				h.Advance(time.Minute)
				stands(t, h, "apr_1", guard.ApprovalExpired)
				if _, err := h.Store().DecideApproval(t.Context(), "apr_1", guard.Decider{Name: "key:boss2"}, yes(h)); !errors.Is(err, guard.ErrDecided) {
					t.Errorf("decided when it had run out: %v", err)
				}
				if _, err := h.Store().Use(t.Context(), "apr_1", h.Now(), nil); !errors.Is(err, guard.ErrNotApproved) {
					t.Errorf("used when it had run out: %v", err)
				}
				if got := askFor(t, h, wants(h, 3, key)); got.ID != "apr_1" || got.State != guard.ApprovalExpired {
					t.Errorf("the call got %+v", got)
				}
				h.Advance(guard.Stands)
				want := "apr_1" // a key is one call's, for ever
				if key == "" {
					want = "apr_4"
				}
				if got := askFor(t, h, wants(h, 4, key)); got.ID != want {
					t.Errorf("later the call got %+v, want %s", got, want)
				}
			})
		}
	}
}

func denialStandsForAWhileUnderAnyKey(t *testing.T, h Harness) {
	askFor(t, h, wants(h, 1, "k1"))
	denied := says(t, h, "apr_1", boss, no(h))
	if d, ok := denied.Denial(); !ok || denied.State != guard.ApprovalDenied || d.Note != "not this one" {
		t.Errorf("it is %+v", denied)
	}
	for _, key := range []string{"k1", "k2", ""} {
		if got := askFor(t, h, wants(h, 2, key)); got.ID != "apr_1" || got.State != guard.ApprovalDenied {
			t.Errorf("under key %q the call got %+v", key, got)
		}
	}
	h.Advance(guard.Stands)
	if got := askFor(t, h, wants(h, 3, "k1")); got.ID != "apr_1" {
		t.Errorf("later the call under its key got %s", got.ID)
	}
	if got := askFor(t, h, wants(h, 4, "k2")); got.ID != "apr_4" {
		t.Errorf("later a call under another key got %s", got.ID)
	}
}

func onlyWhoMayDecidesOnce(t *testing.T, h Harness) {
	wanted := wants(h, 1, "k1")
	wanted.Terms = guard.Terms{Count: 2, Within: time.Hour}
	askFor(t, h, wanted)
	people := map[string]string{"key:boss": "ada", "mail:ada@example.com": "ada", "key:desk": "dan", "mail:dan@example.com": "dan"}
	for _, name := range []string{"agent:desk", "key:desk", "mail:dan@example.com", "client:agent:desk", "client:key:other"} {
		if _, err := h.Store().DecideApproval(t.Context(), "apr_1", guard.Decider{Name: name, People: people}, yes(h)); !errors.Is(err, guard.ErrMayNotDecide) {
			t.Errorf("%s decided: %v", name, err)
		}
	}
	says(t, h, "apr_1", guard.Decider{Name: "key:boss", People: people}, yes(h))
	stands(t, h, "apr_1", guard.ApprovalPending)
	for _, name := range []string{"key:boss", "mail:ada@example.com"} {
		if _, err := h.Store().DecideApproval(t.Context(), "apr_1", guard.Decider{Name: name, People: people}, yes(h)); !errors.Is(err, guard.ErrMayNotDecide) {
			t.Errorf("the same person decided twice, as %s: %v", name, err)
		}
	}
	says(t, h, "apr_1", guard.Decider{Name: "key:bea", People: people}, yes(h))
	stands(t, h, "apr_1", guard.ApprovalGiven)
	if _, err := h.Store().DecideApproval(t.Context(), "apr_1", guard.Decider{Name: "key:eve"}, no(h)); !errors.Is(err, guard.ErrDecided) {
		t.Errorf("decided about what was decided: %v", err)
	}
	named := wants(h, 2, "k2")
	named.Terms.By = []string{"key:boss*", "ada", "client:*"}
	askFor(t, h, named)
	for name, may := range map[string]bool{"key:boss9": true, "mail:ada@example.com": false, "key:eve": false, "client:agent:desk": true} {
		err := named.MayDecide(guard.Decider{Name: name})
		if (err == nil) != may {
			t.Errorf("%s may decide: %v", name, err)
		}
	}
	if err := named.MayDecide(guard.Decider{Name: "mail:ada@example.com", Person: "ada"}); err != nil {
		t.Errorf("a person whom the terms name may not decide: %v", err)
	}
}

func concurrentDecisionsEndItOnce(t *testing.T, h Harness) {
	askFor(t, h, wants(h, 1, "k1"))
	const deciders = 8
	var all sync.WaitGroup
	states := make([]guard.ApprovalState, deciders)
	errs := make([]error, deciders)
	for i := range deciders {
		all.Go(func() {
			v := guard.ApprovalVerdict{Approve: i%2 == 0, At: h.Now()}
			a, err := h.Store().DecideApproval(t.Context(), "apr_1", guard.Decider{Name: fmt.Sprint("key:boss", i)}, v)
			states[i], errs[i] = a.State, err
		})
	}
	all.Wait()
	took := 0
	for i, err := range errs {
		if err == nil {
			took++
			stands(t, h, "apr_1", states[i])
		} else if !errors.Is(err, guard.ErrDecided) {
			t.Error(err)
		}
	}
	if a, err := h.Store().Approval(t.Context(), "apr_1"); took != 1 || err != nil || len(a.Decisions) != 1 {
		t.Errorf("%d decisions took effect, and it is %+v (%v)", took, a, err)
	}
}

// decisionWakesItsRun: with the same transaction, so that no crash comes between.
func decisionWakesItsRun(t *testing.T, h Harness) {
	for name, v := range map[string]func(Harness) guard.ApprovalVerdict{"approved": yes, "denied": no} {
		t.Run(name, func(t *testing.T) {
			h := h.Fresh(t)
			c := begun(t, h)
			wanted := wants(h, 1, "k1")
			wanted.Run = "run_1"
			askFor(t, h, wanted)
			if err := h.Store().Park(t.Context(), c.Lease, wanted.Expires, "approval", 1); err != nil {
				t.Fatal(err)
			}
			if runs := claim(t, h); len(runs) != 0 {
				t.Fatal("the run is due before anybody decided")
			}
			drained(h, dispatch.RunJob)
			says(t, h, "apr_1", boss, v(h))
			select {
			case <-h.Store().Wake(dispatch.RunJob):
			default:
				t.Error("nobody was woken")
			}
			h.Restart(t)
			if runs := claim(t, h); len(runs) != 1 {
				t.Errorf("%d runs are due", len(runs))
			}
		})
	}
}

// drained takes a signal away that is there.
func drained(h Harness, kind dispatch.Kind) {
	select {
	case <-h.Store().Wake(kind):
	default:
	}
}

func watcherHearsOfTheDecision(t *testing.T, h Harness) {
	askFor(t, h, wants(h, 1, "k1"))
	changed, stop := h.Store().WatchApproval("apr_1")
	other, leave := h.Store().WatchApproval("apr_2")
	defer leave()
	says(t, h, "apr_1", boss, yes(h))
	<-changed
	stands(t, h, "apr_1", guard.ApprovalGiven)
	select {
	case <-other:
		t.Error("another approval has changed")
	default:
	}
	stop()
}

func approvalsAreListed(t *testing.T, h Harness) {
	for n := range 5 {
		wanted := wants(h, n, fmt.Sprint("k", n))
		wanted.Call = fmt.Sprint("call ", n)
		if wanted.Digest = wanted.Call; n%2 == 1 {
			wanted.Run = "run_1"
		}
		askFor(t, h, wanted)
		h.Advance(time.Minute)
	}
	says(t, h, "apr_1", boss, yes(h))
	says(t, h, "apr_2", boss, no(h))
	h.Advance(57 * time.Minute) // apr_0 and apr_1, the latter given later, differ
	list := func(f guard.ApprovalFilter, before string, limit int) (ids []string) {
		t.Helper()
		all, err := h.Store().ListApprovals(t.Context(), f, before, limit)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range all {
			ids = append(ids, a.ID)
			if f.State != "" && a.State != f.State {
				t.Errorf("%s is listed as %s", a.ID, a.State)
			}
		}
		return ids
	}
	for _, c := range []struct {
		filter guard.ApprovalFilter
		before string
		limit  int
		want   []string
	}{
		{guard.ApprovalFilter{}, "", 2, []string{"apr_4", "apr_3"}},
		{guard.ApprovalFilter{}, "apr_3", 10, []string{"apr_2", "apr_1", "apr_0"}},
		{guard.ApprovalFilter{State: guard.ApprovalPending}, "", 10, []string{"apr_4", "apr_3"}},
		{guard.ApprovalFilter{State: guard.ApprovalGiven}, "", 10, []string{"apr_1"}},
		{guard.ApprovalFilter{State: guard.ApprovalDenied}, "", 10, []string{"apr_2"}},
		{guard.ApprovalFilter{State: guard.ApprovalExpired}, "", 10, []string{"apr_0"}},
		{guard.ApprovalFilter{State: guard.ApprovalUsed}, "", 10, nil},
		{guard.ApprovalFilter{Run: "run_1"}, "", 10, []string{"apr_3", "apr_1"}},
	} {
		if got := list(c.filter, c.before, c.limit); !slices.Equal(got, c.want) {
			t.Errorf("%+v before %q: %v, want %v", c.filter, c.before, got, c.want)
		}
	}
}
