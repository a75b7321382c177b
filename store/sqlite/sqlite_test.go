package sqlite_test

import (
	"path/filepath"
	"sync"
	"testing"
	"time"

	"drawbridge/store/sqlite"
	"drawbridge/store/storetest"
)

// harness is a store in a temporary file under a clock that tests move.
type harness struct {
	path  string
	store *sqlite.Store
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
	store, err := sqlite.Open(t.Context(), h.path, sqlite.Owned, sqlite.Options{Now: h.Now})
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

func TestStoreConforms(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Harness { return newHarness(t) })
}

const sqliteLease = 10 * time.Second
