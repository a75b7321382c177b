package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"drawbridge/store/copying"
	"drawbridge/store/state"
	"drawbridge/tools/sqldb"
)

// Held is a database that no node uses, or can begin to use, with a transaction in it:
// one end of a copy.
type Held struct {
	place     string
	config    *pgx.ConnConfig
	pool      *sql.DB
	conn      *sql.Conn
	committed bool
}

var _ copying.Target = (*Held)(nil)

// OpenSource holds a store to read all of it, as of one moment. It has to be of this
// program's version, and nobody may be connected.
func OpenSource(ctx context.Context, storeURL string, backends ...sqldb.Schema) (*Held, error) {
	return open(ctx, storeURL, func(h *Held) error {
		standings, err := sqldb.Stand(ctx, h.pool, sqldb.Postgres, withOwn(backends)...)
		switch {
		case err != nil:
			return err
		case standings[0].At == 0:
			return ErrEmpty
		case slices.ContainsFunc(standings, behind):
			return errBehind
		}
		return h.exec(ctx, `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`)
	})
}

// OpenTarget holds a store to fill it. Its tables are made, or brought up to date.
func OpenTarget(ctx context.Context, storeURL string, backends ...sqldb.Schema) (*Held, error) {
	return open(ctx, storeURL, func(h *Held) error {
		migrating := stdlib.OpenDB(*h.config) // goose speaks PostgreSQL's own SQL
		err := sqldb.Migrate(ctx, migrating, sqldb.Postgres, withOwn(backends)...)
		if err := errors.Join(err, migrating.Close()); err != nil {
			return err
		}
		return h.exec(ctx, `BEGIN`)
	})
}

// open connects, and keeps nodes from starting before it looks whether there are any.
func open(ctx context.Context, storeURL string, begin func(*Held) error) (*Held, error) {
	config, err := parse(storeURL)
	if err != nil {
		return nil, err
	}
	h := &Held{place: Place(storeURL), config: config, pool: newPool(config, 2)}
	if err = checkServer(ctx, h.pool); err == nil {
		h.conn, err = h.pool.Conn(ctx)
	}
	if err == nil {
		err = h.alone(ctx)
	}
	if err == nil {
		err = begin(h)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening store %s: %w", h.place, err), h.Close())
	}
	return h, nil
}

// How long those who use a database are waited for: a session that was ended is seen for
// a moment longer.
const (
	aloneWait  = 5 * time.Second
	alonePause = 50 * time.Millisecond
)

// others counts the other sessions of this program in the database: by their name, and by
// the locks that nodes hold.
const others = `SELECT COUNT(*), COALESCE(string_agg(DISTINCT COALESCE(host(client_addr), 'this machine'), ', '), '') FROM pg_stat_activity a
	WHERE datname = current_database() AND pid <> pg_backend_pid() AND (application_name = $1
		OR EXISTS (SELECT 1 FROM pg_locks l WHERE l.pid = a.pid AND l.locktype = 'advisory' AND l.granted AND l.classid = $2))`

// alone keeps those out who would migrate, as every node does that starts, and refuses a
// database that others use.
func (h *Held) alone(ctx context.Context) error {
	for waited := time.Duration(0); ; waited += alonePause {
		var locked bool
		if err := h.conn.QueryRowContext(ctx, `SELECT pg_try_advisory_lock($1)`, int64(migrateLock)).Scan(&locked); err != nil {
			return fmt.Errorf("locking it: %w", err)
		}
		sessions, from := 0, ""
		if err := h.conn.QueryRowContext(ctx, others, h.config.RuntimeParams["application_name"], int64(lockClass)).Scan(&sessions, &from); err != nil {
			return fmt.Errorf("looking who uses it: %w", err)
		}
		if locked && sessions == 0 {
			return nil
		}
		if waited >= aloneWait {
			return fmt.Errorf("%d other sessions of drawbridge use it (from %s): stop the nodes and commands they belong to", sessions, from)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(alonePause):
		}
	}
}

func (h *Held) exec(ctx context.Context, statement string, args ...any) error {
	_, err := h.conn.ExecContext(ctx, statement, args...)
	return err
}

// Querier reads in the transaction.
func (h *Held) Querier() sqldb.Querier { return h.conn }

// Engine is PostgreSQL.
func (h *Held) Engine() sqldb.Dialect { return sqldb.Postgres }

// Storable is the text, without what PostgreSQL takes in none.
func (h *Held) Storable(text string) string { return storable(text) }

// Insert adds rows to a table, as a stream.
func (h *Held) Insert(ctx context.Context, t copying.Table, rows *copying.Rows) error {
	conn, err := pgxOf(h.conn)
	if err == nil {
		_, err = conn.CopyFrom(ctx, pgx.Identifier{t.Name}, t.Names(), rows)
	}
	return err
}

// Clear removes all rows of a table.
func (h *Held) Clear(ctx context.Context, t copying.Table) error {
	return h.exec(ctx, `DELETE FROM `+copying.Quote(t.Name))
}

// Settle has numbers go on behind the highest there is, and work that was under way be
// due. Its wake-ups are made by the first node that starts: it looks what is due.
func (h *Held) Settle(ctx context.Context, tables []copying.Table) error {
	if err := state.Settle(ctx, h.conn, time.Now()); err != nil {
		return err
	}
	for _, t := range tables {
		if err := h.countOn(ctx, t); err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
		if err := h.exec(ctx, `ANALYZE `+copying.Quote(t.Name)); err != nil { // or the first queries go by what an empty table was like
			return err
		}
	}
	return nil
}

// countOn sets what a table's numbers come from.
func (h *Held) countOn(ctx context.Context, t copying.Table) error {
	for _, c := range t.Columns {
		var sequence sql.NullString
		if err := h.conn.QueryRowContext(ctx, `SELECT pg_get_serial_sequence($1, $2)`, copying.Quote(t.Name), c.Name).Scan(&sequence); err != nil {
			return err
		}
		if !sequence.Valid {
			continue
		}
		// Where numbers begin is the migrations' to say: those of the audit do above all that
		// rows have kept.
		set := fmt.Sprintf(`SELECT setval($1, GREATEST(MAX(t.%[1]s), MIN(q.seqstart)), COALESCE(MAX(t.%[1]s) >= MIN(q.seqstart), FALSE))
			FROM pg_sequence q LEFT JOIN %[2]s t ON TRUE WHERE q.seqrelid = CAST($1 AS regclass)`, copying.Quote(c.Name), copying.Quote(t.Name))
		if err := h.exec(ctx, set, sequence.String); err != nil {
			return err
		}
	}
	return nil
}

// Commit keeps what was inserted.
func (h *Held) Commit(ctx context.Context) error {
	if err := h.exec(context.WithoutCancel(ctx), `COMMIT`); err != nil {
		return fmt.Errorf("committing to %s: %w", h.place, err)
	}
	h.committed = true
	return nil
}

// Close lets nodes in again. Without a Commit nothing is left of what was inserted; the
// tables stay, empty.
func (h *Held) Close() error {
	if h.conn != nil {
		discard(h.conn) // and with it the transaction and the lock
	}
	return h.pool.Close()
}
