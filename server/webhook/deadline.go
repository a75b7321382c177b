package webhook

import (
	"context"
	"sync"
	"time"
)

// deadlines bound accepts in time. Those that begin within a hundredth of the bound share
// one end, the first one's: a timer each is dear where thousands come in a second.
type deadlines struct {
	after time.Duration

	mu   sync.Mutex
	end  context.Context
	last time.Time // at which end is given out
}

// bound gives a context with the values of ctx that ends after d.after, whatever becomes
// of ctx.
func (d *deadlines) bound(ctx context.Context) context.Context {
	now := time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.end == nil || !now.Before(d.last) {
		end, cancel := context.WithDeadline(context.Background(), now.Add(d.after))
		context.AfterFunc(end, cancel) // nobody ends it sooner: others go by it
		d.end, d.last = end, now.Add(d.after/100)
	}
	return bounded{d.end, ctx}
}

// bounded ends by one context and has the values of another.
type bounded struct {
	context.Context
	values context.Context
}

func (b bounded) Value(key any) any { return b.values.Value(key) }
