package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	sqlitelib "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"drawbridge/tools/sqldb"
)

// Restore puts a copy of a backup in the place of the store's file, which must be open
// nowhere. The file that was there is kept beside it, under the name that is returned, ""
// if there was none. The backup is checked before anything is changed: one that is
// damaged, of another kind or of a newer version is refused, and one of an earlier
// version is brought up to date by whoever opens the store next.
func Restore(ctx context.Context, from, store string, at time.Time, schemas ...sqldb.Schema) (restored Copied, kept string, err error) {
	if restored, kept, err = restore(ctx, from, store, at, withOwn(schemas)); err != nil {
		return Copied{}, kept, fmt.Errorf("restoring store %q from %q: %w", store, from, err)
	}
	return restored, kept, nil
}

func restore(ctx context.Context, from, store string, at time.Time, schemas []sqldb.Schema) (restored Copied, kept string, err error) {
	if real, err := filepath.EvalSymlinks(store); err == nil {
		store = real
	}
	source, err := os.Stat(from)
	if err != nil {
		return Copied{}, "", err
	}
	if there, err := os.Stat(store); err == nil && os.SameFile(there, source) {
		return Copied{}, "", errors.New("it is the store itself")
	}
	if err := os.MkdirAll(filepath.Dir(store), 0o700); err != nil {
		return Copied{}, "", err
	}
	owner, err := lockFile(store + ".lock")
	if err != nil {
		return Copied{}, "", err
	}
	defer owner.release()
	opening, err := waitForLock(ctx, store+".migrate.lock") // nobody else opens it meanwhile
	if err != nil {
		return Copied{}, "", err
	}
	defer opening.release()
	temp, restored, err := copyChecked(ctx, from, store, true, schemas)
	if err != nil {
		return Copied{}, "", err
	}
	defer func() { _ = os.Remove(temp) }()
	if kept, err = setAside(ctx, store, at); err != nil {
		return Copied{}, "", err
	}
	if err := os.Rename(temp, store); err != nil {
		return Copied{}, kept, err
	}
	return restored, kept, syncFolder(filepath.Dir(store))
}

// setAside gives the store's file a second name, and its log and its spool, if it has to keep
// them, that name too. The file keeps its own until the copy takes it, so that there is a store
// at any time.
func setAside(ctx context.Context, store string, at time.Time) (kept string, err error) {
	info, err := os.Stat(store)
	if errors.Is(err, fs.ErrNotExist) {
		return "", errors.Join(noLogBeside(store), dropSpool(store))
	}
	if err != nil {
		return "", err
	}
	if info.Size() == 0 {
		return "", dropSpool(store)
	}
	if err := foldLog(ctx, store); err != nil {
		return "", err
	}
	kept = fmt.Sprintf("%s.before-restore-%s", store, at.UTC().Format("20060102T150405.000Z"))
	if err := nameToo(store, kept); err != nil {
		return "", err
	}
	for _, suffix := range []string{"-wal", "-journal", spoolSuffix} {
		if err := os.Rename(store+suffix, kept+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	if err := os.Remove(store + "-shm"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	return kept, nil
}

// foldLog brings the log of a store's file into the file, and finds out whether anybody
// has it open: leaving WAL mode needs it alone. Of a file that is damaged, which may be
// why it is replaced, the log stays.
func foldLog(ctx context.Context, store string) error {
	db, err := sql.Open("sqlite", uriOf(store)+"?mode=rw")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	var mode string
	err = db.QueryRowContext(ctx, "PRAGMA journal_mode = DELETE").Scan(&mode)
	switch code := codeOf(err); {
	case code == sqlite3.SQLITE_BUSY, code == sqlite3.SQLITE_LOCKED, err == nil && mode != "delete":
		return errors.New("another process has the store open (`drawbridge mcp`, or a command that looks at it): end it first")
	case code == sqlite3.SQLITE_CORRUPT, code == sqlite3.SQLITE_NOTADB:
		return nil
	}
	return err
}

// codeOf gives SQLite's code of an error, 0 if there is none.
func codeOf(err error) int {
	var of *sqlitelib.Error
	if errors.As(err, &of) {
		return of.Code() & 0xff
	}
	return 0
}
