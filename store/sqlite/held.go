package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"drawbridge/store/copying"
	"drawbridge/store/state"
	"drawbridge/tools/sqldb"
)

// Held is a store's file that nobody else has open, or can open, with a transaction in it:
// one end of a copy.
type Held struct {
	path      string
	owner     *fileLock
	opening   *fileLock
	db        *sql.DB
	conn      *sql.Conn
	fresh     bool // it was not there before
	committed bool
}

var _ copying.Target = (*Held)(nil)

// OpenSource holds a store to read all of it. It has to be of this program's version, and
// nobody may have it open.
func OpenSource(ctx context.Context, path string, backends ...sqldb.Schema) (*Held, error) {
	h := &Held{path: path}
	if err := h.openSource(ctx, withOwn(backends)); err != nil {
		return nil, fmt.Errorf("opening store %q: %w", path, errors.Join(err, h.Close()))
	}
	return h, nil
}

func (h *Held) openSource(ctx context.Context, schemas []sqldb.Schema) error {
	if _, err := os.Stat(h.path); err != nil {
		return err
	}
	if real, err := filepath.EvalSymlinks(h.path); err == nil {
		h.path = real
	}
	if err := carryOut(ctx, h.path, schemas); err != nil {
		return err
	}
	if err := h.lock(ctx); err != nil {
		return err
	}
	db, err := openReading(ctx, h.path, true)
	if err != nil {
		return err
	}
	h.db = db
	standings, err := standOf(ctx, db, schemas)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(standings, behind) {
		return errBehind
	}
	return h.begin(ctx, "BEGIN")
}

// carryOut has a store carry out what it was killed over: a copy would not have it.
func carryOut(ctx context.Context, path string, schemas []sqldb.Schema) error {
	if content, err := readSpool(path); err != nil || len(content) == 0 {
		return err
	}
	db, err := OpenDB(ctx, path, state.Owned, schemas...)
	if err != nil {
		return err
	}
	return errors.Join(state.Unspool(ctx, db), db.Close())
}

// OpenTarget holds a store to fill it. A file that is not there is made, and one that is
// has its tables brought up to date.
func OpenTarget(ctx context.Context, path string, backends ...sqldb.Schema) (*Held, error) {
	h := &Held{path: path}
	if err := h.openTarget(ctx, withOwn(backends)); err != nil {
		return nil, fmt.Errorf("opening store %q: %w", path, errors.Join(err, h.Close()))
	}
	return h, nil
}

func (h *Held) openTarget(ctx context.Context, schemas []sqldb.Schema) error {
	if err := os.MkdirAll(filepath.Dir(h.path), 0o700); err != nil {
		return err
	}
	info, err := os.Stat(h.path)
	fresh := errors.Is(err, os.ErrNotExist) || err == nil && info.Size() == 0
	if err := h.lock(ctx); err != nil {
		return err
	}
	h.fresh = fresh
	if err := prepareFile(ctx, h.path); err != nil {
		return err
	}
	if h.db, err = sql.Open("sqlite", dataSource(h.path, "rwc")); err != nil {
		return err
	}
	h.db.SetMaxOpenConns(1)
	if err := checkPragmas(ctx, h.db); err != nil {
		return err
	}
	if err := sqldb.Migrate(ctx, h.db, sqldb.SQLite, schemas...); err != nil {
		return err
	}
	// References are looked at when all is there: of rows of one table to each other, the
	// later may come first.
	return h.begin(ctx, "BEGIN IMMEDIATE", "PRAGMA defer_foreign_keys = ON")
}

// lock keeps everybody out: owners, and whoever would open the file now; and makes sure
// that nobody is in.
func (h *Held) lock(ctx context.Context) (err error) {
	if real, err := filepath.EvalSymlinks(h.path); err == nil {
		h.path = real
	}
	if h.owner, err = lockFile(h.path + ".lock"); err != nil {
		return err
	}
	if h.opening, err = waitForLock(ctx, h.path+".migrate.lock"); err != nil {
		return err
	}
	if info, err := os.Stat(h.path); err != nil || info.Size() == 0 {
		return noLogBeside(h.path)
	}
	return foldLog(ctx, h.path)
}

func (h *Held) begin(ctx context.Context, statements ...string) (err error) {
	if h.conn, err = h.db.Conn(ctx); err != nil {
		return err
	}
	for _, statement := range statements {
		if _, err := h.conn.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// Querier reads in the transaction.
func (h *Held) Querier() sqldb.Querier { return h.conn }

// Engine is SQLite.
func (h *Held) Engine() sqldb.Dialect { return sqldb.SQLite }

// Storable is the text itself: SQLite keeps any.
func (h *Held) Storable(text string) string { return text }

// insertsBetween is how many rows are inserted between two looks at the context, which
// the driver would else pay for with each of them.
const insertsBetween = 1000

// Insert adds rows to a table.
func (h *Held) Insert(ctx context.Context, t copying.Table, rows *copying.Rows) error {
	places := strings.TrimSuffix(strings.Repeat("?, ", len(t.Columns)), ", ")
	free := context.WithoutCancel(ctx)
	insert, err := h.conn.PrepareContext(free, "INSERT INTO "+copying.Quote(t.Name)+" ("+t.List()+") VALUES ("+places+")")
	if err != nil {
		return err
	}
	defer func() { _ = insert.Close() }()
	for n := 1; rows.Next(); n++ {
		values, err := rows.Values()
		if err == nil {
			_, err = insert.ExecContext(free, values...)
		}
		if err == nil && n%insertsBetween == 0 {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
	}
	return rows.Err()
}

// Clear removes all rows of a table.
func (h *Held) Clear(ctx context.Context, t copying.Table) error {
	_, err := h.conn.ExecContext(ctx, "DELETE FROM "+copying.Quote(t.Name))
	return err
}

// Settle leaves an owner no more to look through than there is: SQLite numbers rows from
// the highest, and needs no wake-ups.
func (h *Held) Settle(ctx context.Context, _ []copying.Table) error {
	return state.Settle(ctx, h.conn, time.Now())
}

// Commit keeps what was inserted.
func (h *Held) Commit(ctx context.Context) error {
	if _, err := h.conn.ExecContext(context.WithoutCancel(ctx), "COMMIT"); err != nil {
		return fmt.Errorf("committing to %q: %w", h.path, err)
	}
	h.committed = true
	return syncFolder(filepath.Dir(h.path))
}

// Close lets others in again. Without a Commit nothing is left of what was inserted, nor
// of a file that was made for it.
func (h *Held) Close() error {
	var problems []error
	if h.conn != nil {
		if !h.committed {
			_, _ = h.conn.ExecContext(context.Background(), "ROLLBACK")
		}
		problems = append(problems, h.conn.Close())
	}
	if h.db != nil {
		problems = append(problems, h.db.Close())
	}
	if h.fresh && !h.committed {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			if err := os.Remove(h.path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
				problems = append(problems, err)
			}
		}
	}
	for _, lock := range []*fileLock{h.opening, h.owner} {
		if lock != nil {
			lock.release()
		}
	}
	return errors.Join(problems...)
}
