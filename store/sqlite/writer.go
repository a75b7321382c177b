package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"drawbridge/store/state"
	"drawbridge/tools/sqldb"
)

// ErrClosed: the store is closing; nothing was written.
var ErrClosed = errors.New("the store is closed")

// maxBatch bounds how many operations share a commit, so that the first of them
// does not wait for ever under load.
const maxBatch = 256

// writer is the goroutine that owns the writing connection. Operations queue up
// while a commit waits for the disk, and the next commit takes them all.
type writer struct {
	conn    *sql.Conn
	tx      *transaction
	relaxed bool // commits do not wait for the disk now
	queue   *opQueue
	batch   []*operation // reused, as the two below
	joined  []*operation
	parts   []any
	failed  func(error) // is told why something was not written
	done    chan struct{}
}

type operation struct {
	fn  func(tx sqldb.Tx) error
	how state.How

	// number is that in the spool, if it is spooled: to be noted with what it writes.
	number  int32
	spooled bool

	tried   bool // together with others of its kind
	carried bool
	err     error
	result  chan error // buffered: the writer never waits for a caller; nil if nobody waits
}

// alone: nobody waits for it. It was answered when it was spooled.
func (op *operation) alone() bool { return op.result == nil }

func startWriter(conn *sql.Conn, failed func(error)) *writer {
	w := &writer{
		conn:   conn,
		failed: failed,
		tx:     &transaction{conn: conn, prepared: map[string]*sql.Stmt{}},
		queue:  newOpQueue(),
		done:   make(chan struct{}),
	}
	go w.loop()
	return w
}

// Write runs fn in a transaction that it may share with others, and returns when
// the commit is on disk. A context that ends before fn has begun stops it; one
// that ends later does not, because the answer would be a guess.
func (d *DB) Write(ctx context.Context, fn func(tx sqldb.Tx) error) error {
	return d.Do(ctx, state.How{}, fn)
}

// Do is Write with a say in how.
func (d *DB) Do(ctx context.Context, how state.How, fn func(tx sqldb.Tx) error) error {
	if d.writer == nil {
		return fmt.Errorf("writing to %q: opened for reading only", d.path)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	op := &operation{fn: fn, how: how}
	if how.Spool != nil && d.writer.queue.put(op, how.Spool) {
		return nil
	}
	op.result = make(chan error, 1)
	if !d.writer.queue.add(op) {
		return ErrClosed
	}
	select {
	case err := <-op.result: // whatever was added is answered
		return err
	case <-ctx.Done():
	}
	if d.writer.queue.remove(op) {
		return ctx.Err()
	}
	if op.how.Impatient {
		return fmt.Errorf("waiting for a commit that is under way: %w", ctx.Err())
	}
	return <-op.result
}

func (w *writer) loop() {
	defer close(w.done)
	for {
		batch, more := w.queue.take(w.batch[:0])
		if len(batch) > 0 { // all of them may have been taken back
			w.commit(batch)
		}
		if !more {
			return
		}
		clear(batch) // or bodies of up to maxBatch deliveries would stay until as many came again
		w.batch = batch
	}
}

// commit runs a batch in one transaction and answers each operation.
func (w *writer) commit(batch []*operation) {
	err := w.relax(!slices.ContainsFunc(batch, func(op *operation) bool { return !op.how.Relaxed }))
	if err == nil {
		err = w.transact(batch)
	}
	if err != nil {
		w.failed(err)
	}
	var back []*operation
	for _, op := range batch {
		if op.err != nil {
			w.failed(op.err)
		}
		if err != nil { // what failed first may be why
			op.err = fmt.Errorf("committing: %w", errors.Join(op.err, err))
		}
		if !op.alone() {
			op.result <- op.err
		} else if op.err != nil {
			op.err, op.tried, op.carried = nil, false, false
			back = append(back, op)
		}
	}
	if len(back) > 0 {
		w.queue.giveBack(back)
	}
	w.queue.carried()
}

func (w *writer) transact(batch []*operation) error {
	if whole, err := w.whole(batch); whole || err != nil {
		return err
	}
	if err := w.begin(); err != nil {
		return err
	}
	if len(batch) == 1 {
		return w.single(batch)
	}
	var err error
	for i, op := range batch {
		if op.how.Joint != nil && !op.tried {
			err = w.join(batch[i:])
		}
		if err == nil && !op.carried {
			err = w.carry(op)
		}
		if err != nil {
			break
		}
	}
	return w.end(batch, err)
}

// single carries out the only operation of a transaction, which is undone with it.
func (w *writer) single(batch []*operation) error {
	op := batch[0]
	op.err = w.run(op.fn)
	if op.err != nil {
		_ = w.tx.exec("ROLLBACK")
		return nil
	}
	return w.end(batch, nil)
}

func (w *writer) begin() error {
	w.tx.number++
	w.tx.after, w.tx.done = w.tx.done, false
	return w.tx.exec("BEGIN IMMEDIATE")
}

// end commits, or undoes all after an error.
func (w *writer) end(batch []*operation, err error) error {
	if err == nil {
		err = w.note(batch)
	}
	if err == nil {
		err = w.tx.exec("COMMIT")
		w.tx.done = err == nil
	}
	if err != nil {
		_ = w.tx.exec("ROLLBACK") // fails harmlessly where SQLite has rolled back by itself
	}
	return err
}

// note notes which of what was spooled has been carried out. Behind one that could not be,
// others are not noted: to have them twice after a crash is better than not to have that one.
func (w *writer) note(batch []*operation) error {
	var last *operation
	for _, op := range batch {
		if op.spooled && op.err != nil {
			break
		}
		if op.spooled {
			last = op
		}
	}
	if last == nil {
		return nil
	}
	// Not prepared and kept: each number is a statement of its own.
	_, err := w.conn.ExecContext(context.Background(), "PRAGMA user_version = "+strconv.Itoa(int(last.number)))
	return err
}

// relax sets whether the next commits wait for the disk. In WAL mode a commit under
// FULL also brings to disk what was committed under NORMAL before it.
func (w *writer) relax(relaxed bool) error {
	if relaxed == w.relaxed {
		return nil
	}
	pragma := "PRAGMA synchronous = FULL"
	if relaxed {
		pragma = "PRAGMA synchronous = NORMAL"
	}
	// Not prepared and kept: this pragma works when it is compiled, not when it runs.
	if _, err := w.conn.ExecContext(context.Background(), pragma); err != nil {
		return err
	}
	w.relaxed = relaxed
	return nil
}

// carry runs one operation so that its failure undoes it alone. The error is of the
// whole transaction: SQLite gives up all of it on a full disk, say.
func (w *writer) carry(op *operation) error {
	if !op.how.Bare {
		return w.savepoint(op)
	}
	w.tx.changed = false
	if op.err = w.run(op.fn); op.err != nil && w.tx.changed {
		return fmt.Errorf("a write failed halfway: %w", op.err)
	}
	return nil
}

func (w *writer) savepoint(op *operation) error {
	if err := w.tx.exec("SAVEPOINT op"); err != nil {
		return err
	}
	if op.err = w.run(op.fn); op.err != nil {
		if err := w.tx.exec("ROLLBACK TO op"); err != nil {
			return errors.Join(op.err, err)
		}
	}
	return w.tx.exec("RELEASE op")
}

// run calls what writes, and survives it.
func (w *writer) run(fn func(tx sqldb.Tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("writing: panic: %v", p)
		}
	}()
	return fn(w.tx)
}

func (w *writer) stop() error {
	w.queue.close()
	<-w.done
	w.tx.close()
	return w.conn.Close()
}

// transaction prepares each statement once for the life of the connection. It
// ignores the callers' contexts: interrupting a statement would make SQLite roll
// back the whole transaction, with everybody else's operations in it.
type transaction struct {
	conn     *sql.Conn
	prepared map[string]*sql.Stmt
	// changed: something was written since it was last set to false. A query that
	// returns rows may write as well (RETURNING), so every one counts that is no SELECT.
	changed bool
	// number is the running transaction's; after, that the one before was committed; done,
	// that this one is.
	number      int64
	after, done bool
}

var (
	_ sqldb.Tx     = (*transaction)(nil)
	_ sqldb.Serial = (*transaction)(nil)
)

// Serial is sqldb.Serial's.
func (t *transaction) Serial() (number int64, committed bool) { return t.number, t.after }

func (t *transaction) statement(query string) (*sql.Stmt, error) {
	if stmt := t.prepared[query]; stmt != nil {
		return stmt, nil
	}
	stmt, err := t.conn.PrepareContext(context.Background(), settled(query))
	if err != nil {
		return nil, err
	}
	t.prepared[query] = stmt
	return stmt, nil
}

func (t *transaction) exec(query string) error {
	_, err := t.ExecContext(context.Background(), query)
	return err
}

func (t *transaction) ExecContext(_ context.Context, query string, args ...any) (sql.Result, error) {
	stmt, err := t.statement(query)
	if err != nil {
		return nil, err
	}
	res, err := stmt.ExecContext(context.Background(), args...)
	if err == nil && !t.changed {
		n, failed := res.RowsAffected()
		t.changed = failed != nil || n > 0
	}
	return res, err
}

func (t *transaction) QueryContext(_ context.Context, query string, args ...any) (*sql.Rows, error) {
	stmt, err := t.statement(query)
	if err != nil {
		return nil, err
	}
	t.changed = t.changed || !strings.HasPrefix(query, "SELECT")
	return stmt.QueryContext(context.Background(), args...)
}

func (t *transaction) QueryRowContext(_ context.Context, query string, args ...any) *sql.Row {
	stmt, err := t.statement(query)
	if err != nil {
		// *sql.Row cannot be made with an error; the query fails again the same way.
		return t.conn.QueryRowContext(context.Background(), query, args...)
	}
	t.changed = t.changed || !strings.HasPrefix(query, "SELECT")
	return stmt.QueryRowContext(context.Background(), args...)
}

func (t *transaction) close() {
	for _, stmt := range t.prepared {
		_ = stmt.Close()
	}
}
