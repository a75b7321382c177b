// Package sqldbtest opens a plain SQLite database in a temporary folder, for the
// tests of built-in backends. It has the behaviour of the store's database
// without its group commit.
package sqldbtest

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	_ "modernc.org/sqlite" // the driver

	"drawbridge/tools/sqldb"
)

// DB is a temporary database.
type DB struct{ db *sql.DB }

var _ sqldb.DB = (*DB)(nil)

// Open makes a database with the given components migrated, besides sqldb.Effects.
func Open(t testing.TB, schemas ...sqldb.Schema) *DB {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.db")
	db, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	for _, schema := range append([]sqldb.Schema{sqldb.Effects}, schemas...) {
		if err := sqldb.Migrate(t.Context(), db, sqldb.SQLite, schema); err != nil {
			t.Fatal(err)
		}
	}
	return &DB{db: db}
}

// Write runs fn in an immediate transaction of its own.
func (d *DB) Write(ctx context.Context, fn func(tx sqldb.Tx) error) error {
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := fn(tx); err != nil {
		_ = tx.Rollback()
		return err
	}
	return tx.Commit()
}

// Read gives the database itself.
func (d *DB) Read() sqldb.Querier { return d.db }
