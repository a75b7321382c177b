package sqldb

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
)

//go:embed migrations/*.sql migrations/postgres/*.sql
var effects embed.FS

// Effects are the migrations of the table that [Once] uses.
var Effects = Schema{Name: "effects", Files: effects}

// Dialect is an engine, as far as migrations differ. Everything else is one SQL for both.
type Dialect string

// The engines.
const (
	SQLite   Dialect = "sqlite"
	Postgres Dialect = "postgres"
)

// Schema is one component's migrations: goose SQL files, forward only, for SQLite in a
// folder "migrations" and for PostgreSQL in "migrations/postgres". A version is the same
// tables in both, so a new file has the same number in both; the first file of
// PostgreSQL is all that SQLite had come to at that number. Each component counts its
// own versions, so that a backend's tables come and go with the backend.
type Schema struct {
	Name  string // of the component: [a-z_]
	Files fs.FS
}

// Migrate brings the component's tables to their newest version. Whoever calls it sees
// to it that nobody else does at the same time.
func Migrate(ctx context.Context, db *sql.DB, engine Dialect, s Schema) error {
	provider, err := s.provider(db, engine)
	if err == nil {
		_, err = provider.Up(ctx)
	}
	if err != nil {
		return fmt.Errorf("migrating %s: %w", s.Name, err)
	}
	return nil
}

// Behind reports whether the component's tables are of an earlier version than those of
// this program. It changes nothing.
func Behind(ctx context.Context, db *sql.DB, engine Dialect, s Schema) (bool, error) {
	newest, err := s.Newest(engine)
	if err != nil {
		return false, fmt.Errorf("looking at the version of %s: %w", s.Name, err)
	}
	var at int64
	if err := db.QueryRowContext(ctx, "SELECT COALESCE(MAX(version_id), 0) FROM "+s.table()).Scan(&at); err != nil {
		return false, fmt.Errorf("looking at the version of %s: %w", s.Name, err)
	}
	return at < newest, nil
}

// Newest is the version that this program brings the component's tables to.
func (s Schema) Newest(engine Dialect) (int64, error) {
	provider, err := s.provider(new(sql.DB), engine) // which it does not use
	if err != nil {
		return 0, err
	}
	sources := provider.ListSources()
	return sources[len(sources)-1].Version, nil
}

func (s Schema) table() string { return "schema_" + s.Name }

func (s Schema) provider(db *sql.DB, engine Dialect) (*goose.Provider, error) {
	folder, dialect := "migrations", database.DialectSQLite3
	if engine == Postgres {
		folder, dialect = "migrations/postgres", database.DialectPostgres
	}
	files, err := fs.Sub(s.Files, folder)
	if err != nil {
		return nil, err
	}
	versions, err := database.NewStore(dialect, s.table())
	if err != nil {
		return nil, err
	}
	return goose.NewProvider("", db, files, goose.WithStore(versions), goose.WithDisableGlobalRegistry(true))
}
