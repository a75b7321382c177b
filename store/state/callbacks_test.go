package state_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"drawbridge/store/state"
	"drawbridge/tools/sqldb"
)

// The jobs of one endpoint may be very many: no query of a claim may walk over them.
func TestEndpointsAreFoundInTheIndexWithoutWalkingOverTheirJobs(t *testing.T) {
	s := newHarness(t).store
	err := s.Write(t.Context(), func(tx sqldb.Tx) error {
		for n := range 2000 {
			if err := state.AddCallbackJob(t.Context(), tx, fmt.Sprintf("msg_%d", n), fmt.Sprintf("endpoint %d", n%10), time.Now()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	plan := planOf(t, s, state.QueuesQuery, 1, 1, 1)
	looks := 0
	for _, step := range plan {
		switch {
		case strings.Contains(step, "jobs_by_endpoint"):
			looks++
		case strings.Contains(step, "jobs"), strings.HasPrefix(step, "SEARCH j "), strings.HasPrefix(step, "SCAN j "):
			t.Errorf("a step does without the index: %s", step)
		}
	}
	if looks != 6 {
		t.Errorf("%d looks into the index, want 6: %q", looks, plan)
	}
}
