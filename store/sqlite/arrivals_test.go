package sqlite_test

import (
	"context"
	"database/sql"
	"io/fs"
	"path"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"drawbridge/server/webhook"
	"drawbridge/store/state"
	"drawbridge/tools/sqldb"
)

// A store of before events had jobs without a row is carried over: what waited is claimed
// once, what was routed is not, and the next event is found behind both.
func TestEventsThatHadJobsBeforeArrivalsAreClaimedOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.db")
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	older := fstest.MapFS{}
	names, err := fs.Glob(state.Schema.Files, "migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if path.Base(name) >= "00012" {
			continue
		}
		text, err := fs.ReadFile(state.Schema.Files, name)
		if err != nil {
			t.Fatal(err)
		}
		older[name] = &fstest.MapFile{Data: text}
	}
	if len(older) < 10 {
		t.Fatalf("found the migrations %v", names)
	}
	if err := sqldb.Migrate(t.Context(), db, sqldb.SQLite, sqldb.Schema{Name: "state", Files: older}); err != nil {
		t.Fatal(err)
	}
	const event = `INSERT INTO events (id, source, event_key, dedupe_key, weak, content_type, headers, body, received_at, verified_by, status, last_seen_at)
		VALUES (?1, 'shop', ?1, ?1, 0, 'text/plain', '{}', 'As it came.', 1000, 'secret 1 of 1', ?2, 1000)`
	for _, statement := range []struct {
		text string
		args []any
	}{
		{event, []any{"evt_routed", "ignored"}},
		{event, []any{"evt_leased", "accepted"}},
		{event, []any{"evt_waits", "accepted"}},
		{event, []any{"evt_last", "ignored"}},
		{`INSERT INTO jobs (kind, ref, due_at, leased) VALUES ('event', 'evt_leased', 9000000000000, 1), ('event', 'evt_waits', 1000, 0)`, nil},
	} {
		if _, err := db.ExecContext(t.Context(), statement.text, statement.args...); err != nil {
			t.Fatal(err)
		}
	}
	store := mustOpen(t, file, state.Owned)
	if _, err := store.Accept(t.Context(), batchOf("evt_new")); err != nil {
		t.Fatal(err)
	}
	claimed := map[string]int{}
	for range 3 {
		events, err := store.ClaimEvents(context.Background(), 2, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			claimed[e.ID]++
		}
	}
	if len(claimed) != 3 || claimed["evt_leased"] != 1 || claimed["evt_waits"] != 1 || claimed["evt_new"] != 1 {
		t.Errorf("claimed %v, want each of the three that wait once", claimed)
	}
}

func batchOf(id string) webhook.Batch {
	return webhook.Batch{Events: []webhook.Event{{ID: id, Source: "shop", Key: id, Body: []byte("{}"), ReceivedAt: time.Now()}}}
}
