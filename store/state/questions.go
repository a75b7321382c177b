package state

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
	"drawbridge/tools/sqldb"
)

const questionColumns = `q.run, q.batch, b.agent, b.model, q.seq, q.tries, q.line, q.result`

// questionRow is a question as it stands in the table.
type questionRow struct {
	dispatch.Question
	result sql.NullString
}

func (r *questionRow) fields() []any {
	return []any{&r.Run, &r.Batch, &r.Agent, &r.Model, &r.Seq, &r.Tries, &r.Line, &r.result}
}

func (r *questionRow) question() (dispatch.Question, error) {
	if !r.result.Valid {
		return r.Question, nil
	}
	r.Result = new(dispatch.BatchResult)
	if err := json.Unmarshal([]byte(r.result.String), r.Result); err != nil {
		return dispatch.Question{}, fmt.Errorf("reading what came of the question of run %q: %w", r.Run, err)
	}
	return r.Question, nil
}

// Question gives what a run asked last.
func (s *Store) Question(ctx context.Context, run string) (dispatch.Question, error) {
	var row questionRow
	err := s.Read().QueryRowContext(ctx, `SELECT `+questionColumns+` FROM batch_questions q JOIN batches b ON b.id = q.batch WHERE q.run = ?`, run).Scan(row.fields()...)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return dispatch.Question{}, fmt.Errorf("question of run %q: %w", run, dispatch.ErrNotFound)
	case err != nil:
		return dispatch.Question{}, fmt.Errorf("reading the question of run %q: %w", run, err)
	}
	return row.question()
}

// OpenQuestions gives questions that wait for something to come of them.
func (s *Store) OpenQuestions(ctx context.Context, batch, after string, limit int) ([]dispatch.Question, error) {
	return s.questions(ctx, `WHERE q.batch = ? AND q.run > ? AND `+openQuestion+` ORDER BY q.run LIMIT ?`, batch, after, limit)
}

// Questions gives the questions that were in a batch last, in the order of their runs.
func (s *Store) Questions(ctx context.Context, batch string, limit int) ([]dispatch.Question, error) {
	return s.questions(ctx, `WHERE q.batch = ? ORDER BY q.run LIMIT ?`, batch, limit)
}

func (s *Store) questions(ctx context.Context, which string, args ...any) ([]dispatch.Question, error) {
	rows, err := s.Read().QueryContext(ctx, `SELECT `+questionColumns+` FROM batch_questions q JOIN batches b ON b.id = q.batch `+which, args...)
	if err != nil {
		return nil, fmt.Errorf("reading questions: %w", err)
	}
	found, err := collect(rows, (*questionRow).fields)
	if err != nil {
		return nil, fmt.Errorf("reading questions: %w", err)
	}
	questions := make([]dispatch.Question, len(found))
	for i := range found {
		if questions[i], err = found[i].question(); err != nil {
			return nil, err
		}
	}
	return questions, nil
}

// EndQuestions notes what came of questions.
func (s *Store) EndQuestions(ctx context.Context, b dispatch.Batch, ends []dispatch.QuestionEnd, next dispatch.NextBatch) error {
	err := s.Write(ctx, func(tx sqldb.Tx) error {
		var current bool
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) > 0 FROM batches WHERE id = ? AND epoch = ?`, b.ID, b.Epoch).Scan(&current); err != nil {
			return err
		}
		if !current {
			return bridge.ErrFenced
		}
		for _, end := range ends {
			if err := s.endQuestion(ctx, tx, b, end, next); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("noting what came of batch %q: %w", b.ID, err)
	}
	s.signal(dispatch.RunJob, dispatch.BatchJob)
	return nil
}

func (s *Store) endQuestion(ctx context.Context, tx sqldb.Tx, b dispatch.Batch, end dispatch.QuestionEnd, next dispatch.NextBatch) error {
	q := dispatch.Question{Run: end.Run, Agent: b.Agent, Model: b.Model}
	var wanted bool
	err := tx.QueryRowContext(ctx, `SELECT q.seq, q.tries, q.line, `+openQuestion+` FROM batch_questions q WHERE q.run = ? AND q.batch = ? AND q.result IS NULL`,
		end.Run, b.ID).Scan(&q.Seq, &q.Tries, &q.Line, &wanted)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil // it was noted before
	case err != nil:
		return err
	case end.Again && wanted && q.Tries < next.Tries:
		q.Tries++
		_, err := s.join(ctx, tx, q, next.Limits)
		return err
	}
	result, err := json.Marshal(end.Result)
	if err != nil {
		return fmt.Errorf("encoding what came of the question of run %q: %w", end.Run, err)
	}
	if _, err := tx.ExecContext(ctx, `UPDATE batch_questions SET result = ?, line = NULL WHERE run = ?`, string(result), end.Run); err != nil {
		return err
	}
	noteJob(tx, dispatch.RunJob, end.Run, s.now())
	_, err = tx.ExecContext(ctx, `UPDATE jobs SET due_at = ? WHERE kind = ? AND ref = ? AND leased = 0`, millis(s.now()), string(dispatch.RunJob), end.Run)
	return err
}
