package storetest

import (
	"errors"
	"testing"

	"drawbridge/bridge"
	"drawbridge/server/guard"
	"drawbridge/tools"
)

// rowsPutAsideAreWrittenWithTheJournal: once, and not with an entry that is refused.
func rowsPutAsideAreWrittenWithTheJournal(t *testing.T, h Harness) {
	run := claimOne(t, h)
	recorded := func() int {
		t.Helper()
		rows, err := h.Store().Audit(t.Context(), "run_1", 10)
		if err != nil {
			t.Fatal(err)
		}
		return len(rows)
	}
	ctx, aside := guard.WithAside(t.Context())
	row := guard.Row{At: h.Now(), Principal: "agent:billing", Door: "agent", Tool: "crm_get_customer", Effect: tools.Read, Arguments: []byte("{}"),
		Decision: guard.Allowed, Outcome: "ok", Run: "run_1", Key: "k1", Journaled: true}
	aside.Put(row, row)
	stale := bridge.Lease{Run: "run_1", Epoch: run.Lease.Epoch - 1}
	if err := h.Store().Append(ctx, stale, entry(1)); !errors.Is(err, bridge.ErrFenced) {
		t.Fatalf("appending under a stale lease gave %v", err)
	}
	if n := recorded(); n != 0 {
		t.Fatalf("%d rows with an entry that was refused", n)
	}
	for seq := int64(1); seq <= 2; seq++ {
		if err := h.Store().Append(ctx, run.Lease, entry(seq)); err != nil {
			t.Fatal(err)
		}
		if n := recorded(); n != 2 {
			t.Fatalf("%d rows with entry %d, want 2", n, seq)
		}
	}
	if left := aside.Take(); len(left) != 0 {
		t.Errorf("%d rows are left", len(left))
	}
}
