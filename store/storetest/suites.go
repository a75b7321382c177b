package storetest

import (
	"sync"
	"testing"
	"time"

	"drawbridge/bridge"
	"drawbridge/bridge/bridgetest"
	"drawbridge/server/dispatch"
	"drawbridge/server/guard"
	"drawbridge/server/guard/guardtest"
	"drawbridge/tools/mcpmount"
	"drawbridge/tools/mcpmount/mcpmounttest"
)

// Clock is a harness's, which moves only when it is told to.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock gives a clock that stands at some time of the future.
func NewClock() *Clock { return &Clock{now: time.UnixMilli(1_800_000_000_000).UTC()} }

// Now is the time that it shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves it, forward or back.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// RunJournal runs bridge's suite of journals over a store.
func RunJournal(t *testing.T, open func(t *testing.T) Harness) {
	t.Helper()
	bridgetest.RunJournal(t, func(t *testing.T) bridgetest.Harness { return journalHarness{open(t)} })
}

// journalHarness leases runs by starting and claiming them.
type journalHarness struct{ Harness }

func (h journalHarness) Journal() bridge.Journal { return h.Store() }

func (h journalHarness) Lease(t *testing.T, run string) bridge.Lease {
	t.Helper()
	if _, err := h.Store().Run(t.Context(), run); err != nil {
		if err := h.Store().Start(t.Context(), dispatch.NewRun{ID: run, Agent: "a", Source: "test", Prompt: "p"}); err != nil {
			t.Fatal(err)
		}
	}
	h.Advance(lease) // an earlier lease has run out
	for {
		claimed, err := h.Store().ClaimRuns(t.Context(), 1, lease)
		if err != nil || len(claimed) == 0 {
			t.Fatalf("run %s could not be claimed: %v", run, err)
		}
		if claimed[0].Run.ID == run {
			return claimed[0].Lease
		}
	}
}

// RunLedger runs the guard's suite of ledgers over a store.
func RunLedger(t *testing.T, open func(t *testing.T) Harness) {
	t.Helper()
	guardtest.RunLedger(t, func(t *testing.T) guardtest.Harness {
		store := open(t).Store()
		return guardtest.Harness{Ledger: store, Rows: func(t *testing.T) []guard.Row {
			t.Helper()
			rows, err := store.Audit(t.Context(), "", 1000)
			if err != nil {
				t.Fatal(err)
			}
			return rows
		}}
	})
}

// RunBook runs the mounts' suite of books over a store.
func RunBook(t *testing.T, open func(t *testing.T) Harness) {
	t.Helper()
	mcpmounttest.Run(t, func(t *testing.T) mcpmount.Book { return open(t).Store() })
}
