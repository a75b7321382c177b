package dispatch_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
)

// hearing hears what is logged.
type hearing func(said string)

func (h hearing) Enabled(context.Context, slog.Level) bool { return true }
func (h hearing) WithAttrs([]slog.Attr) slog.Handler       { return h }
func (h hearing) WithGroup(string) slog.Handler            { return h }
func (h hearing) Handle(_ context.Context, r slog.Record) error {
	h(r.Message)
	return nil
}

var errAway = fmt.Errorf("no connection: %w", dispatch.ErrAway)

// RUN-03: between the intent of a call and the call the process is stopped for a minute,
// and somebody else has the run when it goes on.
func TestRUN03_CallIsNotMadeByAWorkerThatLostTheRun(t *testing.T) {
	w := newWorld(t)
	var stood atomic.Int64
	id := w.start("desk", "")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	w.options.Log = slog.New(hearing(func(said string) {
		if said == "run was taken over by another worker" {
			stop()
		}
	}))
	w.store.appended = func(entries []bridge.Entry) error {
		if entries[len(entries)-1].Kind == bridge.EntryIntent && stood.CompareAndSwap(0, int64(time.Minute)) {
			w.pass(time.Minute)
			if c, _, err := w.store.ClaimRun(t.Context(), id, dispatch.LeaseFor); err != nil || c == nil {
				t.Errorf("the run could not be taken over: %v", err)
			}
			// Another node's: it is not this store's to renew.
			if err := w.store.Postpone(t.Context(), dispatch.RunJob, id, w.clock().Add(time.Hour)); err != nil {
				t.Error(err)
			}
		}
		return nil
	}
	d := w.dispatcher()
	d.MeasureBy(func() time.Time { return time.Now().Add(time.Duration(stood.Load())) })
	if err := d.RunOne(ctx, id); !errors.Is(err, context.Canceled) {
		t.Errorf("carrying the run: %v", err)
	}
	if len(w.made) != 0 {
		t.Errorf("called %v by a worker that had lost the run", w.made)
	}
}

// No fault is counted when the store is away, no answer of the model is lost, and nothing
// is done twice, whether what was being written came in or not.
func TestRunWaitsWhileTheStoreIsAway(t *testing.T) {
	for _, cameIn := range []bool{true, false} {
		t.Run(fmt.Sprintf("written %v", cameIn), func(t *testing.T) {
			w := newWorld(t)
			var cut atomic.Int64
			w.store.appending = func() error {
				if !cameIn && cut.Add(1)%2 == 1 {
					return errAway
				}
				return nil
			}
			w.store.appended = func([]bridge.Entry) error {
				if cameIn && cut.Add(1)%2 == 1 {
					return errAway
				}
				return nil
			}
			w.start("desk", "shop")
			w.until("run succeeded", "callback delivered")
			if run := w.onlyRun(); run.Attempts != 0 || run.Reason != "answered" || w.asked != 3 || len(w.made) != 2 {
				t.Errorf("the run ended with %d faults, reason %q; the model was asked %d times, %v called; want 0, answered, 3, two calls", run.Attempts, run.Reason, w.asked, w.made)
			}
		})
	}
}

func TestRunIsPutDownWhenTheStoreIsBack(t *testing.T) {
	for _, arrow := range []string{"run succeeded", "run waiting"} {
		t.Run(arrow, func(t *testing.T) {
			w := newWorld(t)
			if arrow == "run waiting" {
				w.model = first(1_000_000, 503)
			}
			w.store.refuseWith(arrow, errAway)
			w.start("desk", "")
			w.until("refused "+arrow, arrow)
			if run := w.onlyRun(); run.State == dispatch.Running {
				t.Errorf("the run is %s", run.State)
			}
		})
	}
}
