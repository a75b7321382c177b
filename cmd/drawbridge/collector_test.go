package main

import (
	"runtime"
	"testing"
)

func TestCollectorIsGivenLessToGrowByOnceMuchIsKeptAndMoreWhileLittleIsAndItIsBusy(t *testing.T) {
	const mib = 1 << 20
	for _, test := range []struct {
		kept, collections uint64
		now, want         int
	}{
		{20 * mib, 0, usualGrowth, usualGrowth},
		{63 * mib, 50, usualGrowth, usualGrowth},
		{64 * mib, 50, usualGrowth, frugalGrowth},
		{50 * mib, 0, frugalGrowth, frugalGrowth}, // no back and forth at the threshold
		{40 * mib, 0, frugalGrowth, usualGrowth},
		{20 * mib, 7, usualGrowth, usualGrowth},
		{20 * mib, 8, usualGrowth, busyGrowth},
		{20 * mib, 2, busyGrowth, busyGrowth}, // as busy, with a quarter of the collections
		{20 * mib, 1, busyGrowth, usualGrowth},
		{24 * mib, 50, busyGrowth, usualGrowth},
		{70 * mib, 50, busyGrowth, frugalGrowth},
	} {
		if got := growthFor(test.kept, test.collections, test.now); got != test.want {
			t.Errorf("with %d MiB kept, %d collections and %d %% so far: %d %%, want %d %%", test.kept/mib, test.collections, test.now, got, test.want)
		}
	}
}

func TestKeptCountsWhatACollectionLeaves(t *testing.T) {
	runtime.GC()
	before, _ := kept()
	ballast := make([]byte, 256<<20) // nothing touches it: it costs addresses, not memory
	runtime.GC()
	// What other tests left may go meanwhile.
	if after, _ := kept(); after < before+128<<20 {
		t.Errorf("256 MiB more are kept, and they count as %d", int64(after)-int64(before))
	}
	runtime.KeepAlive(ballast)
}
