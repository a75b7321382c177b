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

func (d Dialect) folder() string {
	if d == Postgres {
		return "migrations/postgres"
	}
	return "migrations"
}

// Schema is one component's migrations: SQL files that goose keeps count of, forward only
// (what stands behind "-- +goose Down" is for whoever works on them), for SQLite in a
// folder "migrations" and for PostgreSQL in "migrations/postgres". A version is the same
// tables in both, so a new file has the same number in both; the first file of
// PostgreSQL is all that SQLite had come to at that number. Each component counts its
// own versions, so that a backend's tables come and go with the backend.
type Schema struct {
	Name  string // of the component: [a-z_]
	Files fs.FS
}

// Migrate brings the components' tables to their newest versions. If one of them is of a
// version that this program does not know ([NewerError]), none is touched. Whoever calls
// it sees to it that nobody else does at the same time.
func Migrate(ctx context.Context, db *sql.DB, engine Dialect, schemas ...Schema) error {
	standings, err := Stand(ctx, db, engine, schemas...)
	if err != nil {
		return err
	}
	for i, s := range schemas {
		if len(standings[i].Pending) == 0 {
			continue
		}
		provider, err := s.provider(db, engine)
		if err == nil {
			_, err = provider.Up(ctx)
		}
		if err != nil {
			return fmt.Errorf("migrating %s: %w", s.Name, err)
		}
	}
	return nil
}

// Newest is the version that this program brings the component's tables to.
func (s Schema) Newest(engine Dialect) (int64, error) {
	steps, err := s.steps(engine)
	if err != nil {
		return 0, fmt.Errorf("reading the migrations of %s: %w", s.Name, err)
	}
	return steps[len(steps)-1].Version, nil
}

func (s Schema) table() string { return "schema_" + s.Name }

func (s Schema) provider(db *sql.DB, engine Dialect) (*goose.Provider, error) {
	dialect := database.DialectSQLite3
	if engine == Postgres {
		dialect = database.DialectPostgres
	}
	versions, err := database.NewStore(dialect, s.table())
	if err != nil {
		return nil, err
	}
	steps, err := s.steps(engine)
	if err != nil {
		return nil, err
	}
	all := make([]*goose.Migration, len(steps))
	for i, step := range steps {
		all[i] = goose.NewGoMigration(step.Version, &goose.GoFunc{RunTx: step.run}, nil)
	}
	return goose.NewProvider("", db, nil, goose.WithStore(versions), goose.WithDisableGlobalRegistry(true), goose.WithGoMigrations(all...))
}

// run gives the file to the engine as it is. goose's own parser would take it apart first,
// in 4 MiB of buffers, and under the race detector, which empties pools, in new ones for
// each file: that was a third of each test's app.
func (s Step) run(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, s.statements); err != nil {
		return fmt.Errorf("%05d_%s.sql: %w", s.Version, s.Name, err)
	}
	return nil
}
