package state_test

import (
	"context"
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
	"drawbridge/store/sqlite"
	"drawbridge/store/state"
	"drawbridge/tools/sqldb"
)

// watched is an engine that tells how the last write was carried out, and whether other
// processes work on the store too.
type watched struct {
	state.Engine
	shared bool
	last   state.How
}

func (w *watched) Alone() bool { return !w.shared }

func (w *watched) Do(ctx context.Context, how state.How, fn func(tx sqldb.Tx) error) error {
	w.last = how
	return w.Engine.Do(ctx, how, fn)
}

// Entries that tell of what is outside the store are on disk before anything goes on.
func TestJournalWaitsForTheDiskUnlessAllIsInward(t *testing.T) {
	for _, c := range []struct {
		name   string
		shared bool
		inward []bool
		waits  bool
	}{
		{"all inward", false, []bool{true, true}, false},
		{"one of them not", false, []bool{true, false}, true},
		{"none", false, []bool{false}, true},
		{"all inward, and others work on the store", true, []bool{true, true}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			inner, err := sqlite.OpenDB(t.Context(), filepath.Join(t.TempDir(), "state.db"), state.Owned, state.Schema)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = inner.Close() })
			engine := &watched{Engine: inner, shared: c.shared}
			store, err := state.New(t.Context(), engine, state.Beside, state.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if err := store.Start(t.Context(), dispatch.NewRun{ID: "run_1", Agent: "a", Source: "cli", Prompt: "go"}); err != nil {
				t.Fatal(err)
			}
			claimed, err := store.ClaimRuns(t.Context(), 1, time.Minute)
			if err != nil || len(claimed) != 1 {
				t.Fatalf("claimed %d (%v)", len(claimed), err)
			}
			entries := make([]bridge.Entry, len(c.inward))
			for i, inward := range c.inward {
				entries[i] = bridge.Entry{Seq: int64(i + 1), Kind: bridge.EntryBrief, Inward: inward, Body: json.RawMessage(`{}`)}
			}
			if err := store.Append(t.Context(), claimed[0].Lease, entries...); err != nil {
				t.Fatal(err)
			}
			if waits := !engine.last.Relaxed; waits != c.waits {
				t.Errorf("waits for the disk: %v, want %v", waits, c.waits)
			}
		})
	}
}
