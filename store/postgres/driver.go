package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// connector makes connections of pgx that read our SQL.
type connector struct{ driver.Connector }

// newPool opens a pool of connections with a configuration.
func newPool(config *pgx.ConnConfig, most int) *sql.DB {
	db := sql.OpenDB(connector{stdlib.GetConnector(*config)})
	db.SetMaxOpenConns(most)
	db.SetMaxIdleConns(most)
	db.SetConnMaxIdleTime(idleFor)
	return db
}

func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, passing(err)
	}
	return &connection{inner.(*stdlib.Conn)}, nil
}

// connection is one of pgx that takes texts of SQL and values as SQLite does. Each text
// is prepared once.
type connection struct{ *stdlib.Conn }

func (c *connection) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	res, err := c.Conn.ExecContext(ctx, rebind(query), args)
	return res, passing(err)
}

func (c *connection) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.Conn.QueryContext(ctx, rebind(query), args)
	return rows, passing(err)
}

func (c *connection) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	stmt, err := c.Conn.PrepareContext(ctx, rebind(query))
	return stmt, passing(err)
}

// CheckNamedValue makes values what the columns hold.
func (c *connection) CheckNamedValue(v *driver.NamedValue) error {
	if valuer, ok := v.Value.(driver.Valuer); ok {
		value, err := valuer.Value()
		if err != nil {
			return err
		}
		v.Value = value
	}
	v.Value = stored(v.Value)
	return c.Conn.CheckNamedValue(v)
}

// stored is a value as the columns hold it: a truth is 0 or 1.
func stored(value any) any {
	switch value := value.(type) {
	case bool:
		if value {
			return int64(1)
		}
		return int64(0)
	case string:
		return storable(value)
	}
	return value
}

// pgxOf is the connection of pgx below one of a pool.
func pgxOf(conn *sql.Conn) (*pgx.Conn, error) {
	var inner *pgx.Conn
	err := conn.Raw(func(c any) error {
		inner = c.(*connection).Conn.Conn()
		return nil
	})
	return inner, err
}

// discard closes a connection instead of giving it back to its pool.
func discard(conn *sql.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = conn.Close()
}
