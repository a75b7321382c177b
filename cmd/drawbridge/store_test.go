package main

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"drawbridge/store/postgres/postgrestest"
	"drawbridge/tools/sqldb"
	"drawbridge/tools/sqldb/sqldbtest"
)

// rewriteStore changes a store's file behind its back.
func rewriteStore(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), statement)
	if closed := db.Close(); err != nil || closed != nil {
		t.Fatal(err, closed)
	}
}

func TestPlanShowsWhatMigrateRuns(t *testing.T) {
	file, path, _ := payments(t, "http://127.0.0.1:1/v1", "http://127.0.0.1:1/")
	// As if the program had never known mail.
	for _, table := range []string{"schema_email", "email_participants", "email_messages", "email_templates"} {
		rewriteStore(t, path, "DROP TABLE "+table)
	}
	for range 2 { // looking changes nothing
		out, errs, code := command(t, "store", "migrate", "--plan", "-c", file)
		if code != exitDone || !strings.Contains(out, "1 outbox") || !strings.Contains(out, "Pending: 1. Whatever has the store open has to be ended first.") {
			t.Fatalf("exit %d: %s%s", code, out, errs)
		}
	}
	if _, errs, code := command(t, "runs", "list", "-c", file); code != exitFailed || !strings.Contains(errs, "drawbridge store migrate") {
		t.Errorf("a store of an earlier version was looked at: exit %d, %s", code, errs)
	}
	if out, errs, code := command(t, "store", "migrate", "-c", file); code != exitDone || out != "email: from version 0 to 1 (1 outbox)\n" {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	if out, _, code := command(t, "store", "migrate", "--plan", "-c", file); code != exitDone || !strings.Contains(out, "up to date") {
		t.Errorf("exit %d: %s", code, out)
	}
}

func TestStoreIsNotMigratedUnderAServer(t *testing.T) {
	file, _, _ := payments(t, rehearse(t, nil), "http://127.0.0.1:1/")
	server := serve(t, file)
	if _, errs, code := command(t, "store", "migrate", "-c", file); code != exitFailed || !strings.Contains(errs, "already serves from this file") {
		t.Errorf("exit %d: %s", code, errs)
	}
	server.stop(t)
}

// Whoever came from a newer version hears so from every command, whatever it wants.
func TestEveryCommandRefusesAStoreOfANewerVersion(t *testing.T) {
	file, path, _ := payments(t, "http://127.0.0.1:1/v1", "http://127.0.0.1:1/")
	rewriteStore(t, path, `INSERT INTO schema_crm (version_id, is_applied) VALUES (900, 1)`)
	for _, line := range []string{"serve", "mcp", "runs list", "runs show run_1", "runs cancel run_1", "events list", "events replay evt_1", "dead list", "callbacks list", "schedules list", "batches list",
		"export", "backup " + t.TempDir(), "store migrate", "store migrate --plan", "run --agent billing hello"} {
		out, errs, code := command(t, append(strings.Fields(line), "-c", file)...)
		if code != exitFailed || !strings.Contains(errs, "a newer version of this program wrote it (crm: version 900, and this program knows up to 1)") {
			t.Errorf("%s: exit %d, %s%s", line, code, out, errs)
		}
	}
}

// Nodes of the version before go on while a newer one migrates: see DESIGN.md. Each
// component has its migrations of PostgreSQL held to that.
func TestMigrationsLeaveNodesOfTheVersionBeforeAtWork(t *testing.T) {
	for _, schema := range components() {
		sqldbtest.Expand(t, schema)
	}
}

// On PostgreSQL nodes go on while the tables are brought up to date, unless a step takes
// something away that they use.
func TestPlanOnPostgresSaysWhetherNodesMayGoOn(t *testing.T) {
	u, err := upgradeOf(postgrestest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	before, err := u.plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if view := u.view(before); view.Pending < len(components()) || !view.Beside {
		t.Errorf("an empty database: %+v", view)
	}
	if err := u.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, err := u.plan(t.Context())
	if view := u.view(after); err != nil || view.Pending != 0 || !view.Beside {
		t.Errorf("once it was done: %+v (%v)", view, err)
	}
	after[0].Pending = []sqldb.Step{{Version: after[0].At + 1, Name: "narrower", Contract: after[0].At}}
	if !u.view(after).Beside {
		t.Error("a contract of the version that nodes know stops them")
	}
	after[0].Pending = append(after[0].Pending, sqldb.Step{Version: after[0].At + 2, Name: "narrower_still", Contract: after[0].At + 1})
	if u.view(after).Beside {
		t.Error("a contract of a version that nodes do not know leaves them")
	}
}

func TestStoreOnPostgresIsMigratedAndSaysWhatBacksItUp(t *testing.T) {
	file := filepath.Join(t.TempDir(), "drawbridge.yaml")
	if err := os.WriteFile(file, []byte("store: {url: \""+postgrestest.Database(t)+"\"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct{ line, want string }{
		{"store migrate --plan", "Nodes that run now may go on."},
		{"store migrate", "state: from version 0 to "},
		{"store migrate --plan", "The store is up to date."},
	} {
		if out, errs, code := command(t, append(strings.Fields(step.line), "-c", file)...); code != exitDone || !strings.Contains(out, step.want) {
			t.Errorf("%s: exit %d, %s%s", step.line, code, out, errs)
		}
	}
	for line, want := range map[string]string{"backup x.db": "pg_dump", "restore x.db": "pg_restore"} {
		if out, errs, code := command(t, append(strings.Fields(line), "-c", file)...); code != exitWrong || !strings.Contains(errs, want) {
			t.Errorf("%s: exit %d, %s%s", line, code, out, errs)
		}
	}
}
