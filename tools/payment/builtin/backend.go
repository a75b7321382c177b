// Package builtin is the payment sandbox that comes with Drawbridge: real tables,
// constraints and transactions, and no real money. Nothing it does leaves the
// database: an invoice is marked sent and mailed to nobody, a payment link leads
// to no page. Every write's result says so.
//
// What people outside would do (pay, subscribe, dispute) is in outside.go, for
// demonstrations and tests. Sample data is in sample.go.
package builtin

import (
	"database/sql"
	"embed"
	"encoding/hex"
	"time"

	"github.com/google/uuid"

	"drawbridge/tools/payment"
	"drawbridge/tools/sqldb"
)

//go:embed migrations/*.sql migrations/postgres/*.sql
var migrations embed.FS

// Schema is the sandbox's tables.
var Schema = sqldb.Schema{Name: "payment", Files: migrations}

// Backend is the sandbox. It is safe for concurrent use.
type Backend struct {
	db  sqldb.DB
	now func() time.Time
}

var _ payment.Driver = (*Backend)(nil)

// New makes a sandbox on a database in which [Schema] and sqldb.Effects are
// migrated. Times are taken from now.
func New(db sqldb.DB, now func() time.Time) *Backend {
	return &Backend{db: db, now: now}
}

// Traits of the sandbox: a repeated key takes effect once, and nothing is real.
func (b *Backend) Traits() payment.Traits {
	return payment.Traits{Idempotent: true, Sandbox: true}
}

// newID makes an id that sorts by the time it was made.
func newID(prefix string) (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", err
	}
	return prefix + hex.EncodeToString(id[:]), nil
}

// moment is the present, as exact as a column holds it.
func (b *Backend) moment() time.Time { return moment(millis(b.now())) }

// millis is a time as a column holds it.
func millis(at time.Time) int64 { return at.UnixMilli() }

// millisUp is the first millisecond not before a time, for comparing a column
// with a time that is more exact than the column.
func millisUp(at time.Time) int64 { return at.Add(time.Millisecond - 1).UnixMilli() }

// moment is a column as a record holds it.
func moment(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// nullMoment is a nullable column as a record holds it: NULL is the zero time.
func nullMoment(ms sql.NullInt64) time.Time {
	if !ms.Valid {
		return time.Time{}
	}
	return moment(ms.Int64)
}

// orNull stores an empty text as NULL, so that a UNIQUE column may lack it in
// many rows.
func orNull(text string) sql.NullString {
	return sql.NullString{String: text, Valid: text != ""}
}

// nullMillis stores the zero time as NULL.
func nullMillis(at time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: at.UnixMilli(), Valid: !at.IsZero()}
}

func shown(minor int64, currency string) payment.Amount {
	return payment.Money{AmountMinor: minor, Currency: currency}.Shown()
}
