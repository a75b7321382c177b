package storetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/server/auth"
	"drawbridge/server/dispatch"
)

var keyCases = map[string]func(*testing.T, Harness){
	"AreKeptAsTheyWereMade":            keysAreKeptAsTheyWereMade,
	"NameIsGivenOnce":                  nameIsGivenOnce,
	"RotatedKeysOverlap":               rotatedKeysOverlap,
	"RevokedAreRevokedForEver":         revokedKeysStayRevoked,
	"LatestUseCounts":                  latestUseOfAKeyCounts,
	"BoundsGoWithTheRunAndItsFollowUp": boundsGoWithTheRunAndItsFollowUp,
}

// madeKey is a key whose hash says its number.
func madeKey(h Harness, name string, number int) auth.MadeKey {
	return auth.MadeKey{Name: name, Hash: fmt.Sprintf("%064d", number), Prefix: fmt.Sprintf("dbk_%06d", number), Created: h.Now().UTC().Truncate(time.Millisecond)}
}

func makeKey(t *testing.T, h Harness, key auth.MadeKey) auth.MadeKey {
	t.Helper()
	if err := h.Store().MakeKey(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	return key
}

func wantKeys(t *testing.T, h Harness, want ...auth.MadeKey) {
	t.Helper()
	got, err := h.Store().MadeKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

func keysAreKeptAsTheyWereMade(t *testing.T, h Harness) {
	full := madeKey(h, "desk", 1)
	full.Grants = auth.Grants{Tools: []string{"crm_*"}, Effects: []string{"read"}, Agents: []string{"*"}, Limit: auth.Limit{PerMinute: 5, Concurrent: 2}, DryRun: true}
	full.Expires = full.Created.Add(time.Hour)
	makeKey(t, h, full)
	plain := makeKey(t, h, madeKey(h, "bot", 2))
	wantKeys(t, h, plain, full)
	h.Restart(t)
	wantKeys(t, h, plain, full)
}

func nameIsGivenOnce(t *testing.T, h Harness) {
	first := makeKey(t, h, madeKey(h, "desk", 1))
	if _, err := h.Store().RevokeKey(t.Context(), "desk", h.Now()); err != nil {
		t.Fatal(err)
	}
	var made atomic.Int32
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			name := []string{"desk", "new"}[i%2]
			switch err := h.Store().MakeKey(t.Context(), madeKey(h, name, 10+i)); {
			case err == nil:
				made.Add(1)
			case !errors.Is(err, auth.ErrNameTaken):
				t.Errorf("%q: %v, want %v", name, err, auth.ErrNameTaken)
			}
		})
	}
	all.Wait()
	keys, err := h.Store().MadeKeys(t.Context())
	if err != nil || made.Load() != 1 || len(keys) != 2 || keys[0].Hash != first.Hash || keys[1].Name != "new" {
		t.Errorf("%d were made, and there are %+v (%v)", made.Load(), keys, err)
	}
}

func rotatedKeysOverlap(t *testing.T, h Harness) {
	first := madeKey(h, "desk", 1)
	first.Tools = []string{"crm_*"}
	first = makeKey(t, h, first)
	soon := madeKey(h, "short", 2)
	soon.Expires = soon.Created.Add(time.Minute)
	soon = makeKey(t, h, soon)
	h.Advance(time.Second)
	until := h.Now().UTC().Add(time.Hour).Truncate(time.Millisecond)
	second, err := h.Store().RotateKey(t.Context(), madeKey(h, "desk", 3), until)
	if err != nil || len(second.Tools) != 1 || second.Tools[0] != "crm_*" {
		t.Fatalf("rotated to %+v (%v)", second, err)
	}
	// The end of a key never comes later by that.
	third, err := h.Store().RotateKey(t.Context(), madeKey(h, "short", 4), until)
	if err != nil {
		t.Fatal(err)
	}
	first.Expires = until
	wantKeys(t, h, first, second, soon, third)
	if _, err := h.Store().RotateKey(t.Context(), madeKey(h, "nobody", 5), until); !errors.Is(err, auth.ErrNoSuchKey) {
		t.Errorf("rotating nobody's key: %v", err)
	}
}

func revokedKeysStayRevoked(t *testing.T, h Harness) {
	first := makeKey(t, h, madeKey(h, "desk", 1))
	h.Advance(time.Second)
	second, err := h.Store().RotateKey(t.Context(), madeKey(h, "desk", 2), h.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	at := h.Now().UTC().Truncate(time.Millisecond)
	if n, err := h.Store().RevokeKey(t.Context(), "desk", at); n != 2 || err != nil {
		t.Fatalf("revoked %d (%v), want both", n, err)
	}
	h.Advance(time.Minute)
	if n, err := h.Store().RevokeKey(t.Context(), "desk", h.Now()); n != 0 || err != nil {
		t.Fatalf("revoked %d again (%v)", n, err)
	}
	// The same holder may be given another; the others stay as they are.
	third, err := h.Store().RotateKey(t.Context(), madeKey(h, "desk", 3), h.Now())
	if err != nil {
		t.Fatal(err)
	}
	first.Expires, first.Revoked, second.Revoked = at.Add(time.Hour), at, at
	wantKeys(t, h, first, second, third)
	if _, err := h.Store().RevokeKey(t.Context(), "nobody", at); !errors.Is(err, auth.ErrNoSuchKey) {
		t.Errorf("revoking nobody's key: %v", err)
	}
}

func latestUseOfAKeyCounts(t *testing.T, h Harness) {
	key, other := makeKey(t, h, madeKey(h, "desk", 1)), makeKey(t, h, madeKey(h, "shop", 2))
	late := key.Created.Add(time.Minute)
	for _, used := range []map[string]time.Time{{key.Hash: late, "gone": late}, {key.Hash: late.Add(-time.Second)}, nil} {
		if err := h.Store().KeysUsed(t.Context(), used); err != nil {
			t.Fatal(err)
		}
	}
	key.LastUsed = late
	wantKeys(t, h, key, other)
}

// boundsGoWithTheRunAndItsFollowUp: only the token said what its holder may do, and it is
// gone when the run, or what that plans, is carried.
func boundsGoWithTheRunAndItsFollowUp(t *testing.T, h Harness) {
	const bounds = `{"tools":["crm_*"]}`
	caller := running(t, h, dispatch.NewRun{ID: "run_1", Agent: "billing", Source: dispatch.FromAPI, Owner: "jwt:corp/alice", Bounds: bounds})
	run, err := h.Store().Run(t.Context(), "run_1")
	if err != nil || run.Bounds != bounds {
		t.Fatalf("the run is bounded by %q (%v)", run.Bounds, err)
	}
	f := followUp(t, h, caller, time.Hour)
	stored := scheduled(t, h, f.ID)
	if next := stored.FollowUpRun(); next.Bounds != bounds || next.Owner != run.Owner {
		t.Errorf("its follow-up is bounded by %q, for %q", next.Bounds, next.Owner)
	}
}
