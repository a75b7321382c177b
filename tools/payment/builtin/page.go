package builtin

import (
	"context"
	"database/sql"
	"strings"

	"drawbridge/tools"
	"drawbridge/tools/payment"
	"drawbridge/tools/sqldb"
)

// position is where a page ended: the sort key of its last row. A cursor carries
// the list it belongs to, so that one list's cursor is not taken for another's.
type position struct {
	List string `json:"l"`
	At   int64  `json:"t"` // unix milliseconds
	ID   string `json:"i"`
}

// pager builds the query of one page: newest first, going on after a position by
// comparing keys, so that a late page costs no more than the first. Only fixed
// texts go into the query; values are arguments.
type pager struct {
	list   string // the id prefix, and the name in cursors
	table  string // the alias whose created_at and id give the order
	limit  int
	wheres []string
	args   []any
}

// newPager starts a query at the page's cursor.
func newPager(list, table string, page tools.Page) (*pager, error) {
	p := &pager{list: list, table: table, limit: page.Size()}
	var after position
	going, err := tools.DecodeCursor(page.Cursor, &after)
	if err != nil {
		return nil, err
	}
	if !going {
		return p, nil
	}
	if after.List != list || after.ID == "" {
		return nil, tools.Errorf(tools.Invalid, "cursor: not a cursor of this list. Leave it out to start from the first page, or pass next_cursor unchanged.")
	}
	p.where("("+table+".created_at, "+table+".id) < (?, ?)", after.At, after.ID)
	return p, nil
}

// where adds a condition that must hold.
func (p *pager) where(condition string, args ...any) {
	p.wheres = append(p.wheres, condition)
	p.args = append(p.args, args...)
}

// customer restricts to a customer's reference or email.
func (p *pager) customer(ref string) {
	if ref != "" {
		p.where("c.reference IN (SELECT reference FROM payment_customers WHERE reference = ? OR email = lower(?))", ref, ref)
	}
}

// like is a condition that a column holds a text, in any case (of ASCII letters,
// which is as far as SQLite's lower goes); see [pager.text].
func like(column string) string { return "lower(" + column + `) LIKE lower(?) ESCAPE '\'` }

// text restricts to rows for which any of the conditions, made with like, holds.
func (p *pager) text(text string, conditions ...string) {
	if text == "" {
		return
	}
	pattern := "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text) + "%"
	args := make([]any, len(conditions))
	for i := range args {
		args[i] = pattern
	}
	p.where("("+strings.Join(conditions, " OR ")+")", args...)
}

// criteria restricts by what payments and invoices share. sum is the column of
// the amount.
func (p *pager) criteria(c payment.Criteria, sum string) {
	p.customer(c.Customer)
	if !c.After.IsZero() {
		p.where(p.table+".created_at >= ?", millisUp(c.After))
	}
	if !c.Before.IsZero() {
		p.where(p.table+".created_at < ?", millisUp(c.Before))
	}
	if c.Currency != "" {
		p.where(p.table+".currency = ?", c.Currency)
	}
	if c.Min != nil {
		p.where(sum+" >= ?", *c.Min)
	}
	if c.Max != nil {
		p.where(sum+" <= ?", *c.Max)
	}
}

// sql is the whole query. It asks for one row more than the limit, which tells
// whether there is a next page.
func (p *pager) sql(selection string) string {
	var text strings.Builder
	text.WriteString(selection)
	for i, condition := range p.wheres {
		if i == 0 {
			text.WriteString(" WHERE ")
		} else {
			text.WriteString(" AND ")
		}
		text.WriteString(condition)
	}
	text.WriteString(" ORDER BY " + p.table + ".created_at DESC, " + p.table + ".id DESC LIMIT ?")
	return text.String()
}

// fetch runs the query on a selection and reads one page. key gives a record's
// place in the order.
func fetch[T any](ctx context.Context, db sqldb.Querier, p *pager, selection string, scan func(scanner) (T, error), key func(T) position) (payment.List[T], error) {
	items, err := gather(ctx, db, scan, p.sql(selection), append(p.args, p.limit+1)...)
	if err != nil {
		return payment.List[T]{}, err
	}
	list := payment.List[T]{Items: items}
	if len(items) > p.limit {
		list.Items = items[:p.limit]
		last := key(list.Items[p.limit-1])
		last.List = p.list
		list.Next = tools.EncodeCursor(last)
	}
	return list, nil
}

// scanner is a row: *sql.Row or *sql.Rows.
type scanner interface{ Scan(targets ...any) error }

var _, _ scanner = (*sql.Row)(nil), (*sql.Rows)(nil)

// gather reads all rows of a query; none is an empty slice.
func gather[T any](ctx context.Context, db sqldb.Querier, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	items := []T{}
	for rows.Next() {
		item, err := scan(rows)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, rows.Err()
}
