package postgrestest

import (
	"context"
	"testing"

	"drawbridge/store/postgres"
	"drawbridge/store/state"
	"drawbridge/tools/sqldb"
)

// Open opens a database of the test's own with the given components migrated, besides
// sqldb.Effects, for the tests of built-in backends. The components are known by their
// names.
func Open(t testing.TB, schemas ...sqldb.Schema) *postgres.DB {
	t.Helper()
	schemas = append([]sqldb.Schema{sqldb.Effects}, schemas...)
	name := "components"
	for _, s := range schemas {
		name += " " + s.Name
	}
	url := Copy(t, name, func(ctx context.Context, url string) error {
		db, err := postgres.OpenDB(ctx, url, state.Owned, schemas...)
		if err != nil {
			return err
		}
		return db.Close()
	})
	db, err := postgres.OpenDB(t.Context(), url, state.Owned, schemas...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}
