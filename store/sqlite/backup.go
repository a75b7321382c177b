package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"drawbridge/tools/sqldb"
)

// Copied is what a backup, or a store that was restored, holds.
type Copied struct {
	Path     string
	Bytes    int64
	Rows     []TableRows // by the table's name
	Versions []sqldb.Standing
}

// TableRows is how many rows a table has.
type TableRows struct {
	Table string
	Rows  int64
}

// Total is how many rows there are in all.
func (c Copied) Total() (rows int64) {
	for _, t := range c.Rows {
		rows += t.Rows
	}
	return rows
}

// Backup copies the store's file as it stands at one moment to a new file, which only
// its owner may read. Whoever has the store open goes on with it: what is committed
// before the copy begins is in the copy, what comes later is not. The copy has its name
// once it was checked and is on disk. An existing file is an fs.ErrExist unless replace
// is set. A store of an earlier version is copied as it is, one of a newer is refused.
func Backup(ctx context.Context, store, to string, replace bool, schemas ...sqldb.Schema) (Copied, error) {
	copied, err := backup(ctx, store, to, replace, withOwn(schemas))
	if err != nil {
		return Copied{}, fmt.Errorf("backing up store %q: %w", store, err)
	}
	return copied, nil
}

func backup(ctx context.Context, store, to string, replace bool, schemas []sqldb.Schema) (Copied, error) {
	if err := mayBeWritten(store, to, replace); err != nil {
		return Copied{}, err
	}
	temp, copied, err := copyChecked(ctx, store, to, false, schemas)
	if err != nil {
		return Copied{}, err
	}
	defer func() { _ = os.Remove(temp) }() // what has its name by then is not removed
	if replace {
		err = os.Rename(temp, to)
	} else {
		err = nameNew(temp, to)
	}
	if err != nil {
		return Copied{}, err
	}
	return copied, syncFolder(filepath.Dir(to))
}

// mayBeWritten refuses what a copy of the store must not be named.
func mayBeWritten(store, to string, replace bool) error {
	there, err := os.Stat(to)
	if errors.Is(err, fs.ErrNotExist) {
		return noLogBeside(to)
	}
	if err != nil {
		return err
	}
	if self, err := os.Stat(store); err == nil && os.SameFile(self, there) {
		return fmt.Errorf("%q is the store itself", to)
	}
	if !replace {
		return &fs.PathError{Op: "writing", Path: to, Err: fs.ErrExist}
	}
	if !there.Mode().IsRegular() {
		return fmt.Errorf("%q is no ordinary file", to)
	}
	return noLogBeside(to)
}

// noLogBeside refuses a name whose write-ahead log somebody left there, or has open:
// SQLite would take it for the new file's.
func noLogBeside(to string) error {
	for _, suffix := range []string{"-wal", "-journal"} {
		if _, err := os.Lstat(to + suffix); err == nil {
			return fmt.Errorf("%q is there, so somebody has %q open, or left it in the middle: choose another name", to+suffix, to)
		}
	}
	return nil
}

// copyChecked copies a store's file to a temporary name beside another, checks the copy
// and has it on disk.
func copyChecked(ctx context.Context, from, beside string, still bool, schemas []sqldb.Schema) (temp string, copied Copied, err error) {
	file, err := os.CreateTemp(filepath.Dir(beside), "."+filepath.Base(beside)+".*.tmp") // readable by its owner only
	if err != nil {
		return "", Copied{}, err
	}
	defer func() {
		if err = errors.Join(err, file.Close()); err != nil {
			_ = os.Remove(file.Name())
		}
	}()
	if err := copyFile(ctx, from, file.Name(), still, schemas); err != nil {
		return "", Copied{}, err
	}
	if copied, err = checkCopy(ctx, file.Name(), schemas); err != nil {
		return "", Copied{}, fmt.Errorf("checking the copy: %w", err)
	}
	copied.Path = beside
	return file.Name(), copied, file.Sync()
}

// copyStep is how many pages are copied between two looks at the context.
const copyStep = 1024

// copyFile copies what a store's file, with its log, holds at this moment into an empty file.
func copyFile(ctx context.Context, from, to string, still bool, schemas []sqldb.Schema) error {
	db, err := openReading(ctx, from, still)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if _, err := standOf(ctx, db, schemas); err != nil {
		return err
	}
	_ = awaitOwner(ctx, from, db) // what it does not come to is as if it came later
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	// A reader's transaction, held throughout, is what makes it one moment: without it
	// each write of somebody else would have the copy begin again.
	if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
		return err
	}
	defer func() { _, _ = conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK") }()
	if err := conn.QueryRowContext(ctx, "SELECT COUNT(*) FROM sqlite_schema").Scan(new(int)); err != nil {
		return err
	}
	return conn.Raw(func(raw any) error { return copyPages(ctx, raw, to) })
}

func copyPages(ctx context.Context, raw any, to string) error {
	source, ok := raw.(copier)
	if !ok {
		return errors.New("the driver of SQLite copies no files any more")
	}
	pages, err := source.NewBackup(uriOf(to) + "?mode=rw")
	if err != nil {
		return err
	}
	for more := true; more && err == nil; {
		if more, err = pages.Step(copyStep); err == nil {
			err = ctx.Err()
		}
	}
	return errors.Join(err, pages.Finish())
}

// openReading opens a file for reading alone. One that is known to be nobody's now, and
// has left no log, is read without a trace: it may be on a disk that cannot be written to.
func openReading(ctx context.Context, path string, still bool) (*sql.DB, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	source := dataSource(path, "ro")
	if _, err := os.Stat(path + "-wal"); still && errors.Is(err, fs.ErrNotExist) {
		source += "&immutable=1"
	}
	db, err := sql.Open("sqlite", source+"&_pragma=query_only(1)")
	if err != nil {
		return nil, err
	}
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(ofAnotherKind(err), db.Close())
	}
	return db, nil
}

// standOf says which versions a file is of, and refuses one that is no store, or a newer one.
func standOf(ctx context.Context, db *sql.DB, schemas []sqldb.Schema) ([]sqldb.Standing, error) {
	standings, err := sqldb.Stand(ctx, db, sqldb.SQLite, schemas...)
	if err != nil {
		return standings, ofAnotherKind(err)
	}
	if slices.ContainsFunc(standings, used) {
		return standings, nil
	}
	return nil, errors.New("it is a SQLite database, but none that this program made")
}

// checkCopy reads all of a copy: whether it is whole, whether what its rows refer to is
// there, and how much it holds.
func checkCopy(ctx context.Context, path string, schemas []sqldb.Schema) (Copied, error) {
	db, err := sql.Open("sqlite", uriOf(path)+"?mode=ro&immutable=1&_pragma=query_only(1)")
	if err != nil {
		return Copied{}, err
	}
	defer func() { _ = db.Close() }()
	var found string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&found); err != nil {
		return Copied{}, ofAnotherKind(err)
	}
	if found != "ok" {
		return Copied{}, fmt.Errorf("it is damaged: %s", found)
	}
	var table string
	err = db.QueryRowContext(ctx, `SELECT "table" FROM pragma_foreign_key_check LIMIT 1`).Scan(&table)
	if err == nil {
		return Copied{}, fmt.Errorf("a row of %s refers to one that is not there", table)
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return Copied{}, err
	}
	var c Copied
	if c.Versions, err = standOf(ctx, db, schemas); err != nil {
		return Copied{}, err
	}
	if c.Rows, err = countRows(ctx, db); err != nil {
		return Copied{}, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return Copied{}, err
	}
	c.Bytes = info.Size()
	return c, nil
}

// countRows counts the rows of all tables.
func countRows(ctx context.Context, db *sql.DB) ([]TableRows, error) {
	rows, err := db.QueryContext(ctx, `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY name`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var tables []TableRows
	for rows.Next() {
		var t TableRows
		if err := rows.Scan(&t.Table); err != nil {
			return nil, err
		}
		tables = append(tables, t)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for i := range tables {
		if err := db.QueryRowContext(ctx, `SELECT COUNT(*) FROM `+quoteName(tables[i].Table)).Scan(&tables[i].Rows); err != nil {
			return nil, err
		}
	}
	return tables, nil
}
