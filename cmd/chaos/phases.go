package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"
)

// sortie goes through the phases: start, load under faults, healing, waiting for the end
// of everything, a look at what is still held, and the account.
func (w *world) sortie(ctx context.Context) (*evidence, error) {
	if err := w.eachNode(func(n *node) error { return w.startNode(ctx, n) }); err != nil {
		return nil, err
	}
	plan := script{nodes: len(w.nodes), postgres: w.database != nil, lasts: w.loadFor(), longest: w.longestStop()}.faults(w.seed)
	w.say("%d nodes on %s serve; %s of load at %g events a second, with %d faults", len(w.nodes), w.store, w.loadFor(), w.rate, len(plan))
	deciding, leave := context.WithCancel(ctx)
	defer leave()
	go w.desk.work(deciding)
	w.loadUnderFaults(ctx, plan)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w.quiet.Store(true)
	e := &evidence{}
	late := w.settle(ctx)
	if late == "" {
		late = w.freePlaces(ctx)
	}
	if late != "" {
		e.Alarms = append(e.Alarms, late)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	_ = w.eachNode(func(n *node) error { n.stop(); return nil })
	return e, w.account(ctx, e)
}

// startNode bounds how long a node may take to serve, with all it needs there.
func (w *world) startNode(ctx context.Context, n *node) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	return n.first(ctx)
}

// loadFor leaves room for the end in the time there is, longestStop for several stops.
func (w *world) loadFor() time.Duration { return w.lasts - min(w.lasts/5, time.Minute) }

// longestStop is as long as a person asks for in the long form, and longer than a lease
// in the short one.
func (w *world) longestStop() time.Duration { return min(time.Minute, w.lasts/8) }

func (w *world) loadUnderFaults(ctx context.Context, plan []fault) {
	phase, cancel := context.WithTimeout(ctx, w.loadFor())
	defer cancel()
	delivering, give := context.WithCancel(ctx)
	defer give()
	loading := make(chan struct{})
	go func() {
		defer close(loading)
		w.sender.load(phase, delivering, w.rate)
	}()
	go w.report(phase)
	w.nemesis.work(ctx, phase, plan)
	<-loading
	w.nemesis.under.Wait()
	w.say("all nodes are there again")
	delivered := make(chan struct{})
	go func() {
		w.sender.under.Wait()
		close(delivered)
	}()
	select {
	case <-delivered:
	case <-time.After(w.patience):
		give()
		<-delivered
	case <-ctx.Done():
	}
}

// report says how it stands, every few seconds.
func (w *world) report(ctx context.Context) {
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			sent, acked := w.sender.counts()
			w.say("%d events sent, %d acknowledged, %d effects", sent, acked, w.book.count())
		}
	}
}

// settle waits until everything has come to an end, and says what has not, if so.
func (w *world) settle(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, w.patience)
	defer cancel()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	last, said := "", time.Now()
	for {
		l, err := w.product.unfinished(ctx)
		switch {
		case err == nil && l.none():
			w.say("everything has come to an end")
			return ""
		case err == nil:
			last = l.String()
		case ctx.Err() == nil:
			last = err.Error()
		}
		if time.Since(said) > 5*time.Second {
			w.say("%s", last)
			said = time.Now()
		}
		select {
		case <-ctx.Done():
			return fmt.Sprintf("after %s with all nodes up, %s", w.patience, last)
		case <-tick.C:
		}
	}
}

// freePlaces sends as many events as the bounded source has places, and has the model
// answer once all of them ask at the same time: a place that nobody gave back would be
// missing.
func (w *world) freePlaces(ctx context.Context) string {
	name := w.sender.name + "0"
	opened := w.gate.shut("ev_"+name+"_", places)
	sending, cancel := context.WithTimeout(ctx, w.patience)
	defer cancel()
	w.sender.salvo(sending, name, places)
	select {
	case <-opened:
	case <-sending.Done():
	}
	there := w.gate.open()
	if there < places {
		return fmt.Sprintf("of %d places of the webhook %s only %d are free in the end", places, bounded, there)
	}
	return w.settle(ctx)
}

// account gathers what everybody knows.
func (w *world) account(ctx context.Context, e *evidence) error {
	e.Decided = w.desk.all()
	e.Acks, e.Open, e.Refused = w.sender.account()
	e.Effects, e.Told, e.Strikes = w.book.all(), w.receiver.all(), w.nemesis.strikes
	for _, n := range w.nodes {
		e.Alarms = append(e.Alarms, n.problems(e.Strikes)...)
	}
	for _, err := range w.nemesis.broken {
		e.Alarms = append(e.Alarms, err.Error())
	}
	return w.product.export(ctx, filepath.Join(w.folder, "export.jsonl"), e)
}
