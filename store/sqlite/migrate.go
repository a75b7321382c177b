package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"drawbridge/store/state"
	"drawbridge/tools/sqldb"
)

// How long a process beside an owner waits for it to bring the file up to date, and how
// often it looks: both may have been started at once, after an update.
const (
	migrateWait  = 2 * time.Second
	migratePause = 20 * time.Millisecond
)

// errOwnerFirst: the file has to be brought up to date, and whoever owns it has not done it.
var errOwnerFirst = errors.New("an earlier version of this program serves from it, whose tables would change under it: start that one anew with this version first")

// withOwn adds the tables of the store's own to those of the backends in it.
func withOwn(backends []sqldb.Schema) []sqldb.Schema {
	return append([]sqldb.Schema{state.Schema, sqldb.Effects}, backends...)
}

var errBehind = errors.New("an earlier version of this program wrote it; `drawbridge store migrate` brings it up to date, and so does `drawbridge serve`")

// openWriterPatiently gives an owner the time to bring the file up to date.
func (d *DB) openWriterPatiently(ctx context.Context, schemas []sqldb.Schema) error {
	for waited := time.Duration(0); ; waited += migratePause {
		err := d.openWriter(ctx, schemas)
		if !errors.Is(err, errOwnerFirst) || waited >= migrateWait {
			return err
		}
		if err := d.writes.Close(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(migratePause):
		}
	}
}

// migrate brings the tables up to date, under the lock of migrations. Those that an owner
// of an earlier version works on are left alone: SQLite's migrations may make a table anew.
func (d *DB) migrate(ctx context.Context, db *sql.DB, schemas []sqldb.Schema) error {
	standings, err := sqldb.Stand(ctx, db, sqldb.SQLite, schemas...)
	if err != nil {
		return err
	}
	if d.mode == state.Beside && slices.ContainsFunc(standings, behind) && slices.ContainsFunc(standings, used) {
		// An owner who comes now waits for the lock of migrations.
		if taken, err := isLocked(d.path + ".lock"); err != nil {
			return err
		} else if taken {
			return errOwnerFirst
		}
	}
	return sqldb.Migrate(ctx, db, sqldb.SQLite, schemas...)
}

func behind(s sqldb.Standing) bool { return len(s.Pending) > 0 }

func used(s sqldb.Standing) bool { return s.Component == state.Schema.Name && s.At > 0 }

// checkVersion refuses to look at tables of an earlier version, or of a later one: what
// they lack would only show as an error of SQL.
func (d *DB) checkVersion(ctx context.Context, schemas []sqldb.Schema) error {
	standings, err := sqldb.Stand(ctx, d.reads.DB, sqldb.SQLite, schemas...)
	if err == nil && slices.ContainsFunc(standings, behind) {
		err = errBehind
	}
	return err
}

// Plan compares the tables in a store's file with those of this program. It changes
// nothing, and works beside anybody.
func Plan(ctx context.Context, path string, backends ...sqldb.Schema) ([]sqldb.Standing, error) {
	var standings []sqldb.Standing
	_, err := os.Stat(path)
	if err == nil {
		var db *sql.DB
		if db, err = openReading(ctx, path, false); err == nil {
			standings, err = standOf(ctx, db, withOwn(backends))
			err = errors.Join(err, db.Close())
		}
	}
	if err != nil {
		return standings, fmt.Errorf("looking at store %q: %w", path, err)
	}
	return standings, nil
}

// Migrate brings the tables in a store's file up to date. Nobody may serve from it.
func Migrate(ctx context.Context, path string, backends ...sqldb.Schema) error {
	db, err := OpenDB(ctx, path, state.Owned, withOwn(backends)...)
	if err != nil {
		return err
	}
	return db.Close()
}
