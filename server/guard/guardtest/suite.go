package guardtest

import (
	"encoding/json"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"drawbridge/server/guard"
)

// Harness is one empty ledger under test.
type Harness struct {
	Ledger guard.Ledger
	// Rows reads the audit rows back, oldest first. Times may be cut to
	// milliseconds, durations to microseconds.
	Rows func(t *testing.T) []guard.Row
}

// RunLedger is the conformance suite of [guard.Ledger]. open gives a fresh ledger
// for each test.
func RunLedger(t *testing.T, open func(t *testing.T) Harness) {
	t.Helper()
	for _, test := range []struct {
		name string
		run  func(*testing.T, Harness)
	}{
		{"FirstClaimIsFresh", firstClaimIsFresh},
		{"LookupClaimsNothing", lookupClaimsNothing},
		{"SettledCallGivesItsResult", settledCallGivesItsResult},
		{"FirstResultStays", firstResultStays},
		{"KeyIsSettledWithoutAClaim", keyIsSettledWithoutAClaim},
		{"EmptyResultGivesTheClaimUp", emptyResultGivesTheClaimUp},
		{"EmptyResultLeavesASettledCall", emptyResultLeavesASettledCall},
		{"KeysOfPrincipalsDoNotMeet", keysOfPrincipalsDoNotMeet},
		{"CallThatIsTooLongAgoIsReplaced", callThatIsTooLongAgoIsReplaced},
		{"CallInDoubtThatIsTooLongAgoIsReplaced", callInDoubtThatIsTooLongAgoIsReplaced},
		{"ConcurrentClaimsOfWhatIsTooLongAgoHaveOneFirst", concurrentClaimsOfWhatIsTooLongAgoHaveOneFirst},
		{"RowsAreKeptWhole", rowsAreKeptWhole},
		{"ConcurrentClaimsHaveOneFirst", concurrentClaimsHaveOneFirst},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

var (
	start = time.UnixMilli(1_790_000_000_123).UTC()
	claim = guard.Claim{Principal: "key:desk", Key: "k1", Tool: "crm_add_note", Digest: "d1", At: start}
)

func settlement(result string) *guard.Settlement {
	return &guard.Settlement{
		Principal: claim.Principal, Key: claim.Key, Tool: claim.Tool, Digest: claim.Digest,
		Result: json.RawMessage(result), At: start.Add(time.Second),
	}
}

func row(i int) guard.Row {
	return guard.Row{
		At: start.Add(time.Duration(i) * time.Second), Principal: "key:desk", Door: "http", Tool: "crm_add_note", Effect: "write",
		Arguments: json.RawMessage(`{"text":"naïve \"quoted\" 9007199254740993"}`),
		Decision:  guard.Allowed, Outcome: "ok", Duration: 1500 * time.Microsecond, Run: "run_1", Key: "k" + strconv.Itoa(i),
	}
}

func (h Harness) claim(t *testing.T, c guard.Claim) guard.Prior {
	t.Helper()
	prior, err := h.Ledger.Claim(t.Context(), c)
	if err != nil {
		t.Fatalf("claiming: %v", err)
	}
	return prior
}

func (h Harness) record(t *testing.T, settled *guard.Settlement) {
	t.Helper()
	if err := h.Ledger.Record(t.Context(), row(1), settled); err != nil {
		t.Fatalf("recording: %v", err)
	}
}

// expect looks the claim's key up.
func (h Harness) expect(t *testing.T, want guard.Prior) {
	t.Helper()
	got, err := h.Ledger.Lookup(t.Context(), claim.Principal, claim.Key)
	if err != nil {
		t.Fatalf("looking up: %v", err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("lookup (-want +got):\n%s", diff)
	}
}

var (
	fresh   = guard.Prior{State: guard.Fresh}
	started = guard.Prior{State: guard.Started, Tool: claim.Tool, Digest: claim.Digest, At: start}
)

func settledWith(result string) guard.Prior {
	return guard.Prior{State: guard.Settled, Tool: claim.Tool, Digest: claim.Digest, Result: json.RawMessage(result), At: start.Add(time.Second)}
}

func firstClaimIsFresh(t *testing.T, h Harness) {
	if prior := h.claim(t, claim); prior.State != guard.Fresh {
		t.Errorf("first claim found %+v", prior)
	}
	other := claim
	other.Tool, other.Digest = "crm_delete_note", "d2"
	if diff := cmp.Diff(started, h.claim(t, other), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("second claim (-want +got):\n%s", diff)
	}
	h.expect(t, started)
}

func lookupClaimsNothing(t *testing.T, h Harness) {
	h.expect(t, fresh)
	h.expect(t, fresh)
	if prior := h.claim(t, claim); prior.State != guard.Fresh {
		t.Errorf("claim after a lookup found %+v", prior)
	}
}

func settledCallGivesItsResult(t *testing.T, h Harness) {
	h.claim(t, claim)
	h.record(t, settlement(`{"id":9007199254740993}`))
	want := settledWith(`{"id":9007199254740993}`)
	h.expect(t, want)
	if diff := cmp.Diff(want, h.claim(t, claim)); diff != "" {
		t.Errorf("claim of a settled call (-want +got):\n%s", diff)
	}
}

func firstResultStays(t *testing.T, h Harness) {
	h.claim(t, claim)
	h.record(t, settlement(`{"n":1}`))
	h.record(t, settlement(`{"n":2}`))
	h.expect(t, settledWith(`{"n":1}`))
}

func keyIsSettledWithoutAClaim(t *testing.T, h Harness) {
	h.record(t, settlement(`{"n":1}`))
	h.expect(t, settledWith(`{"n":1}`))
}

func emptyResultGivesTheClaimUp(t *testing.T, h Harness) {
	h.claim(t, claim)
	h.record(t, settlement(""))
	h.expect(t, fresh)
	if prior := h.claim(t, claim); prior.State != guard.Fresh {
		t.Errorf("claim after one was given up found %+v", prior)
	}
}

func emptyResultLeavesASettledCall(t *testing.T, h Harness) {
	h.record(t, settlement(`{"n":1}`))
	h.record(t, settlement(""))
	h.expect(t, settledWith(`{"n":1}`))
}

func keysOfPrincipalsDoNotMeet(t *testing.T, h Harness) {
	h.claim(t, claim)
	other := claim
	other.Principal = "key:shop"
	if prior := h.claim(t, other); prior.State != guard.Fresh {
		t.Errorf("another principal's claim found %+v", prior)
	}
	h.record(t, settlement(`{"n":1}`))
	got, err := h.Ledger.Lookup(t.Context(), other.Principal, other.Key)
	if err != nil || got.State != guard.Started {
		t.Errorf("another principal's call: %+v, %v", got, err)
	}
}

// at is the claim at a later time, for which earlier calls count that ended, or began, then.
func at(now, ended, begun time.Duration) guard.Claim {
	c := claim
	c.At, c.Ended, c.Begun = start.Add(now), start.Add(ended), start.Add(begun)
	return c
}

func callThatIsTooLongAgoIsReplaced(t *testing.T, h Harness) {
	h.claim(t, claim)
	h.record(t, settlement(`{"n":1}`)) // a second later
	if diff := cmp.Diff(settledWith(`{"n":1}`), h.claim(t, at(time.Minute, time.Second, time.Minute))); diff != "" {
		t.Errorf("claim at the very end of the window (-want +got):\n%s", diff)
	}
	prior := h.claim(t, at(2*time.Minute, time.Second+time.Millisecond, 0))
	if prior.State != guard.Fresh || !prior.At.Equal(start.Add(2*time.Minute)) {
		t.Errorf("claim behind the window found %+v", prior)
	}
	h.expect(t, guard.Prior{State: guard.Started, Tool: claim.Tool, Digest: claim.Digest, At: start.Add(2 * time.Minute)})
	later := settlement(`{"n":2}`)
	later.At = start.Add(3 * time.Minute)
	h.record(t, later)
	h.expect(t, guard.Prior{State: guard.Settled, Tool: claim.Tool, Digest: claim.Digest, Result: json.RawMessage(`{"n":2}`), At: start.Add(3 * time.Minute)})
}

func callInDoubtThatIsTooLongAgoIsReplaced(t *testing.T, h Harness) {
	h.claim(t, claim)
	if diff := cmp.Diff(started, h.claim(t, at(time.Minute, time.Minute, 0)), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("claim while it may be under way (-want +got):\n%s", diff)
	}
	if prior := h.claim(t, at(time.Minute, 0, time.Millisecond)); prior.State != guard.Fresh {
		t.Errorf("claim behind that found %+v", prior)
	}
}

func concurrentClaimsOfWhatIsTooLongAgoHaveOneFirst(t *testing.T, h Harness) {
	h.record(t, settlement(`{"n":1}`))
	oneIsFirst(t, h, at(time.Hour, time.Minute, time.Minute))
}

func rowsAreKeptWhole(t *testing.T, h Harness) {
	refused := row(2)
	refused.Decision, refused.Rule, refused.Outcome = guard.Refused, "permission: no such tool", "denied"
	refused.Run, refused.Key = "", ""
	want := []guard.Row{row(1), refused, row(3)}
	for _, r := range want {
		if err := h.Ledger.Record(t.Context(), r, nil); err != nil {
			t.Fatal(err)
		}
	}
	sameTime := cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })
	if diff := cmp.Diff(want, h.Rows(t), sameTime); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func concurrentClaimsHaveOneFirst(t *testing.T, h Harness) { oneIsFirst(t, h, claim) }

func oneIsFirst(t *testing.T, h Harness, claim guard.Claim) {
	t.Helper()
	var wg sync.WaitGroup
	states := make(chan guard.PriorState, 16)
	for range cap(states) {
		wg.Go(func() {
			prior, err := h.Ledger.Claim(t.Context(), claim)
			if err != nil {
				t.Errorf("claiming: %v", err)
			}
			states <- prior.State
		})
	}
	wg.Wait()
	close(states)
	first := 0
	for state := range states {
		if state == guard.Fresh {
			first++
		}
	}
	if first != 1 {
		t.Errorf("%d claims were first, want 1", first)
	}
}
