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

//go:embed migrations/*.sql
var effects embed.FS

// Effects are the migrations of the table that [Once] uses.
var Effects = Schema{Name: "effects", Files: effects}

// Schema is one component's migrations: goose SQL files in a folder
// "migrations", forward only. Each component counts its own versions, so that a
// backend's tables come and go with the backend.
type Schema struct {
	Name  string // of the component: [a-z_]
	Files fs.FS
}

// Migrate brings the component's tables to their newest version.
func Migrate(ctx context.Context, db *sql.DB, s Schema) error {
	provider, err := s.provider(db)
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
func Behind(ctx context.Context, db *sql.DB, s Schema) (bool, error) {
	provider, err := s.provider(db)
	if err != nil {
		return false, fmt.Errorf("looking at the version of %s: %w", s.Name, err)
	}
	var at int64
	if err := db.QueryRowContext(ctx, "SELECT COALESCE(MAX(version_id), 0) FROM "+s.table()).Scan(&at); err != nil {
		return false, fmt.Errorf("looking at the version of %s: %w", s.Name, err)
	}
	sources := provider.ListSources()
	return at < sources[len(sources)-1].Version, nil
}

func (s Schema) table() string { return "schema_" + s.Name }

func (s Schema) provider(db *sql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(s.Files, "migrations")
	if err != nil {
		return nil, err
	}
	versions, err := database.NewStore(database.DialectSQLite3, s.table())
	if err != nil {
		return nil, err
	}
	return goose.NewProvider("", db, files, goose.WithStore(versions), goose.WithDisableGlobalRegistry(true))
}
