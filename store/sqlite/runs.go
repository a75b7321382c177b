package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
	"drawbridge/tools/sqldb"
)

var _ dispatch.RunStore = (*Store)(nil)

const runColumns = `id, agent, source, COALESCE(event, ''), replay, prompt, tainted, route, state, reason, answer, attempts,
	worked_ms, turns, calls, prompt_tokens, completion_tokens, cached_tokens, created_at, started_at, finished_at`

// runRow is a run as it stands in the table.
type runRow struct {
	dispatch.Run
	worked, created, started, finished int64
}

func (r *runRow) fields() []any {
	u := &r.Usage
	return []any{&r.ID, &r.Agent, &r.Source, &r.Event, &r.Replay, &r.Prompt, &r.Tainted, &r.Route, &r.State, &r.Reason,
		&r.Answer, &r.Attempts, &r.worked, &u.Turns, &u.Calls, &u.PromptTokens, &u.CompletionTokens, &u.CachedTokens,
		&r.created, &r.started, &r.finished}
}

func (r *runRow) run() dispatch.Run {
	r.Created, r.Started, r.FinishedAt = fromMillis(r.created), fromMillis(r.started), fromMillis(r.finished)
	r.Worked = time.Duration(r.worked) * time.Millisecond
	return r.Run
}

func runByID(ctx context.Context, q sqldb.Querier, id string) (dispatch.Run, error) {
	var row runRow
	err := q.QueryRowContext(ctx, `SELECT `+runColumns+` FROM runs WHERE id = ?`, id).Scan(row.fields()...)
	if errors.Is(err, sql.ErrNoRows) {
		return dispatch.Run{}, fmt.Errorf("run %q: %w", id, dispatch.ErrNotFound)
	}
	if err != nil {
		return dispatch.Run{}, fmt.Errorf("reading run %q: %w", id, err)
	}
	return row.run(), nil
}

// Start adds a queued run and its job.
func (s *Store) Start(ctx context.Context, run dispatch.NewRun) error {
	err := s.Write(ctx, func(tx sqldb.Tx) error {
		if err := s.insertRun(ctx, tx, run); err != nil {
			return err
		}
		return enqueue(ctx, tx, dispatch.RunJob, run.ID, s.now())
	})
	if err != nil {
		return fmt.Errorf("starting run %q: %w", run.ID, err)
	}
	s.signal(dispatch.RunJob)
	return nil
}

func (s *Store) insertRun(ctx context.Context, tx sqldb.Tx, run dispatch.NewRun) error {
	event := sql.NullString{String: run.Event, Valid: run.Event != ""}
	_, err := tx.ExecContext(ctx, `INSERT INTO runs (id, agent, source, event, replay, prompt, tainted, route, state, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'queued', ?)`,
		run.ID, run.Agent, run.Source, event, run.Replay, run.Prompt, run.Tainted, run.Route, millis(s.now()))
	return err
}

// ClaimRuns leases due runs. A run that ended while its job waited loses the job.
func (s *Store) ClaimRuns(ctx context.Context, limit int, lease time.Duration) ([]dispatch.Claimed, error) {
	var all []dispatch.Claimed
	err := s.Write(ctx, func(tx sqldb.Tx) error {
		refs, err := s.lease(ctx, tx, dispatch.RunJob, limit, lease)
		if err != nil {
			return err
		}
		for _, ref := range refs {
			claimed, err := s.claimRun(ctx, tx, ref)
			switch {
			case errors.Is(err, dispatch.ErrEnded):
				if _, err := finishJob(ctx, tx, dispatch.RunJob, ref); err != nil {
					return err
				}
			case err != nil:
				return err
			default:
				all = append(all, *claimed)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("claiming runs: %w", err)
	}
	return all, nil
}

// claimRun puts the run under a new epoch: queued, waiting or running -> running.
// A running one was left by a worker whose lease ran out.
func (s *Store) claimRun(ctx context.Context, tx sqldb.Tx, id string) (*dispatch.Claimed, error) {
	var epoch int64
	err := tx.QueryRowContext(ctx, `UPDATE runs SET state = 'running', reason = '', epoch = epoch + 1, touched_at = ?,
		started_at = CASE started_at WHEN 0 THEN ? ELSE started_at END
		WHERE id = ? AND state IN ('queued', 'waiting', 'running') RETURNING epoch`, millis(s.now()), millis(s.now()), id).Scan(&epoch)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, dispatch.ErrEnded
	}
	if err != nil {
		return nil, err
	}
	run, err := runByID(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	return &dispatch.Claimed{Run: run, Lease: bridge.Lease{Run: id, Epoch: epoch}}, nil
}

// Park puts the run down until a time: running -> waiting.
func (s *Store) Park(ctx context.Context, lease bridge.Lease, until time.Time, reason string, attempts int) error {
	return s.putDown(ctx, "parking", lease, until, dispatch.Waiting, reason, attempts)
}

// Release gives the run back: running -> queued, due at once.
func (s *Store) Release(ctx context.Context, lease bridge.Lease) error {
	return s.putDown(ctx, "releasing", lease, s.now(), dispatch.Queued, "", -1)
}

// putDown takes the run out of its worker's hands. Attempts below 0 stay as they are.
func (s *Store) putDown(ctx context.Context, act string, lease bridge.Lease, due time.Time, state dispatch.State, reason string, attempts int) error {
	err := s.Write(ctx, func(tx sqldb.Tx) error {
		if err := touch(ctx, tx, lease, s.now()); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE runs SET state = ?, reason = ?, attempts = CASE WHEN ? < 0 THEN attempts ELSE ? END
			WHERE id = ?`, string(state), reason, attempts, attempts, lease.Run); err != nil {
			return err
		}
		return enqueue(ctx, tx, dispatch.RunJob, lease.Run, due)
	})
	if err != nil {
		return fmt.Errorf("%s run %q: %w", act, lease.Run, err)
	}
	s.signal(dispatch.RunJob)
	return nil
}

// Finish ends the run: outcome entry, end state, callback with its job.
func (s *Store) Finish(ctx context.Context, lease bridge.Lease, end dispatch.Ending) error {
	outcome, err := json.Marshal(end.Outcome)
	if err != nil {
		return fmt.Errorf("finishing run %q: %w", lease.Run, err)
	}
	o, u := end.Outcome, end.Outcome.Usage
	err = s.Write(ctx, func(tx sqldb.Tx) error {
		if err := touch(ctx, tx, lease, end.At); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE runs SET state = ?, reason = ?, answer = ?, tainted = MAX(tainted, ?), turns = ?, calls = ?,
			prompt_tokens = ?, completion_tokens = ?, cached_tokens = ?, finished_at = ? WHERE id = ?`,
			string(end.State), string(o.Reason), o.Answer, o.Tainted, u.Turns, u.Calls, u.PromptTokens, u.CompletionTokens, u.CachedTokens,
			millis(end.At), lease.Run); err != nil {
			return err
		}
		if err := closeJournal(ctx, tx, lease.Run, end.At, outcome); err != nil {
			return err
		}
		if _, err := finishJob(ctx, tx, dispatch.RunJob, lease.Run); err != nil {
			return err
		}
		if end.Callback == nil {
			return nil
		}
		return s.insertCallback(ctx, tx, *end.Callback)
	})
	if err != nil {
		return fmt.Errorf("finishing run %q: %w", lease.Run, err)
	}
	if end.Callback != nil {
		s.signal(dispatch.CallbackJob)
	}
	return nil
}

// closeJournal appends the outcome behind whatever the journal holds.
func closeJournal(ctx context.Context, tx sqldb.Tx, run string, at time.Time, outcome []byte) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO journal (run, seq, kind, at, body)
		SELECT ?, COALESCE(MAX(seq), 0) + 1, ?, ?, ? FROM journal WHERE run = ?`,
		run, string(bridge.EntryOutcome), millis(at), string(outcome), run)
	return err
}

// touch is a sign of life of the worker that holds the lease, and checks that it
// does. The time since the last sign counts as worked: what a crash or a pause
// leaves between two workers does not.
func touch(ctx context.Context, tx sqldb.Tx, lease bridge.Lease, now time.Time) error {
	return fenced(tx.ExecContext(ctx, `UPDATE runs SET worked_ms = worked_ms + MAX(0, ? - touched_at), touched_at = ?
		WHERE id = ? AND epoch = ? AND state = 'running'`, millis(now), millis(now), lease.Run, lease.Epoch))
}

// fenced turns "no row changed" into ErrFenced: the epoch or the state has moved on.
func fenced(res sql.Result, err error) error {
	changed, err := changedOne(res, err)
	if err == nil && !changed {
		return bridge.ErrFenced
	}
	return err
}
