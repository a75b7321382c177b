package sqlite

import (
	"context"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"drawbridge/server/audit"
	"drawbridge/server/guard"
	"drawbridge/store/state"
	"drawbridge/tools"
	"drawbridge/tools/sqldb"
)

// The end of the chain is remembered from one transaction to the next. It is the right one
// whoever appended last, and whatever was undone.
func TestAuditIsOneChainOverProcessesAndFailures(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "a.db")
	var stores []*state.Store
	for _, mode := range []state.Mode{state.Owned, state.Beside} {
		s, err := Open(ctx, path, mode, state.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		stores = append(stores, s)
	}
	write := func(t rapid.TB, s *state.Store, statement string) {
		if err := s.Write(ctx, func(tx sqldb.Tx) error { _, err := tx.ExecContext(ctx, statement); return err }); err != nil {
			t.Fatal(err)
		}
	}
	write(t, stores[0], `CREATE TRIGGER broken BEFORE INSERT ON guarded_calls WHEN new.tool = 'broken' BEGIN SELECT RAISE(ABORT, 'broken'); END`)
	var recorded atomic.Int64
	rapid.Check(t, func(t *rapid.T) {
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			s := stores[rapid.IntRange(0, 1).Draw(t, "process")]
			if rapid.IntRange(0, 3).Draw(t, "kind") == 0 {
				write(t, s, `UPDATE arrivals SET seq = seq`)
				continue
			}
			broken := rapid.IntRange(-20, 20).Draw(t, "broken")
			var calls sync.WaitGroup
			many := rapid.IntRange(1, 20).Draw(t, "calls")
			for i := range many {
				calls.Go(func() {
					row := guard.Row{At: time.Now(), Tool: "t", Effect: tools.Read, Decision: guard.Allowed, Outcome: "ok"}
					var settled *guard.Settlement
					if i == broken {
						settled = &guard.Settlement{Principal: "p", Key: "k", Tool: "broken", Result: []byte("{}"), At: time.Now()}
					}
					err := s.Record(ctx, row, settled)
					// One that fails halfway takes along those that share its transaction.
					if settled != nil && err == nil || err != nil && (broken < 0 || broken >= many) {
						t.Errorf("call %d of %d, of which %d is broken: %v", i, many, broken, err)
					}
					if err == nil {
						recorded.Add(1)
					}
				})
			}
			calls.Wait()
		}
		var report audit.Report
		err := stores[0].WholeAudit(ctx, func(from audit.Source) (err error) {
			report, err = audit.Verify(ctx, from, nil, nil)
			return err
		})
		if err != nil || report.Break != nil || report.Rows != recorded.Load() {
			t.Fatalf("want %d rows in one chain: %+v, %+v, %v", recorded.Load(), report, report.Break, err)
		}
	})
}
