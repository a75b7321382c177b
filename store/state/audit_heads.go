package state

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"drawbridge/server/audit"
	"drawbridge/tools/sqldb"
)

const (
	// A head stays if the last one that does is so far behind.
	keptRows  = 10_000
	keptEvery = 10 * time.Minute
	// keptAll is how long all of those stay. Of older ones one a day does: each holds all
	// rows before it.
	keptAll = 24 * time.Hour
)

// SignAudit has heads signed from now on. It is called before the store is used.
func (s *Store) SignAudit(with audit.Signer) { s.signer = with }

const headFields = `kind, at, count, last, hash, public_key, signature`

func fieldsOfHead(h *audit.Head) []any {
	return []any{&h.Kind, &h.At, &h.Count, &h.Last, &h.Hash, &h.PublicKey, &h.Signature}
}

func insertHead(ctx context.Context, tx sqldb.Tx, h *audit.Head) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO audit_heads (`+headFields+`) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		h.Kind, h.At, h.Count, h.Last, h.Hash, h.PublicKey, h.Signature)
	return err
}

// newestHead is the head that is farthest, empty if there is none.
func newestHead(ctx context.Context, q sqldb.Querier, kinds string) (h audit.Head, err error) {
	err = q.QueryRowContext(ctx, `SELECT `+headFields+` FROM audit_heads WHERE kind IN (`+kinds+`) ORDER BY last DESC, id DESC LIMIT 1`).Scan(fieldsOfHead(&h)...)
	if errors.Is(err, sql.ErrNoRows) {
		return audit.Head{}, nil
	}
	return h, err
}

const (
	anyHead  = `'latest', 'kept', 'cut'`
	keptHead = `'kept'`
)

// HeadAudit makes a head if rows have come since the last one.
func (s *Store) HeadAudit(ctx context.Context) (made *audit.Head, err error) {
	end, err := chainEnd(ctx, s.Read())
	if err != nil {
		return nil, wrapped("looking at the audit", err)
	}
	newest, err := newestHead(ctx, s.Read(), anyHead)
	if err != nil || end.id == 0 || end.hash == nil || newest.Last == end.id && bytes.Equal(newest.Hash, end.hash) {
		return nil, wrapped("looking at the audit's heads", err)
	}
	err = s.Do(ctx, How{Keyed: true}, func(tx sqldb.Tx) error {
		made = nil
		if err := s.Lock(ctx, tx, chainLock); err != nil {
			return err
		}
		made, err = s.head(ctx, tx)
		return err
	})
	return made, wrapped("making a head of the audit", err)
}

func (s *Store) head(ctx context.Context, tx sqldb.Tx) (*audit.Head, error) {
	end, err := chainEnd(ctx, tx)
	if err != nil || end.hash == nil {
		return nil, err
	}
	newest, err := newestHead(ctx, tx, anyHead)
	if err != nil || newest.Last == end.id && bytes.Equal(newest.Hash, end.hash) { // another process was quicker
		return nil, err
	}
	if err := stillHolds(ctx, tx, newest); err != nil {
		return nil, err
	}
	kept, err := newestHead(ctx, tx, keptHead)
	if err != nil {
		return nil, err
	}
	var more int64
	if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM audit WHERE id > ? AND id <= ?`, newest.Last, end.id).Scan(&more); err != nil {
		return nil, err
	}
	h := &audit.Head{Kind: audit.Latest, At: millis(s.now()), Count: newest.Count + more, Last: end.id, Hash: end.hash}
	if h.Count-kept.Count >= keptRows || h.At-kept.At >= keptEvery.Milliseconds() {
		h.Kind = audit.Kept
		// The first of a day stays.
		if _, err := tx.ExecContext(ctx, `DELETE FROM audit_heads WHERE kind = 'kept' AND at < ? AND id NOT IN
			(SELECT MIN(id) FROM audit_heads WHERE kind = 'kept' GROUP BY at / 86400000)`, h.At-keptAll.Milliseconds()); err != nil {
			return nil, err
		}
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM audit_heads WHERE kind = 'latest'`); err != nil {
		return nil, err
	}
	s.signer.Sign(h)
	return h, insertHead(ctx, tx, h)
}

// stillHolds looks whether the row that a head was made at is there. A new head would take
// the place of this one, and nobody would ever find out.
func stillHolds(ctx context.Context, q sqldb.Querier, h audit.Head) error {
	if h.Last == 0 || h.Kind == audit.Cut {
		return nil
	}
	var hash []byte
	err := q.QueryRowContext(ctx, `SELECT hash FROM audit WHERE id = ?`, h.Last).Scan(&hash)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !bytes.Equal(hash, h.Hash) {
		return fmt.Errorf("row %d, at which the last one was made, is gone or was changed: run `drawbridge audit verify`", h.Last)
	}
	return err
}

// cutAudit notes that rows up to one are about to be removed: how many, and the last one's
// hash, which the first that stays follows. Heads before it have nothing to hold any more.
func (s *Store) cutAudit(ctx context.Context, tx sqldb.Tx, last int64, removed int) error {
	end, err := linkBefore(ctx, tx, last+1)
	if err != nil {
		return err
	}
	before, err := newestHead(ctx, tx, `'cut'`)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM audit_heads WHERE last <= ?`, last); err != nil {
		return err
	}
	h := &audit.Head{Kind: audit.Cut, At: millis(s.now()), Count: before.Count + int64(removed), Last: last, Hash: end.hash}
	s.signer.Sign(h)
	return insertHead(ctx, tx, h)
}

// WholeAudit hands out the audit as of one moment, for as long as read takes.
func (s *Store) WholeAudit(ctx context.Context, read func(audit.Source) error) error {
	s.settleAudit(ctx)
	tx, err := s.Snapshot(ctx)
	if err != nil {
		return wrapped("reading the audit", err)
	}
	defer func() { _ = tx.Rollback() }()
	return read(wholeAudit{tx})
}

type wholeAudit struct{ tx *sql.Tx }

// Heads gives all heads.
func (w wholeAudit) Heads(ctx context.Context) ([]audit.Head, error) {
	rows, err := w.tx.QueryContext(ctx, `SELECT `+headFields+` FROM audit_heads ORDER BY last, id`)
	if err != nil {
		return nil, wrapped("reading the audit's heads", err)
	}
	heads, err := collect(rows, fieldsOfHead)
	return heads, wrapped("reading the audit's heads", err)
}

// Rows hands out all rows in the order of the chain.
func (w wholeAudit) Rows(ctx context.Context, each func(*audit.Record) error) error {
	rows, err := w.tx.QueryContext(ctx, `SELECT `+auditFields+` FROM audit ORDER BY id`)
	if err != nil {
		return wrapped("reading the audit", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var r audit.Record
		if err := rows.Scan(recordFields(&r)...); err != nil {
			// What no column of ours holds was put there by somebody else. The number is the
			// first to be read.
			r = audit.Record{ID: r.ID, Hash: []byte("unreadable")}
		}
		if err := each(&r); err != nil {
			return err
		}
	}
	return wrapped("reading the audit", rows.Err())
}
