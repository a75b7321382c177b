package copying

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"drawbridge/tools/sqldb"
)

// Rows are the rows of a table, one after another.
type Rows struct {
	rows   *sql.Rows
	table  Table
	keep   func(string) string
	values []any
	err    error
}

// read begins to read a table. keep gives the form of a text in which the two stores
// agree.
func read(ctx context.Context, q sqldb.Querier, t Table, keep func(string) string) (*Rows, error) {
	rows, err := q.QueryContext(ctx, "SELECT "+t.List()+" FROM "+Quote(t.Name))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", t.Name, err)
	}
	return &Rows{rows: rows, table: t, keep: keep, values: make([]any, len(t.Columns))}, nil
}

// List names the columns for a statement.
func (t Table) List() string {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = Quote(c.Name)
	}
	return strings.Join(names, ", ")
}

// Names gives the columns' names.
func (t Table) Names() []string {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = c.Name
	}
	return names
}

// Quote makes a name of the schema part of a statement.
func Quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// Next goes to the next row; false at the end, or when Err says why.
func (r *Rows) Next() bool {
	if r.err != nil || !r.rows.Next() {
		return false
	}
	targets := make([]any, len(r.values))
	for i := range r.values {
		targets[i] = &r.values[i]
	}
	if r.err = r.rows.Scan(targets...); r.err != nil {
		return false
	}
	for i, c := range r.table.Columns {
		if r.values[i], r.err = plain(c.Kind, r.values[i], r.keep); r.err != nil {
			r.err = fmt.Errorf("column %s: %w", c.Name, r.err)
			return false
		}
	}
	return true
}

// Values are those of the row, in the order of the table's columns: an int64, a string, a
// []byte or nil. They are good until Next is called.
func (r *Rows) Values() ([]any, error) { return r.values, r.err }

// Err says why there are no more rows; nil at the end of the table.
func (r *Rows) Err() error {
	err := r.err
	if err == nil {
		err = r.rows.Err()
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", r.table.Name, err)
	}
	return nil
}

func (r *Rows) close() { _ = r.rows.Close() }

// plain gives a value the one type that its column's kind has. SQLite holds in a column
// whatever was put there, so its texts and bytes may stand for each other.
func plain(kind Kind, value any, keep func(string) string) (any, error) {
	switch v := value.(type) {
	case nil:
		return nil, nil
	case int64:
		if kind == Number {
			return v, nil
		}
	case bool:
		if kind == Number && v {
			return int64(1), nil
		}
		if kind == Number {
			return int64(0), nil
		}
	case string:
		switch kind {
		case Text:
			return keep(v), nil
		case Bytes:
			return []byte(v), nil
		}
	case []byte:
		switch kind {
		case Text:
			return keep(string(v)), nil
		case Bytes:
			if v == nil { // none at all is an untyped nil
				v = []byte{}
			}
			return v, nil
		}
	}
	return nil, fmt.Errorf("a %T where a %s belongs", value, kind)
}
