package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"drawbridge/server/audit"
	"drawbridge/server/guard"
	"drawbridge/tools"
	"drawbridge/tools/sqldb"
)

var _ guard.Ledger = (*Store)(nil)

// Claim notes the intended call unless its key is known, and gives what is known.
func (s *Store) Claim(ctx context.Context, c guard.Claim) (guard.Prior, error) {
	var prior guard.Prior
	err := s.Do(ctx, How{Bare: true}, func(tx sqldb.Tx) error {
		var err error
		prior, err = claimCall(ctx, tx, c)
		return err
	})
	if err != nil {
		return guard.Prior{}, fmt.Errorf("claiming a call of %s: %w", c.Tool, err)
	}
	return prior, nil
}

func claimCall(ctx context.Context, tx sqldb.Tx, c guard.Claim) (guard.Prior, error) {
	prior, err := priorCall(ctx, tx, c.Principal, c.Key)
	if err != nil || prior.State != guard.Fresh && !c.Outdates(prior) {
		return prior, err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO guarded_calls (principal, idempotency_key, tool, digest, at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (principal, idempotency_key) DO UPDATE SET tool = excluded.tool, digest = excluded.digest, result = NULL, at = excluded.at`,
		c.Principal, c.Key, c.Tool, c.Digest, millis(c.At))
	return guard.Prior{State: guard.Fresh, At: fromMillis(millis(c.At))}, err
}

// Lookup reads what is known of a key.
func (s *Store) Lookup(ctx context.Context, principal, key string) (guard.Prior, error) {
	prior, err := priorCall(ctx, s.Read(), principal, key)
	if err != nil {
		return guard.Prior{}, fmt.Errorf("looking up an idempotency key: %w", err)
	}
	return prior, nil
}

func priorCall(ctx context.Context, q sqldb.Querier, principal, key string) (guard.Prior, error) {
	prior := guard.Prior{State: guard.Started}
	var (
		result sql.NullString
		at     int64
	)
	err := q.QueryRowContext(ctx, `SELECT tool, digest, result, at FROM guarded_calls WHERE principal = ? AND idempotency_key = ?`,
		principal, key).Scan(&prior.Tool, &prior.Digest, &result, &at)
	prior.At = fromMillis(at)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return guard.Prior{State: guard.Fresh}, nil
	case err != nil:
		return guard.Prior{}, err
	case result.Valid:
		prior.State, prior.Result = guard.Settled, []byte(result.String)
	}
	return prior, nil
}

// Record appends the audit row and settles the call, in one transaction. The row of
// a read that was let through is written before the answer, so that no crash of the
// process loses it, but does not wait for the disk: it changes nothing that would
// have to be proved. It is on disk with the next write that waits, and so is that of a
// call whose result a run is about to journal, unless the database can be killed without
// this process: that would journal the result to the next one. Where nothing is decided by
// the row, as it is by those of a run, it may be spooled.
func (s *Store) Record(ctx context.Context, row guard.Row, settled *guard.Settlement) error {
	r := &recording{recordOf(row), settled}
	read := row.Effect == tools.Read && row.Decision == guard.Allowed
	how := How{Bare: true, Keyed: true, Relaxed: read || row.Journaled && s.Alone()}
	doubted := row.Doubted
	if s.InOrder() && !doubted {
		how.Joint, how.Part = s.records, r
	}
	if s.spools && read && row.Run == "" && settled == nil {
		how.Spool = r.record.AppendFields
	}
	err := s.Do(ctx, how, func(tx sqldb.Tx) error {
		if there, err := turnsUp(ctx, tx, doubted, &r.record); err != nil || there {
			return err
		}
		if err := s.appendRecords(ctx, tx, r.record); err != nil || settled == nil {
			return err
		}
		return settle(ctx, tx, *settled)
	})
	if err != nil {
		return fmt.Errorf("recording a call of %s: %w", row.Tool, err)
	}
	return nil
}

// recording is a call to be recorded together with others.
type recording struct {
	record  audit.Record
	settled *guard.Settlement
}

// recordTogether carries out several calls of [Store.Record].
func (s *Store) recordTogether(tx sqldb.Tx, parts []any) error {
	ctx := context.Background() // the transaction goes by nobody's
	records := make([]audit.Record, len(parts))
	for i, part := range parts {
		records[i] = part.(*recording).record
	}
	if err := s.appendRecords(ctx, tx, records...); err != nil {
		return err
	}
	for _, part := range parts {
		if settled := part.(*recording).settled; settled != nil {
			if err := settle(ctx, tx, *settled); err != nil {
				return err
			}
		}
	}
	return nil
}

// Unspool carries out what whoever had a database open before had spooled, and does no more.
func Unspool(ctx context.Context, engine Engine) error {
	return (&Store{Engine: engine}).unspool(ctx)
}

// unspool records calls that an earlier process had answered.
func (s *Store) unspool(ctx context.Context) error {
	of, ok := s.Engine.(Spooler)
	if !ok {
		return nil
	}
	err := of.Unspool(ctx, func(tx sqldb.Tx, spooled [][]byte) error {
		records := make([]audit.Record, len(spooled))
		for i, fields := range spooled {
			var err error
			if records[i], err = audit.ParseFields(fields); err != nil {
				return err
			}
		}
		return s.appendRecords(ctx, tx, records...)
	})
	s.spools = err == nil
	return err
}

// settleAudit is before what reads the audit: a call that was answered is in it then.
func (s *Store) settleAudit(ctx context.Context) {
	if of, ok := s.Engine.(Spooler); ok {
		of.Settle(ctx)
	}
}

// settle stores the first result of a call, or gives its claim up. A result that
// is there already stays: it was the first.
func settle(ctx context.Context, tx sqldb.Tx, c guard.Settlement) error {
	if c.Unused != "" {
		if err := sqldb.Later(ctx, tx, `UPDATE approvals SET state = 'approved', ended_at = 0 WHERE id = ? AND state = 'used'`, c.Unused); err != nil || c.Key == "" {
			return err
		}
	}
	if len(c.Result) == 0 {
		return sqldb.Later(ctx, tx, `DELETE FROM guarded_calls WHERE principal = ? AND idempotency_key = ? AND result IS NULL`,
			c.Principal, c.Key)
	}
	return sqldb.Later(ctx, tx, `INSERT INTO guarded_calls (principal, idempotency_key, tool, digest, result, at) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (principal, idempotency_key) DO UPDATE SET result = COALESCE(guarded_calls.result, excluded.result),
			at = CASE WHEN guarded_calls.result IS NULL THEN excluded.at ELSE guarded_calls.at END`,
		c.Principal, c.Key, c.Tool, c.Digest, string(c.Result), millis(c.At))
}
