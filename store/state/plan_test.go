package state_test

import (
	"strings"
	"testing"
	"time"

	"drawbridge/server/export"
	"drawbridge/store/state"
	"drawbridge/tools/sqldb"
)

// planOf gives the steps by which SQLite answers a query.
func planOf(t *testing.T, db sqldb.DB, query string, args ...any) (steps []string) {
	t.Helper()
	rows, err := db.Read().QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	if rows.Err() != nil || len(steps) == 0 {
		t.Fatalf("the plan of %s: %v", query, rows.Err())
	}
	return steps
}

// An export sorts nothing: it would hold all rows, bodies included, before the first.
func TestExportReadsInTheOrderOfIndexes(t *testing.T) {
	s := newHarness(t).store
	for _, selected := range []export.Selection{{}, {Source: "shop", Since: time.UnixMilli(1), Until: time.UnixMilli(2)}} {
		for _, q := range state.ExportQueries(selected) {
			for _, step := range planOf(t, s, q.SQL, q.Args...) {
				// Events of one millisecond are: their index is without the id, which each
				// accept would pay for.
				if strings.Contains(step, "TEMP B-TREE") && !strings.Contains(step, "FOR LAST TERM") {
					t.Errorf("%s: %s", q.SQL, step)
				}
			}
		}
	}
}
