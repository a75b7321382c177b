package mcpserver

import (
	"context"
	"log/slog"
	"sync/atomic"

	"golang.org/x/time/rate"

	"drawbridge/server/auth"
)

const (
	// Messages that are too large are logged at this rate, in lines a second, and
	// so many at once.
	oversizeRate  = 5
	oversizeBurst = 20
)

// oversize warns of messages above Options.BodyLimit. Nobody reads them, so there
// is no call for the guard to audit: the log alone says that they came.
type oversize struct {
	log     *slog.Logger
	limit   int64 // bytes
	lines   *rate.Limiter
	leftOut atomic.Int64 // since the last line
}

func newOversize(o Options) *oversize {
	return &oversize{log: o.Log, limit: o.BodyLimit, lines: rate.NewLimiter(oversizeRate, oversizeBurst)}
}

// warn takes the principal and the door from the context.
func (o *oversize) warn(ctx context.Context) {
	if !o.lines.Allow() {
		o.leftOut.Add(1)
		return
	}
	attrs := []any{"door", auth.Door(ctx), "limit", o.limit}
	if principal, known := auth.From(ctx); known {
		attrs = append(attrs, "principal", principal.String())
	}
	if n := o.leftOut.Swap(0); n > 0 {
		attrs = append(attrs, "left_out", n)
	}
	o.log.WarnContext(ctx, "refused a message that is too large", attrs...)
}
