package postgres

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
)

// mostConnections is how many connections a node has at most: of its pools, of River, and
// the one that holds its lock. config/template.yaml says it to the operator.
const mostConnections = mostReaders + mostWriters + mostJobConnections + 1

// allowed is how many connections the server lets this role have to this database, if
// nobody else has any.
const allowed = `SELECT CASE WHEN rolsuper THEN most ELSE LEAST(most - CAST(current_setting('superuser_reserved_connections') AS INTEGER),
		CASE WHEN rolconnlimit >= 0 THEN rolconnlimit END, CASE WHEN datconnlimit >= 0 THEN datconnlimit END) END
	FROM pg_roles, pg_database, (SELECT CAST(current_setting('max_connections') AS INTEGER) AS most) AS server
	WHERE rolname = current_user AND datname = current_database()`

// checkConnections refuses a server that does not let a node have the connections that it
// uses under load: it would work, and fail now and then.
func checkConnections(ctx context.Context, db *sql.DB) error {
	var most int
	if err := db.QueryRowContext(ctx, allowed).Scan(&most); err != nil {
		return fmt.Errorf("asking the server how many connections it allows: %w", err)
	}
	if most < mostConnections {
		return fmt.Errorf("the server allows %d connections, and each node uses up to %d: raise its max_connections, or the limit of the role or of the database", most, mostConnections)
	}
	return nil
}

// readOnly makes a session one that only reads. It is no setting to connect with: where a
// URL asks for a server that can be written to (target_session_attrs=read-write), that is
// told by the session's own.
func readOnly(ctx context.Context, conn *pgconn.PgConn) error {
	return conn.Exec(ctx, `SET default_transaction_read_only = on`).Close()
}
