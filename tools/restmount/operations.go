package restmount

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"drawbridge/tools"
	"drawbridge/tools/mcpmount"
)

const (
	// maxOperations bounds the operations of a document that are looked at.
	maxOperations = 10_000
	// maxAllNodes and maxAllInput bound the schemas of all inputs together, in schemas and
	// bytes: many operations may refer to the same large one.
	maxAllNodes = 500_000
	maxAllInput = 64 << 20
)

var errTooMuch = errors.New("the inputs of the document's operations are too much together; mount a part of them, with include")

// operation is one that becomes a tool.
type operation struct {
	name, id, method, path string
	shown                  string // the name as models have it
	tags                   []string
	title, description     string
	base                   string // of the address, without a slash at its end
	parameters             []parameter
	body                   *body
	input                  []byte // the schema of its arguments
	nodes                  int    // how many schemas that took
	fields                 []string
	paging                 *Paging
}

// names are all by which settings may speak of it, its own first.
func (o *operation) names() []string {
	return append([]string{o.name}, operationNames(o.id, o.method, o.path, o.tags)...)
}

// methods are those that tools make, in the order in which they are listed.
var methods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

// found is an operation as its document has it.
type found struct {
	*operation
	item   *openapi3.PathItem
	inside *openapi3.Operation
	usual  openapi3.Servers // of the whole document
}

// operations makes what can be made of the wanted operations, and says of the rest why not.
func (a *API) operations(doc *openapi3.T, at *url.URL) ([]*operation, []mcpmount.LeftOut, error) {
	base, err := a.base(doc.Servers, at)
	if err != nil {
		return nil, nil, err
	}
	all, err := a.wanted(doc)
	if err != nil {
		return nil, nil, err
	}
	var good []*operation
	var leftOut []mcpmount.LeftOut
	nodes, size := 0, 0 // of all together
	for _, f := range all {
		err := errTooMuch
		if nodes < maxAllNodes && size < maxAllInput {
			err = a.make(f, base, at)
		}
		nodes, size = nodes+f.nodes, size+len(f.input)
		if err != nil {
			leftOut = append(leftOut, mcpmount.LeftOut{Tool: f.method + " " + tidy(f.path, 200) + idWords(f.id), Why: err.Error()})
			continue
		}
		good = append(good, f.operation)
	}
	return good, leftOut, nil
}

func idWords(id string) string {
	if id == "" {
		return ""
	}
	return " (" + tidy(id, 100) + ")"
}

// wanted are the operations that the settings include, named, in the order of their paths.
func (a *API) wanted(doc *openapi3.T) ([]found, error) {
	var all []found
	for _, path := range slices.Sorted(maps.Keys(doc.Paths.Map())) {
		item := doc.Paths.Value(path)
		if item == nil {
			continue
		}
		for _, method := range methods {
			if inside := item.GetOperation(method); inside != nil {
				o := &operation{id: inside.OperationID, method: method, path: path, tags: inside.Tags}
				all = append(all, found{o, item, inside, doc.Servers})
			}
		}
	}
	if len(all) > maxOperations {
		return nil, fmt.Errorf("the document has more than %d operations", maxOperations)
	}
	every := make([]*operation, len(all))
	for i, f := range all {
		every[i] = f.operation
	}
	nameAll(every)
	return slices.DeleteFunc(all, func(f found) bool { return !a.includes(f.operation) }), nil
}

func (a *API) includes(o *operation) bool {
	fits := func(patterns []string) bool {
		return slices.ContainsFunc(o.names(), func(name string) bool { return tools.Match(patterns, name) })
	}
	return (len(a.settings.Include) == 0 || fits(a.settings.Include)) && !fits(a.settings.Exclude)
}

// base is the address to which the paths of the document are appended.
func (a *API) base(servers openapi3.Servers, at *url.URL) (string, error) {
	if a.settings.BaseURL != "" {
		return strings.TrimRight(a.settings.BaseURL, "/"), nil
	}
	return a.serverOf(servers, at)
}

// serverOf is the address of the first server that a document names.
func (a *API) serverOf(servers openapi3.Servers, at *url.URL) (string, error) {
	if len(servers) == 0 || servers[0] == nil {
		servers = openapi3.Servers{{URL: "/"}} // as the specification has it
	}
	raw := servers[0].URL
	for name, variable := range servers[0].Variables {
		if variable != nil {
			raw = strings.ReplaceAll(raw, "{"+name+"}", variable.Default)
		}
	}
	u, err := url.Parse(raw)
	if err != nil || strings.ContainsAny(raw, "{}") {
		return "", errors.New("the document's server is no address; set base_url")
	}
	if !u.IsAbs() && a.settings.Remote() {
		u = at.ResolveReference(u)
	}
	u.RawQuery, u.Fragment = "", ""
	switch {
	case !u.IsAbs() || u.Hostname() == "":
		return "", errors.New("the document does not say at which host the API is; set base_url")
	case !plainURL(u.String()):
		return "", errors.New("the document's server is no http or https address; set base_url")
	}
	return strings.TrimRight(u.String(), "/"), nil
}

// make fills in an operation.
func (a *API) make(f found, base string, at *url.URL) error {
	if _, refers := f.inside.Extensions["$ref"]; refers {
		return errors.New("it stands in another place as a whole, which OpenAPI knows of paths and not of operations; bundle the document first")
	}
	if !strings.HasPrefix(f.path, "/") || strings.ContainsAny(f.path, "#\\ ") { // behind the host, anything else could change it
		return errors.New("its path does not begin with a slash, or holds what no path holds")
	}
	if err := a.home(f, base, at); err != nil {
		return err
	}
	f.base, f.shown = base, a.settings.Name+tools.MountMark+f.name
	f.title = tidy(f.inside.Summary, 80)
	f.description = f.describe()
	for pattern, fields := range a.settings.Fields {
		if slices.ContainsFunc(f.names(), func(name string) bool { return tools.Match([]string{pattern}, name) }) {
			f.fields = append(f.fields, fields...)
		}
	}
	slices.Sort(f.fields)
	for _, pattern := range slices.Backward(slices.SortedFunc(maps.Keys(a.settings.Paging), byLiterals)) {
		if slices.ContainsFunc(f.names(), func(name string) bool { return tools.Match([]string{pattern}, name) }) {
			paging := a.settings.Paging[pattern]
			f.paging = &paging
			break
		}
	}
	return a.takeInput(f)
}

// byLiterals puts the more exact of two patterns behind the other.
func byLiterals(a, b string) int {
	if n := (len(a) - strings.Count(a, "*")) - (len(b) - strings.Count(b, "*")); n != 0 {
		return n
	}
	return strings.Compare(b, a)
}

// home refuses an operation that its document has at another address than the rest, unless
// that is where the settings say that the API is: our credentials are for one host.
func (a *API) home(f found, base string, at *url.URL) error {
	servers := f.item.Servers
	if own := f.inside.Servers; own != nil {
		servers = *own
	}
	if len(servers) == 0 {
		return nil
	}
	its, err := a.serverOf(servers, at)
	usual, unusual := a.serverOf(f.usual, at)
	switch {
	case err == nil && (its == base || unusual == nil && its == usual):
		return nil
	case err != nil && unusual != nil: // none says where it is: the settings do
		return nil
	}
	return errors.New("it is at another address than the rest; mount it by itself, with include and base_url")
}

// describe is what a model reads of it.
func (f found) describe() string {
	text := tidy(f.inside.Description, 1500)
	if summary := tidy(f.inside.Summary, 300); summary != "" && !strings.HasPrefix(text, strings.TrimSuffix(summary, ".")) {
		if !strings.HasSuffix(summary, ".") && text != "" {
			summary += "."
		}
		text = strings.TrimSpace(summary + " " + text)
	}
	if f.inside.Deprecated {
		text = strings.TrimSpace("Deprecated. " + text)
	}
	call := f.method + " " + tidy(f.path, 200)
	if text == "" {
		return call
	}
	return text + "\n" + call
}
