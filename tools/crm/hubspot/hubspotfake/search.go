package hubspotfake

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// indexed is a record as it was after a write that the search does not know yet.
type indexed struct {
	kind string
	object
}

// show has the search know a record as it is.
func (s *Server) show(kind string, o object) {
	if s.index[kind] == nil {
		s.index[kind] = map[string]object{}
	}
	o.values = maps.Clone(o.values)
	s.index[kind][o.id] = o
}

// delay has the search know a record some writes later.
func (s *Server) delay(kind string, o object) {
	o.values = maps.Clone(o.values)
	s.behind = append(s.behind, indexed{kind, o})
	s.catchUp()
}

func (s *Server) catchUp() {
	for len(s.behind) > s.lag {
		s.show(s.behind[0].kind, s.behind[0].object)
		s.behind = s.behind[1:]
	}
}

type condition struct {
	PropertyName, Operator, Value string
	Values                        []string
}

type question struct {
	FilterGroups []struct{ Filters []condition }
	Sorts        []struct{ PropertyName, Direction string }
	Properties   []string
	Limit        int
	After        string
}

// search answers one. Its limits are those of the reference: 18 conditions in all, 10,000
// results. Records of one value come in no order that could be relied on.
func (s *Server) search(kind string, body []byte) reply {
	var in question
	if err := json.Unmarshal(body, &in); err != nil {
		return refuse(http.StatusBadRequest, "VALIDATION_ERROR", "%v", err)
	}
	if refused := s.limits(kind, in); refused != nil {
		return *refused
	}
	var found []object
	for _, o := range s.index[kind] {
		fits := len(in.FilterGroups) == 0
		for _, group := range in.FilterGroups {
			fits = fits || !slices.ContainsFunc(group.Filters, func(c condition) bool { return !s.holds(kind, o, c) })
		}
		if fits {
			found = append(found, o)
		}
	}
	slices.SortFunc(found, func(a, b object) int {
		order := 0
		if len(in.Sorts) == 1 {
			p := in.Sorts[0]
			if order = s.compare(kind, p.PropertyName, a.values[p.PropertyName], b.values[p.PropertyName]); p.Direction == "DESCENDING" {
				order = -order
			}
		}
		return cmp.Or(order, byNumber(reversed(a.id), reversed(b.id)))
	})
	from, _ := strconv.Atoi(in.After)
	results := []any{}
	for _, o := range found[min(from, len(found)):min(from+in.Limit, len(found))] {
		results = append(results, s.shown(kind, o, in.Properties))
	}
	answer := map[string]any{"total": len(found), "results": results}
	if from+in.Limit < len(found) {
		answer["paging"] = next(strconv.Itoa(from + in.Limit))
	}
	return reply{http.StatusOK, answer}
}

func (s *Server) limits(kind string, in question) *reply {
	n := 0
	for _, group := range in.FilterGroups {
		n += len(group.Filters)
		for _, c := range group.Filters {
			_, known := s.defined[kind][c.PropertyName]
			if !known && c.PropertyName != "associations.contact" {
				r := refuse(http.StatusBadRequest, "VALIDATION_ERROR", "There was a problem with the request: unknown property %s", c.PropertyName)
				return &r
			}
		}
	}
	from, _ := strconv.Atoi(in.After)
	if n > 18 || from+in.Limit > 10_000 {
		r := refuse(http.StatusBadRequest, "VALIDATION_ERROR", "There was a problem with the request: %d filters, up to result %d", n, from+in.Limit)
		return &r
	}
	return nil
}

func reversed(id string) string {
	runes := []rune(id)
	slices.Reverse(runes)
	return string(runes)
}

func byNumber(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) }

func (s *Server) compare(kind, name, a, b string) int {
	switch s.defined[kind][name].kind {
	case "time":
		return instant(a).Compare(instant(b))
	case "number":
		x, _ := strconv.ParseFloat(a, 64)
		y, _ := strconv.ParseFloat(b, 64)
		return cmp.Compare(x, y)
	}
	return cmp.Compare(strings.ToLower(a), strings.ToLower(b))
}

// holds reports whether a record fulfils a condition. What has no value fulfils only those
// about having none.
func (s *Server) holds(kind string, o object, c condition) bool {
	if c.PropertyName == "associations.contact" {
		return slices.Contains(s.others(kind, o.id, "contacts"), c.Value)
	}
	value, has := o.values[c.PropertyName]
	switch c.Operator {
	case "HAS_PROPERTY":
		return has
	case "NOT_HAS_PROPERTY":
		return !has
	}
	if !has {
		return false
	}
	is := func(other string) bool { return s.compare(kind, c.PropertyName, value, other) == 0 }
	switch order := s.compare(kind, c.PropertyName, value, c.Value); c.Operator {
	case "EQ":
		return order == 0
	case "NEQ":
		return order != 0
	case "LT":
		return order < 0
	case "LTE":
		return order <= 0
	case "GT":
		return order > 0
	case "GTE":
		return order >= 0
	case "IN":
		return slices.ContainsFunc(c.Values, is)
	case "NOT_IN":
		return !slices.ContainsFunc(c.Values, is)
	case "CONTAINS_TOKEN":
		return slices.ContainsFunc(strings.FieldsFunc(strings.ToLower(value), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }), func(word string) bool {
			matches, err := path.Match(strings.ToLower(c.Value), word)
			return err == nil && matches
		})
	}
	panic("hubspotfake: no operator " + c.Operator)
}
