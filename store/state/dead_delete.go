package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"drawbridge/server/dispatch"
	"drawbridge/tools/sqldb"
)

// DeleteDead deletes a dead letter for good.
func (s *Store) DeleteDead(ctx context.Context, r dispatch.Revival) error {
	letter, err := s.DeadLetter(ctx, r.ID)
	if err == nil {
		switch letter.Kind {
		case dispatch.DeadEvent:
			err = s.deleteEvent(ctx, r)
		case dispatch.DeadRun:
			err = s.deleteRun(ctx, r.ID)
		case dispatch.DeadCallback:
			err = s.Write(ctx, func(tx sqldb.Tx) error { return removeCallback(ctx, tx, r.ID, "dead") })
		}
	}
	if errors.Is(err, sql.ErrNoRows) {
		err = dispatch.ErrNotDead // somebody was quicker
	}
	if err != nil {
		return fmt.Errorf("deleting dead letter %q: %w", r.ID, err)
	}
	return nil
}

// deleteEvent leaves the bare row of an event: its key still counts as seen, and the
// event would come in anew if it was sent again. The sweep removes that in time.
func (s *Store) deleteEvent(ctx context.Context, r dispatch.Revival) error {
	return s.Write(ctx, func(tx sqldb.Tx) error {
		now := millis(s.now())
		gone, err := changedOne(tx.ExecContext(ctx, `UPDATE events SET status = ?, status_at = ?, note = ?, body = ?, headers = '{}', delivery = ?, emptied_at = ?
			WHERE id = ? AND `+deadEvent, string(dispatch.Deleted), now, "deleted by "+r.By, []byte{}, sql.NullString{}, now, r.ID))
		if err == nil && !gone {
			err = sql.ErrNoRows
		}
		return err
	})
}

func (s *Store) deleteRun(ctx context.Context, id string) error {
	err := s.Write(ctx, func(tx sqldb.Tx) error {
		gone, err := changedOne(tx.ExecContext(ctx, `UPDATE runs SET dead = 0, prompt = '', answer = '', metadata = '', emptied_at = ? WHERE id = ? AND `+deadRun, millis(s.now()), id))
		if err == nil && !gone {
			err = sql.ErrNoRows
		}
		return err
	})
	if err != nil {
		return err
	}
	s.changed(id)
	return s.removeRun(ctx, id)
}
