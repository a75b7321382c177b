// Package salesforcefake plays an organization at Salesforce for tests: sign-in, queries,
// records, composite requests and limits, over real HTTP, as Salesforce's published
// documents say. It reads the SOQL that it is sent with a parser of its own, and refuses
// what that does not know; it holds each record against the fields that its object has. It
// knows nothing of the code that it tests.
//
// What people do at Salesforce is done by the methods of [Org]. [Org.Disturb] makes a
// request go wrong.
package salesforcefake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// apiPath is where the one version of the API is that there is.
const apiPath = "/services/data/v64.0"

// Request is one that the organization was sent, for tests to look at.
type Request struct {
	Method, Path string // with the query
	Body         string
	Header       http.Header
	Status       int // that was answered; 0 if nothing was
}

// Org is the organization. Its exported fields are set before it is asked anything.
type Org struct {
	URL string
	// Instance is what a sign-in says as instance_url; URL if "".
	Instance string
	// User is the id of whom a sign-in is.
	User string
	// Several: records have a currency each.
	Several bool
	// Batch and InnerBatch are how many rows are given at once, of a query and of one inside
	// another; 0 for 2,000.
	Batch, InnerBatch int
	// DuplicateRule: no two people have one address.
	DuplicateRule bool
	// Used and Allowed are what the answers say of the requests of the last 24 hours.
	Used, Allowed int

	apps map[string]app

	mu       sync.Mutex
	now      func() time.Time
	n        int
	fields   map[string][]Field
	tables   map[string][]row
	byID     map[string]row
	rest     map[string]remaining
	tokens   map[string]bool
	faults   []*disturbance
	requests []Request
}

// New starts an organization with a currency each for records if several, for as long as
// the test runs. Times are taken from now.
func New(t testing.TB, now func() time.Time, hasSeveral bool) *Org {
	o := &Org{now: now, Several: hasSeveral, fields: schema(), tables: map[string][]row{}, byID: map[string]row{}, rest: map[string]remaining{}, tokens: map[string]bool{}, apps: map[string]app{},
		Batch: 2000, InnerBatch: 2000, Allowed: 100_000}
	if hasSeveral {
		for _, object := range several {
			o.fields[object] = append(o.fields[object], Field{Name: "CurrencyIsoCode", Kind: Pick, Values: []string{"EUR", "USD", "JPY", "KWD"}})
		}
	}
	o.User = o.insert("User", row{"Name": "Integration", "Email": "integration@example.com", "Username": "integration@acme.example.com", "IsActive": true})
	o.insert("Pricebook2", row{"Name": "Standard Price Book", "IsStandard": true, "IsActive": true})
	server := httptest.NewServer(http.HandlerFunc(o.serve))
	t.Cleanup(server.Close)
	o.URL = server.URL
	return o
}

// AddField gives an object a custom field.
func (o *Org) AddField(object string, f Field) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.fields[object] = append(o.fields[object], f)
}

// Hide takes a field away from the user that signs in.
func (o *Org) Hide(object, name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.fields[object] = slices.DeleteFunc(o.fields[object], func(f Field) bool { return f.Name == name })
}

// Put stores a record as an import does that may write every field, and gives its id.
func (o *Org) Put(object string, fields map[string]any) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.insert(object, row(fields))
}

// Change writes fields of a record, whoever may.
func (o *Org) Change(id string, fields map[string]any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for name, value := range fields {
		o.byID[id][name] = value
	}
	o.derive(o.objectOf(id), o.byID[id])
}

// Records are those of an object, oldest first, in which a field has a value; all if the
// field is "".
func (o *Org) Records(object, field string, value any) []map[string]any {
	o.mu.Lock()
	defer o.mu.Unlock()
	var all []map[string]any
	for _, r := range o.tables[object] {
		if field == "" || r[field] == value {
			all = append(all, map[string]any(r))
		}
	}
	return all
}

// Requests are all that the organization was sent so far, but for sign-ins.
func (o *Org) Requests() []Request {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(o.requests), func(r Request) bool { return r.Path == tokenPath })
}

// SignIns counts the sign-ins so far.
func (o *Org) SignIns() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for _, r := range o.requests {
		if r.Path == tokenPath {
			n++
		}
	}
	return n
}

// Query answers a query as the API does; the code of the error is "" if there is none.
func (o *Org) Query(q string) (records []map[string]any, code string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	records, bad := o.run(q)
	if bad != nil {
		return nil, bad.Code
	}
	return records, ""
}

// Problem is an error as Salesforce writes it.
type Problem struct {
	Status     int            `json:"-"`
	Duplicates map[string]any `json:"duplicateResut,omitempty"`
	Message    string         `json:"message"`
	Code       string         `json:"errorCode"`
	Fields     []string       `json:"fields,omitempty"`
}

func problem(status int, code, message string, fields ...string) *Problem {
	return &Problem{Status: status, Code: code, Message: message, Fields: fields}
}

func (o *Org) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // whoever asked has gone
	}
	path := r.URL.RequestURI()
	o.mu.Lock()
	at := len(o.requests)
	o.requests = append(o.requests, Request{Method: r.Method, Path: path, Body: string(body), Header: r.Header.Clone()})
	fault := o.fault(r.Method, path+" "+string(body))
	status, out := 0, any(nil)
	if fault == nil || fault.Effect {
		status, out = o.route(r, body)
	}
	raw, err := json.Marshal(out)
	if err != nil {
		panic(err)
	}
	o.Used++
	w.Header().Set("Sforce-Limit-Info", fmt.Sprintf("api-usage=%d/%d", o.Used, o.Allowed))
	if fault == nil {
		o.requests[at].Status = status
	}
	o.mu.Unlock()
	if fault != nil {
		fault.play(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(status)
	if status != http.StatusNoContent {
		_, _ = w.Write(raw)
	}
}

func (o *Org) route(r *http.Request, body []byte) (int, any) {
	if r.URL.Path == tokenPath {
		return o.signIn(r, body)
	}
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !o.tokens[token] {
		return http.StatusUnauthorized, []*Problem{problem(401, "INVALID_SESSION_ID", "Session expired or invalid")}
	}
	if r.URL.Path == apiPath+"/composite" && r.Method == http.MethodPost {
		return o.composite(body)
	}
	return o.one(r.Method, r.URL.RequestURI(), body)
}

// one answers a request that is not a composite one.
func (o *Org) one(method, address string, body []byte) (int, any) {
	u, err := url.Parse(address)
	if err != nil {
		return refused(problem(400, "INVALID_URL", err.Error()))
	}
	path, ok := strings.CutPrefix(u.Path, apiPath+"/")
	if !ok {
		return refused(problem(404, "NOT_FOUND", "The requested resource does not exist"))
	}
	parts := strings.Split(path, "/")
	switch {
	case parts[0] == "query" && method == http.MethodGet && len(parts) == 1:
		rows, bad := o.run(u.Query().Get("q"))
		if bad != nil {
			return refused(bad)
		}
		return http.StatusOK, o.batch(rows, o.Batch)
	case parts[0] == "query" && method == http.MethodGet && len(parts) == 2:
		kept, ok := o.rest[parts[1]]
		if !ok {
			return refused(problem(400, "INVALID_QUERY_LOCATOR", "invalid query locator"))
		}
		return http.StatusOK, o.batch(kept.rows, kept.size)
	case parts[0] == "sobjects" && len(parts) > 1:
		return o.sobject(method, parts[1:], body)
	}
	return refused(problem(404, "NOT_FOUND", "The requested resource does not exist"))
}

func refused(p *Problem) (int, any) { return p.Status, []*Problem{p} }

func (o *Org) sobject(method string, parts []string, body []byte) (int, any) {
	object := parts[0]
	if _, ok := o.fields[object]; !ok {
		return refused(problem(404, "NOT_FOUND", "The requested resource does not exist"))
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var fields map[string]any
	if err := decoder.Decode(&fields); err != nil || fields == nil {
		return refused(problem(400, "JSON_PARSER_ERROR", "The HTTP entity body is required, but this request has no entity body."))
	}
	made := func(id string, created bool) map[string]any {
		return map[string]any{"id": id, "success": true, "errors": []any{}, "created": created}
	}
	switch {
	case len(parts) == 1 && method == http.MethodPost:
		id, bad := o.create(object, fields)
		if bad != nil {
			return refused(bad)
		}
		return http.StatusCreated, made(id, true)
	case len(parts) == 2 && method == http.MethodPatch:
		if !wellFormed(parts[1]) {
			return refused(problem(400, "MALFORMED_ID", object+" ID: id value of incorrect type: "+parts[1], "Id"))
		}
		if bad := o.update(object, parts[1], fields); bad != nil {
			return refused(bad)
		}
		return http.StatusNoContent, nil
	case len(parts) == 3 && method == http.MethodPatch:
		id, created, bad := o.upsert(object, parts[1], parts[2], fields)
		switch {
		case bad != nil:
			return refused(bad)
		case created:
			return http.StatusCreated, made(id, true)
		}
		return http.StatusOK, made(id, false)
	}
	return refused(problem(405, "METHOD_NOT_ALLOWED", "HTTP Method '"+method+"' not allowed."))
}
