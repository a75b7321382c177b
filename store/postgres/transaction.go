package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"drawbridge/server/dispatch"
	"drawbridge/tools/sqldb"
)

// How long a transaction may take: a server that does not answer must not keep those who
// wait for ever. What is thrown out for it has not happened, or is not known to have.
const transactionTimeout = 20 * time.Second

// session is a connection of the pool with an open transaction. It ignores the callers'
// contexts: others may share the transaction.
type session struct {
	ctx  context.Context
	stop context.CancelFunc
	conn *sql.Conn
	tx   pgx.Tx
	db   *DB
	// later are statements whose results nobody waits for, failed what became of them.
	later  pgx.Batch
	failed error
	// changed: something was written since it was last set to false. A query that
	// returns rows may write as well (RETURNING), so every one counts that is no SELECT.
	changed bool
	// due are the jobs that were added or moved.
	due []dueJob
}

var _ sqldb.Tx = (*session)(nil)

// begin opens a transaction. An ordered one comes back when no other is open anywhere; a
// relaxed one does not wait for the disk when it is committed.
func (d *DB) begin(ctx context.Context, ordered, relaxed bool) (*session, error) {
	query := "begin"
	if relaxed {
		query += "; set local synchronous_commit to off"
	}
	if ordered {
		query += fmt.Sprintf("; select pg_advisory_xact_lock(%d)", int64(orderLock))
	}
	conn, err := d.writes.Conn(ctx)
	if err != nil {
		return nil, &connectError{err}
	}
	s := &session{conn: conn, db: d}
	s.ctx, s.stop = context.WithTimeout(context.WithoutCancel(ctx), transactionTimeout)
	inner, err := pgxOf(conn)
	if err == nil {
		s.tx, err = inner.BeginTx(s.ctx, pgx.TxOptions{BeginQuery: query})
	}
	if err != nil {
		discard(conn) // it may be in a transaction
		s.stop()
		return nil, err
	}
	return s, nil
}

// connectError: there was no connection to be had.
type connectError struct{ err error }

func (e *connectError) Error() string { return e.err.Error() }
func (e *connectError) Unwrap() error { return e.err }

// commit ends the transaction, with what was left for later. unknown: the answer was lost,
// so that whoever asked must not believe either.
func (s *session) commit() (unknown bool, err error) {
	defer s.stop()
	if err := s.flush("commit"); err != nil {
		discard(s.conn)
		return !undone(err), err
	}
	s.db.wakes.added(s.due)
	return false, s.conn.Close()
}

// undone reports whether an error at the end of a transaction says that nothing of it was
// done. A server that goes down says so with an error as well, whatever it did before.
func undone(err error) bool {
	var said *pgconn.PgError
	return errors.As(err, &said) && said.SeverityUnlocalized == "ERROR" || errors.Is(err, pgx.ErrTxCommitRollback)
}

func (s *session) rollback() {
	defer s.stop()
	if s.tx.Rollback(s.ctx) != nil {
		discard(s.conn)
		return
	}
	_ = s.conn.Close()
}

// broken reports whether a statement failed: PostgreSQL takes no more of them then, and
// turns a commit into a rollback.
func (s *session) broken() bool {
	return s.tx.Conn().IsClosed() || s.tx.Conn().PgConn().TxStatus() != 'T'
}

func (s *session) ExecContext(_ context.Context, query string, args ...any) (sql.Result, error) {
	if err := s.flush(); err != nil {
		return nil, err
	}
	res, err := s.conn.ExecContext(s.ctx, query, args...)
	if err == nil && !s.changed {
		n, failed := res.RowsAffected()
		s.changed = failed != nil || n > 0
	}
	return res, err
}

func (s *session) QueryContext(_ context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := s.flush(); err != nil {
		return nil, err
	}
	s.changed = s.changed || !strings.HasPrefix(query, "SELECT")
	return s.conn.QueryContext(s.ctx, query, args...)
}

func (s *session) QueryRowContext(_ context.Context, query string, args ...any) *sql.Row {
	_ = s.flush() // after an error this fails too, and run tells of the first
	s.changed = s.changed || !strings.HasPrefix(query, "SELECT")
	return s.conn.QueryRowContext(s.ctx, query, args...)
}

// Enqueued is told of each job that is added or moved. Its wake-up goes into the same
// transaction, with all others.
func (s *session) Enqueued(kind dispatch.Kind, ref string, due time.Time) {
	s.due = append(s.due, dueJob{string(kind), ref, due})
}

// What an error of PostgreSQL says by its code (SQLSTATE).
const (
	uniqueViolation      = "23505"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
)

// cutCodes are those with which the server ends a connection.
var cutCodes = map[string]bool{
	"25P03": true, // idle in a transaction for too long: this process was stopped
	"57P01": true, // the administrator stops the server
	"57P02": true, // it has crashed
	"57P05": true, // idle for too long
}

func codeOf(err error) string {
	var said *pgconn.PgError
	if errors.As(err, &said) {
		return said.Code
	}
	return ""
}

// run runs fn, whose panic is an error.
func (s *session) run(fn func(tx sqldb.Tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("writing: panic: %v", p)
		}
	}()
	err = fn(s)
	if s.failed != nil {
		return s.failed
	}
	if err != nil {
		return err
	}
	if s.broken() {
		return errPassedOver
	}
	return nil
}

var errPassedOver = errors.New("writing: a statement failed, and so all of it")
