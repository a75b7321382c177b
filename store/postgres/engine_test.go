package postgres_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"drawbridge/store/postgres"
	"drawbridge/store/postgres/postgrestest"
	"drawbridge/store/state"
	"drawbridge/tools/sqldb"
)

// letters is a component with a table to write to.
func letters(t *testing.T, url string) *postgres.DB {
	t.Helper()
	db, err := postgres.OpenDB(t.Context(), url, state.Owned)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func makeLetters(t *testing.T, url string) {
	t.Helper()
	if _, err := open(t, "pgx", url).ExecContext(t.Context(), `CREATE TABLE IF NOT EXISTS letters (name TEXT PRIMARY KEY, seen BIGINT NOT NULL DEFAULT 0)`); err != nil {
		t.Fatal(err)
	}
}

func add(name string) func(tx sqldb.Tx) error {
	return func(tx sqldb.Tx) error {
		_, err := tx.ExecContext(context.Background(), `INSERT INTO letters (name) VALUES (?)`, name)
		return err
	}
}

func mustWrite(t *testing.T, db *postgres.DB, fn func(tx sqldb.Tx) error) {
	t.Helper()
	if err := db.Write(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func names(t *testing.T, db *postgres.DB) string {
	t.Helper()
	var all sql.NullString
	if err := db.Read().QueryRowContext(t.Context(), `SELECT string_agg(name, ' ' ORDER BY name) FROM letters`).Scan(&all); err != nil {
		t.Fatal(err)
	}
	return all.String
}

// until looks again and again; go test's own time limit is the bound.
func until(t *testing.T, holds func() bool) {
	t.Helper()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for !holds() {
		<-look.C
	}
}

func TestDeadConnectionsAreNotUsedAgain(t *testing.T) {
	server := postgrestest.Start(t, postgrestest.Options{Memory: true})
	url, err := server.Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	makeLetters(t, url)
	db := letters(t, url)
	mustWrite(t, db, add("a"))
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, db, add("b")) // the first one that meets the dead connection
	if err := db.Do(t.Context(), state.How{Keyed: true}, add("c")); err != nil {
		t.Error(err)
	}
	if got := names(t, db); got != "a b c" {
		t.Errorf("it has %q", got)
	}
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := db.Write(t.Context(), add("d")); err == nil || strings.Contains(err.Error(), "committing") {
		t.Errorf("without a server: %v, want an error at once", err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, db, add("e"))
	if got := names(t, db); got != "a b c e" {
		t.Errorf("it has %q", got)
	}
}

// The connection is cut while the commit is under way: it may have happened, so it is
// neither done again nor said to be done.
func TestCommitWithoutAnAnswerIsAnErrorAndNotRepeated(t *testing.T) {
	url := postgrestest.Database(t)
	makeLetters(t, url)
	plain := open(t, "pgx", url)
	for _, statement := range []string{
		`CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$`,
		`CREATE CONSTRAINT TRIGGER cut AFTER INSERT ON letters DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.name = 'cut') EXECUTE FUNCTION cut()`,
	} {
		if _, err := plain.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	db := letters(t, url)
	for _, how := range []state.How{{}, {Keyed: true}} {
		runs := 0
		err := db.Do(t.Context(), how, func(tx sqldb.Tx) error { runs++; return add("cut")(tx) })
		if err == nil || !strings.Contains(err.Error(), "committing") || runs != 1 {
			t.Errorf("%+v: %v after %d runs, want an error of the commit after one", how, err, runs)
		}
		mustWrite(t, db, add(fmt.Sprint("after", how.Keyed)))
	}
}

func TestWritesThatMeetEachOtherAreRunAgain(t *testing.T) {
	server := postgrestest.Start(t, postgrestest.Options{Memory: true, Settings: []string{"deadlock_timeout=20ms"}})
	url, err := server.Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	makeLetters(t, url)
	db := letters(t, url)
	mustWrite(t, db, add("a"))
	mustWrite(t, db, add("b"))
	var runs atomic.Int64
	both := make(chan struct{}, 2)
	see := func(first, second string) func(tx sqldb.Tx) error {
		met := false
		return func(tx sqldb.Tx) error {
			runs.Add(1)
			if _, err := tx.ExecContext(t.Context(), `UPDATE letters SET seen = seen + 1 WHERE name = ?`, first); err != nil {
				return err
			}
			if !met { // each has its first row before either asks for its second
				met = true
				both <- struct{}{}
				until(t, func() bool { return len(both) == 2 })
			}
			_, err := tx.ExecContext(t.Context(), `UPDATE letters SET seen = seen + 1 WHERE name = ?`, second)
			return err
		}
	}
	ended := make(chan error, 2)
	go func() { ended <- db.Do(t.Context(), state.How{Keyed: true}, see("a", "b")) }()
	go func() { ended <- db.Do(t.Context(), state.How{Keyed: true}, see("b", "a")) }()
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	var seen int64
	if err := db.Read().QueryRowContext(t.Context(), `SELECT SUM(seen) FROM letters`).Scan(&seen); err != nil || seen != 4 || runs.Load() < 3 {
		t.Errorf("seen %d times in %d runs (%v), want 4: one was undone and run again", seen, runs.Load(), err)
	}
}

// A node is stopped in the middle of an ordered write: the server throws it out, others
// go on, and what it had begun is begun again when it comes back.
func TestStoppedNodeDoesNotHoldUpTheOthers(t *testing.T) {
	postgres.PatienceWithNodes(t, "50")
	url := postgrestest.Database(t)
	makeLetters(t, url)
	stopped, other := letters(t, url), letters(t, url)
	begun, goOn := make(chan struct{}, 9), make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- stopped.Write(context.Background(), func(tx sqldb.Tx) error {
			if err := add("stopped")(tx); err != nil {
				return err
			}
			begun <- struct{}{}
			<-goOn
			return add("stopped too")(tx)
		})
	}()
	<-begun
	mustWrite(t, other, add("other"))
	if got := names(t, other); got != "other" {
		t.Errorf("the others see %q", got)
	}
	close(goOn)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if got := names(t, other); got != "other stopped stopped too" {
		t.Errorf("at the end there is %q", got)
	}
}

func TestWriteThatFailsTakesNobodyAlong(t *testing.T) {
	url := postgrestest.Database(t)
	makeLetters(t, url)
	db := letters(t, url)
	mustWrite(t, db, add("a"))
	begun, goOn := make(chan struct{}), make(chan struct{})
	first := make(chan error, 1)
	go func() {
		first <- db.Write(context.Background(), func(sqldb.Tx) error { close(begun); <-goOn; return nil })
	}()
	<-begun
	refusal := errors.New("no")
	writes := map[string]func(tx sqldb.Tx) error{
		"b":        add("b"),
		"taken":    add("a"),
		"changed":  func(tx sqldb.Tx) error { return errors.Join(add("half")(tx), refusal) },
		"looked":   func(sqldb.Tx) error { return refusal },
		"passed":   func(tx sqldb.Tx) error { _ = add("a")(tx); return nil },
		"panicked": func(sqldb.Tx) error { panic("oh") },
		"c":        add("c"),
		"well known": func(tx sqldb.Tx) error {
			return tx.QueryRowContext(context.Background(), `SELECT 'x' || ?`, "\x00").Scan(new(string))
		},
	}
	type end struct {
		name string
		err  error
	}
	ends := make(chan end, len(writes))
	for name, fn := range writes {
		go func() { ends <- end{name, db.Write(context.Background(), fn)} }()
	}
	until(t, func() bool { return db.Waiting() == len(writes) }) // all of them share the next transaction
	close(goOn)
	if err := <-first; err != nil {
		t.Error(err)
	}
	for range writes {
		switch e := <-ends; {
		case e.name == "b" || e.name == "c" || e.name == "well known":
			if e.err != nil {
				t.Errorf("%s: %v", e.name, e.err)
			}
		case e.err == nil:
			t.Errorf("%s: no error", e.name)
		case (e.name == "changed" || e.name == "looked") && !errors.Is(e.err, refusal):
			t.Errorf("%s: %v, want its own error", e.name, e.err)
		}
	}
	if got := names(t, db); got != "a b c" {
		t.Errorf("there is %q", got)
	}
}

func TestWhoeverDoesNotWaitIsNotWrittenFor(t *testing.T) {
	url := postgrestest.Database(t)
	makeLetters(t, url)
	db := letters(t, url)
	begun, goOn := make(chan struct{}), make(chan struct{})
	first := make(chan error, 1)
	go func() {
		first <- db.Write(context.Background(), func(tx sqldb.Tx) error { close(begun); <-goOn; return add("a")(tx) })
	}()
	<-begun
	ctx, cancel := context.WithCancel(t.Context())
	second := make(chan error, 1)
	go func() { second <- db.Write(ctx, add("b")) }()
	until(t, func() bool { return db.Waiting() == 1 })
	cancel()
	if err := <-second; !errors.Is(err, context.Canceled) {
		t.Errorf("the one that gave up got %v", err)
	}
	close(goOn)
	if err := <-first; err != nil {
		t.Error(err)
	}
	if got := names(t, db); got != "a" {
		t.Errorf("there is %q", got)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	if err := db.Write(t.Context(), add("c")); !errors.Is(err, postgres.ErrClosed) {
		t.Errorf("a closed store: %v", err)
	}
}

func TestReadersWriteNothing(t *testing.T) {
	url := postgrestest.Database(t)
	if _, err := postgres.Open(t.Context(), url, state.ReadOnly, state.Options{}); !errors.Is(err, postgres.ErrEmpty) {
		t.Errorf("an empty database: %v", err)
	}
	url = migrated(t)
	store, err := postgres.Open(t.Context(), url, state.ReadOnly, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	if err := store.Write(t.Context(), func(sqldb.Tx) error { return nil }); err == nil || !strings.Contains(err.Error(), "reading only") {
		t.Errorf("writing: %v", err)
	}
	if err := store.Read().QueryRowContext(t.Context(), `DELETE FROM jobs RETURNING ref`).Scan(new(string)); err == nil || !strings.Contains(err.Error(), "read-only") {
		t.Errorf("deleting by a reader: %v", err)
	}
}

func TestServerThatForgetsIsRefused(t *testing.T) {
	server := postgrestest.Start(t, postgrestest.Options{Memory: true, Settings: []string{"fsync=off"}})
	url, err := server.Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := postgres.OpenDB(t.Context(), url, state.Owned); err == nil || !strings.Contains(err.Error(), "fsync") {
		t.Errorf("got %v, want a word about fsync", err)
	}
}

func TestErrorsShowNoPassword(t *testing.T) {
	for url, want := range map[string]string{
		"mysql://u:hunter2@h/d":                              "expected postgres://",
		"postgres://u:hunter2@h":                             "names no database",
		"postgres://u:hunter2%zz@h/d":                        "not a URL",
		"postgres://u:hunter2@h:port/d":                      "not a URL",
		"postgres://u:hunter2@h/d?sslmode=maybe":             "sslmode",
		"postgres://h/d?password=hunter2&connect_timeout=x":  "xxxxx",
		"postgres://u@h/d?sslpassword=hunter2&sslmode=maybe": "xxxxx",
	} {
		if err := postgres.Check(url); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want %q and no password", url, err, want)
		}
	}
	_, err := postgres.OpenDB(t.Context(), "postgres://u:hunter2@127.0.0.1:1/d", state.Owned)
	if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "u:xxxxx@127.0.0.1:1/d") {
		t.Errorf("nobody there: %v", err)
	}
}

func TestTextsOfSQLAreReadAsTheServerWantsThem(t *testing.T) {
	for text, want := range map[string]string{
		`SELECT ? WHERE a = ?`:                        `SELECT $1 WHERE a = $2`,
		`SELECT ?1, ?1, ?2`:                           `SELECT $1, $1, $2`,
		`SELECT '?', "?", ? -- ?`:                     `SELECT '?', "?", $1 -- ?`,
		`SELECT 'it''s ?', ?`:                         `SELECT 'it''s ?', $1`,
		`SELECT MAX(a), MAX(a, ?), MIN(b, MAX(c, d))`: `SELECT MAX(a), GREATEST(a, $1), LEAST(b, GREATEST(c, d))`,
		`SELECT MAX(?, 1 + COALESCE(MAX(a), 0))`:      `SELECT GREATEST($1, 1 + COALESCE(MAX(a), 0))`,
		`SELECT a FROM b WHERE c = ? /*FOR UPDATE*/`:  `SELECT a FROM b WHERE c = $1 FOR UPDATE`,
		`x IN (SELECT value FROM json_each(?))`:       `x IN (SELECT value FROM json_array_elements_text(CAST($1 AS json)))`,
	} {
		if got := postgres.Rebind(text); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestTextsThatTheServerRefusesAreKeptApart(t *testing.T) {
	seen := map[string]string{}
	for _, text := range []string{"", "é", "\x00", "\xff", "\xfe", "\xff\xfe", "a\x00", "a\xff", "\xed\xa0\x80", "\uFFFD"} {
		kept := postgres.Storable(text)
		if before, twice := seen[kept]; twice {
			t.Errorf("%q and %q are both kept as %q", before, text, kept)
		}
		seen[kept] = text
		if strings.ContainsRune(kept, 0) || strings.ToValidUTF8(kept, "") != kept {
			t.Errorf("%q is kept as %q", text, kept)
		}
	}
	if postgres.Storable("é\n") != "é\n" {
		t.Error("an ordinary text is changed")
	}
}
