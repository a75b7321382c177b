package salesforce

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"drawbridge/tools"
)

// kind is what a list is sorted by.
type kind int

const (
	byInstant kind = iota
	byDate
	byText
)

// listing reads one list a page at a time, by keyset: the cursor holds the sort key and id
// of the last row given, and the next page begins behind them. Salesforce's own locators
// (nextRecordsUrl) end after two days, cost an organization one of few open cursors, and
// give the rows that there were: they are followed within one page only.
type listing[T any] struct {
	name   string // of the list; a cursor is good only for the list that made it
	object string
	fields []string
	key    string // the field to sort by; equal keys are ordered by id
	kind   kind
	newest bool // descending
	// absent: rows without a key come last; else there are none.
	absent bool
	scan   func(record) T
}

// position is what a cursor holds.
type position struct {
	List string `json:"l"`
	Key  string `json:"k"` // "" of a row without one
	ID   string `json:"i"`
}

func (l listing[T]) page(ctx context.Context, b *Backend, where conditions, p tools.Page) ([]T, string, error) {
	after, more, err := l.begin(p.Cursor)
	if err != nil {
		return nil, "", err
	}
	// One row too many tells whether there is a next page.
	found, err := l.read(ctx, b, where, after, more, p.Size()+1)
	if err != nil {
		return nil, "", err
	}
	next := ""
	if len(found) > p.Size() {
		found = found[:p.Size()]
		next = l.cursor(found[len(found)-1])
	}
	items := make([]T, len(found))
	for i, row := range found {
		items[i] = l.scan(row)
	}
	return items, next, nil
}

// What no query can ask for is looked for in the rows themselves, so many at a time, and at
// most scanMost a call: then the caller gets what was found so far, and a cursor.
const (
	scanPage = 200
	scanMost = 2000
)

// sift is page of those rows alone that keep lets through.
func (l listing[T]) sift(ctx context.Context, b *Backend, where conditions, p tools.Page, keep func(T) bool) ([]T, string, error) {
	after, more, err := l.begin(p.Cursor)
	if err != nil {
		return nil, "", err
	}
	items := []T{}
	for seen := 0; ; seen += scanPage {
		found, err := l.read(ctx, b, where, after, more, scanPage)
		if err != nil {
			return nil, "", err
		}
		for i, row := range found {
			if item := l.scan(row); keep(item) {
				if len(items) == p.Size() {
					return items, tools.EncodeCursor(after), nil
				}
				items = append(items, item)
			}
			after, more = l.at(found[i]), true
		}
		switch {
		case len(found) < scanPage:
			return items, "", nil
		case seen+scanPage >= scanMost:
			return items, tools.EncodeCursor(after), nil
		}
	}
}

func (l listing[T]) begin(cursor string) (after position, more bool, err error) {
	more, err = tools.DecodeCursor(cursor, &after)
	return after, more, err
}

func (l listing[T]) read(ctx context.Context, b *Backend, where conditions, after position, more bool, limit int) ([]record, error) {
	if more {
		beyond, err := l.beyond(after)
		if err != nil {
			return nil, err
		}
		where = append(where[:len(where):len(where)], beyond)
	}
	return b.query(ctx, l.select_(where, limit))
}

func (l listing[T]) at(row record) position {
	return position{List: l.name, Key: row.text(l.key), ID: row.text("Id")}
}

func (l listing[T]) cursor(row record) string { return tools.EncodeCursor(l.at(row)) }

func (l listing[T]) select_(where conditions, limit int) string {
	order := "ASC"
	if l.newest {
		order = "DESC"
	}
	return fmt.Sprintf("SELECT %s FROM %s%s ORDER BY %s %s NULLS LAST, Id %s LIMIT %d", strings.Join(l.fields, ", "), l.object, where.where(), l.key, order, order, limit)
}

// beyond are the rows behind a position. It comes from outside: what it holds is checked,
// and quoted like any value.
func (l listing[T]) beyond(p position) (string, error) {
	if p.List != l.name || !isID(p.ID, "") || p.Key == "" && !l.absent {
		return "", badCursor(l.name)
	}
	after := ">"
	if l.newest {
		after = "<"
	}
	same := fmt.Sprintf("Id %s %s", after, quote(p.ID))
	if p.Key == "" {
		return both(l.key+" = null", same), nil
	}
	var value string
	switch at := parseMoment(p.Key); {
	case l.kind == byText:
		value = quote(p.Key)
	case at.IsZero() || at.Year() < 1700 || at.Year() > 4000: // what SOQL takes
		return "", badCursor(l.name)
	case l.kind == byDate:
		value = date(at)
	default:
		value = instant(at)
	}
	last := ""
	if l.absent {
		last = l.key + " = null"
	}
	return either(fmt.Sprintf("%s %s %s", l.key, after, value), both(l.key+" = "+value, same), last), nil
}

func badCursor(list string) error {
	return tools.Errorf(tools.Invalid, "cursor: belongs to another list than %s, or is none. Leave it out to start from the first page, or pass next_cursor unchanged.", list)
}

func queryPath(q string) string { return data + "/query?q=" + url.QueryEscape(q) }

// mostPages bounds how many parts an answer of a query is read in: Salesforce gives up to
// 2,000 rows at once, and fewer where they are wide.
const mostPages = 100

// longestPath is how long an address of Salesforce's may be.
const longestPath = 16_000

// query gives all rows of a query.
func (b *Backend) query(ctx context.Context, q string) ([]record, error) {
	var page rows
	path := queryPath(q)
	if len(path) > longestPath {
		return nil, tools.Errorf(tools.Invalid, "q: is too long for Salesforce in this script; give fewer words")
	}
	if err := b.get(ctx, path, &page); err != nil {
		return nil, err
	}
	return b.rest(ctx, page)
}

// rest gives the rows of an answer, and those that Salesforce keeps for a next request.
func (b *Backend) rest(ctx context.Context, page rows) ([]record, error) {
	all := page.Records
	for n := 1; !page.Done; n++ {
		next := page.Next
		if !strings.HasPrefix(next, "/services/data/") || strings.ContainsAny(next, "?#@\\") || strings.Contains(next, "..") || n == mostPages {
			return nil, tools.Errorf(tools.Unavailable, "Salesforce's answer does not come to an end that can be read; nothing was changed. Ask for less, by a customer or a shorter time.")
		}
		page = rows{}
		if err := b.get(ctx, next, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Records...)
	}
	return all, nil
}

// during bounds a field that is a time: since is within, until is not. Zero times ask for
// nothing.
func (f timeField) during(where *conditions, since, until time.Time) {
	if !since.IsZero() {
		where.and(f.name + " >= " + f.from(since))
	}
	if !until.IsZero() {
		where.and(f.name + " < " + f.from(until))
	}
}

// timeField is a field that holds a date and time, or a date alone.
type timeField struct {
	name string
	day  bool
}

// from is the first value of the field that is not before a time.
func (f timeField) from(t time.Time) string {
	if !f.day {
		return instant(t)
	}
	if day := t.UTC().Truncate(24 * time.Hour); day.Before(t.UTC()) {
		return date(day.AddDate(0, 0, 1))
	}
	return date(t)
}

// written is a time as the field takes it.
func (f timeField) written(t time.Time) string {
	if f.day {
		return date(t)
	}
	return instant(t)
}

func (f timeField) kind() kind {
	if f.day {
		return byDate
	}
	return byInstant
}
