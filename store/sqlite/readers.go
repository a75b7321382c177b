package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"regexp"
	"sync"

	"drawbridge/tools/sqldb"
)

// readers is the pool of readers. It keeps statements prepared: to compile one costs more
// than to run it, for most.
type readers struct {
	*sql.DB

	mu       sync.RWMutex
	prepared map[string]*sql.Stmt
}

// mostPrepared bounds the statements that are kept, on each connection of the pool. There
// are some 150 texts; lists with filters make their own, of which there may be any number.
const mostPrepared = 400

var _ sqldb.Querier = (*readers)(nil)

// statement is the query prepared, nil if it is to be run as it is.
func (r *readers) statement(ctx context.Context, query string) *sql.Stmt {
	r.mu.RLock()
	stmt, full := r.prepared[query], len(r.prepared) >= mostPrepared
	r.mu.RUnlock()
	if stmt != nil || full {
		return stmt
	}
	fresh, err := r.PrepareContext(ctx, settled(query))
	if err != nil {
		return nil // it fails again where the caller sees it
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if stmt := r.prepared[query]; stmt != nil {
		_ = fresh.Close() // somebody else was first
		return stmt
	}
	if r.prepared == nil {
		r.prepared = map[string]*sql.Stmt{}
	}
	r.prepared[query] = fresh
	return fresh
}

// Values that SQLite looks at when it plans: a bound and a pattern that parameters give. It
// would compile the statement anew each time that they are bound; into an expression it does
// not look. No index serves a pattern here, so nothing is lost.
var (
	limit   = regexp.MustCompile(`LIMIT \?\d*`)
	pattern = regexp.MustCompile(`LIKE (\?\d*)`)
)

// settled is a query that is compiled once.
func settled(query string) string {
	return pattern.ReplaceAllString(limit.ReplaceAllString(query, "$0 + 0"), "LIKE ($1 || '')")
}

func (r *readers) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if stmt := r.statement(ctx, query); stmt != nil {
		return stmt.QueryContext(ctx, args...)
	}
	return r.DB.QueryContext(ctx, query, args...)
}

func (r *readers) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if stmt := r.statement(ctx, query); stmt != nil {
		return stmt.QueryRowContext(ctx, args...)
	}
	return r.DB.QueryRowContext(ctx, query, args...)
}

// Close closes the statements, and then the connections.
func (r *readers) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var problems []error
	for _, stmt := range r.prepared {
		problems = append(problems, stmt.Close())
	}
	return errors.Join(append(problems, r.DB.Close())...)
}
