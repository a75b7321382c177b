package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"drawbridge/store/state"
	"drawbridge/tools/sqldb"
)

// lockClass is the upper half of the numbers of all our advisory locks, as pg_locks shows
// it, and the first of the two numbers of those that have two.
const lockClass = 0x64726177

// namedLocks is the first number of those that are taken by name, for a transaction.
const namedLocks = 0x64726178

// The numbers of our advisory locks, which are the database's, and so everybody's who
// uses the same database: ours begin with "draw" in ASCII.
const (
	migrateLock = 0x64726177_00000001
	orderLock   = 0x64726177_00000002 // of writes that decide by what they read
)

// Migrate brings the components' tables up to date. Nodes that start together wait for
// each other, for as long as ctx lets them.
func Migrate(ctx context.Context, db *sql.DB, schemas ...sqldb.Schema) (err error) {
	return whileNobodyElse(ctx, db, func() error { return sqldb.Migrate(ctx, db, sqldb.Postgres, schemas...) })
}

// migrateAll is Migrate, and River's tables as well.
func migrateAll(ctx context.Context, config *pgx.ConnConfig, schemas []sqldb.Schema) error {
	db := stdlib.OpenDB(*config) // goose speaks PostgreSQL's own SQL
	err := whileNobodyElse(ctx, db, func() error {
		if err := sqldb.Migrate(ctx, db, sqldb.Postgres, schemas...); err != nil {
			return err
		}
		if isNew, err := riverIsNew(ctx, db); isNew || err != nil {
			return err
		}
		return migrateRiver(ctx, config)
	})
	return errors.Join(err, db.Close())
}

// whileNobodyElse migrates under a lock.
func whileNobodyElse(ctx context.Context, db *sql.DB, migrate func() error) error {
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
	return migrate()
}

var errBehind = errors.New("an earlier version of this program wrote it; `drawbridge store migrate` brings it up to date, and so does `drawbridge serve`")

func behind(s sqldb.Standing) bool { return len(s.Pending) > 0 }

// withOwn adds the tables of the store's own to those of the backends in it.
func withOwn(backends []sqldb.Schema) []sqldb.Schema {
	return append([]sqldb.Schema{state.Schema, sqldb.Effects}, backends...)
}

// Plan compares the tables in a database with those of this program. It changes nothing,
// and works beside anybody.
func Plan(ctx context.Context, storeURL string, backends ...sqldb.Schema) (standings []sqldb.Standing, err error) {
	err = connected(ctx, storeURL, func(db *sql.DB) (err error) {
		standings, err = sqldb.Stand(ctx, db, sqldb.Postgres, withOwn(backends)...)
		return err
	})
	if err != nil {
		return standings, fmt.Errorf("looking at store %s: %w", Place(storeURL), err)
	}
	return standings, nil
}

// Upgrade brings the tables in a database up to date, beside nodes that know the version
// before ([sqldb.Standing.Beside]).
func Upgrade(ctx context.Context, storeURL string, backends ...sqldb.Schema) error {
	config, err := parse(storeURL)
	if err != nil {
		return err
	}
	return connected(ctx, storeURL, func(*sql.DB) error { return migrateAll(ctx, config, withOwn(backends)) })
}

// connected does something with the database as pgx and goose speak to it.
func connected(ctx context.Context, storeURL string, do func(*sql.DB) error) error {
	config, err := parse(storeURL)
	if err != nil {
		return err
	}
	db := stdlib.OpenDB(*config)
	if err = checkServer(ctx, db); err == nil {
		err = do(db)
	}
	return errors.Join(err, db.Close())
}
