package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"
)

// desk is the person who decides about calls of which nobody knows whether they took
// effect. It looks at the far side, which nobody but this program can.
type desk struct {
	product product
	book    *book
	// still: no node is stopped in the middle of something, which it would do later.
	still func() bool
	say   func(format string, args ...any)

	mu      sync.Mutex
	decided map[string]int // by what was decided
}

// undecided is a call as `drawbridge runs undecided` shows it.
type undecided struct {
	Run   string    `json:"run"`
	Call  int64     `json:"call"`
	Key   string    `json:"idempotency_key"`
	Since time.Time `json:"unknown_at"`
}

// settled is how long after a call its effect has taken place, if it ever does: longer
// than the far side takes.
const settled = callTimeout + 2*time.Second

// work decides until ctx ends.
func (d *desk) work(ctx context.Context) {
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			d.look(ctx)
		}
	}
}

// look decides about what can be decided now. Whatever fails, such as while PostgreSQL
// is away, comes up again.
func (d *desk) look(ctx context.Context) {
	out, err := d.product.command(ctx, "runs", "undecided", "--json", "--limit", "1000")
	if err != nil {
		return
	}
	var calls []undecided
	if err := json.Unmarshal(out, &calls); err != nil {
		d.say("reading what is undecided: %v", err)
		return
	}
	for _, c := range calls {
		if verdict := d.verdict(c, time.Now()); verdict != "" {
			if _, err := d.product.command(ctx, "runs", "resolve", c.Run, "--call", fmt.Sprint(c.Call), "--"+verdict); err == nil {
				d.note(verdict)
			}
		}
	}
}

// verdict is what can be said about a call, "" for nothing yet.
func (d *desk) verdict(c undecided, now time.Time) string {
	switch {
	case d.book.happened(c.Key):
		return "happened"
	case d.still() && now.Sub(c.Since) > settled:
		return "did-not-happen"
	}
	return ""
}

func (d *desk) note(verdict string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.decided[verdict]++
}

func (d *desk) all() map[string]int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return map[string]int{"happened": d.decided["happened"], "did not": d.decided["did-not-happen"]}
}
