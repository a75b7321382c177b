package salesforcefake

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"
)

// row is a record: texts, json.Numbers, bools; what has no value is not there.
type row map[string]any

// found is the answer to a query.
type found struct {
	Total   int              `json:"totalSize"`
	Done    bool             `json:"done"`
	Next    string           `json:"nextRecordsUrl,omitempty"`
	Records []map[string]any `json:"records"`
}

func invalidField(format string, args ...any) *Problem {
	return problem(400, "INVALID_FIELD", fmt.Sprintf(format, args...))
}

// run answers a query.
func (o *Org) run(text string) ([]map[string]any, *Problem) {
	q, bad := parse(text)
	if bad != nil {
		return nil, bad
	}
	object, ok := o.object(q.from)
	if !ok {
		return nil, problem(400, "INVALID_TYPE", fmt.Sprintf("sObject type '%s' is not supported.", q.from))
	}
	return o.answer(q, object, nil)
}

// answer gives the rows of an object, shown as asked; with a parent, those of it.
func (o *Org) answer(q *query, object string, of func(row) bool) ([]map[string]any, *Problem) {
	if bad := o.check(q, object); bad != nil {
		return nil, bad
	}
	var rows []row
	for _, r := range o.tables[object] {
		if of != nil && !of(r) {
			continue
		}
		holds, bad := o.holds(q.where, object, r)
		if bad != nil {
			return nil, bad
		}
		if holds {
			rows = append(rows, r)
		}
	}
	if len(q.order) == 0 {
		// Nobody says in which order: whoever relies on one learns it here.
		slices.Reverse(rows)
	}
	slices.SortStableFunc(rows, func(a, b row) int { return o.compareRows(q, object, a, b) })
	if q.limit >= 0 && len(rows) > q.limit {
		rows = rows[:q.limit]
	}
	shown := []map[string]any{}
	for _, r := range rows {
		one, bad := o.show(q, object, r)
		if bad != nil {
			return nil, bad
		}
		shown = append(shown, one)
	}
	return shown, nil
}

// check looks at the names of a query before there is any row.
func (o *Org) check(q *query, object string) *Problem {
	for _, path := range q.fields {
		if _, _, bad := o.resolve(object, path); bad != nil {
			return bad
		}
	}
	for _, by := range q.order {
		f, _, bad := o.resolve(object, by.field)
		if bad == nil && f.Kind == LongText {
			bad = invalidField("field '%s' can not be sorted in a query call", by.field)
		}
		if bad != nil {
			return bad
		}
	}
	if q.where == nil {
		return nil
	}
	_, bad := o.holds(q.where, object, nil)
	return bad
}

// resolve finds what a path means: the last field, and how to get there.
func (o *Org) resolve(object, path string) (Field, []string, *Problem) {
	parts := strings.Split(path, ".")
	var way []string
	for len(parts) > 1 {
		via, ok := o.related(object, parts[0])
		if !ok {
			return Field{}, nil, invalidField("Didn't understand relationship '%s' in field path.", parts[0])
		}
		way = append(way, via.Name)
		parts = parts[1:]
		if len(via.To) > 1 || via.As == "Who" {
			for _, f := range names {
				if strings.EqualFold(f.Name, parts[0]) && len(parts) == 1 {
					return f, way, nil
				}
			}
			return Field{}, nil, invalidField("No such column '%s' on entity 'Name'.", parts[0])
		}
		object = via.To[0]
	}
	f, ok := o.field(object, parts[0])
	if !ok {
		return Field{}, nil, invalidField("No such column '%s' on entity '%s'.", parts[0], object)
	}
	return f, way, nil
}

// value is what a path leads to from a row; nil if there is none.
func (o *Org) value(r row, f Field, way []string) any {
	for _, via := range way {
		id, _ := r[via].(string)
		if r = o.byID[id]; r == nil {
			return nil
		}
		if f.Name == "Type" && o.objectOf(id) != "Account" {
			kind := o.objectOf(id)
			if kind == "Group" {
				kind, _ = r["Type"].(string)
			}
			return kind
		}
	}
	return r[f.Name]
}

// holds reports whether a row fulfils a condition; of no row, it only checks the condition.
func (o *Org) holds(e expr, object string, r row) (bool, *Problem) {
	switch e := e.(type) {
	case nil:
		return true, nil
	case conjunction:
		all := true
		for _, one := range e {
			ok, bad := o.holds(one, object, r)
			if bad != nil {
				return false, bad
			}
			all = all && ok
		}
		return all, nil
	case disjunction:
		any := false
		for _, one := range e {
			ok, bad := o.holds(one, object, r)
			if bad != nil {
				return false, bad
			}
			any = any || ok
		}
		return any, nil
	case negation:
		ok, bad := o.holds(e.of, object, r)
		return !ok, bad
	}
	return o.compares(e.(comparison), object, r)
}

func (o *Org) compares(c comparison, object string, r row) (bool, *Problem) {
	f, way, bad := o.resolve(object, c.field)
	if bad != nil {
		return false, bad
	}
	if f.Kind == LongText {
		return false, invalidField("field '%s' can not be filtered in a query call", c.field)
	}
	var to []any
	for _, l := range c.to {
		value, bad := f.literal(l, c.op == "like")
		if bad != nil {
			return false, bad
		}
		if value == nil && c.op != "=" && c.op != "!=" {
			return false, malformed("null is compared by = and != only, not by %s", c.op)
		}
		to = append(to, value)
	}
	ordered := strings.ContainsAny(c.op, "<>")
	if (f.Kind == Bool || f.Kind == Pick && ordered) && c.op != "=" && c.op != "!=" && !strings.HasSuffix(c.op, "in") || c.op == "like" && !f.texts() || f.Kind == Reference && ordered {
		return false, problem(400, "INVALID_QUERY_FILTER_OPERATOR", "invalid operator on "+string(f.Kind)+" field: "+c.field)
	}
	if r == nil {
		return false, nil
	}
	return f.fits(o.value(r, f, way), c.op, to), nil
}

func (f Field) texts() bool {
	return f.Kind == Text || f.Kind == Email || f.Kind == Phone || f.Kind == Pick
}

// literal reads a literal as a value of the field: each type has literals of its own.
func (f Field) literal(l literal, pattern bool) (any, *Problem) {
	wrong := problem(400, "INVALID_FIELD", fmt.Sprintf("value of filter criterion for field '%s' must be of type %s and should not be otherwise", f.Name, f.Kind))
	switch {
	case l.kind == "null":
		return nil, nil
	case l.kind == "bool":
		if f.Kind != Bool {
			return nil, wrong
		}
		return l.text == "true", nil
	case l.kind == "string":
		text, bad := unquote(l.text, pattern)
		if bad != nil {
			return nil, bad
		}
		switch {
		case pattern:
			return text, nil
		case f.Kind == ID || f.Kind == Reference:
			if !wellFormed(string(text)) {
				return nil, problem(400, "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: "+string(text))
			}
			return string(text), nil
		case !f.texts():
			return nil, wrong
		case len(text) == 0:
			return nil, nil
		}
		return string(text), nil
	case l.kind == "number":
		if f.Kind != Money && f.Kind != Number {
			return nil, wrong
		}
		return json.Number(l.text), nil
	}
	layout := time.RFC3339Nano
	if f.Kind == Date {
		layout = time.DateOnly
	} else if f.Kind != DateTime {
		return nil, wrong
	}
	at, err := time.Parse(layout, l.text)
	if err != nil {
		return nil, wrong
	}
	return f.stored(at), nil
}

// stored is a time as rows have it.
func (f Field) stored(at time.Time) string {
	if f.Kind == Date {
		return at.UTC().Format(time.DateOnly)
	}
	return at.UTC().Format("2006-01-02T15:04:05.000+0000")
}

func (f Field) fits(value any, op string, to []any) bool {
	switch op {
	case "in", "not in":
		if value == nil {
			return false
		}
		in := slices.ContainsFunc(to, func(one any) bool { return f.compare(value, one) == 0 })
		return in == (op == "in")
	case "like":
		text, _ := value.(string)
		return value != nil && matches([]rune(text), to[0].([]rune))
	case "=":
		return (value == nil) == (to[0] == nil) && (value == nil || f.compare(value, to[0]) == 0)
	case "!=":
		return (value == nil) != (to[0] == nil) || value != nil && f.compare(value, to[0]) != 0
	}
	if value == nil {
		return false
	}
	by := f.compare(value, to[0])
	switch op {
	case "<":
		return by < 0
	case "<=":
		return by <= 0
	case ">":
		return by > 0
	}
	return by >= 0
}

// compare orders two values of a field. Texts compare in any case, ids as they are.
func (f Field) compare(a, b any) int {
	switch x := a.(type) {
	case bool:
		if y, _ := b.(bool); x != y {
			return 1
		}
		return 0
	case json.Number:
		p, _ := new(big.Rat).SetString(string(x))
		q, _ := new(big.Rat).SetString(string(b.(json.Number)))
		return p.Cmp(q)
	case string:
		y := b.(string)
		if f.Kind == ID || f.Kind == Reference {
			return strings.Compare(x[:15], y[:15])
		}
		if f.texts() {
			if strings.EqualFold(x, y) {
				return 0
			}
			return cmp.Compare(strings.ToLower(x), strings.ToLower(y))
		}
		return strings.Compare(x, y)
	}
	return 0
}

func (o *Org) compareRows(q *query, object string, a, b row) int {
	for _, by := range q.order {
		f, way, _ := o.resolve(object, by.field)
		x, y := o.value(a, f, way), o.value(b, f, way)
		order := 0
		switch {
		case x == nil && y == nil:
			continue
		case x == nil || y == nil:
			order = -1
			if (x == nil) == by.nullsLast {
				order = 1
			}
			return order
		default:
			order = f.compare(x, y)
		}
		if by.desc {
			order = -order
		}
		if order != 0 {
			return order
		}
	}
	return 0
}

// show is a row with the fields that were asked for, as JSON has it.
func (o *Org) show(q *query, object string, r row) (map[string]any, *Problem) {
	id, _ := r["Id"].(string)
	out := map[string]any{"attributes": map[string]any{"type": object, "url": apiPath + "/sobjects/" + object + "/" + id}}
	for _, path := range q.fields {
		f, way, _ := o.resolve(object, path)
		at := out
		parts := strings.Split(path, ".")
		here := r
		for i, via := range way {
			key, _ := here[via].(string)
			if here = o.byID[key]; here == nil {
				at[parts[i]] = nil
				at = nil
				break
			}
			inner, ok := at[parts[i]].(map[string]any)
			if !ok {
				inner = map[string]any{"attributes": map[string]any{"type": o.objectOf(key)}}
				at[parts[i]] = inner
			}
			at = inner
		}
		if at != nil {
			at[parts[len(parts)-1]] = o.value(r, f, way)
			if f.Kind == Bool && at[parts[len(parts)-1]] == nil {
				at[parts[len(parts)-1]] = false
			}
		}
	}
	for _, inner := range q.inner {
		relation, ok := children[object][inner.from]
		if !ok {
			return nil, problem(400, "INVALID_TYPE", "Didn't understand relationship '"+inner.from+"' in FROM part of query call.")
		}
		rows, bad := o.answer(inner, relation[0], func(child row) bool { return child[relation[1]] == id })
		switch {
		case bad != nil:
			return nil, bad
		case len(rows) == 0:
			out[inner.from] = nil
		default:
			out[inner.from] = o.batch(rows, o.InnerBatch)
		}
	}
	return out, nil
}

// batch is as much of an answer as is given at once; the rest is kept.
func (o *Org) batch(rows []map[string]any, size int) found {
	out := found{Total: len(rows), Done: true, Records: rows}
	if size > 0 && len(rows) > size {
		o.n++
		locator := fmt.Sprintf("01g%012dAAA-%d", o.n, size)
		o.rest[locator] = remaining{rows[size:], size}
		out.Done, out.Next, out.Records = false, apiPath+"/query/"+locator, rows[:size]
	}
	return out
}

type remaining struct {
	rows []map[string]any
	size int
}
