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
	files, err := fs.Sub(s.Files, "migrations")
	if err != nil {
		return fmt.Errorf("reading migrations of %s: %w", s.Name, err)
	}
	versions, err := database.NewStore(database.DialectSQLite3, "schema_"+s.Name)
	if err != nil {
		return fmt.Errorf("migrating %s: %w", s.Name, err)
	}
	provider, err := goose.NewProvider("", db, files, goose.WithStore(versions), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("migrating %s: %w", s.Name, err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrating %s: %w", s.Name, err)
	}
	return nil
}
