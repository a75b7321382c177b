// Package builtin is the CRM that Drawbridge brings along: [crm.All] in SQL.
//
// It is a real one. Tables carry the rules as constraints, so that a mistake in
// this package is refused rather than stored; lists are read through indexes by
// keyset; and every write commits its idempotency key together with its effect
// (sqldb.Once).
//
// The SQL keeps to what SQLite and PostgreSQL have in common. Two rules lean on
// writes being serialised, as the store's single writer does: an update reads the
// row it changes in the same transaction, and looks there for a taken email or
// external id, so that the refusal can name the record that has it.
package builtin

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"drawbridge/tools"
	"drawbridge/tools/crm"
	"drawbridge/tools/sqldb"
)

//go:embed migrations/*.sql migrations/postgres/*.sql
var migrations embed.FS

// Schema is the migrations of the tables, all named crm_*.
var Schema = sqldb.Schema{Name: "crm", Files: migrations}

// Backend keeps the CRM in a SQL database.
type Backend struct {
	db  sqldb.DB
	now func() time.Time
}

var _ crm.All = (*Backend)(nil)

// New makes a backend on a database that Schema and sqldb.Effects were migrated
// into. The clock stamps new and changed rows.
func New(db sqldb.DB, now func() time.Time) *Backend {
	return &Backend{db: db, now: now}
}

// HonoursKeys is true: see sqldb.Once.
func (b *Backend) HonoursKeys(string) bool { return true }

// once runs a tool's write so that its key takes effect once. The time is cut to
// what a column holds, or the first result would differ from a repeated one.
func once[Out any](ctx context.Context, b *Backend, tool string, do func(tx sqldb.Tx, at time.Time) (Out, error)) (Out, error) {
	return sqldb.Once(ctx, b.db, b.now, tool, func(tx sqldb.Tx) (Out, error) {
		return do(tx, stored(b.now()))
	})
}

// newID makes an id such as cus_0190c2a45b7d7c1e8f00aa11bb22cc33. Ids of one
// prefix grow with time (UUID version 7, RFC 9562), which keeps inserts at the
// end of the index.
func newID(prefix string) (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("making an id: %w", err)
	}
	return prefix + "_" + strings.ReplaceAll(id.String(), "-", ""), nil
}

// one reads a single row, or says with absent that there is none.
func one[Row any](row *sql.Row, scan func(scanner) (Row, error), absent *tools.Error) (Row, error) {
	found, err := scan(row)
	if errors.Is(err, sql.ErrNoRows) {
		return found, absent
	}
	return found, err
}

// scanner is a *sql.Row or *sql.Rows.
type scanner interface{ Scan(dest ...any) error }

// set applies one field of a partial update.
func set[T any](field *T, change *T) {
	if change != nil {
		*field = *change
	}
}

// orNull is nil for a zero value, so that an absent text or time is NULL.
func orNull[T comparable](v T) any {
	var zero T
	if v == zero {
		return nil
	}
	return v
}

// millis is a time as a column holds it; orNull(millis(t)) for one that may be absent.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// moment is the time in a column, the zero time for NULL.
func moment(ms sql.NullInt64) time.Time {
	if !ms.Valid {
		return time.Time{}
	}
	return time.UnixMilli(ms.Int64).UTC()
}

// stored is t after a journey through a column.
func stored(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC().Truncate(time.Millisecond)
}

// flag is a claim as a column holds it.
func flag(claim bool) int64 {
	if claim {
		return 1
	}
	return 0
}
