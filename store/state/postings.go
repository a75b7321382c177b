package state

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"drawbridge/server/guard"
	"drawbridge/tools/sqldb"
)

var _ guard.Postings = (*Store)(nil)

// Posted notes that a notice was told by a message, which is kept.
func (s *Store) Posted(ctx context.Context, n guard.Notice, p guard.Posting) error {
	err := s.Write(ctx, func(tx sqldb.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM approval_notices WHERE approval = ? AND target = ?`, n.Approval, n.Target); err != nil {
			return err
		}
		return s.keepPosting(ctx, tx, p)
	})
	if err != nil {
		return fmt.Errorf("noting what was posted of approval %q: %w", p.Approval, err)
	}
	return nil
}

// KeepPosting keeps a message that was found.
func (s *Store) KeepPosting(ctx context.Context, p guard.Posting) error {
	if err := s.Write(ctx, func(tx sqldb.Tx) error { return s.keepPosting(ctx, tx, p) }); err != nil {
		return fmt.Errorf("keeping what was posted of approval %q: %w", p.Approval, err)
	}
	return nil
}

// keepPosting makes a message due at once: whatever it shows, the approval may have
// changed since that was written.
func (s *Store) keepPosting(ctx context.Context, tx sqldb.Tx, p guard.Posting) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO approval_postings (approval, target, message, shown, due_at)
		SELECT a.id, ?, ?, ?, ? FROM approvals a WHERE a.id = ? ON CONFLICT (approval, target, message) DO NOTHING`,
		p.Target, p.ID, p.Shown, millis(s.now()), p.Approval)
	return err
}

// postings are those that there are, with how the approval stands and when they are due:
// at once if that has changed, else when it runs out, and never before their own time.
const postings = `SELECT p.approval, p.target, p.message, p.shown, p.attempts, a.state || ' ' || CAST(LENGTH(a.decisions) AS TEXT) AS stands,
	CASE WHEN p.stands <> a.state || ' ' || CAST(LENGTH(a.decisions) AS TEXT) OR p.due_at > a.expires_at THEN p.due_at ELSE a.expires_at END AS due
	FROM approval_postings p JOIN approvals a ON a.id = p.approval`

// DuePostings gives those that have to be looked at now, and when the next one has to be.
func (s *Store) DuePostings(ctx context.Context, limit int) (due []guard.Posting, next time.Time, err error) {
	now := millis(s.now())
	rows, err := s.Read().QueryContext(ctx, `SELECT approval, target, message, shown, attempts, stands FROM (`+postings+`) AS open
		WHERE due <= ? ORDER BY due, approval, target, message LIMIT ?`, now, limit)
	if err != nil {
		return nil, next, fmt.Errorf("looking for messages to change: %w", err)
	}
	due, err = collect(rows, func(p *guard.Posting) []any {
		return []any{&p.Approval, &p.Target, &p.ID, &p.Shown, &p.Attempts, &p.Stands}
	})
	if err != nil {
		return nil, next, fmt.Errorf("looking for messages to change: %w", err)
	}
	var at sql.NullInt64
	if err := s.Read().QueryRowContext(ctx, `SELECT MIN(due) FROM (`+postings+`) AS open WHERE due > ?`, now).Scan(&at); err != nil {
		return nil, next, fmt.Errorf("looking for messages to change: %w", err)
	}
	return due, fromMillis(at.Int64), nil
}

// Reposted notes what came of changing one.
func (s *Store) Reposted(ctx context.Context, p guard.Posting, r guard.Reposted) error {
	key := []any{p.Approval, p.Target, p.ID}
	err := s.Write(ctx, func(tx sqldb.Tx) error {
		const which = ` WHERE approval = ? AND target = ? AND message = ?`
		var err error
		switch {
		case r.Over:
			_, err = tx.ExecContext(ctx, `DELETE FROM approval_postings`+which, key...)
		case r.Problem != "":
			_, err = tx.ExecContext(ctx, `UPDATE approval_postings SET attempts = attempts + 1, due_at = ?, last_error = ?, stands = ''`+which,
				append([]any{millis(r.Next), r.Problem}, key...)...)
		default:
			_, err = tx.ExecContext(ctx, `UPDATE approval_postings SET attempts = 0, due_at = ?, last_error = '', shown = ?, stands = ?`+which,
				append([]any{millis(s.now()), r.Shown, p.Stands}, key...)...)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("noting what a message about approval %q shows: %w", p.Approval, err)
	}
	return nil
}
