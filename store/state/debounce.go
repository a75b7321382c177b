package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
	"drawbridge/tools/sqldb"
)

// routeRun adds one run of an event, or has the event take part in one that is delayed.
// It gives the run that works on the event, "" if that is none: a newer event has its
// place.
func (g *gates) routeRun(ctx context.Context, run dispatch.NewRun, arrival int64) (string, error) {
	if run.Debounce == "" {
		return run.ID, g.add(ctx, run, arrival)
	}
	var id, event string
	var newest, startBy int64
	err := g.tx.QueryRowContext(ctx, delayedRow, run.Debounce).Scan(&id, &event, &newest, &startBy)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return run.ID, g.add(ctx, run, arrival)
	case err != nil:
		return "", err
	case arrival < newest:
		return "", noteDebounced(ctx, g.tx, run.Event, event, id)
	}
	run.StartAt = fromMillis(min(millis(run.StartAt), startBy))
	if err := replaceEvent(ctx, g.tx, id, run, arrival); err != nil {
		return "", err
	}
	if err := enqueueRun(ctx, g.tx, id, run.StartAt); err != nil {
		return "", err
	}
	g.opened = true // it may be due earlier than it was
	// A run that a person began anew may have waited for it, and is before it now.
	if err := g.nextOf(ctx, run.Subject); err != nil {
		return "", err
	}
	if event == run.Event {
		return id, nil // played again
	}
	return id, noteDebounced(ctx, g.tx, event, run.Event, id)
}

// replaceEvent makes a delayed run one of a newer event.
func replaceEvent(ctx context.Context, tx sqldb.Tx, id string, run dispatch.NewRun, arrival int64) error {
	budget, err := optionalJSON(run.Budget, run.Budget == (bridge.Budget{}))
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE runs SET event = ?, replay = ?, agent = ?, prompt = ?, tainted = ?, route = ?, priority = ?, subject = ?, budget = ?, arrival = ?, start_at = ?
		WHERE id = ?`, run.Event, run.Replay, run.Agent, run.Prompt, run.Tainted, run.Route, rank(run.Priority), run.Subject, budget, arrival, millis(run.StartAt), id)
	return err
}

// noteDebounced notes on an event that a newer one took its place. It is debounced
// unless another route made a run of it.
func noteDebounced(ctx context.Context, tx sqldb.Tx, event, newer, run string) error {
	note := fmt.Sprintf("debounced: event %s took its place in run %s", newer, run)
	if _, err := tx.ExecContext(ctx, `UPDATE events SET note = CASE note WHEN '' THEN ? ELSE note || '; ' || ? END WHERE id = ?`, note, note, event); err != nil {
		return err
	}
	return settleDebounced(ctx, tx, event)
}

// settleDebounced gives an event that lost a place its status, by whether it has a run.
func settleDebounced(ctx context.Context, tx sqldb.Tx, event string) error {
	_, err := tx.ExecContext(ctx, `UPDATE events SET status =
		CASE WHEN EXISTS (SELECT 1 FROM runs WHERE runs.event = events.id AND runs.replay = events.replay) THEN 'routed' ELSE 'debounced' END
		WHERE id = ? AND status IN ('routed', 'debounced')`, event)
	return err
}

// add adds a queued run: delayed, or as far as it gets through the gates.
func (g *gates) add(ctx context.Context, run dispatch.NewRun, arrival int64) error {
	if run.StartAt.After(g.now) {
		if err := insertRun(ctx, g.tx, run, placed{dispatch.Queued, dispatch.DelayGate, arrival}, g.now); err != nil {
			return err
		}
		g.opened = true
		return enqueueRun(ctx, g.tx, run.ID, run.StartAt)
	}
	w := waiter{id: run.ID, subject: run.Subject, source: run.Source, via: viaOf(run), event: run.Event != "", arrival: arrival, gate: dispatch.Open}
	if err := insertRun(ctx, g.tx, run, placed{dispatch.Queued, dispatch.Open, arrival}, g.now); err != nil {
		return err
	}
	return g.advance(ctx, w, dispatch.LineGate)
}
