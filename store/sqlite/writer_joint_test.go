package sqlite

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"drawbridge/server/webhook"
	"drawbridge/store/state"
	"drawbridge/tools/sqldb"
)

// inOneCommit starts all of them while the writer is held, and lets it go when all wait.
func inOneCommit(t *testing.T, s opened, all []func()) {
	t.Helper()
	stuck, release := make(chan struct{}), make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		_ = s.Write(context.Background(), func(sqldb.Tx) error {
			close(stuck)
			<-release
			return nil
		})
	})
	<-stuck
	for i, one := range all {
		running.Go(one)
		for s.writer.queue.length() <= i { // so they wait in this order
			runtime.Gosched()
		}
	}
	close(release)
	running.Wait()
}

// What one statement stores for many is answered to each: those that came again hear of
// the first, and one that cannot be stored takes nobody along.
func TestAcceptsOfOneCommitAreEachTheirOwn(t *testing.T) {
	for _, broken := range []bool{false, true} {
		t.Run(fmt.Sprintf("one cannot be stored: %v", broken), func(t *testing.T) {
			s := openStore(t)
			if _, err := s.Accept(t.Context(), anEvent("evt_known")); err != nil {
				t.Fatal(err)
			}
			type sent struct {
				batch webhook.Batch
				want  webhook.Receipt
				fails bool
			}
			var all []sent
			for n := range 37 {
				id := fmt.Sprintf("evt_%02d", n)
				all = append(all, sent{batch: anEvent(id), want: webhook.Receipt{ID: id}})
			}
			again := func(id, first string) sent {
				b := anEvent(id)
				b.Events[0].Key = first
				return sent{batch: b, want: webhook.Receipt{ID: first, Duplicate: true}}
			}
			all = append(all, again("evt_a", "evt_known"), again("evt_b", "evt_03"), again("evt_c", "evt_03"))
			if broken { // its id is another's, which no sender can bring about
				b := anEvent("evt_known")
				b.Events[0].Key = "another"
				all = append(all, sent{batch: b, fails: true})
			}
			var calls []func()
			for _, one := range all {
				calls = append(calls, func() {
					got, err := s.Accept(context.Background(), one.batch)
					if (err != nil) != one.fails {
						t.Errorf("accepting %s: %v", one.batch.Events[0].ID, err)
					} else if err == nil && got[0] != one.want {
						t.Errorf("accepting %s gave %+v, want %+v", one.batch.Events[0].ID, got[0], one.want)
					}
				})
			}
			inOneCommit(t, s, calls)
			events, err := s.ClaimEvents(t.Context(), 1000, time.Minute)
			if err != nil || len(events) != 38 {
				t.Errorf("%d events are due (%v), want the 38 that were new", len(events), err)
			}
		})
	}
}

// Operations of a kind are carried out by one call; if that fails nothing of it is left,
// and each is carried out alone.
func TestJointWriteThatFailsIsTriedOneByOne(t *testing.T) {
	s := openStore(t)
	ctx := context.Background()
	insert := func(tx sqldb.Tx, key string) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO tool_effects (idempotency_key, tool, result, created_at) VALUES (?, 't', '', 0)`, key)
		return err
	}
	var together [][]any
	for _, failure := range []string{"", "error", "panic"} {
		together = nil
		joint := &state.Joint{Carry: func(tx sqldb.Tx, parts []any) error {
			together = append(together, append([]any(nil), parts...))
			for _, part := range parts {
				if err := insert(tx, failure+"together"+part.(string)); err != nil {
					return err
				}
			}
			switch failure {
			case "error":
				return errors.New("refused")
			case "panic":
				panic("a bug")
			}
			return nil
		}}
		var calls []func()
		for _, key := range []string{"a", "b", "bad"} {
			calls = append(calls, func() {
				err := s.Do(ctx, state.How{Joint: joint, Part: key}, func(tx sqldb.Tx) error {
					if err := insert(tx, failure+"alone"+key); err != nil || key != "bad" {
						return err
					}
					return errors.New("bad")
				})
				if want := failure != "" && key == "bad"; (err != nil) != want {
					t.Errorf("carrying out %q after %q: %v", key, failure, err)
				}
			})
		}
		inOneCommit(t, s, calls)
		if len(together) != 1 || len(together[0]) != 3 {
			t.Errorf("carried out together: %v, want all three in one call", together)
		}
		var n, alone int
		if err := s.Read().QueryRowContext(ctx, `SELECT COUNT(*), COALESCE(SUM(idempotency_key LIKE '%alone%'), 0) FROM tool_effects WHERE idempotency_key LIKE ? || '%'
			AND (? <> '' OR idempotency_key NOT LIKE 'error%' AND idempotency_key NOT LIKE 'panic%')`, failure, failure).Scan(&n, &alone); err != nil {
			t.Fatal(err)
		}
		if failure == "" && (n != 3 || alone != 0) || failure != "" && (n != 2 || alone != 2) {
			t.Errorf("after %q %d rows were written, %d of them alone", failure, n, alone)
		}
	}
}
