package sqlite_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"drawbridge/store/sqlite"
	"drawbridge/store/state"
	"drawbridge/tools/sqldb"
)

// rewrite changes a closed store's file behind its back.
func rewrite(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// newerStore makes a store in which a component is of a version that nobody knows yet.
func newerStore(t *testing.T, component string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "a.db")
	if err := mustOpen(t, path, state.Owned).Close(); err != nil {
		t.Fatal(err)
	}
	rewrite(t, path, `INSERT INTO schema_`+component+` (version_id, is_applied) VALUES (900, 1)`)
	return path
}

func TestStoreOfANewerVersionIsRefusedByEveryMode(t *testing.T) {
	for _, component := range []string{"state", "effects"} {
		path := newerStore(t, component)
		for _, mode := range []state.Mode{state.Owned, state.Beside, state.ReadOnly} {
			_, err := openAt(t, path, mode)
			var newer *sqldb.NewerError
			if !errors.As(err, &newer) || newer.Component != component || newer.At != 900 {
				t.Errorf("%s, mode %d: got %v, want it refused as newer", component, mode, err)
			}
		}
		standings, err := sqlite.Plan(t.Context(), path)
		if err == nil || !strings.Contains(err.Error(), "version 900") || len(standings) != 2 {
			t.Errorf("%s: the plan is %v (%v)", component, standings, err)
		}
	}
}

func TestNobodyMigratesUnderAnOwnerOfAnEarlierVersion(t *testing.T) {
	path := olderStore(t)
	owner, err := sqlite.OpenDB(t.Context(), path, state.Owned) // its tables stay as they are
	if err != nil {
		t.Fatal(err)
	}
	_, err = openAt(t, path, state.Beside)
	if err == nil || !strings.Contains(err.Error(), "an earlier version of this program serves from it") {
		t.Errorf("beside an owner of an earlier version: got %v", err)
	}
	standings, err := sqlite.Plan(t.Context(), path)
	if err != nil || standings[0].At != 2 || len(standings[0].Pending) == 0 {
		t.Errorf("the tables were changed: %+v (%v)", standings, err)
	}
	if err := owner.Close(); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, path, state.Beside)
}

// After an update a server and whoever is beside it may start at once, and the second
// be the first to look.
func TestBesideWaitsForAnOwnerWhoMigrates(t *testing.T) {
	path := olderStore(t)
	owner, err := sqlite.OpenDB(t.Context(), path, state.Owned)
	if err != nil {
		t.Fatal(err)
	}
	opened := make(chan error, 1)
	go func() {
		beside, err := sqlite.Open(t.Context(), path, state.Beside, state.Options{})
		if err == nil {
			err = beside.Close()
		}
		opened <- err
	}()
	if err := owner.Close(); err != nil { // whichever comes first, the other finds the newest tables
		t.Fatal(err)
	}
	mustOpen(t, path, state.Owned)
	if err := <-opened; err != nil {
		t.Error(err)
	}
}
