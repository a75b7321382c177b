package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"drawbridge/server/dispatch"
	"drawbridge/store/sqlite"
	"drawbridge/store/state"
	"drawbridge/tools/sqldb"
)

// storeOf makes a store with so many runs, closed again.
func storeOf(t *testing.T, runs ...string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "a.db")
	store := mustOpen(t, path, state.Owned)
	start(t, store, runs...)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func start(t *testing.T, store *state.Store, runs ...string) {
	t.Helper()
	for _, id := range runs {
		if err := store.Start(t.Context(), dispatch.NewRun{ID: id, Agent: "a", Source: "cli", Prompt: "p"}); err != nil {
			t.Fatal(err)
		}
	}
}

// runsIn gives the ids of the runs in a store, in their order.
func runsIn(t *testing.T, path string) (ids []string) {
	t.Helper()
	store := mustOpen(t, path, state.ReadOnly)
	runs, err := store.Runs(t.Context(), "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, run := range runs {
		ids = append(ids, run.ID)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(ids)
	return ids
}

// files lists a folder's files, without those of locks and of SQLite's own.
func files(t *testing.T, folder string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if name := e.Name(); !strings.HasSuffix(name, ".lock") && !strings.HasSuffix(name, "-shm") && !strings.HasSuffix(name, "-wal") {
			names = append(names, name)
		}
	}
	return names
}

// A transaction is in the copy whole or not at all, all that were committed before it
// began are, and those who write meanwhile do not keep it from its end.
func TestBackupIsTheStoreAtOneMoment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	store := mustOpen(t, path, state.Owned)
	write := func(fn func(tx sqldb.Tx) error) {
		if err := store.Write(t.Context(), fn); err != nil {
			t.Error(err)
		}
	}
	exec := func(tx sqldb.Tx, query string, args ...any) error {
		_, err := tx.ExecContext(t.Context(), query, args...)
		return err
	}
	write(func(tx sqldb.Tx) error {
		return errors.Join(exec(tx, `CREATE TABLE a (n INTEGER, filling BLOB)`), exec(tx, `CREATE TABLE b (n INTEGER)`),
			exec(tx, `WITH RECURSIVE n(n) AS (VALUES (-1) UNION ALL SELECT n - 1 FROM n WHERE n > -4000) INSERT INTO a SELECT n, zeroblob(4000) FROM n`)) // several steps of a copy
	})
	var written atomic.Int64
	stop, first, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for n := int64(1); ; n++ {
			write(func(tx sqldb.Tx) error {
				return errors.Join(exec(tx, `INSERT INTO a VALUES (?, zeroblob(100))`, n), exec(tx, `INSERT INTO b VALUES (?)`, n))
			})
			if written.Store(n); n == 10 {
				close(first)
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	<-first
	before := written.Load()
	copied, err := sqlite.Backup(t.Context(), path, filepath.Join(t.TempDir(), "b.db"), false)
	close(stop)
	<-ended
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", copied.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var a, b, last int64
	if err := db.QueryRowContext(t.Context(), `SELECT (SELECT COUNT(*) FROM a WHERE n > 0), COUNT(*), MAX(n) FROM b`).Scan(&a, &b, &last); err != nil {
		t.Fatal(err)
	}
	if a != b || b != last || b < before {
		t.Errorf("the copy has %d and %d rows up to %d; %d transactions of one each were committed before it", a, b, last, before)
	}
	if i := slices.Index(copied.Rows, sqlite.TableRows{Table: "b", Rows: b}); i < 0 {
		t.Errorf("it says it has %v", copied.Rows)
	}
}

func TestBackupTakesNoFilesPlaceUnlessTold(t *testing.T) {
	path, folder := storeOf(t, "run_1"), t.TempDir()
	to := filepath.Join(folder, "b.db")
	if err := os.WriteFile(to, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Backup(t.Context(), path, to, false); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v, want ErrExist", err)
	}
	if raw, err := os.ReadFile(to); err != nil || string(raw) != "mine" {
		t.Errorf("the file has %q (%v)", raw, err)
	}
	copied, err := sqlite.Backup(t.Context(), path, to, true)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(to)
	if err != nil || info.Mode().Perm() != 0o600 || info.Size() != copied.Bytes {
		t.Errorf("the copy is %v (%v), said to be %d bytes; want it readable by its owner only", info, err, copied.Bytes)
	}
	if got := files(t, folder); len(got) != 1 {
		t.Errorf("the folder has %v", got)
	}
	if got := runsIn(t, to); !slices.Equal(got, []string{"run_1"}) {
		t.Errorf("the copy has the runs %v", got)
	}
	if _, err := sqlite.Backup(t.Context(), path, path, true); err == nil || !strings.Contains(err.Error(), "the store itself") {
		t.Errorf("onto itself: %v", err)
	}
	if err := os.WriteFile(to+"-wal", []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Backup(t.Context(), path, to, true); err == nil || !strings.Contains(err.Error(), "-wal") {
		t.Errorf("beside another's log: %v", err)
	}
}

func TestBackupThatCannotBeTrustedLeavesNothing(t *testing.T) {
	damaged := storeOf(t, "run_1")
	damage(t, damaged)
	dangling := storeOf(t)
	rewrite(t, dangling, `PRAGMA foreign_keys = OFF`, `INSERT INTO journal (run, seq, kind, at, body) VALUES ('run_none', 1, 'note', 0, '{}')`)
	foreign := filepath.Join(t.TempDir(), "a.db")
	rewrite(t, foreign, `CREATE TABLE t (n INTEGER)`)
	text := filepath.Join(t.TempDir(), "a.db")
	if err := os.WriteFile(text, bytes.Repeat([]byte("notes\n"), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name, path, want string
		ctx              context.Context
	}{
		{"damaged", damaged, "", t.Context()},
		{"dangling", dangling, "a row of journal refers to one that is not there", t.Context()},
		{"another program's", foreign, "none that this program made", t.Context()},
		{"a text", text, "not a SQLite database", t.Context()},
		{"newer", newerStore(t, "state"), "a newer version of this program wrote it", t.Context()},
		{"interrupted", storeOf(t), "", gone},
		{"missing", filepath.Join(t.TempDir(), "none.db"), "", t.Context()},
	} {
		folder := t.TempDir()
		if _, err := sqlite.Backup(c.ctx, c.path, filepath.Join(folder, "b.db"), false); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
		if got := files(t, folder); len(got) != 0 {
			t.Errorf("%s: left %v", c.name, got)
		}
	}
}

// damage writes over the pages behind the first few, which hold the schema.
func damage(t *testing.T, path string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	info, err := file.Stat()
	if err == nil {
		_, err = file.WriteAt(bytes.Repeat([]byte{0xa5}, 4*sqlite.PageSize), info.Size()-8*sqlite.PageSize)
	}
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
}

// Before an update is when a backup is wanted most.
func TestBackupOfAnEarlierVersionIsAsItWas(t *testing.T) {
	to := filepath.Join(t.TempDir(), "b.db")
	copied, err := sqlite.Backup(t.Context(), olderStore(t), to, false)
	if err != nil || copied.Versions[0].At != 2 {
		t.Fatalf("copied %+v (%v)", copied, err)
	}
	store := mustOpen(t, to, state.Owned)
	if run, err := store.Run(t.Context(), "run_1"); err != nil || run.Event != "evt_1" {
		t.Errorf("the copy, brought up to date, has %+v (%v)", run, err)
	}
}
