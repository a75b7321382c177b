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
// And one that keeps little and is busy collects many times a second, which costs a tenth
// of its processor time and more: it is given more, for as long as that lasts.
const (
	usualGrowth   = 100 // percent, Go's own default
	frugalGrowth  = 30
	frugalFrom    = 64 << 20 // bytes kept
	usualAgainFor = 48 << 20

	busyGrowth = 400
	busyUpTo   = 24 << 20 // bytes kept
	busyFrom   = 8        // collections a second, with the usual growth
	busyUntil  = 1        // with busyGrowth

	lookEvery = time.Second
)

// growthFor is how much the heap may grow, in percent, with so many bytes kept and so many
// collections in the last second.
func growthFor(kept, collections uint64, now int) int {
	switch {
	case kept >= frugalFrom:
		return frugalGrowth
	case kept >= usualAgainFor && now == frugalGrowth:
		return frugalGrowth
	case kept >= busyUpTo:
		return usualGrowth
	case collections >= busyFrom, now == busyGrowth && collections > busyUntil:
		return busyGrowth
	}
	return usualGrowth
}

// tendMemory follows what the process keeps and how often it collects, until ctx ends.
// Whoever set the collector's own variables knows better.
func tendMemory(ctx context.Context) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	growth := usualGrowth
	defer func() { debug.SetGCPercent(usualGrowth) }()
	_, collected := kept()
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		bytes, collections := kept()
		if next := growthFor(bytes, collections-collected, growth); next != growth {
			debug.SetGCPercent(next)
			growth = next
		}
		collected = collections
	}
}

// kept is what the last collection left, and the stacks; and how many collections there were.
func kept() (bytes, collections uint64) {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}, {Name: "/gc/cycles/total:gc-cycles"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64() + samples[1].Value.Uint64(), samples[2].Value.Uint64()
}
