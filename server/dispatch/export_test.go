package dispatch

import (
	"context"
	"time"

	"drawbridge/bridge"
)

// fixedJournal is a store that has one journal and nothing else.
type fixedJournal struct {
	Store
	entries []bridge.Entry
}

func (f fixedJournal) Entries(context.Context, string) ([]bridge.Entry, error) { return f.entries, nil }

// ReportOf makes the callback of a run with a journal.
func ReportOf(ctx context.Context, run Run, end Ending, entries []bridge.Entry) (*Callback, error) {
	return New(fixedJournal{entries: entries}, nil, nil, nil, Settings{Callbacks: CallbackRules{PublicURL: "https://bridge.example.com/"}}, Options{}).report(ctx, run, end)
}

// MeasureBy has the dispatcher measure how long it holds something by another clock.
func (d *Dispatcher) MeasureBy(mono func() time.Time) {
	d.mono = mono
	d.live.mono = mono
}

// LimitCheck sets how long holding an event against a schema may take.
func LimitCheck(s *Schema, limit time.Duration) { s.limit = limit }
