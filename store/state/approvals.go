package state

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
	"drawbridge/server/guard"
	"drawbridge/tools/sqldb"
)

var _ guard.ApprovalBook = (*Store)(nil)

const approvalColumns = `id, digest, call_digest, idempotency_key, principal, acts_for, door, run, tool, effect, arguments, rule, reason, policy, deciders, needs,
	within_ms, state, created_at, expires_at, ended_at, decisions`

// approvalRow is an approval as it stands in the table.
type approvalRow struct {
	guard.Approval
	arguments, deciders, decisions  string
	within, created, expires, ended int64
}

func (r *approvalRow) fields() []any {
	return []any{&r.ID, &r.Digest, &r.Call, &r.Key, &r.Principal, &r.For, &r.Door, &r.Run, &r.Tool, &r.Effect, &r.arguments, &r.Rule, &r.Reason, &r.Policy,
		&r.deciders, &r.Terms.Count, &r.within, &r.State, &r.created, &r.expires, &r.ended, &r.decisions}
}

func (r *approvalRow) approval() (guard.Approval, error) {
	a := r.Approval
	a.Arguments, a.Terms.Within = json.RawMessage(r.arguments), time.Duration(r.within)*time.Millisecond
	a.Created, a.Expires, a.Ended = fromMillis(r.created), fromMillis(r.expires), fromMillis(r.ended)
	if err := errors.Join(json.Unmarshal([]byte(r.deciders), &a.Terms.By), json.Unmarshal([]byte(r.decisions), &a.Decisions)); err != nil {
		return a, fmt.Errorf("reading approval %q: %w", a.ID, err)
	}
	return a, nil
}

// oneApproval gives the first that a query finds, false if there is none.
func oneApproval(ctx context.Context, q sqldb.Querier, which string, args ...any) (guard.Approval, bool, error) {
	var row approvalRow
	err := q.QueryRowContext(ctx, `SELECT `+approvalColumns+` FROM approvals `+which, args...).Scan(row.fields()...)
	if errors.Is(err, sql.ErrNoRows) {
		return guard.Approval{}, false, nil
	}
	if err != nil {
		return guard.Approval{}, false, err
	}
	a, err := row.approval()
	return a, err == nil, err
}

func approvalByID(ctx context.Context, q sqldb.Querier, id string) (guard.Approval, error) {
	a, found, err := oneApproval(ctx, q, `WHERE id = ?`, id)
	if err == nil && !found {
		err = guard.ErrNoApproval
	}
	return a, err
}

// Approval gives one as it stands now.
func (s *Store) Approval(ctx context.Context, id string) (guard.Approval, error) {
	a, err := approvalByID(ctx, s.Read(), id)
	if err != nil {
		return a, fmt.Errorf("approval %q: %w", id, err)
	}
	return a.At(s.now()), nil
}

// Ask gives the approval of a call, or makes it: (none) -> pending.
func (s *Store) Ask(ctx context.Context, wanted guard.Approval) (guard.Approval, error) {
	var found guard.Approval
	made := false
	err := s.Write(ctx, func(tx sqldb.Tx) error {
		var known bool
		var err error
		made = false
		if found, known, err = knownApproval(ctx, tx, wanted); err != nil || known {
			return err
		}
		found, made = wanted, true
		return insertApproval(ctx, tx, wanted)
	})
	if err != nil {
		return guard.Approval{}, fmt.Errorf("asking for an approval of %s: %w", wanted.Tool, err)
	}
	if made && len(wanted.Notify) > 0 {
		s.signal(dispatch.Notices)
	}
	return found, nil
}

// knownApproval gives the approval that counts for a call: see [guard.Approvals].
func knownApproval(ctx context.Context, tx sqldb.Tx, wanted guard.Approval) (guard.Approval, bool, error) {
	last, found, err := oneApproval(ctx, tx, `WHERE call_digest = ? AND idempotency_key = ? ORDER BY created_at DESC, id DESC LIMIT 1`, wanted.Call, wanted.Key)
	if err != nil {
		return last, false, err
	}
	if found {
		stands, counts := last.Against(wanted)
		if last.Waits() && !stands.Waits() {
			if err := endApproval(ctx, tx, stands); err != nil {
				return last, false, err
			}
		}
		if counts {
			return stands, true, nil
		}
	}
	return oneApproval(ctx, tx, `WHERE call_digest = ? AND state = 'denied' AND ended_at > ? ORDER BY ended_at DESC LIMIT 1`, wanted.Call, millis(wanted.Created.Add(-guard.Stands)))
}

func insertApproval(ctx context.Context, tx sqldb.Tx, a guard.Approval) error {
	deciders, err := json.Marshal(append([]string{}, a.Terms.By...))
	if err != nil {
		return fmt.Errorf("encoding who may decide: %w", err)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO approvals (`+approvalColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		a.ID, a.Digest, a.Call, a.Key, a.Principal, a.For, a.Door, a.Run, a.Tool, string(a.Effect), string(a.Arguments), a.Rule, a.Reason, a.Policy, string(deciders),
		a.Terms.Count, a.Terms.Within.Milliseconds(), string(guard.ApprovalPending), millis(a.Created), millis(a.Expires), 0, "[]")
	for _, target := range a.Notify {
		if err == nil {
			_, err = tx.ExecContext(ctx, `INSERT INTO approval_notices (approval, target, due_at) VALUES (?, ?, ?)`, a.ID, target, millis(a.Created))
		}
	}
	return err
}

// endApproval notes that an approval has ended, and tells nobody of it any more.
func endApproval(ctx context.Context, tx sqldb.Tx, a guard.Approval) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM approval_notices WHERE approval = ?`, a.ID); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE approvals SET state = ?, ended_at = ? WHERE id = ?`, string(a.State), millis(a.Ended), a.ID)
	return err
}

// Use uses an approval up, and claims the call: approved -> used.
func (s *Store) Use(ctx context.Context, id string, at time.Time, c *guard.Claim) (guard.Prior, error) {
	prior := guard.Prior{State: guard.Fresh}
	err := s.Write(ctx, func(tx sqldb.Tx) error {
		a, err := approvalByID(ctx, tx, id)
		switch {
		case errors.Is(err, guard.ErrNoApproval):
			return guard.ErrNotApproved
		case err != nil:
			return err
		}
		if a = a.At(at); a.State != guard.ApprovalGiven {
			return guard.ErrNotApproved
		}
		if c != nil {
			if prior, err = claimCall(ctx, tx, *c); err != nil || prior.Stands(*c) {
				return err
			}
		}
		a.State, a.Ended = guard.ApprovalUsed, at
		return endApproval(ctx, tx, a)
	})
	if err != nil {
		return guard.Prior{}, fmt.Errorf("using approval %q: %w", id, err)
	}
	s.approvals.changed(id)
	return prior, nil
}

// DecideApproval notes what somebody says: pending -> pending | approved | denied.
func (s *Store) DecideApproval(ctx context.Context, id string, by guard.Decider, v guard.ApprovalVerdict) (guard.Approval, error) {
	var a guard.Approval
	woken := false
	err := s.Write(ctx, func(tx sqldb.Tx) error {
		woken = false
		var err error
		if a, err = approvalByID(ctx, tx, id); err != nil {
			return err
		}
		if a, err = a.Decide(by, v); err != nil {
			return err
		}
		decisions, err := json.Marshal(a.Decisions)
		if err != nil {
			return fmt.Errorf("encoding decisions: %w", err)
		}
		if _, err := tx.ExecContext(ctx, `UPDATE approvals SET state = ?, expires_at = ?, ended_at = ?, decisions = ? WHERE id = ?`,
			string(a.State), millis(a.Expires), millis(a.Ended), string(decisions), id); err != nil || a.State == guard.ApprovalPending {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM approval_notices WHERE approval = ?`, id); err != nil || a.Run == "" {
			return err
		}
		woken, err = s.wakeRun(ctx, tx, a.Run)
		return err
	})
	if err != nil {
		return a, fmt.Errorf("deciding about approval %q: %w", id, err)
	}
	s.approvals.changed(id)
	s.signal(dispatch.Notices) // what was posted of it shows something else now
	if woken {
		s.changed(a.Run)
		s.signal(dispatch.RunJob)
	}
	return a, nil
}

// wakeRun has a run go on that waits: its job, if it has one that nobody has leased, is
// due.
func (s *Store) wakeRun(ctx context.Context, tx sqldb.Tx, run string) (bool, error) {
	now := s.now()
	// It waits for that no more: whoever looks before a worker has it is told so.
	if _, err := tx.ExecContext(ctx, `UPDATE runs SET reason = ? WHERE id = ? AND state = 'waiting' AND reason = ?`, dispatch.Decided, run, string(bridge.ApprovalNeeded)); err != nil {
		return false, err
	}
	noteJob(tx, dispatch.RunJob, run, now)
	return changedOne(tx.ExecContext(ctx, `UPDATE jobs SET due_at = ? WHERE kind = ? AND ref = ? AND leased = 0 AND due_at > ?
		AND EXISTS (SELECT 1 FROM runs WHERE id = ref AND state = 'waiting')`, millis(now), string(dispatch.RunJob), run, millis(now)))
}

// ListApprovals gives those that fit, the newest first.
func (s *Store) ListApprovals(ctx context.Context, f guard.ApprovalFilter, before string, limit int) ([]guard.Approval, error) {
	now := millis(s.now())
	query, args := `WHERE 1 = 1`, []any{}
	add := func(condition string, values ...any) { query, args = query+" AND "+condition, append(args, values...) }
	switch f.State {
	case "":
	case guard.ApprovalPending, guard.ApprovalGiven:
		add(`state = ? AND expires_at > ?`, string(f.State), now)
	case guard.ApprovalExpired:
		add(`(state = ? OR state IN ('pending', 'approved') AND expires_at <= ?)`, string(f.State), now)
	default:
		add(`state = ?`, string(f.State))
	}
	if f.Run != "" {
		add(`run = ?`, f.Run)
	}
	if before != "" {
		last, err := approvalByID(ctx, s.Read(), before)
		if err != nil {
			return nil, fmt.Errorf("listing approvals before %q: %w", before, err)
		}
		at := millis(last.Created)
		add(`(created_at < ? OR created_at = ? AND id < ?)`, at, at, before)
	}
	rows, err := s.Read().QueryContext(ctx, `SELECT `+approvalColumns+` FROM approvals `+query+` ORDER BY created_at DESC, id DESC LIMIT ?`, append(args, limit)...)
	if err != nil {
		return nil, fmt.Errorf("listing approvals: %w", err)
	}
	found, err := collect(rows, (*approvalRow).fields)
	if err != nil {
		return nil, fmt.Errorf("listing approvals: %w", err)
	}
	all := make([]guard.Approval, len(found))
	for i := range found {
		a, err := found[i].approval()
		if err != nil {
			return nil, err
		}
		all[i] = a.At(s.now())
	}
	return all, nil
}
