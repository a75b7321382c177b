package postgres_test

import (
	"testing"
	"time"

	"drawbridge/server/guard"
	"drawbridge/store/postgres/postgrestest"
	"drawbridge/tools"
)

// A server that is killed between a run's call and the journal's entry of its result does
// not take the call's row along: the worker lives on, and journals the result to the next.
func TestRowOfARunsCallIsNotLostWithTheServer(t *testing.T) {
	// Nobody but who waits for the disk sees to it that something is there.
	server := postgrestest.Start(t, postgrestest.Options{Settings: []string{"wal_writer_delay=10s", "wal_writer_flush_after=64MB"}})
	url, err := server.Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	store := node(t, url)
	claim := guard.Claim{Principal: "agent:clerk", Key: "dbk_1", Tool: "crm_add_note", Digest: "d", At: time.Now()}
	if _, err := store.Claim(t.Context(), claim); err != nil {
		t.Fatal(err)
	}
	row := guard.Row{At: time.Now(), Principal: "agent:clerk", Door: "agent", Tool: "crm_add_note", Effect: tools.Write, Arguments: []byte("{}"),
		Decision: guard.Allowed, Outcome: "ok", Run: "run_1", Key: "dbk_1", Journaled: true}
	settled := guard.Settlement{Principal: claim.Principal, Key: claim.Key, Tool: claim.Tool, Digest: claim.Digest, Result: []byte(`{}`), At: claim.At}
	if err := store.Record(t.Context(), row, &settled); err != nil {
		t.Fatal(err)
	}
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	again := node(t, url)
	rows, err := again.Audit(t.Context(), "run_1", 10)
	if err != nil {
		t.Fatal(err)
	}
	prior, err := again.Lookup(t.Context(), "agent:clerk", "dbk_1")
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1 || prior.State != guard.Settled {
		t.Errorf("%d rows of the call are left, and it is %v; want one, and settled", len(rows), prior.State)
	}
}
