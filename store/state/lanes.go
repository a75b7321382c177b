package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"drawbridge/server/dispatch"
	"drawbridge/tools/sqldb"
)

var _ dispatch.LaneStore = (*Store)(nil)

// SetLanes replaces what is known of the settings. Events that wait to be routed stand
// in line from now on, or no more.
func (s *Store) SetLanes(ctx context.Context, lanes dispatch.Lanes) error {
	err := s.Write(ctx, func(tx sqldb.Tx) error { return s.writeLanes(ctx, tx, lanes) })
	if err == nil {
		err = s.letGo(ctx)
	}
	if err != nil {
		return fmt.Errorf("noting the routes of webhooks: %w", err)
	}
	return nil
}

// letGo lets go on whatever may, from all gates, some at a time. If it does not come to
// its end, the next [Store.SetLanes] goes on with it.
func (s *Store) letGo(ctx context.Context) error {
	for {
		if more, err := s.letSomeGo(ctx); !more || err != nil {
			return err
		}
	}
}

func (s *Store) letSomeGo(ctx context.Context) (more bool, err error) {
	g := &gates{now: s.now(), most: mostLetGo}
	err = s.Write(ctx, func(tx sqldb.Tx) error {
		g.anew(tx)
		return g.fillAll(ctx)
	})
	if err != nil {
		return false, err
	}
	if g.opened {
		s.signal(dispatch.RunJob)
	}
	return g.more, nil
}

// inTurn keeps others from giving events of a source numbers, until the transaction ends,
// if those stand in line: where writes go on beside each other, an event could become
// visible behind one of a higher number, and its run begin beside that one's.
func (s *Store) inTurn(ctx context.Context, tx sqldb.Tx, source string) error {
	if s.InOrder() {
		return nil
	}
	var ordered bool
	err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM lanes WHERE lane = ? AND ordered = 1)`, source).Scan(&ordered)
	if err != nil || !ordered {
		return err
	}
	return s.Lock(ctx, tx, "lane "+source)
}

func (s *Store) writeLanes(ctx context.Context, tx sqldb.Tx, lanes dispatch.Lanes) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM lanes`); err != nil {
		return err
	}
	for lane, atOnce := range lanes.AtOnce {
		if _, err := tx.ExecContext(ctx, `INSERT INTO lanes (lane, at_once, ordered) VALUES (?, ?, 0)`, lane, atOnce); err != nil {
			return err
		}
	}
	for _, source := range lanes.Ordered {
		if _, err := tx.ExecContext(ctx, `INSERT INTO lanes (lane, at_once, ordered) VALUES (?, 0, 1) ON CONFLICT (lane) DO UPDATE SET ordered = 1`, source); err != nil {
			return err
		}
	}
	const ordered = `source IN (SELECT lane FROM lanes WHERE ordered = 1)`
	if _, err := tx.ExecContext(ctx, `UPDATE events SET in_line = 0 WHERE in_line = 1 AND NOT `+ordered); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE events SET in_line = 1 WHERE id IN (SELECT ref FROM jobs WHERE kind = 'event') AND `+ordered)
	if err == nil && s.InOrder() {
		_, err = tx.ExecContext(ctx, `UPDATE events SET in_line = 1 WHERE `+behindMark+` AND `+ordered)
	}
	return err
}

// fillAll looks at every gate that something stands at.
func (g *gates) fillAll(ctx context.Context) error {
	rows, err := g.tx.QueryContext(ctx, `SELECT DISTINCT source, gate, via FROM runs WHERE finished_at = 0 AND event IS NOT NULL AND gate IN ('line', 'route', 'source')`)
	if err != nil {
		return err
	}
	held, err := collect(rows, func(w *waiter) []any { return []any{&w.source, &w.gate, &w.via} })
	if err != nil {
		return err
	}
	for _, w := range held {
		switch w.gate {
		case dispatch.LineGate:
			err = g.fillLine(ctx, w.source)
		case dispatch.RouteGate:
			err = g.fillRoute(ctx, w.source, w.via)
		case dispatch.SourceGate:
			err = g.fillSource(ctx, w.source)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Held says what a run waits for; it is zero for one that waits for nothing but a worker.
func (s *Store) Held(ctx context.Context, run dispatch.Run) (dispatch.Hold, error) {
	h, query, args := dispatch.Hold{Gate: run.Gate}, "", []any(nil)
	var into any
	var until int64
	switch run.Gate {
	case dispatch.DelayGate:
		into, query, args = &until, `SELECT due_at FROM jobs WHERE kind = 'run' AND ref = ?`, []any{run.ID}
	case dispatch.LineGate:
		into, query, args = &h.Event, `SELECT id FROM events WHERE source = ? AND in_line = 1 AND seq < ? ORDER BY seq LIMIT 1`, []any{run.Source, run.Arrival}
	case dispatch.SubjectGate:
		into = &h.Run
		query = `SELECT id FROM runs WHERE subject = ? AND subject <> '' AND finished_at = 0 AND (arrival, id) < (?, ?) ORDER BY arrival DESC, id DESC LIMIT 1`
		args = []any{run.Subject, run.Arrival, run.ID}
	case dispatch.RouteGate:
		into, query, args = &h.AtOnce, `SELECT at_once FROM lanes WHERE lane = ?`, []any{dispatch.LaneOf(run.Source, run.Via)}
	case dispatch.SourceGate:
		into, query, args = &h.AtOnce, `SELECT at_once FROM lanes WHERE lane = ?`, []any{run.Source}
	default:
		return h, nil
	}
	err := s.Read().QueryRowContext(ctx, query, args...).Scan(into)
	if errors.Is(err, sql.ErrNoRows) { // it has moved on since it was read
		return dispatch.Hold{}, nil
	}
	if err != nil {
		return h, fmt.Errorf("looking for what run %q waits for: %w", run.ID, err)
	}
	h.Until = fromMillis(until)
	return h, nil
}
