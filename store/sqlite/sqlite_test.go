package sqlite_test

import (
	"path/filepath"
	"sync"
	"testing"
	"time"

	"drawbridge/bridge"
	"drawbridge/bridge/bridgetest"
	"drawbridge/server/dispatch"
	"drawbridge/server/guard"
	"drawbridge/server/guard/guardtest"
	"drawbridge/store/sqlite"
	"drawbridge/store/state"
	"drawbridge/store/storetest"
	"drawbridge/tools/mcpmount"
	"drawbridge/tools/mcpmount/mcpmounttest"
)

// harness is a store in a temporary file under a clock that tests move.
type harness struct {
	path  string
	store *state.Store
	mu    sync.Mutex
	now   time.Time
}

func newHarness(t *testing.T) *harness {
	t.Helper()
	h := &harness{path: filepath.Join(t.TempDir(), "state.db"), now: time.UnixMilli(1_800_000_000_000).UTC()}
	h.open(t)
	t.Cleanup(func() { _ = h.store.Close() })
	return h
}

func (h *harness) open(t *testing.T) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), h.path, state.Owned, state.Options{Now: h.Now})
	if err != nil {
		t.Fatal(err)
	}
	h.store = store
}

func (h *harness) Store() storetest.Store { return h.store }

func (h *harness) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *harness) Advance(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

func (h *harness) Restart(t *testing.T) {
	t.Helper()
	if err := h.store.Close(); err != nil {
		t.Fatal(err)
	}
	h.open(t)
}

func (h *harness) Fresh(t *testing.T) storetest.Harness { return newHarness(t) }

func TestStoreConforms(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Harness { return newHarness(t) })
}

const sqliteLease = 10 * time.Second

func TestJournalConforms(t *testing.T) {
	bridgetest.RunJournal(t, func(t *testing.T) bridgetest.Harness { return journalHarness{newHarness(t)} })
}

// journalHarness leases runs by starting and claiming them.
type journalHarness struct{ *harness }

func (h journalHarness) Journal() bridge.Journal { return h.store }

func (h journalHarness) Lease(t *testing.T, run string) bridge.Lease {
	t.Helper()
	if _, err := h.store.Run(t.Context(), run); err != nil {
		if err := h.store.Start(t.Context(), dispatch.NewRun{ID: run, Agent: "a", Source: "test", Prompt: "p"}); err != nil {
			t.Fatal(err)
		}
	}
	h.Advance(sqliteLease) // an earlier lease has run out
	for {
		claimed, err := h.store.ClaimRuns(t.Context(), 1, sqliteLease)
		if err != nil || len(claimed) == 0 {
			t.Fatalf("run %s could not be claimed: %v", run, err)
		}
		if claimed[0].Run.ID == run {
			return claimed[0].Lease
		}
	}
}

func TestLedgerConforms(t *testing.T) {
	guardtest.RunLedger(t, func(t *testing.T) guardtest.Harness {
		store := newHarness(t).store
		return guardtest.Harness{Ledger: store, Rows: func(t *testing.T) []guard.Row {
			t.Helper()
			rows, err := store.Audit(t.Context(), "", 1000)
			if err != nil {
				t.Fatal(err)
			}
			return rows
		}}
	})
}

func TestBookConforms(t *testing.T) {
	mcpmounttest.Run(t, func(t *testing.T) mcpmount.Book { return newHarness(t).store })
}
