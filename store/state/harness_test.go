package state_test

import (
	"path/filepath"
	"testing"
	"time"

	"drawbridge/store/sqlite"
	"drawbridge/store/state"
)

// harness is a store in a temporary SQLite file: the engine whose plans can be read.
type harness struct{ store *state.Store }

func newHarness(t testing.TB) harness {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "state.db"), state.Owned, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return harness{store}
}

func (h harness) Now() time.Time { return time.Now() }
