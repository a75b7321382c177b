package webhook

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Meter counts the deliveries of a source for all nodes that take them.
type Meter interface {
	// TakeDeliveries takes up to want of those that may come now, and gives how many that are.
	// perSecond come back each second, up to most.
	TakeDeliveries(ctx context.Context, source string, perSecond, most, want int, at time.Time) (int, error)
}

const (
	// Of a meter so many deliveries are taken at once: a twentieth of a second's worth, so
	// that it is asked at most some twenty times a second, by each node.
	handfuls = 20
	// handFor is how long a node may keep what it took and did not use: others want it.
	handFor = time.Second
	// meterTime is how long the meter may take.
	meterTime = time.Second
)

// allowance is what a source may be sent: by this node, or by all together.
type allowance struct {
	limiter *rate.Limiter // without a meter

	mu    sync.Mutex
	hand  int       // taken of the meter, and not used
	until time.Time // when that is given up
}

// pace refuses what is genuine and too much. Only verified deliveries count, or a
// flood of forged ones would shut out the sender.
func (h *Handler) pace(ctx context.Context, s Source) error {
	if h.allowances[s.Name].take(ctx, h.meter, s, h.now()) {
		return nil
	}
	return &Refusal{Status: http.StatusTooManyRequests, Reason: fmt.Sprintf("more than %d deliveries a second", s.Rate)}
}

// take uses one delivery. A meter that cannot be asked stops nobody: the store that keeps
// it is about to be asked to take the event, and says so itself.
func (a *allowance) take(ctx context.Context, meter Meter, s Source, now time.Time) bool {
	if meter == nil {
		return a.limiter.AllowN(now, 1)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.hand == 0 || !now.Before(a.until) {
		ctx, cancel := context.WithTimeout(ctx, meterTime)
		defer cancel()
		taken, err := meter.TakeDeliveries(ctx, s.Name, s.Rate, s.Rate*burst, max(1, s.Rate/handfuls), now)
		if err != nil {
			return true
		}
		a.hand, a.until = taken, now.Add(handFor)
	}
	if a.hand == 0 {
		return false
	}
	a.hand--
	return true
}
