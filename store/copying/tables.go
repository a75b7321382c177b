package copying

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"drawbridge/tools/sqldb"
)

// Kind is what a column holds, whatever the engines call it.
type Kind string

// The kinds of columns. A truth is a number, 0 or 1.
const (
	Number Kind = "number"
	Text   Kind = "text"
	Bytes  Kind = "bytes"
)

// Column is a column of a table.
type Column struct {
	Name string
	Kind Kind
}

// Table is a table of a store.
type Table struct {
	Name    string
	Columns []Column // in the order of their names
	Refers  []string // the tables that its rows refer to, without itself
}

// The catalogues of the engines: a row for each column, and one for each reference.
// Boolean is PostgreSQL's; SQLite's are numbers that the driver makes truths of.
var catalogues = map[sqldb.Dialect]struct{ columns, references string }{
	sqldb.SQLite: {
		`SELECT m.name, c.name, CASE WHEN upper(c.type) LIKE '%INT%' OR upper(c.type) LIKE '%BOOL%' THEN 'number' WHEN upper(c.type) LIKE '%TEXT%' THEN 'text'
			WHEN upper(c.type) LIKE '%BLOB%' THEN 'bytes' ELSE c.type END
			FROM sqlite_schema m JOIN pragma_table_xinfo(m.name) c WHERE m.type = 'table' ORDER BY 1, 2`,
		`SELECT DISTINCT m.name, f."table" FROM sqlite_schema m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table' ORDER BY 1, 2`,
	},
	sqldb.Postgres: {
		`SELECT c.relname, a.attname, CASE format_type(a.atttypid, NULL) WHEN 'bigint' THEN 'number' WHEN 'integer' THEN 'number' WHEN 'smallint' THEN 'number' WHEN 'text' THEN 'text'
			WHEN 'bytea' THEN 'bytes' ELSE format_type(a.atttypid, NULL) END
			FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
			ORDER BY c.relname COLLATE "C", a.attname COLLATE "C"`,
		`SELECT DISTINCT c.relname, r.relname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class r ON r.oid = k.confrelid
			WHERE k.contype = 'f' AND c.relnamespace = current_schema()::regnamespace`,
	},
}

// Tables lists the tables of a store, those that others refer to first. It leaves out
// what an engine, River or the migrations keep for themselves.
func Tables(ctx context.Context, q sqldb.Querier, engine sqldb.Dialect) ([]Table, error) {
	var tables []Table
	err := triples(ctx, q, catalogues[engine].columns, 3, func(table, column, kind string) {
		if last := len(tables) - 1; last < 0 || tables[last].Name != table {
			tables = append(tables, Table{Name: table})
		}
		t := &tables[len(tables)-1]
		t.Columns = append(t.Columns, Column{column, Kind(kind)})
	})
	if err != nil {
		return nil, fmt.Errorf("listing the tables: %w", err)
	}
	tables = slices.DeleteFunc(tables, func(t Table) bool { return isOwn(engine, t) })
	err = triples(ctx, q, catalogues[engine].references, 2, func(table, to, _ string) {
		for i := range tables {
			if tables[i].Name == table && to != table {
				tables[i].Refers = append(tables[i].Refers, to)
			}
		}
	})
	if err != nil {
		return nil, fmt.Errorf("listing the references: %w", err)
	}
	for _, t := range tables {
		for _, c := range t.Columns {
			if c.Kind != Number && c.Kind != Text && c.Kind != Bytes {
				return nil, fmt.Errorf("column %s.%s is of type %q, which cannot be copied", t.Name, c.Name, c.Kind)
			}
		}
	}
	return inOrder(tables)
}

// isOwn reports whether a table is no part of the state.
func isOwn(engine sqldb.Dialect, t Table) bool {
	if slices.ContainsFunc(t.Columns, func(c Column) bool { return c.Name == "version_id" }) && strings.HasPrefix(t.Name, "schema_") {
		return true // of migrations: the other side has its own
	}
	if engine == sqldb.Postgres {
		return strings.HasPrefix(t.Name, "river_") // wake-ups, which are made anew of the jobs
	}
	return strings.HasPrefix(t.Name, "sqlite_")
}

// triples calls each with the texts of a query's rows, of 2 or 3 columns.
func triples(ctx context.Context, q sqldb.Querier, query string, columns int, each func(a, b, c string)) error {
	rows, err := q.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var text [3]string
		if err := rows.Scan([]any{&text[0], &text[1], &text[2]}[:columns]...); err != nil {
			return err
		}
		each(text[0], text[1], text[2])
	}
	return rows.Err()
}

// inOrder puts tables behind those that they refer to.
func inOrder(tables []Table) ([]Table, error) {
	var ordered []Table
	placed := map[string]bool{}
	for len(ordered) < len(tables) {
		before := len(ordered)
		for _, t := range tables {
			if !placed[t.Name] && !slices.ContainsFunc(t.Refers, func(to string) bool { return !placed[to] }) {
				placed[t.Name], ordered = true, append(ordered, t)
			}
		}
		if len(ordered) == before {
			var left []string
			for _, t := range tables {
				if !placed[t.Name] {
					left = append(left, t.Name)
				}
			}
			return nil, fmt.Errorf("the tables %s refer to each other, or to one that is not there: there is no order to copy them in", strings.Join(left, ", "))
		}
	}
	return ordered, nil
}

// same says what one store has that the other has not, nil if they have the same tables.
func same(from, to []Table) error {
	var problems []string
	have := columnsOf(to)
	for name, columns := range columnsOf(from) {
		if other, there := have[name]; !there {
			problems = append(problems, fmt.Sprintf("only the source has the table %s", name))
		} else if !slices.Equal(columns, other) {
			problems = append(problems, fmt.Sprintf("the columns of %s are not the same: %v and %v", name, columns, other))
		}
		delete(have, name)
	}
	for name := range have {
		problems = append(problems, fmt.Sprintf("only the target has the table %s", name))
	}
	if len(problems) == 0 {
		return nil
	}
	slices.Sort(problems)
	return fmt.Errorf("the two stores have different tables: %s", strings.Join(problems, "; "))
}

func columnsOf(tables []Table) map[string][]Column {
	all := map[string][]Column{}
	for _, t := range tables {
		all[t.Name] = t.Columns
	}
	return all
}
