package sqlite

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"drawbridge/server/export"
)

// An export sorts nothing: it would hold all rows, bodies included, before the first.
func TestExportReadsInTheOrderOfIndexes(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "a.db"), Owned, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	for _, selected := range []export.Selection{{}, {Source: "shop", Since: time.UnixMilli(1), Until: time.UnixMilli(2)}} {
		for _, p := range parts {
			query, args := p.sql(selected)
			rows, err := s.reads.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
			if err != nil {
				t.Fatalf("%s: %v", query, err)
			}
			steps, err := collect(rows, func(r *struct {
				id, parent, unused int
				detail             string
			}) []any {
				return []any{&r.id, &r.parent, &r.unused, &r.detail}
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, step := range steps {
				// Events of one millisecond are: their index is without the id, which each
				// accept would pay for.
				if strings.Contains(step.detail, "TEMP B-TREE") && !strings.Contains(step.detail, "FOR LAST TERM") {
					t.Errorf("%s: %s", query, step.detail)
				}
			}
		}
	}
}
