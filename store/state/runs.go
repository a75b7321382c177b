package state

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
	"drawbridge/tools/sqldb"
)

var _ dispatch.RunStore = (*Store)(nil)

const runColumns = `id, agent, owner, source, COALESCE(event, ''), via, replay, prompt, tainted, route, callback_url, state, reason, answer, cancel, attempts,
	worked_ms, turns, calls, prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens, cost_micros, currency,
	created_at, started_at, finished_at, priority, start_at, metadata, subject, arrival, gate, budget,
	dead, successor, successor_of, edited_by, emptied_at, bounds`

// runRow is a run as it stands in the table.
type runRow struct {
	dispatch.Run
	worked, created, started, finished, startAt int64
	emptiedAt                                   int64
	rank                                        int
	metadata, budget                            string
}

func (r *runRow) fields() []any {
	u := &r.Usage
	return []any{&r.ID, &r.Agent, &r.Owner, &r.Source, &r.Event, &r.Via, &r.Replay, &r.Prompt, &r.Tainted, &r.Route, &r.CallbackURL, &r.State, &r.Reason,
		&r.Answer, &r.Cancel, &r.Attempts, &r.worked, &u.Turns, &u.Calls, &u.PromptTokens, &u.CompletionTokens, &u.CachedTokens,
		&u.ReasoningTokens, &u.Cost, &u.Currency, &r.created, &r.started, &r.finished, &r.rank, &r.startAt, &r.metadata, &r.Subject, &r.Arrival, &r.Gate, &r.budget,
		&r.Dead, &r.Successor, &r.SuccessorOf, &r.EditedBy, &r.emptiedAt, &r.Bounds}
}

func (r *runRow) run() dispatch.Run {
	r.Created, r.Started, r.FinishedAt, r.StartAt = fromMillis(r.created), fromMillis(r.started), fromMillis(r.finished), fromMillis(r.startAt)
	r.EmptiedAt = fromMillis(r.emptiedAt)
	r.Worked = time.Duration(r.worked) * time.Millisecond
	r.Priority = dispatch.High + dispatch.Priority(r.rank)
	if r.metadata != "" {
		_ = json.Unmarshal([]byte(r.metadata), &r.Metadata) // written here, from a map
	}
	if r.budget != "" {
		_ = json.Unmarshal([]byte(r.budget), &r.Budget) // the same
	}
	return r.Run
}

func runByID(ctx context.Context, q sqldb.Querier, id string) (dispatch.Run, error) {
	run, _, err := runAndEpoch(ctx, q, id)
	return run, err
}

func runAndEpoch(ctx context.Context, q sqldb.Querier, id string) (run dispatch.Run, epoch int64, err error) {
	var row runRow
	err = q.QueryRowContext(ctx, `SELECT `+runColumns+`, epoch FROM runs WHERE id = ?`, id).Scan(append(row.fields(), &epoch)...)
	if errors.Is(err, sql.ErrNoRows) {
		return dispatch.Run{}, 0, fmt.Errorf("run %q: %w", id, dispatch.ErrNotFound)
	}
	if err != nil {
		return dispatch.Run{}, 0, fmt.Errorf("reading run %q: %w", id, err)
	}
	return row.run(), epoch, nil
}

// Start adds a queued run and its job.
func (s *Store) Start(ctx context.Context, run dispatch.NewRun) error {
	err := s.Write(ctx, func(tx sqldb.Tx) error {
		return s.start(ctx, tx, run)
	})
	if err != nil {
		return fmt.Errorf("starting run %q: %w", run.ID, err)
	}
	s.signal(dispatch.RunJob)
	return nil
}

// start adds a queued run that no event made, at its gate or with its job.
func (s *Store) start(ctx context.Context, tx sqldb.Tx, run dispatch.NewRun) error {
	return (&gates{tx: tx, now: s.now()}).add(ctx, run, 0)
}

// placed is where a new run stands.
type placed struct {
	state   dispatch.State
	gate    dispatch.Gate
	arrival int64
}

// viaOf names the route that made the run: an agent's name if it has none of its own.
func viaOf(run dispatch.NewRun) string { return cmp.Or(run.Via, run.Agent) }

// insertRun adds a run: queued, or running under its first lease.
func insertRun(ctx context.Context, tx sqldb.Tx, run dispatch.NewRun, at placed, now time.Time) error {
	event := sql.NullString{String: run.Event, Valid: run.Event != ""}
	epoch, begun := 0, int64(0)
	if at.state == dispatch.Running {
		epoch, begun = dispatch.FirstEpoch, millis(now)
	}
	metadata, err := optionalJSON(run.Metadata, len(run.Metadata) == 0)
	if err != nil {
		return fmt.Errorf("encoding the metadata: %w", err)
	}
	budget, err := optionalJSON(run.Budget, run.Budget == (bridge.Budget{}))
	if err != nil {
		return fmt.Errorf("encoding the budget: %w", err)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO runs (id, agent, owner, source, event, via, replay, prompt, tainted, route, callback_url, state, epoch, started_at,
		touched_at, created_at, priority, start_at, metadata, subject, arrival, gate, debounce, start_by, budget, bounds)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		run.ID, run.Agent, run.Owner, run.Source, event, viaOf(run), run.Replay, run.Prompt, run.Tainted, run.Route, run.CallbackURL, string(at.state), epoch, begun, begun, millis(now),
		rank(run.Priority), millis(run.StartAt), metadata, run.Subject, at.arrival, string(at.gate), run.Debounce, millis(run.StartBy), budget, run.Bounds)
	return err
}

// optionalJSON is a value in a column that is "" where there is none.
func optionalJSON(value any, none bool) (string, error) {
	if none {
		return "", nil
	}
	text, err := json.Marshal(value)
	return string(text), err
}

// ClaimRuns leases due runs. A run that ended while its job waited loses the job, and so
// does one that was delayed and has to wait for others now.
func (s *Store) ClaimRuns(ctx context.Context, limit int, lease time.Duration) ([]dispatch.Claimed, error) {
	var all []dispatch.Claimed
	// Where nobody else could have it, a claim need not outlive the machine: all that it
	// protects from ends with that, and what is written under it brings it to disk.
	err := s.Do(ctx, How{Relaxed: s.Alone()}, func(tx sqldb.Tx) error {
		all = nil
		refs, err := s.lease(ctx, tx, dispatch.RunJob, limit, lease)
		if err != nil {
			return err
		}
		for _, ref := range refs {
			claimed, err := s.claimRun(ctx, tx, ref, s.now().Add(lease))
			switch {
			case errors.Is(err, errHeld):
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
	for _, c := range all {
		s.changed(c.Run.ID)
	}
	return all, nil
}

// claimRun puts the run under a new epoch: queued, waiting or running -> running.
// A running one was left by a worker whose lease ran out. Its job is leased already.
func (s *Store) claimRun(ctx context.Context, tx sqldb.Tx, id string, until time.Time) (*dispatch.Claimed, error) {
	run, epoch, err := runAndEpoch(ctx, tx, id)
	switch {
	case err != nil:
		return nil, err
	case run.State.Ended():
		return nil, dispatch.ErrEnded
	}
	if err := s.pass(ctx, tx, &run, until); err != nil {
		return nil, err
	}
	claimed := &dispatch.Claimed{Run: run, Lease: bridge.Lease{Run: id, Epoch: epoch + 1}}
	if run.State == dispatch.Waiting {
		claimed.Parked = run.Reason
	}
	now := s.now()
	if run.Started.IsZero() {
		claimed.Run.Started = fromMillis(millis(now))
	}
	claimed.Run.State, claimed.Run.Reason = dispatch.Running, ""
	_, err = tx.ExecContext(ctx, `UPDATE runs SET state = 'running', reason = '', epoch = ?, touched_at = ?, started_at = ? WHERE id = ?`,
		epoch+1, millis(now), millis(claimed.Run.Started), id)
	return claimed, err
}

// Park puts the run down until a time, or until somebody decides: running -> waiting.
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
		run, err := held(ctx, tx, lease)
		if err != nil {
			return err
		}
		if err := run.touch(ctx, tx, s.now()); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE runs SET state = ?, reason = ?, attempts = CASE WHEN ? < 0 THEN attempts ELSE ? END
			WHERE id = ?`, string(state), reason, attempts, attempts, lease.Run); err != nil {
			return err
		}
		at := due
		switch {
		case run.cancel != "":
			at = s.now() // there is nothing to wait for any more
		case due.IsZero():
			_, err := finishJob(ctx, tx, dispatch.RunJob, lease.Run)
			return err
		}
		return enqueueRun(ctx, tx, lease.Run, at)
	})
	if err != nil {
		return fmt.Errorf("%s run %q: %w", act, lease.Run, err)
	}
	s.changed(lease.Run)
	s.signal(dispatch.RunJob)
	return nil
}

// Finish ends the run: its last entries and the outcome, end state, callback with its job.
func (s *Store) Finish(ctx context.Context, lease bridge.Lease, end dispatch.Ending) error {
	// Without a callback nothing can fail behind the first statement but the disk.
	kind := How{Bare: end.Callback == nil}
	g := &gates{now: s.now()}
	err := s.Do(ctx, kind, func(tx sqldb.Tx) error {
		run, err := held(ctx, tx, lease)
		if err != nil {
			return err
		}
		if err := run.follows(end.Entries); err != nil {
			return err
		}
		g.anew(tx)
		if err := run.finish(ctx, g, end); err != nil || end.Callback == nil {
			return err
		}
		return s.insertCallback(ctx, tx, *end.Callback)
	})
	if err != nil {
		return fmt.Errorf("finishing run %q: %w", lease.Run, err)
	}
	s.changed(lease.Run)
	if end.Callback != nil {
		s.signal(dispatch.CallbackJob)
	}
	if g.opened {
		s.signal(dispatch.RunJob)
	}
	return nil
}

// finish gives a run its end: its state, what it used, the outcome that closes the
// journal behind whatever it holds. Its job is over, and who waited for it goes on.
func (h holding) finish(ctx context.Context, g *gates, end dispatch.Ending) error {
	tx := g.tx
	outcome, err := json.Marshal(end.Outcome)
	if err != nil {
		return fmt.Errorf("encoding the outcome: %w", err)
	}
	o, u, at := end.Outcome, end.Outcome.Usage, millis(end.At)
	if err := sqldb.Later(ctx, tx, `UPDATE runs SET state = ?, reason = ?, answer = ?, tainted = MAX(tainted, ?), turns = ?, calls = ?,
		prompt_tokens = ?, completion_tokens = ?, cached_tokens = ?, reasoning_tokens = ?, cost_micros = ?, currency = ?,
		worked_ms = worked_ms + ?, touched_at = ?, finished_at = ?, gate = '', dead = `+diesAs+` WHERE id = ?`,
		string(end.State), string(o.Reason), o.Answer, o.Tainted, u.Turns, u.Calls, u.PromptTokens, u.CompletionTokens, u.CachedTokens,
		u.ReasoningTokens, u.Cost, u.Currency, h.worked(end.At), at, at, string(end.State), h.run); err != nil {
		return err
	}
	if err := h.spend(ctx, tx, end.At, bridge.Spent(end.Entries)); err != nil {
		return err
	}
	if end.State != dispatch.Succeeded { // one that succeeded waits for nobody
		if err := withdrawApprovals(ctx, tx, h.run, end.At); err != nil {
			return err
		}
	}
	closing := bridge.Entry{Seq: h.last + int64(len(end.Entries)) + 1, Kind: bridge.EntryOutcome, At: end.At, Body: outcome}
	if err := appendEntries(ctx, tx, h.run, append(slices.Clone(end.Entries), closing)); err != nil {
		return err
	}
	if _, err := finishJob(ctx, tx, dispatch.RunJob, h.run); err != nil {
		return err
	}
	return g.ended(ctx, h.waiter)
}
