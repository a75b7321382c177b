package sqlite

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"drawbridge/tools/sqldb"
)

// The jobs of one endpoint may be very many: no query of a claim may walk over them.
func TestEndpointsAreFoundInTheIndexWithoutWalkingOverTheirJobs(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "state.db"), Owned, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	err = s.Write(t.Context(), func(tx sqldb.Tx) error {
		for n := range 2000 {
			if err := enqueueCallback(t.Context(), tx, fmt.Sprintf("msg_%d", n), fmt.Sprintf("endpoint %d", n%10), time.Now()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := s.Read().QueryContext(t.Context(), `EXPLAIN QUERY PLAN `+queuesQuery, 1, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	type step struct {
		id, parent, unused int
		detail             string
	}
	plan, err := collect(rows, func(s *step) []any { return []any{&s.id, &s.parent, &s.unused, &s.detail} })
	if err != nil {
		t.Fatal(err)
	}
	looks := 0
	for _, s := range plan {
		switch {
		case strings.Contains(s.detail, "jobs_by_endpoint"):
			looks++
		case strings.Contains(s.detail, "jobs"), strings.HasPrefix(s.detail, "SEARCH j "), strings.HasPrefix(s.detail, "SCAN j "):
			t.Errorf("a step does without the index: %s", s.detail)
		}
	}
	if looks != 6 {
		t.Errorf("%d looks into the index, want 6: %+v", looks, plan)
	}
}
