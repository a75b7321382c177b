package state

import (
	"context"
	"fmt"
	"strings"

	"drawbridge/server/dispatch"
	"drawbridge/tools/sqldb"
)

// where is a filter as a condition on callbacks.
func where(f dispatch.CallbackFilter) (condition string, args []any) {
	all := []string{"1 = 1"}
	and := func(condition string, arg ...any) {
		all, args = append(all, condition), append(args, arg...)
	}
	if f.ID != "" {
		and("id = ?", f.ID)
	}
	if f.Run != "" {
		and("run = ?", f.Run)
	}
	if f.Endpoint != "" {
		and("endpoint = ?", f.Endpoint)
	}
	if f.State != "" {
		and("state = ?", string(f.State))
	}
	if f.Missing {
		and("state <> 'delivered' AND before <> 'delivered'")
	}
	if !f.Since.IsZero() {
		and("created_at >= ?", millis(f.Since))
	}
	if !f.Until.IsZero() {
		and("created_at <= ?", millis(f.Until))
	}
	return strings.Join(all, " AND "), args
}

// FindCallbacks lists the newest first.
func (s *Store) FindCallbacks(ctx context.Context, f dispatch.CallbackFilter, limit int) ([]dispatch.Callback, error) {
	condition, args := where(f)
	rows, err := s.Read().QueryContext(ctx, `SELECT `+callbackColumns+`, `+callbackDue+` FROM callbacks WHERE `+condition+` ORDER BY seq DESC LIMIT ?`, append(args, limit)...)
	if err != nil {
		return nil, fmt.Errorf("listing callbacks: %w", err)
	}
	found, err := collect(rows, (*callbackRow).fields)
	if err != nil {
		return nil, fmt.Errorf("listing callbacks: %w", err)
	}
	callbacks := make([]dispatch.Callback, len(found))
	for i := range found {
		callbacks[i] = found[i].callback()
	}
	return callbacks, nil
}

// Callback gives one with its body.
func (s *Store) Callback(ctx context.Context, id string) (dispatch.Callback, error) {
	return callbackByID(ctx, s.Read(), id)
}

// replayStep is how many callbacks are made due in one transaction: others write too.
const replayStep = 200

// ReplayCallbacks has each that the filter picks sent once more.
func (s *Store) ReplayCallbacks(ctx context.Context, f dispatch.CallbackFilter) (dispatch.Replayed, error) {
	var done dispatch.Replayed
	for after := int64(0); ; {
		var step []replayed
		err := s.Write(ctx, func(tx sqldb.Tx) (err error) {
			step, err = s.replaySome(ctx, tx, f, after)
			return err
		})
		if err != nil {
			return done, fmt.Errorf("replaying callbacks: %w", err)
		}
		for _, one := range step {
			after = one.seq
			if one.underWay {
				done.UnderWay++
			} else {
				done.Due++
			}
		}
		if len(step) < replayStep {
			break
		}
	}
	s.signal(dispatch.CallbackJob)
	return done, nil
}

type replayed struct {
	seq           int64
	id, endpoint  string
	state, before string
	due           int64
	underWay      bool
}

func (s *Store) replaySome(ctx context.Context, tx sqldb.Tx, f dispatch.CallbackFilter, after int64) ([]replayed, error) {
	condition, args := where(f)
	now := s.now()
	rows, err := tx.QueryContext(ctx, `SELECT seq, id, endpoint, state, before, `+callbackDue+`,
			EXISTS (SELECT 1 FROM jobs WHERE kind = 'callback' AND ref = id AND leased = 1 AND due_at > ?)
		FROM callbacks WHERE `+condition+` AND seq > ? ORDER BY seq LIMIT ?`, append(append([]any{millis(now)}, args...), after, replayStep)...)
	if err != nil {
		return nil, err
	}
	step, err := collect(rows, func(r *replayed) []any {
		return []any{&r.seq, &r.id, &r.endpoint, &r.state, &r.before, &r.due, &r.underWay}
	})
	if err != nil {
		return nil, err
	}
	for _, one := range step {
		if one.underWay {
			continue
		}
		if one.before == "" { // else somebody asked before, and it is due
			if _, err := tx.ExecContext(ctx, `UPDATE callbacks SET before = state, resume_at = ?, state = 'pending' WHERE id = ?`, one.due, one.id); err != nil {
				return nil, err
			}
		}
		if err := enqueueCallback(ctx, tx, one.id, one.endpoint, now); err != nil {
			return nil, err
		}
	}
	return step, nil
}
