package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// Go's collector lets the heap grow by as much as the program keeps, stacks included.
// For a small process that is a good bargain. For one in which a thousand runs wait for
// a model, each with the stacks of its connections, it is half of all memory, and what
// it saves is a fraction of one core. So it is given less to grow by once much is kept.
const (
	usualGrowth   = 100 // percent, Go's own default
	frugalGrowth  = 30
	frugalFrom    = 64 << 20 // bytes kept
	usualAgainFor = 48 << 20
	lookEvery     = time.Second
)

// growthFor is how much the heap may grow, in percent, with so many bytes kept.
func growthFor(kept uint64, now int) int {
	switch {
	case kept >= frugalFrom:
		return frugalGrowth
	case kept < usualAgainFor:
		return usualGrowth
	}
	return now
}

// tendMemory follows what the process keeps, until ctx ends. Whoever set the collector's
// own variables knows better.
func tendMemory(ctx context.Context) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	growth := usualGrowth
	defer func() { debug.SetGCPercent(usualGrowth) }()
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if next := growthFor(kept(), growth); next != growth {
			debug.SetGCPercent(next)
			growth = next
		}
	}
}

// kept is what the last collection left, and the stacks.
func kept() uint64 {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64() + samples[1].Value.Uint64()
}
