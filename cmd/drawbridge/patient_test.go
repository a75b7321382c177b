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
func (s *awayStore) Record(context.Context, guard.Row, *guard.Settlement) error { return s.answer() }

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
				s.back = time.Now().Add(time.Hour)
				begun := time.Now()
				if err := c.do(t.Context(), s); !errors.Is(err, dispatch.ErrAway) || time.Since(begun) > patience+time.Second {
					t.Errorf("a store that does not come back: %v after %v", err, time.Since(begun))
				}
			})
		})
	}
}
