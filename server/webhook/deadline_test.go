package webhook

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// An accept is bounded by no more than it may take and by a hundredth less at least, goes
// on when its sender has gone, and keeps what its request carries.
func TestAcceptsThatShareADeadlineEndInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type name struct{}
		d := deadlines{after: time.Second}
		for n := range 300 {
			ctx, hangUp := context.WithCancel(context.WithValue(t.Context(), name{}, n))
			begun := time.Now()
			bound := d.bound(ctx)
			hangUp()
			if bound.Err() != nil || bound.Value(name{}) != n {
				t.Fatalf("accept %d: %v, with the values of accept %v", n, bound.Err(), bound.Value(name{}))
			}
			go func() {
				<-bound.Done()
				if took := time.Since(begun); took > time.Second || took < 990*time.Millisecond || !errors.Is(bound.Err(), context.DeadlineExceeded) {
					t.Errorf("accept %d ended after %v: %v", n, took, bound.Err())
				}
			}()
			time.Sleep(time.Duration(n) * 100 * time.Microsecond)
		}
		time.Sleep(2 * time.Second)
	})
}
