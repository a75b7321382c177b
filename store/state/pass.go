package state

import (
	"context"
	"errors"
	"time"

	"drawbridge/server/dispatch"
	"drawbridge/tools/sqldb"
)

// errHeld: the run waits for others, and has no job any more.
var errHeld = errors.New("the run is held")

// pass takes a run whose job is due through its gates, with its lease. One that is to be
// cancelled does no work: it has nothing to wait for.
func (s *Store) pass(ctx context.Context, tx sqldb.Tx, run *dispatch.Run, until time.Time) error {
	if run.Gate == dispatch.Open {
		return nil
	}
	if run.Cancel == "" {
		if err := s.advanceDue(ctx, tx, *run); err != nil {
			return err
		}
	} else if _, err := tx.ExecContext(ctx, `UPDATE runs SET gate = '' WHERE id = ?`, run.ID); err != nil {
		return err
	}
	run.Gate = dispatch.Open
	return s.take(ctx, tx, dispatch.RunJob, run.ID, until)
}

// advanceDue takes a delayed run to the gates of those that wait for others, or behind
// them.
func (s *Store) advanceDue(ctx context.Context, tx sqldb.Tx, run dispatch.Run) error {
	if _, err := finishJob(ctx, tx, dispatch.RunJob, run.ID); err != nil {
		return err
	}
	from := run.Gate
	if from == dispatch.DelayGate {
		from = dispatch.LineGate
	}
	w := waiter{id: run.ID, subject: run.Subject, source: run.Source, via: run.Via, event: run.Event != "", arrival: run.Arrival, gate: run.Gate}
	if err := (&gates{tx: tx, now: s.now()}).advance(ctx, w, from); err != nil {
		return err
	}
	var gate dispatch.Gate
	if err := tx.QueryRowContext(ctx, `SELECT gate FROM runs WHERE id = ?`, run.ID).Scan(&gate); err != nil {
		return err
	}
	if gate != dispatch.Open {
		return errHeld
	}
	return nil
}
