package sqlite_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
	"drawbridge/server/retention"
	"drawbridge/tools/sqldb"
)

// changes counts the rows that the writer ever changed, triggers and what goes with
// others included.
func changes(t *testing.T, h *harness) (n int) {
	t.Helper()
	if err := h.store.Write(t.Context(), func(tx sqldb.Tx) error {
		return tx.QueryRowContext(t.Context(), "SELECT total_changes()").Scan(&n)
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

// old fills a store with runs of events that have come to their end, each with a journal
// and a callback of several attempts.
func old(t *testing.T, h *harness, n int, entry string) {
	t.Helper()
	ctx, s := t.Context(), h.store
	for i := range n {
		event, run := fmt.Sprintf("evt_%04d", i), fmt.Sprintf("run_%04d", i)
		acceptBody(t, h, event, "shop", strings.Repeat("b", 2048))
		if _, err := s.Route(ctx, event, dispatch.Routing{Status: dispatch.Routed, Runs: []dispatch.NewRun{{ID: run, Agent: "desk", Source: "shop", Event: event, Prompt: "p"}}}); err != nil {
			t.Fatal(err)
		}
		claimed, _, err := s.ClaimRun(ctx, run, sqliteLease)
		if err != nil {
			t.Fatal(err)
		}
		var entries []bridge.Entry
		for seq := range int64(20) {
			entries = append(entries, bridge.Entry{Seq: seq + 1, Kind: bridge.EntryNote, At: h.Now(), Body: json.RawMessage(entry)})
		}
		if err := s.Append(ctx, claimed.Lease, entries...); err != nil {
			t.Fatal(err)
		}
		owed := &dispatch.Callback{ID: fmt.Sprintf("msg_%04d", i), Run: run, Route: "shop", Body: []byte(`{}`), Created: h.Now()}
		if err := s.Finish(ctx, claimed.Lease, dispatch.Ending{State: dispatch.Succeeded, At: h.Now(), Callback: owed}); err != nil {
			t.Fatal(err)
		}
		for _, state := range []dispatch.CallbackState{dispatch.Pending, dispatch.Pending, dispatch.Delivered} {
			if _, err := s.Attempted(ctx, owed.ID, dispatch.Attempt{At: h.Now(), State: state, Next: h.Now()}, dispatch.Patience{}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// ING-27: a step of the sweep holds the writer for so many rows and bytes, and not for
// all that is due. Rows are counted by SQLite itself.
func TestING27_StepsOfTheSweepAreSmall(t *testing.T) {
	h := newHarness(t)
	old(t, h, 60, `"`+strings.Repeat("x", 20_000)+`"`)
	h.Advance(100 * 24 * time.Hour)
	due := retention.Due{Now: h.Now(), Before: h.Now()}
	steps := 0
	for _, kind := range retention.Kinds {
		for from, before := "", changes(t, h); ; {
			step, err := h.store.Sweep(t.Context(), kind, due, from)
			if err != nil {
				t.Fatal(err)
			}
			after := changes(t, h)
			// A run is emptied and then removed: two changes of one row.
			if n := after - before; n > 2*retention.StepRows || step.Rows > retention.StepRows || step.Bytes > retention.StepBytes {
				t.Errorf("a step over %s changed %d rows: %+v", kind, n, step)
			}
			if before = after; step.Rows > 0 {
				steps++
			}
			if from = step.Next; from == "" {
				break
			}
		}
	}
	if steps < 20 {
		t.Errorf("all was removed in %d steps, which are too large", steps)
	}
	var left int
	if err := h.store.Read().QueryRowContext(t.Context(), `SELECT (SELECT COUNT(*) FROM events) + (SELECT COUNT(*) FROM runs) + (SELECT COUNT(*) FROM journal) +
		(SELECT COUNT(*) FROM callbacks) + (SELECT COUNT(*) FROM callback_attempts)`).Scan(&left); err != nil || left != 0 {
		t.Errorf("%d rows are left (%v)", left, err)
	}
}
