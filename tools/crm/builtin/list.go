package builtin

import (
	"context"
	"fmt"
	"strings"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/sqldb"
)

// list reads one table a page at a time, by keyset: the cursor holds the sort key
// and id of the last row given, and the next page begins behind them. Unlike an
// offset this costs the same on every page, and rows that are inserted meanwhile
// shift nothing. Key must never change in a row's life.
type list[Row any, Key int64 | string] struct {
	name   string // of the list; a cursor is good only for the list that made it
	query  string // SELECT ... FROM ..., without WHERE
	key    string // the column to sort by; equal keys are ordered by id
	newest bool   // descending
	scan   func(scanner) (Row, error)
	at     func(Row) (Key, string)
}

// position is what a cursor holds.
type position[Key int64 | string] struct {
	List string `json:"list"`
	Key  Key    `json:"key"`
	ID   string `json:"id"`
}

// page reads the rows that the filter lets through, and the cursor of the page
// after them, "" if there is none.
func (l list[Row, Key]) page(ctx context.Context, db sqldb.Querier, where filter, p tools.Page) ([]Row, string, error) {
	order, beyond := "ASC", ">"
	if l.newest {
		order, beyond = "DESC", "<"
	}
	var after position[Key]
	more, err := tools.DecodeCursor(p.Cursor, &after)
	switch {
	case err != nil:
		return nil, "", err
	case more && after.List != l.name:
		return nil, "", tools.Errorf(tools.Invalid, "cursor: belongs to another list than %s. Leave it out to start from the first page.", l.name)
	case more:
		where.and(fmt.Sprintf("(%s, id) %s (?, ?)", l.key, beyond), after.Key, after.ID)
	}
	// One row too many tells whether there is a next page.
	query := fmt.Sprintf("%s%s ORDER BY %s %s, id %s LIMIT ?", l.query, where.clause(), l.key, order, order)
	rows, err := collect(ctx, db, l.scan, query, append(where.args, p.Size()+1)...)
	if err != nil {
		return nil, "", fmt.Errorf("listing %s: %w", l.name, err)
	}
	if len(rows) <= p.Size() {
		return rows, "", nil
	}
	rows = rows[:p.Size()]
	key, id := l.at(rows[len(rows)-1])
	return rows, tools.EncodeCursor(position[Key]{List: l.name, Key: key, ID: id}), nil
}

// collect reads all rows of a query; the slice is never nil.
func collect[Row any](ctx context.Context, db sqldb.Querier, scan func(scanner) (Row, error), query string, args ...any) ([]Row, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := []Row{}
	for rows.Next() {
		row, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, rows.Err()
}

// filter is a conjunction of conditions. Conditions are constants of this
// package; values only ever travel as arguments.
type filter struct {
	conditions []string
	args       []any
}

func (f *filter) and(condition string, args ...any) {
	f.conditions = append(f.conditions, condition)
	f.args = append(f.args, args...)
}

// equal compares a column with a value; the zero value asks for nothing.
func equal[T ~string](f *filter, column string, value T) {
	if value != "" {
		f.and(column+" = ?", string(value))
	}
}

// during bounds a time column: since is within, until is not. Zero times ask for
// nothing.
func (f *filter) during(column string, since, until time.Time) {
	if !since.IsZero() {
		f.and(column+" >= ?", since.UnixMilli())
	}
	if !until.IsZero() {
		f.and(column+" < ?", until.UnixMilli())
	}
}

// words asks that each word of q occurs in the row's search_text or, if the row
// belongs to a customer, in that customer's.
func (f *filter) words(q string, ofCustomer bool) {
	const own = `search_text LIKE ? ESCAPE '\'`
	for _, word := range strings.Fields(searchable(q)) {
		pattern := "%" + likeEscapes.Replace(word) + "%"
		if !ofCustomer {
			f.and(own, pattern)
			continue
		}
		f.and(`(`+own+` OR customer_id IN (SELECT id FROM crm_customers WHERE `+own+`))`, pattern, pattern)
	}
}

func (f *filter) clause() string {
	if len(f.conditions) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(f.conditions, " AND ")
}

// likeEscapes makes LIKE take a word literally.
var likeEscapes = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// searchable is the text that a row's words are found in. White space divides the
// texts, and no searched word contains any, so none matches across two.
func searchable(texts ...string) string {
	return strings.ToLower(strings.Join(texts, "\n"))
}
