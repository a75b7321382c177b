package config

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

// How an agent gets its answers.
const (
	ModeLive  = "live"  // the model is asked at once, and as often as it takes
	ModeBatch = "batch" // by OpenAI's Batch API: once a run, within a day, for less
)

// Batch says how the questions of an agent of mode batch are put together.
type Batch struct {
	// MaxEvents is how many questions one batch may have. OpenAI takes 50,000, and 200 MB.
	MaxEvents int `yaml:"max_events"`
	// MaxWait is how long the first of them waits for others.
	MaxWait Duration `yaml:"max_wait"`
	// Poll is how long after it was submitted OpenAI is asked how far it is; the pauses
	// grow from there to an hour. A webhook of scheme openai is quicker.
	Poll Duration `yaml:"poll"`
	// Discount is what an answer costs less than model.prices say, in percent.
	Discount int `yaml:"discount"`
}

// mostBatchEvents is what OpenAI takes of one batch (API reference, "Create batch").
const mostBatchEvents = 50_000

// MostBatchTurns is how many answers a run may have that come with batches: the one, and
// two in place of what does not fit.
const MostBatchTurns = 3

// DefaultBatch is how questions are put together where the file says nothing.
func DefaultBatch() Batch {
	return Batch{
		MaxEvents: 1000,
		MaxWait:   Duration(10 * time.Minute),
		Poll:      Duration(5 * time.Minute),
		Discount:  50, // OpenAI's
	}
}

// InBatches reports whether the agent's answers come with batches.
func (a Agent) InBatches() bool { return a.Mode == ModeBatch }

// checkMode checks how an agent gets its answers. In a batch there is one turn, and
// nothing to call in it.
func (k *checker) checkMode(path string, a Agent) {
	k.oneOf(path+".mode", a.Mode, ModeLive, ModeBatch)
	if !a.InBatches() {
		if k.source.has(path + ".batch") {
			k.refuse(path+".batch", "the agent's model is asked at once; set mode: batch beside it, or leave the key out")
		}
		return
	}
	const oneTurn = "batch agents answer in one turn: they classify, extract or summarize"
	for _, setting := range []struct {
		key   string
		given bool
		why   string
	}{
		{"tools", len(a.Tools) > 0, "and can call nothing; take the tools out, or set mode: live"},
		{"always", len(a.Always) > 0, "and are offered no tools; leave the key out, or set mode: live"},
		{"fallback", len(a.Fallback) > 0, "and a batch is for one model; leave the key out, or set mode: live"},
		{"budget.calls", k.source.has(path + ".budget.calls"), "and make no calls; leave the key out, or set mode: live"},
	} {
		if setting.given {
			k.refuse(path+"."+setting.key, "%s, %s", oneTurn, setting.why)
		}
	}
	if at := path + ".budget.turns"; k.source.has(at) && a.Budget.Turns > MostBatchTurns {
		k.refuse(at, "%s, with %d more at most in place of an answer that does not fit; want 1 to %d", oneTurn, MostBatchTurns-1, MostBatchTurns)
	}
	k.within(path+".batch.max_events", a.Batch.MaxEvents, 1, mostBatchEvents)
	between(k, path+".batch.max_wait", a.Batch.MaxWait, Duration(time.Second), Duration(day))
	between(k, path+".batch.poll", a.Batch.Poll, Duration(10*time.Second), Duration(12*time.Hour))
	k.within(path+".batch.discount", a.Batch.Discount, 0, 100)
}

// checkBatchRoute warns of a route that holds its runs, or those of the source's other
// routes, up where they are meant to be collected: a run in a batch has begun, and not
// ended.
func (k *checker) checkBatchRoute(hook Webhook, r PlacedRoute, all []PlacedRoute) {
	agent, known := k.Agents[r.Agent]
	if !known || !agent.InBatches() {
		return
	}
	shown := k.show(r.Path+".agent", r.Agent)
	bound := tighter(hook.Concurrency, r.Concurrency)
	small := bound > 0 && bound < agent.Batch.MaxEvents
	switch {
	case small:
		k.warn(r.Path+".agent", "%s answers in batches, and no batch can have more events than may be under way at once (concurrency: %d)", shown, bound)
	case hook.Concurrency > 0 && slices.ContainsFunc(all, func(other PlacedRoute) bool { return !k.Agents[other.Agent].InBatches() }):
		k.warn(r.Path+".agent", "%s answers in batches, and what waits for a batch, a day perhaps, counts for the source's concurrency of %d: runs of its other routes may have to wait for that; "+
			"give the routes a concurrency of their own instead", shown, hook.Concurrency)
	}
	if !small && r.OrderBy != "" {
		k.warn(r.Path+".order_by", "agent %s answers in batches: of events with the same key each waits for the batch of the one before, which may take a day", shown)
	}
}

// tighter is the smaller of two bounds, of which 0 is none.
func tighter(a, b int) int {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}

// batchBudget is what a run may use whose answers come with batches.
func (a Agent) batchBudget() Budget {
	b := a.Budget
	b.Turns, b.Calls = min(b.Turns, MostBatchTurns), 0
	return b
}

func (c *Config) explainBatches(w io.Writer) {
	for _, name := range slices.Sorted(maps.Keys(c.Agents)) {
		if a := c.Agents[name]; a.InBatches() {
			fmt.Fprintf(w, "  %s answers in batches of up to %d, made %s after the first event at the latest; they are asked for after %s, and then less and less often (%d %% off the price).\n",
				name, a.Batch.MaxEvents, a.Batch.MaxWait, a.Batch.Poll, a.Batch.Discount)
		}
	}
}
