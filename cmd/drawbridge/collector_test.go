package main

import (
	"runtime"
	"testing"
)

func TestCollectorIsGivenLessToGrowByOnceMuchIsKept(t *testing.T) {
	const mib = 1 << 20
	for _, test := range []struct {
		kept      uint64
		now, want int
	}{
		{20 * mib, usualGrowth, usualGrowth},
		{63 * mib, usualGrowth, usualGrowth},
		{64 * mib, usualGrowth, frugalGrowth},
		{50 * mib, frugalGrowth, frugalGrowth}, // no back and forth at the threshold
		{40 * mib, frugalGrowth, usualGrowth},
	} {
		if got := growthFor(test.kept, test.now); got != test.want {
			t.Errorf("with %d MiB kept and %d %% so far: %d %%, want %d %%", test.kept/mib, test.now, got, test.want)
		}
	}
}

func TestKeptCountsWhatACollectionLeaves(t *testing.T) {
	runtime.GC()
	before := kept()
	ballast := make([]byte, 256<<20) // nothing touches it: it costs addresses, not memory
	runtime.GC()
	// What other tests left may go meanwhile.
	if after := kept(); after < before+128<<20 {
		t.Errorf("256 MiB more are kept, and they count as %d", int64(after)-int64(before))
	}
	runtime.KeepAlive(ballast)
}
