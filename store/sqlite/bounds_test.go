package sqlite_test

import (
	"slices"
	"testing"

	"drawbridge/tools/sqldb"
)

// bounds says of every table of the store's own, and of its migrations, what keeps it
// from growing for ever. A table that is new needs a line, and a bound.
var bounds = map[string]string{
	"events": "swept", "deliveries": "swept", "runs": "swept", "journal": "swept with its run", "run_keys": "swept with its run",
	"callbacks": "swept", "callback_attempts": "goes with its callback", "callback_endpoints": "swept", "audit": "swept", "audit_heads": "thinned with each new one, and swept with the rows", "rejections": "swept, and a ring",
	"guarded_calls": "swept", "tool_effects": "swept", "agent_days": "swept", "approvals": "swept", "own_secrets": "one of each use", "api_keys": "one for each that a person made by command, kept so that no name is given twice", "approval_notices": "go when somebody was told, and with their approval", "approval_postings": "go when they show how it ended, and with their approval",
	"jobs": "one for each thing that has not ended", "arrivals": "one row", "totals": "each new row takes old ones along", "callers": "as many as there are keys", "requests": "go when they are over, or with the next of their caller", "leaders": "one for each task that one node does for all", "lanes": "as many as the settings name", "mail_positions": "as many as the settings name", "definitions": "as many as mounted servers have tools",
	"batches": "go with their runs, 90 days later", "batch_questions": "one a run, and goes with it",
	"schedules": "as many as the settings name; an agent's go when they have ended", "schedule_ticks": "the last ones of each schedule",
	"schema_state": "a row a migration", "schema_effects": "a row a migration", "sqlite_sequence": "SQLite's own",
}

func TestING27_EveryTableHasABound(t *testing.T) {
	h := newHarness(t)
	var tables []string
	rows, err := h.store.Read().QueryContext(t.Context(), `SELECT name FROM sqlite_master WHERE type = 'table'`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		tables = append(tables, name)
	}
	if rows.Err() != nil || len(tables) < 15 {
		t.Fatalf("found the tables %v (%v)", tables, rows.Err())
	}
	for _, name := range tables {
		if bounds[name] == "" {
			t.Errorf("table %q grows without a bound: sweep it (server/retention, sweep.go), and say so here", name)
		}
	}
	for name := range bounds {
		if !slices.Contains(tables, name) && name != "sqlite_sequence" {
			t.Errorf("there is no table %q any more", name)
		}
	}
}

// A row that refers to another is found by an index, or removing the other would look at
// all of them, in the writer.
func TestWhatRefersToARemovedRowIsFoundByAnIndex(t *testing.T) {
	h := newHarness(t)
	type reference struct{ table, column string }
	var all []reference
	rows, err := h.store.Read().QueryContext(t.Context(), `SELECT m.name, f."from" FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table'
		AND f."table" IN ('events', 'deliveries', 'runs', 'callbacks', 'batches')`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var r reference
		if err := rows.Scan(&r.table, &r.column); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	if rows.Err() != nil || len(all) < 6 {
		t.Fatalf("found the references %v (%v)", all, rows.Err())
	}
	for _, r := range all {
		if plan := planOf(t, h.store, `SELECT 1 FROM `+r.table+` WHERE `+r.column+` = 'x'`); !searches(plan) {
			t.Errorf("what refers by %s.%s is found so: %s", r.table, r.column, plan)
		}
	}
}

func planOf(t *testing.T, db sqldb.DB, query string) (plan string) {
	t.Helper()
	var a, b, c int
	if err := db.Read().QueryRowContext(t.Context(), "EXPLAIN QUERY PLAN "+query).Scan(&a, &b, &c, &plan); err != nil {
		t.Fatal(err)
	}
	return plan
}

func searches(plan string) bool { return len(plan) > 6 && plan[:6] == "SEARCH" }
