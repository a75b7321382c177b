package state

import (
	"context"
	"database/sql"
	"errors"

	"drawbridge/server/retention"
	"drawbridge/tools/sqldb"
)

// oldRun is a run that has ended, as far as its removal hangs on it.
type oldRun struct {
	id, source        string
	finished, emptied int64
	dead              bool
	owes              bool // a callback of it is not delivered
	journaled         bool
	size              int // of its own row
	// journal is from where on entries go in this step, last whether that is all of them.
	journal int64
	last    bool
	entries int
	others  int // callbacks with their attempts, and keys, which go with the last entries
}

const (
	owes          = `EXISTS (SELECT 1 FROM callbacks WHERE run = runs.id AND state <> 'delivered')`
	oldRunColumns = `id, source, finished_at, emptied_at, ` + deadRun + `, ` + owes + `,
		EXISTS (SELECT 1 FROM journal WHERE run = runs.id), OCTET_LENGTH(prompt) + OCTET_LENGTH(answer),
		(SELECT COALESCE(SUM(1 + attempts), 0) FROM callbacks WHERE run = runs.id) + (SELECT COUNT(*) FROM run_keys WHERE run = runs.id)`
)

func (r *oldRun) fields() []any {
	return []any{&r.id, &r.source, &r.finished, &r.emptied, &r.dead, &r.owes, &r.journaled, &r.size, &r.others}
}

// sweepRuns removes runs that are past their time, with all that is theirs.
func (s *Store) sweepRuns(ctx context.Context, due retention.Due, after place) (retention.Step, error) {
	latest := due.Latest()
	if latest.IsZero() {
		return retention.Step{}, nil
	}
	found, err := s.oldRuns(ctx, `finished_at > 0 AND finished_at < ? AND (finished_at, id) > (?, ?) ORDER BY finished_at, id`, millis(latest), after.at, after.id)
	if err != nil {
		return retention.Step{}, err
	}
	return s.clearRuns(ctx, found, after, func(r oldRun) bool {
		return !r.dead && !r.owes && (r.emptied > 0 || due.Past(r.source, fromMillis(r.finished)))
	})
}

// sweepRemains goes on with runs that were not removed to the end.
func (s *Store) sweepRemains(ctx context.Context, _ retention.Due, after place) (retention.Step, error) {
	found, err := s.oldRuns(ctx, `emptied_at > 0 AND (finished_at, id) > (?, ?) ORDER BY finished_at, id`, after.at, after.id)
	if err != nil {
		return retention.Step{}, err
	}
	return s.clearRuns(ctx, found, after, func(r oldRun) bool { return r.journaled || !r.owes })
}

func (s *Store) oldRuns(ctx context.Context, where string, args ...any) ([]oldRun, error) {
	rows, err := s.Read().QueryContext(ctx, `SELECT `+oldRunColumns+` FROM runs WHERE `+where+` LIMIT ?`, append(args, lookAt)...)
	if err != nil {
		return nil, err
	}
	return collect(rows, (*oldRun).fields)
}

// clearRuns makes a step over runs: whole ones while there is room, or a part of the
// journal of one that is larger than a step.
func (s *Store) clearRuns(ctx context.Context, found []oldRun, after place, goes func(oldRun) bool) (retention.Step, error) {
	var b budget
	var old []oldRun
	for _, r := range found {
		if goes(r) {
			size, err := s.measure(ctx, &r)
			if err != nil {
				return b.Step, err
			}
			if b.full(r.rows(), size) {
				b.Next = after.String()
				break
			}
			b.Rows, b.Bytes, old = b.Rows+r.rows(), b.Bytes+size, append(old, r)
			if !r.last { // it goes on with the rest of it
				b.Next = after.String()
				break
			}
		}
		after = place{r.finished, r.id}
	}
	if b.Next == "" && len(found) == lookAt {
		b.Next = after.String()
	}
	if len(old) == 0 {
		return b.Step, nil
	}
	return b.Step, s.Write(ctx, func(tx sqldb.Tx) error {
		for _, r := range old {
			if err := s.clearRun(ctx, tx, r); err != nil {
				return err
			}
		}
		return nil
	})
}

func (r *oldRun) rows() int {
	if r.last {
		return r.entries + r.others + 1
	}
	return r.entries
}

// measure decides how much of a run goes in one step: the last entries of its journal
// first, so that what is left of it is the journal of an earlier moment.
func (s *Store) measure(ctx context.Context, r *oldRun) (size int, err error) {
	rows, err := s.Read().QueryContext(ctx, `SELECT seq, OCTET_LENGTH(body) FROM journal WHERE run = ? ORDER BY seq DESC LIMIT ?`, r.id, retention.StepRows+1)
	if err != nil {
		return 0, err
	}
	type entrySize struct {
		seq  int64
		size int
	}
	entries, err := collect(rows, func(e *entrySize) []any { return []any{&e.seq, &e.size} })
	if err != nil {
		return 0, err
	}
	r.last = true
	for _, e := range entries {
		if r.entries > 0 && (r.entries >= retention.StepRows || size+e.size > retention.StepBytes) {
			r.last = false
			return size, nil
		}
		r.entries, r.journal, size = r.entries+1, e.seq, size+e.size
	}
	if r.entries > 0 && r.rows() > retention.StepRows {
		r.last = false // what else there is of it makes a step of its own
		return size, nil
	}
	return size + r.size, nil
}

// clearRun removes a run, or the end of its journal. One that somebody has go on stays.
func (s *Store) clearRun(ctx context.Context, tx sqldb.Tx, r oldRun) error {
	now := millis(s.now())
	still, err := changedOne(tx.ExecContext(ctx, `UPDATE runs SET emptied_at = CASE emptied_at WHEN 0 THEN ? ELSE emptied_at END, prompt = '', answer = '', metadata = ''
		WHERE id = ? AND finished_at = ? AND NOT `+deadRun, now, r.id, r.finished))
	if !still || err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM journal WHERE run = ? AND seq >= ?`, r.id, r.journal); err != nil || !r.last {
		return err
	}
	for _, of := range []string{`DELETE FROM run_keys WHERE run = ?`, `DELETE FROM callbacks WHERE run = ? AND state = 'delivered'`} {
		if _, err := tx.ExecContext(ctx, of, r.id); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM runs WHERE id = ? AND NOT EXISTS (SELECT 1 FROM callbacks WHERE run = runs.id)`, r.id)
	return err
}

// removeRun removes a run by itself, in steps.
func (s *Store) removeRun(ctx context.Context, id string) error {
	for {
		found, err := s.oldRuns(ctx, `id = ? AND emptied_at > 0`, id)
		if err != nil || len(found) == 0 {
			return err
		}
		step, err := s.clearRuns(ctx, found, place{}, func(oldRun) bool { return true })
		if err != nil || step.Next == "" {
			return err // a bare row may be left, for a callback
		}
	}
}

// sweepCallbacks removes callbacks that were delivered.
func (s *Store) sweepCallbacks(ctx context.Context, due retention.Due, after place) (retention.Step, error) {
	latest := due.Latest()
	if latest.IsZero() {
		return retention.Step{}, nil
	}
	rows, err := s.Read().QueryContext(ctx, `SELECT c.id, r.source, c.last_at, 1 + c.attempts, OCTET_LENGTH(c.body) +
			COALESCE((SELECT SUM(OCTET_LENGTH(excerpt)) FROM callback_attempts WHERE callback = c.id), 0) FROM callbacks c JOIN runs r ON r.id = c.run
		WHERE c.state = 'delivered' AND c.last_at < ? AND (c.last_at, c.id) > (?, ?) ORDER BY c.last_at, c.id LIMIT ?`, millis(latest), after.at, after.id, lookAt)
	if err != nil {
		return retention.Step{}, err
	}
	type oldCallback struct {
		id, source string
		at         int64
		rows, size int // with its attempts
	}
	found, err := collect(rows, func(c *oldCallback) []any { return []any{&c.id, &c.source, &c.at, &c.rows, &c.size} })
	if err != nil {
		return retention.Step{}, err
	}
	var b budget
	var old []string
	for _, c := range found {
		if due.Past(c.source, fromMillis(c.at)) {
			if b.full(c.rows, c.size) {
				b.Next = after.String()
				break
			}
			b.Rows, b.Bytes, old = b.Rows+c.rows, b.Bytes+c.size, append(old, c.id)
		}
		after = place{c.at, c.id}
	}
	if b.Next == "" && len(found) == lookAt {
		b.Next = after.String()
	}
	if len(old) == 0 {
		return b.Step, nil
	}
	return b.Step, s.Write(ctx, func(tx sqldb.Tx) error {
		for _, id := range old {
			if err := removeCallback(ctx, tx, id, "delivered"); err != nil && !errors.Is(err, sql.ErrNoRows) {
				return err
			}
		}
		return nil
	})
}

// removeCallback removes a callback that is in a state; sql.ErrNoRows if it is not.
func removeCallback(ctx context.Context, tx sqldb.Tx, id, state string) error {
	gone, err := changedOne(tx.ExecContext(ctx, `DELETE FROM callbacks WHERE id = ? AND state = ?`, id, state))
	if err == nil && !gone {
		err = sql.ErrNoRows
	}
	return err
}
