package main

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"drawbridge/server/dispatch"
	"drawbridge/server/guard"
	"drawbridge/tools"
	"drawbridge/tools/sqldb"
)

// awayStore is away for a time, and counts what it is asked.
type awayStore struct {
	back  time.Time
	asked int
}

func (s *awayStore) answer() error {
	s.asked++
	if time.Now().Before(s.back) {
		return fmt.Errorf("connection lost: %w", dispatch.ErrAway)
	}
	return nil
}

func (s *awayStore) Write(context.Context, func(sqldb.Tx) error) error { return s.answer() }
func (s *awayStore) Read() sqldb.Querier                               { return nil }
func (s *awayStore) Claim(context.Context, guard.Claim) (guard.Prior, error) {
	return guard.Prior{State: guard.Fresh}, s.answer()
}
func (s *awayStore) Lookup(context.Context, string, string) (guard.Prior, error) {
	return guard.Prior{State: guard.Fresh}, s.answer()
}
func (s *awayStore) Record(_ context.Context, row guard.Row, _ *guard.Settlement) error {
	if row.Doubted != (s.asked > 0) {
		return fmt.Errorf("try %d has a row that is doubted: %v", s.asked+1, row.Doubted)
	}
	return s.answer()
}
func (s *awayStore) Reserve(context.Context, guard.Effected) (int64, bool, error) {
	return 1, false, s.answer()
}
func (s *awayStore) TakeBack(context.Context, string) error { return s.answer() }
func (s *awayStore) Sum(context.Context, guard.Tally) (guard.Sum, error) {
	return guard.Sum{}, s.answer()
}
func (s *awayStore) Made(context.Context, string) (map[string]int, error) { return nil, s.answer() }

func TestCallsWaitForAStoreThatIsAwayWhereThatIsSafe(t *testing.T) {
	for name, c := range map[string]struct {
		waits bool
		do    func(ctx context.Context, s *awayStore) error
	}{
		"a write that takes effect once": {true, func(ctx context.Context, s *awayStore) error {
			return patientDB{s}.Write(tools.WithKey(ctx, "key"), nil)
		}},
		"any other write, which may have come in": {false, func(ctx context.Context, s *awayStore) error { return patientDB{s}.Write(ctx, nil) }},
		"a look at a key": {true, func(ctx context.Context, s *awayStore) error {
			_, err := patientLedger{s}.Lookup(ctx, "key:desk", "key")
			return err
		}},
		"the record of a call": {true, func(ctx context.Context, s *awayStore) error { return patientLedger{s}.Record(ctx, guard.Row{}, nil) }},
		"the note of a call that counts": {true, func(ctx context.Context, s *awayStore) error {
			_, _, err := patientTotals{s}.Reserve(ctx, guard.Effected{})
			return err
		}},
		"what takes it back": {true, func(ctx context.Context, s *awayStore) error { return patientTotals{s}.TakeBack(ctx, "id") }},
		"a sum of calls": {true, func(ctx context.Context, s *awayStore) error {
			_, err := patientTotals{s}.Sum(ctx, guard.Tally{})
			return err
		}},
		"the calls of a run": {true, func(ctx context.Context, s *awayStore) error {
			_, err := patientTotals{s}.Made(ctx, "run_1")
			return err
		}},
		"a claim, which may have come in": {false, func(ctx context.Context, s *awayStore) error {
			_, err := patientLedger{s}.Claim(ctx, guard.Claim{})
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &awayStore{back: time.Now().Add(30 * time.Second)}
				err := c.do(t.Context(), s)
				if c.waits && err != nil || !c.waits && (!errors.Is(err, dispatch.ErrAway) || s.asked != 1) {
					t.Errorf("waits: %v; got %v after %d tries", c.waits, err, s.asked)
				}
				s.back, s.asked = time.Now().Add(time.Hour), 0
				begun := time.Now()
				if err := c.do(t.Context(), s); !errors.Is(err, dispatch.ErrAway) || time.Since(begun) > patience+time.Second {
					t.Errorf("a store that does not come back: %v after %v", err, time.Since(begun))
				}
			})
		})
	}
}
