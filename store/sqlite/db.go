package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	_ "modernc.org/sqlite" // the driver

	"drawbridge/store/state"
	"drawbridge/tools/sqldb"
)

// DB is an open file: one writer, a pool of readers.
type DB struct {
	path   string
	mode   state.Mode
	reads  *readers
	writes *sql.DB
	writer *writer
	lock   *fileLock
	room   room

	closing sync.Once
}

var (
	_ state.Engine  = (*DB)(nil)
	_ state.Spooler = (*DB)(nil)
)

// PathOf gives the file that a store URL names: "sqlite://./data/drawbridge.db". What else
// it is given may hold a password, so that the error does not repeat it.
func PathOf(storeURL string) (string, error) {
	path, ok := strings.CutPrefix(storeURL, "sqlite://")
	if !ok || path == "" {
		return "", errors.New("store url: expected sqlite:// and a path, such as sqlite://./data/drawbridge.db, or postgres://user:password@host/database")
	}
	return filepath.Clean(path), nil
}

// OpenDB opens the file, made new if need be (and allowed by the mode), and brings
// the components' tables up to date.
func OpenDB(ctx context.Context, path string, mode state.Mode, schemas ...sqldb.Schema) (*DB, error) {
	d := &DB{path: path, mode: mode, room: newRoom()}
	if err := d.open(ctx, schemas); err != nil {
		_ = d.Close()
		return nil, fmt.Errorf("opening store %q: %w", path, err)
	}
	return d, nil
}

func (d *DB) open(ctx context.Context, schemas []sqldb.Schema) error {
	if d.mode == state.ReadOnly {
		if _, err := os.Stat(d.path); err != nil {
			return fmt.Errorf("%w: nothing was stored yet; `drawbridge serve` makes it", err)
		}
		return d.openReaders(ctx)
	}
	if err := os.MkdirAll(filepath.Dir(d.path), 0o700); err != nil {
		return err
	}
	// One file must not have two locks, by whatever links it is reached.
	if real, err := filepath.EvalSymlinks(d.path); err == nil {
		d.path = real
	}
	if d.mode == state.Owned {
		lock, err := lockFile(d.path + ".lock")
		if err != nil {
			return err
		}
		d.lock = lock
	}
	if err := d.openWriterPatiently(ctx, schemas); err != nil {
		return err
	}
	return d.openReaders(ctx)
}

// openWriter opens the one connection that writes.
func (d *DB) openWriter(ctx context.Context, schemas []sqldb.Schema) error {
	lock, err := waitForLock(ctx, d.path+".migrate.lock") // two processes may open a new file at once
	if err != nil {
		return err
	}
	defer lock.release()
	if err := prepareFile(ctx, d.path); err != nil {
		return err
	}
	writes, err := sql.Open("sqlite", dataSource(d.path, "rwc"))
	if err != nil {
		return err
	}
	writes.SetMaxOpenConns(1)
	d.writes = writes
	if err := checkPragmas(ctx, writes); err != nil {
		return err
	}
	if err := d.migrate(ctx, writes, schemas); err != nil {
		return err
	}
	conn, err := writes.Conn(ctx)
	if err != nil {
		return err
	}
	d.writer = startWriter(conn, d.room.noteFull)
	return nil
}

func (d *DB) openReaders(ctx context.Context) error {
	source := dataSource(d.path, "rw")
	if d.mode == state.ReadOnly {
		source = dataSource(d.path, "ro")
	}
	reads, err := sql.Open("sqlite", source+"&_pragma=query_only(1)")
	if err != nil {
		return err
	}
	most := max(4, runtime.GOMAXPROCS(0))
	reads.SetMaxOpenConns(most)
	reads.SetMaxIdleConns(most) // each has its statements
	d.reads = &readers{DB: reads}
	return reads.PingContext(ctx)
}

// Read gives the pool of readers.
func (d *DB) Read() sqldb.Querier { return d.reads }

// Close waits for the writes under way and closes the file. Closing twice is once.
func (d *DB) Close() error {
	var err error
	d.closing.Do(func() { err = d.close() })
	return err
}

func (d *DB) close() error {
	var problems []error
	if d.writer != nil {
		problems = append(problems, d.writer.stop(), d.writer.queue.closeSpool(d.path))
	}
	if d.reads != nil {
		problems = append(problems, d.reads.Close())
	}
	if d.writes != nil {
		problems = append(problems, d.writes.Close())
	}
	if d.lock != nil {
		d.lock.release()
	}
	return errors.Join(problems...)
}

// pragmas are what durability and speed rest on. They are set through the data
// source and read back, because a misspelt one is ignored without a word.
var pragmas = []struct{ name, set, want string }{
	{"busy_timeout", "5000", "5000"},
	{"foreign_keys", "1", "1"},
	{"journal_mode", "WAL", "wal"},
	{"synchronous", "FULL", "2"},  // NORMAL may lose committed transactions on power loss
	{"temp_store", "MEMORY", "2"}, // savepoints would write to a temporary file
}

// PageSize is the page size of a new file, in bytes. A file made otherwise keeps its own.
const PageSize = 8192

func dataSource(path, mode string) string {
	q := url.Values{"mode": {mode}}
	for _, p := range pragmas {
		if mode == "ro" && p.name == "journal_mode" {
			continue // a property of the file; setting it would write
		}
		q.Add("_pragma", p.name+"("+p.set+")")
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

// prepareFile gives a new file its page size, which going into WAL mode fixes: on
// the ordinary connection the driver would set journal_mode first.
func prepareFile(ctx context.Context, path string) error {
	// It holds customers and mail: nobody else may read it, wherever it is.
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	if info.Size() > 0 {
		return nil
	}
	if err := dropSpool(path); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath())
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	for _, pragma := range []string{fmt.Sprintf("PRAGMA page_size = %d", PageSize), "PRAGMA journal_mode = WAL"} {
		if _, err := db.ExecContext(ctx, pragma); err != nil {
			return fmt.Errorf("preparing a new file: %w", err)
		}
	}
	return nil
}

func checkPragmas(ctx context.Context, db *sql.DB) error {
	for _, p := range pragmas {
		var got string
		if err := db.QueryRowContext(ctx, "PRAGMA "+p.name).Scan(&got); err != nil {
			if strings.Contains(err.Error(), "not a database") {
				return errors.New("it is a file of another kind, not a SQLite database: set store.url to another path")
			}
			return fmt.Errorf("reading pragma %s: %w", p.name, err)
		}
		if got != p.want {
			return fmt.Errorf("pragma %s is %q, not %q: what is acknowledged could be lost; is the file on a file system that SQLite cannot lock or map?", p.name, got, p.want)
		}
	}
	return nil
}
