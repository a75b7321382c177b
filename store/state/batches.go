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

var _ dispatch.BatchStore = (*Store)(nil)

const batchColumns = `id, agent, model, state, epoch, questions, bytes, file, remote, status, round, cancel, attempts, polls, error,
	created_at, tried_at, submitted_at, ended_at`

// batchRow is a batch as it stands in the table.
type batchRow struct {
	dispatch.Batch
	created, tried, submitted, ended int64
}

func (r *batchRow) fields() []any {
	return []any{&r.ID, &r.Agent, &r.Model, &r.State, &r.Epoch, &r.Questions, &r.Bytes, &r.File, &r.Remote, &r.Status, &r.Round, &r.Cancel,
		&r.Attempts, &r.Polls, &r.Error, &r.created, &r.tried, &r.submitted, &r.ended}
}

func (r *batchRow) batch() dispatch.Batch {
	r.Created, r.Tried, r.Submitted, r.Ended = fromMillis(r.created), fromMillis(r.tried), fromMillis(r.submitted), fromMillis(r.ended)
	return r.Batch
}

// Collect puts a run down, and its question into a batch.
func (s *Store) Collect(ctx context.Context, lease bridge.Lease, q dispatch.Question, limits dispatch.BatchLimits, until time.Time) (batch string, err error) {
	err = s.Write(ctx, func(tx sqldb.Tx) error {
		run, err := held(ctx, tx, lease)
		if err != nil {
			return err
		}
		q.Run, q.Seq, q.Tries = lease.Run, run.last, 1
		if batch, err = s.join(ctx, tx, q, limits); err != nil {
			return err
		}
		return s.waitForBatch(ctx, tx, run, until)
	})
	if err != nil {
		return "", fmt.Errorf("collecting the question of run %q: %w", lease.Run, err)
	}
	s.changed(lease.Run)
	s.signal(dispatch.BatchJob, dispatch.RunJob)
	return batch, nil
}

// waitForBatch is what putDown does, for a run that has got somewhere: its row of faults
// ends.
func (s *Store) waitForBatch(ctx context.Context, tx sqldb.Tx, run holding, until time.Time) error {
	if err := run.touch(ctx, tx, s.now()); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE runs SET state = 'waiting', reason = ?, attempts = 0 WHERE id = ?`, string(bridge.Batch), run.run); err != nil {
		return err
	}
	if run.cancel != "" {
		until = s.now() // there is nothing to wait for any more
	}
	return enqueueRun(ctx, tx, run.run, until)
}

// join puts a question into the batch that is being collected, or begins one. A batch
// that is full then, or has no room for the question, is due.
func (s *Store) join(ctx context.Context, tx sqldb.Tx, q dispatch.Question, limits dispatch.BatchLimits) (string, error) {
	size := int64(len(q.Line)) + 1 // with the end of the line
	var id string
	var questions int
	var bytes int64
	err := tx.QueryRowContext(ctx, `SELECT id, questions, bytes FROM batches WHERE agent = ? AND model = ? AND state = 'collecting' AND cancel = ''
		ORDER BY created_at DESC, id DESC LIMIT 1`, q.Agent, q.Model).Scan(&id, &questions, &bytes)
	known := err == nil
	switch {
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return "", err
	case known && (questions >= limits.Questions || bytes+size > limits.Bytes):
		if err := s.wakeBatch(ctx, tx, id); err != nil {
			return "", err
		}
		known = false
	}
	if !known {
		questions, bytes = 0, 0
		if id, err = s.beginBatch(ctx, tx, q, limits.Wait); err != nil {
			return "", err
		}
	}
	questions, bytes = questions+1, bytes+size
	if _, err := tx.ExecContext(ctx, `UPDATE batches SET questions = ?, bytes = ? WHERE id = ?`, questions, bytes, id); err != nil {
		return "", err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO batch_questions (run, batch, seq, tries, line) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (run) DO UPDATE SET batch = excluded.batch, seq = excluded.seq, tries = excluded.tries, line = excluded.line, result = NULL`,
		q.Run, id, q.Seq, q.Tries, q.Line); err != nil {
		return "", err
	}
	if questions >= limits.Questions || bytes >= limits.Bytes {
		return id, s.wakeBatch(ctx, tx, id)
	}
	return id, nil
}

func (s *Store) beginBatch(ctx context.Context, tx sqldb.Tx, q dispatch.Question, wait time.Duration) (string, error) {
	id, now := dispatch.NewID("bat_"), s.now()
	if _, err := tx.ExecContext(ctx, `INSERT INTO batches (id, agent, model, state, questions, bytes, created_at) VALUES (?, ?, ?, 'collecting', 0, 0, ?)`,
		id, q.Agent, q.Model, millis(now)); err != nil {
		return "", err
	}
	return id, enqueue(ctx, tx, dispatch.BatchJob, id, now.Add(wait))
}

// wakeBatch makes a batch due. One that a worker has is due when that puts it down: two
// must not work on one.
func (s *Store) wakeBatch(ctx context.Context, tx sqldb.Tx, id string) error {
	if _, err := tx.ExecContext(ctx, `UPDATE batches SET woken = 1 WHERE id = ?`, id); err != nil {
		return err
	}
	noteJob(tx, dispatch.BatchJob, id, s.now())
	_, err := tx.ExecContext(ctx, `UPDATE jobs SET due_at = ? WHERE kind = ? AND ref = ? AND leased = 0`, millis(s.now()), string(dispatch.BatchJob), id)
	return err
}

// AwaitBatch puts a run down whose question waits.
func (s *Store) AwaitBatch(ctx context.Context, lease bridge.Lease, until time.Time) error {
	err := s.Write(ctx, func(tx sqldb.Tx) error {
		run, err := held(ctx, tx, lease)
		if err != nil {
			return err
		}
		var open bool
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) > 0 FROM batch_questions WHERE run = ? AND result IS NULL`, lease.Run).Scan(&open); err != nil {
			return err
		}
		due := until
		if !open {
			due = s.now()
		}
		return s.waitForBatch(ctx, tx, run, due)
	})
	if err != nil {
		return fmt.Errorf("putting down run %q: %w", lease.Run, err)
	}
	s.changed(lease.Run)
	s.signal(dispatch.RunJob)
	return nil
}

// ClaimBatches leases due batches.
func (s *Store) ClaimBatches(ctx context.Context, limit int, lease time.Duration) ([]dispatch.Batch, error) {
	var all []dispatch.Batch
	err := s.Write(ctx, func(tx sqldb.Tx) error {
		all = nil
		refs, err := s.lease(ctx, tx, dispatch.BatchJob, limit, lease)
		if err != nil {
			return err
		}
		for _, ref := range refs {
			if _, err := tx.ExecContext(ctx, `UPDATE batches SET epoch = epoch + 1, woken = 0 WHERE id = ?`, ref); err != nil {
				return err
			}
			b, err := batchByID(ctx, tx, ref)
			if err != nil {
				return err
			}
			all = append(all, b)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("claiming batches: %w", err)
	}
	return all, nil
}

func batchByID(ctx context.Context, q sqldb.Querier, id string) (dispatch.Batch, error) {
	var row batchRow
	err := q.QueryRowContext(ctx, `SELECT `+batchColumns+` FROM batches WHERE id = ?`, id).Scan(row.fields()...)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return dispatch.Batch{}, fmt.Errorf("batch %q: %w", id, dispatch.ErrNotFound)
	case err != nil:
		return dispatch.Batch{}, fmt.Errorf("reading batch %q: %w", id, err)
	}
	return row.batch(), nil
}

// MoveBatch notes how far a batch has come.
func (s *Store) MoveBatch(ctx context.Context, b dispatch.Batch, due time.Time) error {
	err := s.Write(ctx, func(tx sqldb.Tx) error {
		moved, err := changedOne(tx.ExecContext(ctx, `UPDATE batches SET state = ?, file = ?, remote = ?, status = ?, round = ?, attempts = ?, polls = ?, error = ?,
			tried_at = ?, submitted_at = ?, ended_at = ? WHERE id = ? AND epoch = ?`, string(b.State), b.File, b.Remote, b.Status, b.Round, b.Attempts, b.Polls, b.Error,
			millis(b.Tried), millis(b.Submitted), millis(b.Ended), b.ID, b.Epoch))
		switch {
		case err != nil:
			return err
		case !moved:
			return bridge.ErrFenced
		case b.State == dispatch.BatchDone:
			if err := s.forgetBatches(ctx, tx); err != nil {
				return err
			}
			_, err := finishJob(ctx, tx, dispatch.BatchJob, b.ID)
			return err
		case due.IsZero():
			return nil
		}
		var woken bool
		if err := tx.QueryRowContext(ctx, `SELECT woken FROM batches WHERE id = ?`, b.ID).Scan(&woken); err != nil {
			return err
		}
		if woken {
			due = s.now()
		}
		return enqueue(ctx, tx, dispatch.BatchJob, b.ID, due)
	})
	if err != nil {
		return fmt.Errorf("noting how far batch %q is: %w", b.ID, err)
	}
	if !due.IsZero() {
		s.signal(dispatch.BatchJob)
	}
	return nil
}

// batchKept is how long a batch is kept that is done and of whose runs none is left.
const batchKept = 90 * 24 * time.Hour

// forgetBatches drops batches that say nothing about any run any more.
func (s *Store) forgetBatches(ctx context.Context, tx sqldb.Tx) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM batches WHERE state = 'done' AND ended_at < ? AND NOT EXISTS (SELECT 1 FROM batch_questions q WHERE q.batch = batches.id)`,
		millis(s.now().Add(-batchKept)))
	return err
}

// WakeBatch makes the batch due that the provider knows by an id.
func (s *Store) WakeBatch(ctx context.Context, remote string) (id string, err error) {
	err = s.Write(ctx, func(tx sqldb.Tx) error {
		err := tx.QueryRowContext(ctx, `SELECT id FROM batches WHERE remote = ? AND remote <> '' AND state <> 'done'`, remote).Scan(&id)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return dispatch.ErrNotFound
		case err != nil:
			return err
		}
		return s.wakeBatch(ctx, tx, id)
	})
	if err != nil {
		return "", fmt.Errorf("waking the batch that the provider calls %q: %w", remote, err)
	}
	s.signal(dispatch.BatchJob)
	return id, nil
}

// SubmitBatches makes those due that are being collected for an agent.
func (s *Store) SubmitBatches(ctx context.Context, agent string) (ids []string, err error) {
	err = s.Write(ctx, func(tx sqldb.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT id FROM batches WHERE agent = ? AND state = 'collecting' ORDER BY id`, agent)
		if err != nil {
			return err
		}
		if ids, err = collect(rows, func(id *string) []any { return []any{id} }); err != nil {
			return err
		}
		for _, id := range ids {
			if err := s.wakeBatch(ctx, tx, id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("submitting the batches of agent %q: %w", agent, err)
	}
	s.signal(dispatch.BatchJob)
	return ids, nil
}

// CancelBatch marks a batch. The first to ask says why.
func (s *Store) CancelBatch(ctx context.Context, id, why string) error {
	err := s.Write(ctx, func(tx sqldb.Tx) error {
		b, err := batchByID(ctx, tx, id)
		switch {
		case err != nil:
			return err
		case b.State == dispatch.BatchDone:
			return dispatch.ErrEnded
		}
		if _, err := tx.ExecContext(ctx, `UPDATE batches SET cancel = CASE cancel WHEN '' THEN ? ELSE cancel END WHERE id = ?`, why, id); err != nil {
			return err
		}
		return s.wakeBatch(ctx, tx, id)
	})
	if err != nil {
		return fmt.Errorf("cancelling batch %q: %w", id, err)
	}
	s.signal(dispatch.BatchJob)
	return nil
}

// openQuestion holds for a question, q, that something is to come of.
const openQuestion = `q.result IS NULL AND EXISTS (SELECT 1 FROM runs r WHERE r.id = q.run AND r.state IN ('queued', 'running', 'waiting') AND r.cancel = '')`

// Batch gives one batch.
func (s *Store) Batch(ctx context.Context, id string) (dispatch.Batch, error) {
	b, err := batchByID(ctx, s.Read(), id)
	if err != nil {
		return b, err
	}
	err = s.Read().QueryRowContext(ctx, `SELECT COUNT(*) FROM batch_questions q WHERE q.batch = ? AND `+openQuestion, id).Scan(&b.Open)
	if err != nil {
		return b, fmt.Errorf("reading batch %q: %w", id, err)
	}
	return b, nil
}

// Batches lists the newest batches first.
func (s *Store) Batches(ctx context.Context, limit int) ([]dispatch.Batch, error) {
	rows, err := s.Read().QueryContext(ctx, `SELECT `+batchColumns+`, (SELECT COUNT(*) FROM batch_questions q WHERE q.batch = batches.id AND `+openQuestion+`)
		FROM batches ORDER BY created_at DESC, id DESC LIMIT ?`, limit)
	if err != nil {
		return nil, fmt.Errorf("listing batches: %w", err)
	}
	found, err := collect(rows, func(r *batchRow) []any { return append(r.fields(), &r.Open) })
	if err != nil {
		return nil, fmt.Errorf("listing batches: %w", err)
	}
	batches := make([]dispatch.Batch, len(found))
	for i := range found {
		batches[i] = found[i].batch()
	}
	return batches, nil
}
