package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
	"drawbridge/tools/sqldb"
)

// Begin adds a run that is carried at once, unless its key is known.
func (s *Store) Begin(ctx context.Context, run dispatch.NewRun, brief bridge.Entry, lease time.Duration) (claimed *dispatch.Claimed, place dispatch.Place, err error) {
	key := dispatch.RequestKey{Owner: run.Owner, Key: run.Key, Digest: run.Digest}
	err = s.Do(ctx, How{Bare: true}, func(tx sqldb.Tx) error {
		var used bool
		if place, used, err = known(ctx, tx, key); used || err != nil {
			return err
		}
		claimed, place, err = s.begin(ctx, tx, run, brief, lease)
		if err != nil {
			return err
		}
		return s.remember(ctx, tx, key, place)
	})
	if err != nil {
		return nil, dispatch.Place{}, fmt.Errorf("beginning run %q: %w", run.ID, err)
	}
	return claimed, place, nil
}

// begin fails with its first statement, if the id is taken, or for the disk.
func (s *Store) begin(ctx context.Context, tx sqldb.Tx, run dispatch.NewRun, brief bridge.Entry, lease time.Duration) (*dispatch.Claimed, dispatch.Place, error) {
	now, place := s.now(), dispatch.Place{Run: run.ID, Seq: brief.Seq}
	if err := insertRun(ctx, tx, run, placed{state: dispatch.Running}, now); err != nil {
		return nil, place, err
	}
	if err := appendEntries(ctx, tx, run.ID, []bridge.Entry{brief}); err != nil {
		return nil, place, err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO jobs (kind, ref, due_at, leased, node) VALUES (?, ?, ?, 1, ?)`,
		string(dispatch.RunJob), run.ID, millis(now.Add(lease)), s.node); err != nil {
		return nil, place, err
	}
	at := fromMillis(millis(now))
	return &dispatch.Claimed{Lease: bridge.Lease{Run: run.ID, Epoch: dispatch.FirstEpoch}, Run: dispatch.Run{ID: run.ID, Agent: run.Agent, Owner: run.Owner, Bounds: run.Bounds,
		Source: run.Source, Event: run.Event, Via: viaOf(run), Replay: run.Replay, Prompt: run.Prompt, Tainted: run.Tainted, Route: run.Route, CallbackURL: run.CallbackURL,
		Metadata: run.Metadata, Priority: run.Priority, StartAt: run.StartAt, Budget: run.Budget, State: dispatch.Running, Created: at, Started: at}}, place, nil
}

// Continue leases a run that waits for its caller and appends what the caller sent.
func (s *Store) Continue(ctx context.Context, run string, key dispatch.RequestKey, entries []bridge.Entry, lease time.Duration) (claimed *dispatch.Claimed, place dispatch.Place, err error) {
	err = s.Write(ctx, func(tx sqldb.Tx) error {
		var used bool
		if place, used, err = known(ctx, tx, key); used || err != nil {
			return err
		}
		place = dispatch.Place{Run: run, Seq: entries[0].Seq}
		if err := awaits(ctx, tx, run, entries); err != nil {
			return err
		}
		if claimed, err = s.claimLeased(ctx, tx, run, s.now().Add(lease)); err != nil {
			return err
		}
		if err := appendEntries(ctx, tx, run, entries); err != nil {
			return err
		}
		return s.remember(ctx, tx, key, place)
	})
	if err != nil {
		return nil, dispatch.Place{}, fmt.Errorf("continuing run %q: %w", run, err)
	}
	s.changed(run)
	return claimed, place, nil
}

// awaits checks that the run waits for its caller, and for these very entries. One
// that is to be cancelled waits for nothing any more.
func awaits(ctx context.Context, tx sqldb.Tx, run string, entries []bridge.Entry) error {
	last, err := lastEntry(ctx, tx, run)
	if err != nil {
		return err
	}
	if (holding{last: last}).follows(entries) != nil {
		return dispatch.ErrNotWaiting
	}
	var waits bool
	err = tx.QueryRowContext(ctx, `SELECT state = 'waiting' AND reason = ? AND cancel = '' FROM runs WHERE id = ?`, string(bridge.ClientCalls), run).Scan(&waits)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return dispatch.ErrNotFound
	case err == nil && !waits:
		return dispatch.ErrNotWaiting
	}
	return err
}

// claimLeased claims a run whatever its job says, with a lease until a time.
func (s *Store) claimLeased(ctx context.Context, tx sqldb.Tx, run string, until time.Time) (*dispatch.Claimed, error) {
	if err := s.take(ctx, tx, dispatch.RunJob, run, until); err != nil {
		return nil, err
	}
	return s.claimRun(ctx, tx, run, until)
}
