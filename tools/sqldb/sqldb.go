// Package sqldb is what a built-in backend needs of a database, and the one way
// a built-in write takes effect once.
//
// The store implements [DB]. A backend never opens a file or a connection itself:
// its writes share the store's single writer, so that the writes of many
// concurrent calls are committed, and fsynced, together.
package sqldb

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"drawbridge/tools"
)

// Querier reads. *sql.DB, *sql.Tx and [Tx] are queriers.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Tx is an open write transaction. Statements are prepared once per query text,
// so keep query texts constant and pass values as arguments.
type Tx interface {
	Querier
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// Serial is a transaction of a database with one writer. Number is that of the transaction,
// one more than of the one before it; committed reports whether that one was.
type Serial interface {
	Serial() (number int64, committed bool)
}

// Deferrer is a transaction that can leave statements for later.
type Deferrer interface {
	Later(query string, args ...any) error
}

// Later carries out a statement whose result nobody looks at: at once, or, in a
// transaction that is a [Deferrer], before the next statement or with the commit. An error
// of it may come as one of those.
func Later(ctx context.Context, tx Tx, query string, args ...any) error {
	if later, ok := tx.(Deferrer); ok {
		return later.Later(query, args...)
	}
	_, err := tx.ExecContext(ctx, query, args...)
	return err
}

// DB is a database that a built-in backend works on.
type DB interface {
	// Write runs fn in a transaction and returns when no crash of the process can lose it,
	// or when fn failed and nothing of it is left. A power cut can lose it only with all
	// that was written after it. fn must be quick and touch nothing but
	// tx: other writers wait for it. It may be run several times, of which one counts:
	// what it leaves in variables outside must be that one's.
	Write(ctx context.Context, fn func(tx Tx) error) error
	// Read is for queries outside a write; it sees all that was committed.
	Read() Querier
}

// Once runs a write so that one idempotency key ([tools.Key]) takes effect once:
// the key and the result are stored in table tool_effects in the same transaction
// as the effect, and a repeated key returns the first result without running do.
// The same key for another tool is a conflict. Without a key, do simply runs.
//
// An error from do leaves nothing behind, the key included, so that a corrected
// or retried call may use it again.
func Once[Out any](ctx context.Context, db DB, now func() time.Time, tool string, do func(tx Tx) (Out, error)) (Out, error) {
	var out Out
	key := tools.Key(ctx)
	err := db.Write(ctx, func(tx Tx) error {
		out = *new(Out) // of a run that was undone
		if key != "" {
			var firstTool string
			var first []byte
			err := tx.QueryRowContext(ctx, `SELECT tool, result FROM tool_effects WHERE idempotency_key = ?`, key).Scan(&firstTool, &first)
			switch {
			case err == nil && firstTool != tool:
				return tools.Errorf(tools.Conflict, "idempotency key %q was used for %s before; a key belongs to one call", key, firstTool)
			case err == nil:
				return json.Unmarshal(first, &out)
			case !errors.Is(err, sql.ErrNoRows):
				return fmt.Errorf("looking up idempotency key: %w", err)
			}
		}
		var err error
		if out, err = do(tx); err != nil || key == "" {
			return err
		}
		raw, err := json.Marshal(out)
		if err != nil {
			return fmt.Errorf("encoding the result of %s: %w", tool, err)
		}
		return Later(ctx, tx, `INSERT INTO tool_effects (idempotency_key, tool, result, created_at) VALUES (?, ?, ?, ?)`,
			key, tool, string(raw), now().UnixMilli())
	})
	if err != nil {
		var zero Out
		return zero, err
	}
	return out, nil
}
