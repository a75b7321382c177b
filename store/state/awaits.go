package state

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
	"drawbridge/server/guard"
	"drawbridge/tools/sqldb"
)

// AwaitApproval puts the run down until people have decided: running -> waiting. Whoever
// decides wakes runs that wait ([Store.wakeRun]); what was decided while the run was on its
// way here is looked for in the same transaction as that puts it down, so that no decision
// falls between the two.
func (s *Store) AwaitApproval(ctx context.Context, lease bridge.Lease, approvals []string, until time.Time) error {
	ids, err := json.Marshal(approvals)
	if err != nil {
		return fmt.Errorf("putting down run %q: %w", lease.Run, err)
	}
	err = s.Write(ctx, func(tx sqldb.Tx) error {
		run, err := held(ctx, tx, lease)
		if err != nil {
			return err
		}
		if err := run.touch(ctx, tx, s.now()); err != nil {
			return err
		}
		var pending int
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM approvals WHERE state = ? AND id IN (SELECT value FROM json_each(?))`,
			string(guard.ApprovalPending), string(ids)).Scan(&pending); err != nil {
			return err
		}
		reason, due := string(bridge.ApprovalNeeded), until
		if pending < len(approvals) || run.cancel != "" {
			reason, due = dispatch.Decided, s.now()
		}
		if _, err := tx.ExecContext(ctx, `UPDATE runs SET state = 'waiting', reason = ? WHERE id = ?`, reason, lease.Run); err != nil {
			return err
		}
		return enqueueRun(ctx, tx, lease.Run, due)
	})
	if err != nil {
		return fmt.Errorf("putting down run %q until an approval is decided about: %w", lease.Run, err)
	}
	s.changed(lease.Run)
	s.signal(dispatch.RunJob)
	return nil
}

// withdrawApprovals has nobody decide any more about what a run that has ended waited for.
func withdrawApprovals(ctx context.Context, tx sqldb.Tx, run string, at time.Time) error {
	if err := sqldb.Later(ctx, tx, `DELETE FROM approval_notices WHERE approval IN (SELECT id FROM approvals WHERE run = ?)`, run); err != nil {
		return err
	}
	return sqldb.Later(ctx, tx, `UPDATE approvals SET state = ?, ended_at = ? WHERE run = ? AND state IN (?, ?)`,
		string(guard.ApprovalWithdrawn), millis(at), run, string(guard.ApprovalPending), string(guard.ApprovalGiven))
}
