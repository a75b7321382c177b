package stripefake

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// params are a request's. The first thing that is wrong with them is kept, so that a
// handler reads all it wants and looks once.
type params struct {
	values  url.Values
	tree    object
	problem *problem
}

// tree reads brackets: a[b][0][c]=d is {"a": {"b": {"0": {"c": "d"}}}}.
func tree(form url.Values) object {
	root := object{}
	for name, values := range form {
		parts := strings.FieldsFunc(name, func(r rune) bool { return r == '[' || r == ']' })
		if strings.HasSuffix(name, "[]") {
			parts = append(parts[:len(parts):len(parts)], "0")
		}
		if len(parts) == 0 {
			continue
		}
		at := root
		for _, part := range parts[:len(parts)-1] {
			next, ok := at[part].(object)
			if !ok {
				next = object{}
				at[part] = next
			}
			at = next
		}
		at[parts[len(parts)-1]] = values[len(values)-1]
	}
	return root
}

// only refuses parameters of other names. Every request may expand.
func (p *params) only(names ...string) *params {
	for name := range p.tree {
		if name != "expand" && !slices.Contains(names, name) && p.problem == nil {
			p.problem = refuse(400, "invalid_request_error", "parameter_unknown", name, "Received unknown parameter: "+name)
			p.problem.early = true
		}
	}
	return p
}

func (p *params) text(path ...string) string {
	at := p.tree
	for _, part := range path[:len(path)-1] {
		at, _ = at[part].(object)
	}
	text, _ := at[path[len(path)-1]].(string)
	return text
}

func (p *params) need(path ...string) string {
	text := p.text(path...)
	if text == "" && p.problem == nil {
		p.problem = invalid(strings.Join(path, "."), "Missing required param: "+strings.Join(path, ".")+".")
	}
	return text
}

func (p *params) whole(path ...string) int64 {
	text := p.text(path...)
	if text == "" {
		return 0
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil && p.problem == nil {
		p.problem = invalid(strings.Join(path, "."), "Invalid integer: "+text)
	}
	return n
}

// decimal reads one that is a whole number.
func (p *params) decimal(path ...string) int64 {
	whole, _, _ := strings.Cut(p.text(path...), ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil && p.problem == nil {
		p.problem = invalid(strings.Join(path, "."), "Invalid decimal: "+whole)
	}
	return n
}

func (p *params) truth(path ...string) bool { return p.text(path...) == "true" }

// merge sets what is given below a name: metadata, evidence.
func (p *params) merge(into object, name string) {
	given, _ := p.tree[name].(object)
	for key, value := range given {
		if text, ok := value.(string); ok {
			into[key] = text
		}
	}
}

func (p *params) metadata() object {
	m := object{}
	p.merge(m, "metadata")
	return m
}

// expansions are the paths to expand.
func (p *params) expansions() (paths []string) {
	given, _ := p.tree["expand"].(object)
	for _, value := range given {
		path := fmt.Sprint(value)
		if strings.Count(path, ".") > 3 && p.problem == nil {
			p.problem = invalid("expand", "You cannot expand more than 4 levels of a property: "+path)
		}
		paths = append(paths, path)
	}
	return paths
}

// list is one page of things, as Stripe gives them.
func (s *Server) list(url string, p *params, found []object) (object, *problem) {
	limit := p.whole("limit")
	switch {
	case limit == 0:
		limit = 10
	case (limit < 1 || limit > 100) && p.problem == nil:
		p.problem = invalid("limit", "Invalid limit")
	}
	if after := p.text("starting_after"); after != "" {
		at := slices.IndexFunc(found, func(o object) bool { return o["id"] == after })
		if at < 0 && p.problem == nil {
			p.problem = refuse(400, "invalid_request_error", "resource_missing", "starting_after", "No such object: '"+after+"'")
		}
		found = found[at+1:]
	}
	expansions := p.expansions()
	if p.problem != nil {
		return nil, p.problem
	}
	more := int64(len(found)) > limit
	if more {
		found = found[:limit]
	}
	data := []object{}
	for _, o := range found {
		data = append(data, s.render(o, below("data", expansions)))
	}
	return object{"object": "list", "url": url, "has_more": more, "data": data}, nil
}

// created restricts by the time that things were made.
func (p *params) created(name string) func(object) bool {
	given, _ := p.tree[name].(object)
	gte, lt := p.whole(name, "gte"), p.whole(name, "lt")
	return func(o object) bool {
		at := number(o[name])
		return (given["gte"] == nil || at >= gte) && (given["lt"] == nil || at != 0 && at < lt)
	}
}

// below are the rests of the paths that begin with a name.
func below(name string, paths []string) (rest []string) {
	for _, path := range paths {
		if head, tail, deeper := strings.Cut(path, "."); head == name && deeper {
			rest = append(rest, tail)
		}
	}
	return rest
}

// render is a thing as it is given out: what is to be expanded is put in for its id, and
// what is there only when it is expanded is added.
func (s *Server) render(o object, expansions []string) object {
	out := object{}
	for name, value := range o {
		if !strings.HasPrefix(name, "_") {
			out[name] = value
		}
	}
	for _, path := range expansions {
		name, _, _ := strings.Cut(path, ".")
		rest := below(name, expansions)
		switch value := o[name].(type) {
		case string:
			if whole, known := s.byID[value]; known {
				out[name] = s.render(whole, rest)
			}
		case nil:
			if hidden, ok := o["_"+name].(func(rest []string) object); ok {
				out[name] = hidden(rest)
			}
		}
	}
	return out
}
