package sqlite

import (
	"context"
	"database/sql"
	"time"

	"drawbridge/tools/sqldb"
)

// watchEvery is how often an owner looks whether another process wrote to the
// file (`drawbridge run`, `runs cancel` or `events replay` beside it). It reads one counter.
const watchEvery = time.Second

// Watch looks at the file's counter of changes by other connections. This process has
// several itself, so look is told more often than others have written.
func (d *DB) Watch(ctx context.Context, look func(ctx context.Context, written bool) error) {
	conn, err := d.reads.Conn(ctx)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	var seen int64
	for {
		var version int64
		err := conn.QueryRowContext(ctx, "PRAGMA data_version").Scan(&version)
		written := err == nil && version != seen
		if look(ctx, written) != nil {
			seen = 0 // look again
		} else if written {
			seen = version
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Snapshot is a read transaction.
func (d *DB) Snapshot(ctx context.Context) (*sql.Tx, error) { return d.reads.BeginTx(ctx, nil) }

// Lock has nobody to keep out: there is one writer.
func (d *DB) Lock(context.Context, sqldb.Tx, string) error { return nil }

// Alone is true: the lock file keeps a second owner out.
func (d *DB) Alone() bool { return true }

// InOrder is true: one transaction writes at a time, and takes the numbers that follow.
func (d *DB) InOrder() bool { return true }
