package sqlite

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
	"weak"

	"drawbridge/server/webhook"
	"drawbridge/store/state"
	"drawbridge/tools/sqldb"
)

// opened is a store, and the file below it.
type opened struct {
	*state.Store
	*DB
}

// Of what both have, the file's.
func (o opened) Do(ctx context.Context, how state.How, fn func(tx sqldb.Tx) error) error {
	return o.DB.Do(ctx, how, fn)
}
func (o opened) Write(ctx context.Context, fn func(tx sqldb.Tx) error) error {
	return o.DB.Write(ctx, fn)
}
func (o opened) Read() sqldb.Querier { return o.DB.Read() }
func (o opened) Close() error        { return o.Store.Close() }

func openStore(t *testing.T) opened {
	t.Helper()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "a.db"), state.Owned, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return opened{s, s.Engine.(*DB)}
}

func anEvent(id string) webhook.Batch {
	return webhook.Batch{Events: []webhook.Event{{ID: id, Source: "shop", Key: id, Body: []byte("{}"), ReceivedAt: time.Now()}}}
}

// ING-04: a sender is not held by a store that is stuck. What has not begun is taken
// back, so that what waits for the disk does not grow either; what has begun may be
// stored all the same, and is found again by its key.
func TestING04_AcceptDoesNotWaitForAStuckStore(t *testing.T) {
	s := openStore(t)
	stuck, release := make(chan struct{}), make(chan struct{})
	blocked := make(chan error, 1)
	go func() {
		blocked <- s.Write(context.Background(), func(sqldb.Tx) error {
			close(stuck)
			<-release
			return nil
		})
	}()
	<-stuck
	for range 3 {
		ctx, hangUp := context.WithCancel(t.Context())
		answered := make(chan error, 1)
		go func() {
			_, err := s.Accept(ctx, anEvent("evt_late"))
			answered <- err
		}()
		for s.writer.queue.length() == 0 { // until it waits
			select {
			case err := <-answered:
				t.Fatalf("the accept ended with %v, and the store was stuck", err)
			default:
			}
		}
		hangUp()
		if err := <-answered; !errors.Is(err, context.Canceled) {
			t.Fatalf("the accept ended with %v, want the end of its context", err)
		}
		if n := s.writer.queue.length(); n != 0 {
			t.Fatalf("%d operations wait that nobody waits for", n)
		}
	}
	close(release)
	if err := <-blocked; err != nil {
		t.Fatal(err)
	}
	receipts, err := s.Accept(t.Context(), anEvent("evt_late"))
	if err != nil || receipts[0].Duplicate {
		t.Errorf("sent again: %+v, %v; want a new event, as none was stored", receipts, err)
	}
}

// Whoever wrote may take it back at the moment when the writer has woken for it: that is
// not the end of the queue, after which nobody would ever be answered.
func TestQueueOutlivesOperationsThatAreTakenBack(t *testing.T) {
	q := newOpQueue()
	last := &operation{}
	found := make(chan bool, 1)
	go func() {
		for {
			batch, more := q.take(nil)
			if !more || slices.Contains(batch, last) {
				found <- more
				return
			}
		}
	}()
	for range 100_000 {
		op := &operation{}
		q.add(op)
		runtime.Gosched() // the writer wakes, and lets others join in its turn
		q.remove(op)
		runtime.Gosched()
	}
	q.add(last)
	if !<-found {
		t.Error("the writer went home while the queue was open")
	}
}

func TestWriteThatHasBegunIsCarriedOutThoughNobodyWaits(t *testing.T) {
	s := openStore(t)
	ctx, hangUp := context.WithCancel(t.Context())
	begun, release := make(chan struct{}), make(chan struct{})
	answered := make(chan error, 1)
	go func() {
		answered <- s.Do(ctx, state.How{Impatient: true}, func(tx sqldb.Tx) error {
			close(begun)
			<-release
			_, err := tx.ExecContext(context.Background(), `INSERT INTO tool_effects (idempotency_key, tool, result, created_at) VALUES ('k', 't', '', 0)`)
			return err
		})
	}()
	<-begun
	hangUp()
	if err := <-answered; !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want the end of the context", err)
	}
	close(release)
	if err := s.Write(t.Context(), func(sqldb.Tx) error { return nil }); err != nil { // behind it
		t.Fatal(err)
	}
	var n int
	if err := s.Read().QueryRowContext(t.Context(), `SELECT COUNT(*) FROM tool_effects`).Scan(&n); err != nil || n != 1 {
		t.Errorf("%d were written (%v), want 1", n, err)
	}
}

// TestManyWhoGiveUpLeaveTheWriterAtWork has callers end at any moment, and then one
// that does not.
func TestManyWhoGiveUpLeaveTheWriterAtWork(t *testing.T) {
	s := openStore(t)
	var all sync.WaitGroup
	for range 300 {
		all.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			go cancel()
			if err := s.Write(ctx, func(sqldb.Tx) error { return nil }); err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if err := s.Write(t.Context(), func(sqldb.Tx) error { return nil }); err != nil {
		t.Error(err)
	}
}

// TestWriterKeepsNoBodyThatItHasWritten: up to 64 MiB each, and as many as one commit takes.
func TestWriterKeepsNoBodyThatItHasWritten(t *testing.T) {
	s := openStore(t)
	stuck, release := make(chan struct{}), make(chan struct{})
	var writers sync.WaitGroup
	writers.Go(func() {
		_ = s.Write(context.Background(), func(sqldb.Tx) error {
			close(stuck)
			<-release
			return nil
		})
	})
	<-stuck
	accept := func(b webhook.Batch) {
		writers.Go(func() {
			if _, err := s.Accept(context.Background(), b); err != nil {
				t.Error(err)
			}
		})
	}
	large := new([1 << 20]byte)
	written := weak.Make(large)
	for n, id := range []string{"evt_small", "evt_large"} { // two of one commit
		b := anEvent(id)
		if n > 0 {
			b.Events[0].Body, large = large[:], nil
		}
		accept(b)
		for s.writer.queue.length() == n {
			runtime.Gosched()
		}
	}
	close(release)
	writers.Wait()
	// The answer comes before the writer has put its batch away: another write is behind that.
	if err := s.Write(t.Context(), func(sqldb.Tx) error { return nil }); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	if written.Value() != nil {
		t.Error("the body of an event that is on disk is still held in memory")
	}
}
