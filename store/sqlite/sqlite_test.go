package sqlite_test

import (
	"path/filepath"
	"testing"
	"time"

	"drawbridge/store/sqlite"
	"drawbridge/store/state"
	"drawbridge/store/storetest"
)

// harness is a store in a temporary file under a clock that tests move.
type harness struct {
	*storetest.Clock
	path  string
	store *state.Store
}

func newHarness(t *testing.T) *harness {
	t.Helper()
	h := &harness{path: filepath.Join(t.TempDir(), "state.db"), Clock: storetest.NewClock()}
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

func (h *harness) Restart(t *testing.T) {
	t.Helper()
	if err := h.store.Close(); err != nil {
		t.Fatal(err)
	}
	h.open(t)
}

func (h *harness) Fresh(t *testing.T) storetest.Harness { return newHarness(t) }

const sqliteLease = 10 * time.Second

func opened(t *testing.T) storetest.Harness { return newHarness(t) }

func TestStoreConforms(t *testing.T)   { storetest.Run(t, opened) }
func TestJournalConforms(t *testing.T) { storetest.RunJournal(t, opened) }
func TestLedgerConforms(t *testing.T)  { storetest.RunLedger(t, opened) }
func TestBookConforms(t *testing.T)    { storetest.RunBook(t, opened) }
