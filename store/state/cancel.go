package state

import (
	"context"
	"errors"
	"fmt"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
	"drawbridge/tools/sqldb"
)

// errMoved: the run is not as it was found any more; look again.
var errMoved = errors.New("the run has moved on")

// RequestCancel ends a run that nobody carries, and asks whoever carries it to do so.
func (s *Store) RequestCancel(ctx context.Context, id, why string) (dispatch.State, error) {
	if why == "" {
		why = "on request"
	}
	for {
		state, err := s.requestCancel(ctx, id, why)
		switch {
		case errors.Is(err, errMoved):
		case err != nil:
			return state, fmt.Errorf("cancelling run %q: %w", id, err)
		default:
			s.changed(id)
			return state, nil
		}
	}
}

func (s *Store) requestCancel(ctx context.Context, id, why string) (dispatch.State, error) {
	run, epoch, err := runAndEpoch(ctx, s.Read(), id)
	switch {
	case err != nil:
		return "", err
	case run.State.Ended():
		return run.State, dispatch.ErrEnded
	case run.State == dispatch.Running || run.OwesCallback():
		return run.State, s.markCancelled(ctx, run, epoch, why)
	}
	return dispatch.Cancelled, s.endIdle(ctx, run, epoch, why)
}

// markCancelled asks whoever carries the run, or takes it next, to end it. The first
// to ask says why.
func (s *Store) markCancelled(ctx context.Context, run dispatch.Run, epoch int64, why string) error {
	err := s.Write(ctx, func(tx sqldb.Tx) error {
		marked, err := changedOne(tx.ExecContext(ctx, `UPDATE runs SET cancel = CASE cancel WHEN '' THEN ? ELSE cancel END
			WHERE id = ? AND epoch = ? AND state = ?`, why, run.ID, epoch, string(run.State)))
		switch {
		case err != nil:
			return err
		case !marked:
			return errMoved
		case run.State == dispatch.Running:
			return nil
		}
		return enqueueRun(ctx, tx, run.ID, s.now())
	})
	if err == nil {
		s.signal(dispatch.Cancels, dispatch.RunJob)
	}
	return err
}

// endIdle ends a run that nobody carries. Its journal is read before the write: it
// cannot grow without a new epoch.
func (s *Store) endIdle(ctx context.Context, run dispatch.Run, epoch int64, why string) error {
	entries, err := s.Entries(ctx, run.ID)
	if err != nil {
		return err
	}
	if n := len(entries); n > 0 && entries[n-1].Kind == bridge.EntryOutcome {
		return errMoved // it has ended since it was looked at
	}
	outcome, err := bridge.Cancel(run.ID, entries, why)
	if err != nil {
		return err
	}
	end := dispatch.Ending{State: dispatch.Cancelled, Outcome: outcome, At: s.now()}
	g := &gates{now: end.At}
	err = s.Write(ctx, func(tx sqldb.Tx) error {
		left, err := idle(ctx, tx, run, epoch, end.At)
		if err != nil {
			return err
		}
		g.anew(tx)
		return left.finish(ctx, g, end)
	})
	if err == nil && g.opened {
		s.signal(dispatch.RunJob)
	}
	return err
}

// CancelRequests are those of running runs.
func (s *Store) CancelRequests(ctx context.Context) ([]dispatch.CancelRequest, error) {
	rows, err := s.Read().QueryContext(ctx, `SELECT id, cancel FROM runs WHERE cancel <> '' AND state = 'running'`)
	if err != nil {
		return nil, fmt.Errorf("looking for runs to cancel: %w", err)
	}
	all, err := collect(rows, func(r *dispatch.CancelRequest) []any { return []any{&r.Run, &r.Why} })
	if err != nil {
		return nil, fmt.Errorf("looking for runs to cancel: %w", err)
	}
	return all, nil
}
