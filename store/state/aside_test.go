package state_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
	"drawbridge/server/guard"
	"drawbridge/store/sqlite"
	"drawbridge/store/state"
	"drawbridge/tools"
	"drawbridge/tools/sqldb"
)

// unheard is an engine that is away during the next write: before it, or behind it, so
// that its answer is lost.
type unheard struct {
	state.Engine
	before, behind bool
}

func (u *unheard) Do(ctx context.Context, how state.How, fn func(tx sqldb.Tx) error) error {
	before, behind := u.before, u.behind
	u.before, u.behind = false, false
	if before {
		return dispatch.ErrAway
	}
	if err := u.Engine.Do(ctx, how, fn); err != nil || !behind {
		return err
	}
	return fmt.Errorf("committing: %w", dispatch.ErrAway)
}

// A row that was put aside for a run's journal is in the audit once, whether the entry
// that it went with came in or not, and whoever writes it in the end.
func TestRowPutAsideIsWrittenOnceThoughTheAnswerWasLost(t *testing.T) {
	for name, c := range map[string]struct {
		before, behind bool
		alone          bool // nothing is journaled any more
	}{
		"it came in":                          {behind: true},
		"it did not":                          {before: true},
		"it came in, and the run was stopped": {behind: true, alone: true},
		"it did not, and the run was stopped": {before: true, alone: true},
	} {
		t.Run(name, func(t *testing.T) {
			inner, err := sqlite.OpenDB(t.Context(), filepath.Join(t.TempDir(), "state.db"), state.Owned, state.Schema)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = inner.Close() })
			engine := &unheard{Engine: inner}
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
			ctx, aside := guard.WithAside(t.Context())
			row := guard.Row{At: time.Now(), Principal: "agent:a", Door: "agent", Tool: "crm_get_customer", Effect: tools.Read, Arguments: []byte("{}"),
				Decision: guard.Allowed, Outcome: "ok", Duration: time.Millisecond, Run: "run_1", Key: "k1", Journaled: true}
			aside.Put(row)
			entry := func(seq int64) bridge.Entry {
				return bridge.Entry{Seq: seq, Kind: bridge.EntryBrief, Body: json.RawMessage(`{}`)}
			}
			engine.before, engine.behind = c.before, c.behind
			if err := store.Append(ctx, claimed[0].Lease, entry(1)); !errors.Is(err, dispatch.ErrAway) {
				t.Fatalf("appending gave %v", err)
			}
			if c.alone {
				for _, row := range aside.Take() {
					if err := store.Record(t.Context(), row, nil); err != nil {
						t.Fatal(err)
					}
				}
			} else {
				seq := int64(1)
				if c.behind { // as whoever looked finds out
					if err := store.Append(ctx, claimed[0].Lease, entry(1)); !errors.Is(err, bridge.ErrFenced) {
						t.Fatalf("appending again gave %v", err)
					}
					seq = 2
				}
				other := row
				other.Key = "k2"
				aside.Put(other)
				if err := store.Append(ctx, claimed[0].Lease, entry(seq)); err != nil {
					t.Fatal(err)
				}
			}
			rows, err := store.Audit(t.Context(), "run_1", 10)
			if err != nil {
				t.Fatal(err)
			}
			times := map[string]int{}
			for _, r := range rows {
				times[r.Key]++
			}
			if want := !c.alone; times["k1"] != 1 || (times["k2"] == 1) != want || len(times) > 2 {
				t.Errorf("rows by key: %v", times)
			}
		})
	}
}
