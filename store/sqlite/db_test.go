package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
	"drawbridge/server/guard"
	"drawbridge/server/webhook"
	"drawbridge/store/sqlite"
	"drawbridge/store/state"
	"drawbridge/tools"
	"drawbridge/tools/sqldb"
)

func openAt(t *testing.T, path string, mode state.Mode) (*state.Store, error) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), path, mode, state.Options{})
	if err == nil {
		t.Cleanup(func() { _ = store.Close() })
	}
	return store, err
}

func mustOpen(t *testing.T, path string, mode state.Mode) *state.Store {
	t.Helper()
	store, err := openAt(t, path, mode)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// ING-03: durability rests on these, and SQLite ignores a misspelt one.
func TestING03_PragmasAreAsDurabilityNeedsThem(t *testing.T) {
	store := mustOpen(t, filepath.Join(t.TempDir(), "a.db"), state.Owned)
	err := store.Write(t.Context(), func(tx sqldb.Tx) error {
		for pragma, want := range map[string]string{
			"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000", "page_size": "8192",
		} {
			var got string
			if err := tx.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil {
				return err
			}
			if got != want {
				t.Errorf("pragma %s is %q, want %q", pragma, got, want)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestSecondOwnerIsRefusedWithTheFirstNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	mustOpen(t, path, state.Owned)
	_, err := openAt(t, path, state.Owned)
	var locked *sqlite.LockedError
	if !errors.As(err, &locked) {
		t.Fatalf("a second owner got %v, want a LockedError", err)
	}
	if want := fmt.Sprint("process ", os.Getpid()); !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "store.url") {
		t.Errorf("the error is %q, want it to name %q and what to do", err, want)
	}
}

func TestOwnerMayOpenAfterTheFirstHasClosed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	first := mustOpen(t, path, state.Owned)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, path, state.Owned)
}

func TestReaderSeesWhatTheOwnerWritesAndCannotWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	owner := mustOpen(t, path, state.Owned)
	reader := mustOpen(t, path, state.ReadOnly)
	if err := owner.Start(t.Context(), dispatch.NewRun{ID: "run_1", Agent: "a", Source: "cli"}); err != nil {
		t.Fatal(err)
	}
	if run, err := reader.Run(t.Context(), "run_1"); err != nil || run.State != dispatch.Queued {
		t.Errorf("the reader sees %+v (%v), want the queued run", run, err)
	}
	if err := reader.Start(t.Context(), dispatch.NewRun{ID: "run_2", Agent: "a", Source: "cli"}); err == nil {
		t.Error("a reader could write")
	}
}

func TestReadingAStoreThatIsNotThereSaysSo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	if _, err := openAt(t, path, state.ReadOnly); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want ErrNotExist", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Error("looking made a file")
	}
}

// olderStore makes a store as the version before live runs left it, with an event, a
// run of it that waits and one that has ended.
func olderStore(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "a.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	older := fstest.MapFS{}
	for _, name := range []string{"migrations/00001_state.sql", "migrations/00002_mounts.sql"} {
		text, err := fs.ReadFile(state.Schema.Files, name)
		if err != nil {
			t.Fatal(err)
		}
		older[name] = &fstest.MapFile{Data: text}
	}
	if err := sqldb.Migrate(t.Context(), db, sqldb.SQLite, sqldb.Schema{Name: "state", Files: older}); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		`INSERT INTO events (id, source, event_key, dedupe_key, weak, content_type, headers, body, received_at, verified_by, status, last_seen_at) VALUES
			('evt_1', 'shop', 'key', 'key', 0, 'text/plain', '{}', 'As it came.', 1000, 'secret 1 of 1', 'routed', 1000)`,
		`INSERT INTO runs (id, agent, source, event, prompt, tainted, route, state, reason, epoch, attempts, worked_ms, created_at) VALUES
			('run_1', 'desk', 'shop', 'evt_1', 'Look.', 1, '', 'waiting', 'model_unavailable', 4, 3, 5000, 1000),
			('run_2', 'desk', 'cli', NULL, 'Look.', 0, '', 'succeeded', 'answered', 1, 0, 7000, 1000)`,
		`INSERT INTO journal (run, seq, kind, at, body) VALUES ('run_1', 1, 'brief', 1000, '{"agent":"desk","model":"m","prompt":"Look."}'),
			('run_2', 1, 'brief', 1000, '{"agent":"desk","model":"m","prompt":"Look."}'), ('run_2', 2, 'outcome', 1000, '{"status":"succeeded","reason":"answered","answer":"Seen."}')`,
		`INSERT INTO jobs (kind, ref, due_at) VALUES ('run', 'run_1', 1000)`,
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	return path
}

func TestStoreOfAnEarlierVersionIsBroughtUpToDateWithWhatIsInIt(t *testing.T) {
	store := mustOpen(t, olderStore(t), state.Owned)
	claimed, err := store.ClaimRuns(t.Context(), 10, time.Minute)
	if err != nil || len(claimed) != 1 {
		t.Fatalf("claimed %+v (%v), want the run that waited", claimed, err)
	}
	if c := claimed[0]; c.Run.ID != "run_1" || c.Run.Event != "evt_1" || c.Run.Owner != "" || c.Run.Cancel != "" || c.Run.Attempts != 3 || c.Run.Worked != 5*time.Second || c.Lease.Epoch != 5 || !c.Run.Tainted {
		t.Errorf("claimed %+v", c)
	}
	if err := store.Append(t.Context(), claimed[0].Lease, bridge.Entry{Seq: 2, Kind: bridge.EntryNote, At: time.UnixMilli(2000), Body: []byte(`{}`)}); err != nil {
		t.Errorf("its journal does not go on: %v", err)
	}
	if ended, err := store.Run(t.Context(), "run_2"); err != nil || ended.State != dispatch.Succeeded || ended.Usage.Cost != 0 {
		t.Errorf("the run that had ended is %+v (%v)", ended, err)
	}
	if event, err := store.Event(t.Context(), "evt_1"); err != nil || string(event.Body) != "As it came." {
		t.Errorf("the event is %+v (%v)", event, err)
	}
	if state, err := store.RequestCancel(t.Context(), "run_2", "late"); !errors.Is(err, dispatch.ErrEnded) {
		t.Errorf("it was cancelled: %s, %v", state, err)
	}
}

func TestReadingAStoreOfAnEarlierVersionSaysWhatToDo(t *testing.T) {
	path := olderStore(t)
	if _, err := openAt(t, path, state.ReadOnly); err == nil || !strings.Contains(err.Error(), "drawbridge serve") {
		t.Errorf("got %v, want what to do", err)
	}
	if err := mustOpen(t, path, state.Beside).Close(); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, path, state.ReadOnly)
}

func TestOwnerHearsOfWorkWrittenBesideIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	owner := mustOpen(t, path, state.Owned)
	beside := mustOpen(t, path, state.Beside)
	for drained := false; !drained; {
		select {
		case <-owner.Wake(dispatch.RunJob):
		default:
			drained = true
		}
	}
	if err := beside.Start(t.Context(), dispatch.NewRun{ID: "run_1", Agent: "a", Source: "cli"}); err != nil {
		t.Fatal(err)
	}
	for {
		<-owner.Wake(dispatch.RunJob) // hangs if it is never told
		if runs, err := owner.ClaimRuns(t.Context(), 1, sqliteLease); err != nil {
			t.Fatal(err)
		} else if len(runs) == 1 {
			return
		}
	}
}

func TestFailedWriteLeavesOthersOfItsBatchAlone(t *testing.T) {
	store := mustOpen(t, filepath.Join(t.TempDir(), "a.db"), state.Owned)
	ctx := t.Context()
	write := func(fn func(tx sqldb.Tx) error) error { return store.Write(ctx, fn) }
	if err := write(func(tx sqldb.Tx) error {
		_, err := tx.ExecContext(ctx, `CREATE TABLE t (n INTEGER PRIMARY KEY)`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	refused := errors.New("refused")
	var all sync.WaitGroup
	for n := range 200 {
		all.Go(func() {
			err := write(func(tx sqldb.Tx) error {
				if _, err := tx.ExecContext(ctx, `INSERT INTO t VALUES (?)`, n); err != nil {
					return err
				}
				switch n % 4 {
				case 1:
					return refused
				case 2:
					panic("a bug in one operation")
				}
				return nil
			})
			if want := n%4 == 1; errors.Is(err, refused) != want {
				t.Errorf("operation %d gave %v", n, err)
			}
			if want := n%4 == 1 || n%4 == 2; (err != nil) != want {
				t.Errorf("operation %d gave %v, want an error: %v", n, err, want)
			}
		})
	}
	all.Wait()
	var count, wrong int
	if err := store.Read().QueryRowContext(ctx, `SELECT COUNT(*), COALESCE(SUM(n % 4 IN (1, 2)), 0) FROM t`).Scan(&count, &wrong); err != nil {
		t.Fatal(err)
	}
	if count != 100 || wrong != 0 {
		t.Errorf("%d rows, %d of them from failed operations; want 100 and 0", count, wrong)
	}
}

func TestCancelledCallerDoesNotUndoOthers(t *testing.T) {
	store := mustOpen(t, filepath.Join(t.TempDir(), "a.db"), state.Owned)
	ctx, cancel := context.WithCancel(t.Context())
	err := store.Write(ctx, func(tx sqldb.Tx) error {
		cancel() // in the middle of the operation: it must still be carried out whole
		_, err := tx.ExecContext(ctx, `CREATE TABLE t (n INTEGER)`)
		return err
	})
	if err != nil {
		t.Fatalf("a write cancelled on its way gave %v", err)
	}
	if err := store.Write(ctx, func(sqldb.Tx) error { t.Error("a write began after its caller had gone"); return nil }); !errors.Is(err, context.Canceled) {
		t.Fatalf("a write after its caller had gone gave %v", err)
	}
	if err := store.Read().QueryRowContext(t.Context(), `SELECT COUNT(*) FROM t`).Scan(new(int)); err != nil {
		t.Fatal(err)
	}
}

func TestWriteAfterCloseSaysSo(t *testing.T) {
	store := mustOpen(t, filepath.Join(t.TempDir(), "a.db"), state.Owned)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := store.Write(t.Context(), func(sqldb.Tx) error { return nil }); !errors.Is(err, sqlite.ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
}

func TestStoreURLNamesAPath(t *testing.T) {
	for url, want := range map[string]string{
		"sqlite://./data/drawbridge.db": "data/drawbridge.db", "sqlite:///var/lib/d.db": "/var/lib/d.db",
		"sqlite://": "", "postgres://x": "", "data.db": "", "mysql://me:sekrit@host/db": "",
	} {
		got, err := sqlite.PathOf(url)
		if err != nil && strings.Contains(err.Error(), "sekrit") {
			t.Errorf("the password is repeated: %v", err)
		}
		if got != want || (err != nil) != (want == "") {
			t.Errorf("PathOf(%q) = %q, %v; want %q", url, got, err, want)
		}
	}
}

// A read's audit row does not wait for the disk; what comes after it must again.
func TestWritesWaitForTheDiskAgainAfterARelaxedOne(t *testing.T) {
	store := mustOpen(t, filepath.Join(t.TempDir(), "a.db"), state.Owned)
	ctx := t.Context()
	for _, step := range []struct {
		row  guard.Row
		want string // of the pragma while the next commit runs: 2 is FULL
	}{
		{guard.Row{Effect: tools.Read, Decision: guard.Allowed, Tool: "read"}, "2"},
		{guard.Row{Effect: tools.Read, Decision: guard.Refused, Tool: "refused"}, "2"},
		{guard.Row{Effect: tools.Write, Decision: guard.Allowed, Tool: "write"}, "2"},
	} {
		if err := store.Record(ctx, step.row, nil); err != nil {
			t.Fatal(err)
		}
		var got string
		err := store.Write(ctx, func(tx sqldb.Tx) error { return tx.QueryRowContext(ctx, "PRAGMA synchronous").Scan(&got) })
		if err != nil || got != step.want {
			t.Errorf("after the row of a %s, synchronous is %q (%v), want %q", step.row.Tool, got, err, step.want)
		}
	}
	rows, err := store.Audit(ctx, "", 10)
	if err != nil || len(rows) != 3 {
		t.Errorf("%d audit rows (%v), want 3", len(rows), err)
	}
}

func TestReplayWaitsForTheRoutingBefore(t *testing.T) {
	store := mustOpen(t, filepath.Join(t.TempDir(), "a.db"), state.Owned)
	ctx := t.Context()
	if _, err := store.Accept(ctx, webhook.Batch{Events: []webhook.Event{{ID: "evt_1", Source: "shop", Key: "k", Body: []byte("{}")}}}); err != nil {
		t.Fatal(err)
	}
	if err := store.Replay(ctx, "evt_1"); err == nil || !strings.Contains(err.Error(), "waits to be routed") {
		t.Errorf("replaying an event that waits gave %v: two replays would make one run", err)
	}
	if _, err := store.Route(ctx, "evt_1", dispatch.Routing{Status: dispatch.Ignored}); err != nil {
		t.Fatal(err)
	}
	if err := store.Replay(ctx, "evt_1"); err != nil {
		t.Error(err)
	}
	if err := store.Replay(ctx, "evt_2"); !errors.Is(err, dispatch.ErrNotFound) {
		t.Errorf("replaying an unknown event gave %v", err)
	}
}

func TestOneFileHasOneOwnerByWhateverName(t *testing.T) {
	folder := t.TempDir()
	path, link := filepath.Join(folder, "a.db"), filepath.Join(folder, "link.db")
	mustOpen(t, path, state.Owned)
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	var locked *sqlite.LockedError
	if _, err := openAt(t, link, state.Owned); !errors.As(err, &locked) {
		t.Errorf("a second owner by a link got %v", err)
	}
}

func TestNobodyElseMayReadTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	mustOpen(t, path, state.Owned)
	for _, file := range []string{path, path + "-wal"} {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %o, want 600: it holds customers and mail", filepath.Base(file), mode)
		}
	}
}

func TestFileOfAnotherKindIsLeftAsItIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	text := strings.Repeat("these are my notes\n", 100)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openAt(t, path, state.Owned); err == nil || !strings.Contains(err.Error(), "not a SQLite database") {
		t.Errorf("opening a text file gave %v", err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != text {
		t.Errorf("the file was changed (%v)", err)
	}
}
