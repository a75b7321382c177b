package state

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"drawbridge/server/dispatch"
	"drawbridge/tools/sqldb"
)

// waiter is a queued run, as far as the gates look at it.
type waiter struct {
	id, subject, source, via string
	event                    bool // an event made it: it counts for its source and its route
	arrival                  int64
	gate                     dispatch.Gate
}

// The gates are walked in the transaction that has cause to: the one that adds a run,
// claims a delayed one, routes an event, or ends a run. No gate is looked at again and
// again, and no job stands before one.

const waiterColumns = `id, subject, source, via, event IS NOT NULL, arrival, gate`

func (w *waiter) fields() []any {
	return []any{&w.id, &w.subject, &w.source, &w.via, &w.event, &w.arrival, &w.gate}
}

// What the gates ask for. An index answers each of them without sorting.
const (
	earlyQuery = `SELECT EXISTS (SELECT 1 FROM events WHERE source = ? AND in_line = 1 AND seq < ?)`
	// behindQuery: of equal arrival are runs of no event.
	behindQuery = `SELECT EXISTS (SELECT 1 FROM runs WHERE subject = ? AND subject <> '' AND finished_at = 0 AND (arrival, id) < (?, ?))`

	// What waits for room of its source takes up room of its route. It is counted as far as
	// the bound.
	routeCount = `SELECT COUNT(*) FROM (SELECT 1 FROM runs WHERE source = ? AND gate IN ('', 'source') AND via = ?
		AND finished_at = 0 AND event IS NOT NULL LIMIT ?) AS counted`
	sourceCount = `SELECT COUNT(*) FROM (SELECT 1 FROM runs WHERE source = ? AND gate = '' AND finished_at = 0 AND event IS NOT NULL LIMIT ?) AS counted`

	firstOf      = `SELECT ` + waiterColumns + ` FROM runs WHERE `
	atRouteGate  = firstOf + `source = ? AND gate = 'route' AND via = ? AND finished_at = 0 AND event IS NOT NULL ORDER BY priority, arrival, id LIMIT 1`
	atSourceGate = firstOf + `source = ? AND gate = 'source' AND finished_at = 0 ORDER BY priority, arrival, id LIMIT 1`
	atLineGate   = firstOf + `source = ? AND gate = 'line' AND finished_at = 0 ORDER BY arrival, id LIMIT 1`
	ofSubject    = firstOf + `subject = ? AND subject <> '' AND finished_at = 0 ORDER BY arrival, id LIMIT 1`
	delayedRow   = `SELECT id, event, arrival, start_by FROM runs
		WHERE debounce = ? AND debounce <> '' AND gate = 'delay' AND finished_at = 0 AND cancel = '' LIMIT 1`
)

// firstWaiter is the first of a query for waiters, nil if there is none.
func firstWaiter(ctx context.Context, tx sqldb.Tx, query string, args ...any) (*waiter, error) {
	var w waiter
	err := tx.QueryRowContext(ctx, query, args...).Scan(w.fields()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return &w, err
}

// gates walks runs through their gates in one transaction.
type gates struct {
	tx  sqldb.Tx
	now time.Time
	// opened: a run was given its job, so that workers are to be woken.
	opened bool
	// most, if set, is how many runs are let through gates that were filled up; more says
	// that there are others, for a transaction of their own ([Store.letGo]).
	most int
	let  int
	more bool
}

// anew has the gates walked in a transaction, as if for the first time: it may be run
// again, and one that was undone has opened nothing.
func (g *gates) anew(tx sqldb.Tx) { *g = gates{tx: tx, now: g.now, most: g.most} }

// mostLetGo is how many runs pass a gate in one transaction where any number may be
// waiting: others write too.
const mostLetGo = 500

// enough reports whether this transaction has let enough go, and counts one more if not.
func (g *gates) enough() bool {
	if g.most > 0 && g.let >= g.most {
		g.more = true
		return true
	}
	g.let++
	return false
}

// advance takes a run that has passed all gates before one as far as it gets.
func (g *gates) advance(ctx context.Context, w waiter, gate dispatch.Gate) error {
	if w.subject == "" && (gate == dispatch.LineGate || gate == dispatch.SubjectGate) {
		gate = dispatch.RouteGate
	}
	if gate == dispatch.LineGate {
		if early, err := g.early(ctx, w); early || err != nil {
			return g.stand(ctx, w, dispatch.LineGate, err)
		}
		gate = dispatch.SubjectGate
	}
	if gate == dispatch.SubjectGate {
		if behind, err := g.behind(ctx, w); behind || err != nil {
			return g.stand(ctx, w, dispatch.SubjectGate, err)
		}
		gate = dispatch.RouteGate
	}
	// Whoever came before it to one of these gates goes first.
	if gate == dispatch.RouteGate && w.event {
		if bound, err := g.bound(ctx, dispatch.LaneOf(w.source, w.via)); bound > 0 || err != nil {
			if err := g.stand(ctx, w, dispatch.RouteGate, err); err != nil {
				return err
			}
			return g.fillRoute(ctx, w.source, w.via)
		}
	}
	if w.event {
		if bound, err := g.bound(ctx, w.source); bound > 0 || err != nil {
			if err := g.stand(ctx, w, dispatch.SourceGate, err); err != nil {
				return err
			}
			return g.fillSource(ctx, w.source)
		}
	}
	return g.open(ctx, w)
}

// stand leaves the run at a gate, unless something went wrong.
func (g *gates) stand(ctx context.Context, w waiter, gate dispatch.Gate, err error) error {
	if err != nil || w.gate == gate {
		return err
	}
	_, err = g.tx.ExecContext(ctx, `UPDATE runs SET gate = ? WHERE id = ?`, string(gate), w.id)
	return err
}

// open lets the run begin.
func (g *gates) open(ctx context.Context, w waiter) error {
	if err := g.stand(ctx, w, dispatch.Open, nil); err != nil {
		return err
	}
	g.opened = true
	return enqueueRun(ctx, g.tx, w.id, g.now)
}

// early reports whether an earlier event of the run's source has not been routed: it
// may become a run of the same subject.
func (g *gates) early(ctx context.Context, w waiter) (early bool, err error) {
	if !w.event {
		return false, nil
	}
	err = g.tx.QueryRowContext(ctx, earlyQuery, w.source, w.arrival).Scan(&early)
	return early, err
}

// behind reports whether an earlier run of the subject has not ended.
func (g *gates) behind(ctx context.Context, w waiter) (behind bool, err error) {
	err = g.tx.QueryRowContext(ctx, behindQuery, w.subject, w.arrival, w.id).Scan(&behind)
	return behind, err
}

// bound is how many runs of a lane there may be at once, 0 without a bound.
func (g *gates) bound(ctx context.Context, lane string) (atOnce int, err error) {
	err = g.tx.QueryRowContext(ctx, `SELECT at_once FROM lanes WHERE lane = ?`, lane).Scan(&atOnce)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return atOnce, err
}

// routeHasRoom reports whether one more run of the route may go on.
func (g *gates) routeHasRoom(ctx context.Context, source, via string) (bool, error) {
	atOnce, err := g.bound(ctx, dispatch.LaneOf(source, via))
	if atOnce == 0 || err != nil {
		return err == nil, err
	}
	var n int
	err = g.tx.QueryRowContext(ctx, routeCount, source, via, atOnce).Scan(&n)
	return n < atOnce, err
}

func (g *gates) sourceHasRoom(ctx context.Context, source string) (bool, error) {
	atOnce, err := g.bound(ctx, source)
	if atOnce == 0 || err != nil {
		return err == nil, err
	}
	var n int
	err = g.tx.QueryRowContext(ctx, sourceCount, source, atOnce).Scan(&n)
	return n < atOnce, err
}

// fillRoute lets runs through the gate of a route while it has room.
func (g *gates) fillRoute(ctx context.Context, source, via string) error {
	for {
		w, err := firstWaiter(ctx, g.tx, atRouteGate, source, via)
		if w == nil || err != nil {
			return err
		}
		if room, err := g.routeHasRoom(ctx, source, via); !room || err != nil || g.enough() {
			return err
		}
		if err := g.advance(ctx, *w, dispatch.SourceGate); err != nil {
			return err
		}
	}
}

// fillSource lets runs through the gate of a source while it has room.
func (g *gates) fillSource(ctx context.Context, source string) error {
	for {
		w, err := firstWaiter(ctx, g.tx, atSourceGate, source)
		if w == nil || err != nil {
			return err
		}
		if room, err := g.sourceHasRoom(ctx, source); !room || err != nil || g.enough() {
			return err
		}
		if err := g.open(ctx, *w); err != nil {
			return err
		}
	}
}

// fillLine lets go on what no earlier event of the source holds up any more.
func (g *gates) fillLine(ctx context.Context, source string) error {
	for {
		w, err := firstWaiter(ctx, g.tx, atLineGate, source)
		if w == nil || err != nil {
			return err
		}
		if early, err := g.early(ctx, *w); early || err != nil || g.enough() {
			return err
		}
		if err := g.advance(ctx, *w, dispatch.SubjectGate); err != nil {
			return err
		}
	}
}

// nextOf lets the first run of a subject go on, if it waited for one that has ended or
// has gone behind it.
func (g *gates) nextOf(ctx context.Context, subject string) error {
	if subject == "" {
		return nil
	}
	next, err := firstWaiter(ctx, g.tx, ofSubject, subject)
	if next == nil || err != nil || next.gate != dispatch.SubjectGate {
		return err
	}
	return g.advance(ctx, *next, dispatch.RouteGate)
}

// ended lets go on what waited for a run that has ended.
func (g *gates) ended(ctx context.Context, w waiter) error {
	if err := g.nextOf(ctx, w.subject); err != nil {
		return err
	}
	if !w.event {
		return nil
	}
	if err := g.fillRoute(ctx, w.source, w.via); err != nil {
		return err
	}
	return g.fillSource(ctx, w.source)
}
