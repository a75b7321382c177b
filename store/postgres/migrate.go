package postgres

import (
	"context"
	"database/sql"
	"fmt"

	"drawbridge/tools/sqldb"
)

// The numbers of our advisory locks, which are the database's, and so everybody's who
// uses the same database: ours begin with "draw" in ASCII.
const (
	migrateLock = 0x64726177_00000001
	orderLock   = 0x64726177_00000002 // of writes that decide by what they read
)

// Migrate brings the components' tables up to date. Nodes that start together wait for
// each other, for as long as ctx lets them.
func Migrate(ctx context.Context, db *sql.DB, schemas ...sqldb.Schema) (err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("migrating: %w", err)
	}
	// A connection that is given back keeps its locks: it is closed, which frees them
	// however this ends.
	defer discard(conn)
	if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, int64(migrateLock)); err != nil {
		return fmt.Errorf("waiting for whoever else migrates: %w", err)
	}
	return sqldb.Migrate(ctx, db, sqldb.Postgres, schemas...)
}
