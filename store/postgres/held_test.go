package postgres_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"drawbridge/store/postgres"
	"drawbridge/store/postgres/postgrestest"
	"drawbridge/store/state"
	"drawbridge/tools/sqldb"
)

// withOwnTables makes a database with the store's own tables.
func withOwnTables(t *testing.T) (url string) {
	t.Helper()
	return postgrestest.Copy(t, "own", func(ctx context.Context, url string) error { return postgres.Upgrade(ctx, url) })
}

func TestDatabaseIsCopiedOnlyWhileNoNodeUsesIt(t *testing.T) {
	url := withOwnTables(t)
	node, err := postgres.Open(t.Context(), url, state.Owned, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := node.Runs(t.Context(), "", 1); err != nil {
		t.Fatal(err)
	}
	if _, err := postgres.OpenSource(t.Context(), url); err == nil || !strings.Contains(err.Error(), "other sessions of drawbridge use it (from this machine)") {
		t.Errorf("beside a node: %v", err)
	}
	if err := node.Close(); err != nil {
		t.Fatal(err)
	}
	source, err := postgres.OpenSource(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	// A node that starts meanwhile waits, however long it takes.
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if late, err := postgres.Open(ctx, url, state.Owned, state.Options{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a node that starts meanwhile: %v, %v", late, err)
	}
	if err := source.Close(); err != nil {
		t.Fatal(err)
	}
	if node, err = postgres.Open(t.Context(), url, state.Owned, state.Options{}); err != nil {
		t.Fatal(err)
	}
	_ = node.Close()
}

func TestSourceOfAnotherVersionIsRefused(t *testing.T) {
	empty := postgrestest.Database(t)
	if _, err := postgres.OpenSource(t.Context(), empty); !errors.Is(err, postgres.ErrEmpty) {
		t.Errorf("without tables: %v", err)
	}
	url := withOwnTables(t)
	db := open(t, "pgx", url)
	if _, err := db.ExecContext(t.Context(), `DELETE FROM schema_state WHERE version_id = (SELECT MAX(version_id) FROM schema_state)`); err != nil {
		t.Fatal(err)
	}
	if _, err := postgres.OpenSource(t.Context(), url); err == nil || !strings.Contains(err.Error(), "drawbridge store migrate") {
		t.Errorf("of an earlier version: %v", err)
	}
	if _, err := db.ExecContext(t.Context(), `INSERT INTO schema_state (version_id, is_applied) VALUES (900, TRUE)`); err != nil {
		t.Fatal(err)
	}
	var newer *sqldb.NewerError
	if _, err := postgres.OpenSource(t.Context(), url); !errors.As(err, &newer) || newer.At != 900 {
		t.Errorf("of a newer version: %v", err)
	}
	if _, err := postgres.OpenTarget(t.Context(), url); !errors.As(err, &newer) {
		t.Errorf("into a newer version: %v", err)
	}
	for _, mode := range []state.Mode{state.Owned, state.Beside, state.ReadOnly} {
		if _, err := postgres.Open(t.Context(), url, mode, state.Options{}); !errors.As(err, &newer) {
			t.Errorf("opened in mode %d: %v", mode, err)
		}
	}
}

func TestPlanOfADatabaseChangesNothing(t *testing.T) {
	url := postgrestest.Database(t)
	for range 2 {
		standings, err := postgres.Plan(t.Context(), url)
		if err != nil || len(standings) != 2 || standings[0].At != 0 || len(standings[0].Pending) == 0 {
			t.Fatalf("the plan is %+v (%v)", standings, err)
		}
	}
	if err := postgres.Upgrade(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	if standings, err := postgres.Plan(t.Context(), url); err != nil || standings[0].At != standings[0].Newest || len(standings[0].Pending) != 0 {
		t.Errorf("once it was carried out the plan is %+v (%v)", standings, err)
	}
}
