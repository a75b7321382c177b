// Package apihttp is what the doors below /v1 have in common: a table of what there
// is (routes.go), who asks and how often (caller.go), what is found and how it is answered
// (door.go), and how a request's body, and its
// idempotency key, are read (body.go, object.go). What is wrong is said in OpenAI's shape
// (package apierror).
package apihttp

import (
	"net/http"
	"strings"

	"drawbridge/server/apierror"
)

// Route is one thing that can be asked for.
type Route struct {
	Method string
	// Pattern is the path, in which {name} stands for one part of it that is not empty:
	// the request's path value of that name.
	Pattern string
	Handle  http.HandlerFunc
}

// Table answers by its routes, each of which has a path and method of its own. It
// routes by itself, since what is not there has to be said in OpenAI's words. HEAD is
// GET: net/http leaves the body out. A slash at the end, which some frontends add, is
// passed over.
type Table []Route

func (t Table) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	var allowed []string
	for _, route := range t {
		values, ok := match(route.Pattern, r.URL.Path)
		switch {
		case !ok:
		case route.Method != method:
			allowed = append(allowed, route.Method)
		default:
			for name, value := range values {
				r.SetPathValue(name, value)
			}
			route.Handle(w, r)
			return
		}
	}
	if len(allowed) > 0 {
		apierror.MethodNotAllowed(w, r, strings.Join(allowed, ", "))
		return
	}
	apierror.NotFound("", "unknown_url", "there is no %s %.200q here; there are %s", r.Method, r.URL.Path, t.names()).Write(w)
}

func (t Table) names() string {
	all := make([]string, len(t))
	for i, route := range t {
		all[i] = route.Method + " " + route.Pattern
	}
	return strings.Join(all, ", ")
}

// match holds a path against a pattern and gives what its names stand for.
func match(pattern, path string) (values map[string]string, ok bool) {
	wanted, got := strings.Split(pattern, "/"), strings.Split(strings.TrimSuffix(path, "/"), "/")
	if len(wanted) != len(got) {
		return nil, false
	}
	for i, part := range wanted {
		name, named := strings.CutPrefix(part, "{")
		switch {
		case named && got[i] != "":
			if values == nil {
				values = map[string]string{}
			}
			values[strings.TrimSuffix(name, "}")] = got[i]
		case part != got[i]:
			return nil, false
		}
	}
	return values, true
}
