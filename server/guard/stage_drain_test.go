package guard_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"drawbridge/server/guard"
	"drawbridge/tools"
)

func TestDrainWaitsForCallsUnderWayAndRefusesNewOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, guard.Options{})
		finish := make(chan struct{})
		w.do = func(context.Context, order) (receipt, error) { <-finish; return receipt{ID: "r1"}, nil }
		running := make(chan guard.Result, 1)
		go func() { running <- w.Call(t.Context(), callFor("shop_order", goodOrder, "")) }()
		synctest.Wait()

		drained := make(chan error, 1)
		go func() { drained <- w.Drain(t.Context()) }()
		synctest.Wait()
		if late := w.Call(t.Context(), callFor("shop_order", goodOrder, "")); code(late) != tools.Unavailable {
			t.Errorf("a late call got %v", late.Err)
		}
		select {
		case <-drained:
			t.Fatal("drained with a call under way")
		default:
		}
		close(finish)
		if err := <-drained; err != nil {
			t.Errorf("draining: %v", err)
		}
		if result := <-running; result.Err != nil {
			t.Errorf("the call under way got %v", result.Err)
		}
		if rows := w.ledger.Rows(); len(rows) != 2 || rows[0].Rule != "drain: shutting down" {
			t.Errorf("rows %+v", rows)
		}
	})
}

func TestDrainGivesUpWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, guard.Options{})
		finish := make(chan struct{})
		w.do = func(context.Context, order) (receipt, error) { <-finish; return receipt{}, nil }
		go w.Call(t.Context(), callFor("shop_order", goodOrder, ""))
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := w.Drain(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		close(finish)
	})
}
