package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"drawbridge/store/state"
	"drawbridge/tools/sqldb"
)

const (
	// Connections of a process: for reading, and for writing, of which one is for
	// ordered writes.
	mostReaders = 8
	mostWriters = 9
	// idleFor is how long a connection is kept that nobody uses.
	idleFor = 5 * time.Minute
)

// writing are the settings of sessions that write.
var writing = map[string]string{
	// A node that is stopped in the middle of a transaction may hold the lock that all
	// others wait for: the server throws it out.
	"idle_in_transaction_session_timeout": "3000",
	"lock_timeout":                        "15000",
	// So that a node whose machine has gone is noticed.
	"tcp_keepalives_idle":     "5",
	"tcp_keepalives_interval": "2",
	"tcp_keepalives_count":    "3",
}

// DB is an open database: pools of connections that read and that write.
type DB struct {
	place  string // without password
	mode   state.Mode
	reads  *sql.DB
	writes *sql.DB
	writer *writer

	node  *node
	wakes *wakes
	twice bool // each operation is run twice, for tests

	closing sync.Once
}

var _ state.Engine = (*DB)(nil)

// OpenDB opens the database that a URL names, and brings the components' tables up to
// date.
func OpenDB(ctx context.Context, storeURL string, mode state.Mode, schemas ...sqldb.Schema) (*DB, error) {
	config, err := parse(storeURL)
	if err != nil {
		return nil, err
	}
	d := &DB{place: Place(storeURL), mode: mode}
	d.writer = &writer{db: d}
	if err := d.open(ctx, config, schemas); err != nil {
		_ = d.Close()
		return nil, fmt.Errorf("opening store %s: %w", d.place, err)
	}
	return d, nil
}

func (d *DB) open(ctx context.Context, config *pgx.ConnConfig, schemas []sqldb.Schema) error {
	reading := config.Copy()
	reading.AfterConnect = readOnly
	d.reads = newPool(reading, mostReaders)
	if err := checkServer(ctx, d.reads); err != nil {
		return err
	}
	if d.mode == state.ReadOnly {
		return nil
	}
	if d.mode == state.Owned {
		if err := errors.Join(checkConnections(ctx, d.reads), checkClock(ctx, d.reads)); err != nil {
			return err
		}
	}
	err := migrateAll(ctx, config, schemas)
	if err != nil {
		return err
	}
	for name, value := range writing {
		config.RuntimeParams[name] = value
	}
	d.writes = newPool(config, mostWriters)
	if d.wakes, err = newWakes(config); err != nil {
		return err
	}
	d.node, err = join(ctx, config)
	return err
}

// Read gives the pool of readers.
func (d *DB) Read() sqldb.Querier { return d.reads }

// Snapshot is a read transaction: all that it reads is of one moment.
func (d *DB) Snapshot(ctx context.Context) (*sql.Tx, error) {
	return d.reads.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
}

// Alone is false: other nodes may use the database.
func (d *DB) Alone() bool { return false }

// Lock takes an advisory lock by the hash of a name: two that meet wait without need.
func (d *DB) Lock(ctx context.Context, tx sqldb.Tx, what string) error {
	sum := fnv.New32a()
	_, _ = io.WriteString(sum, what)
	_, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(CAST(? AS INTEGER), CAST(? AS INTEGER))`, int32(namedLocks), int32(sum.Sum32()))
	return err
}

// InOrder is false: writes go on beside each other, and the later may be the first to be
// committed.
func (d *DB) InOrder() bool { return false }

// Room is nil: the disk is the server's to watch.
func (d *DB) Room() error { return nil }

// WatchRoom has nothing to measure.
func (d *DB) WatchRoom(context.Context, state.Least, *slog.Logger) {}

// Close waits for the writes under way and closes the connections. Closing twice is once.
func (d *DB) Close() error {
	var err error
	d.closing.Do(func() {
		d.writer.close()
		if d.wakes != nil {
			d.wakes.close()
		}
		if d.node != nil {
			d.node.leave()
		}
		for _, pool := range []*sql.DB{d.writes, d.reads} {
			if pool != nil {
				err = errors.Join(err, pool.Close())
			}
		}
	})
	return err
}

// lost reports whether an error is of a connection, and not of what was asked.
func lost(err error) bool {
	var network net.Error
	var connecting *pgconn.ConnectError
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.As(err, &network) && !network.Timeout() || errors.As(err, &connecting)
}
