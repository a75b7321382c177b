// Package shopifyfake plays a store at Shopify for tests: what orders, refunds, fulfilments,
// products and stock do behind the Admin GraphQL API, over real HTTP. Every request is
// parsed and validated against [Schema], so that an unknown field or argument is refused;
// costs are counted, keys of @idempotent are kept and demanded. It knows nothing of the code
// that it tests.
//
// What is no part of the API's doing is done by the methods of [Server]: ordering, stocking.
// [Server.Disturb] makes a request go wrong.
package shopifyfake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// Token is the access token that the store takes, until it is changed by [Server.Revoke].
// Client and Secret get such tokens.
const (
	Token  = "shpat_fake000000000000000000000000"
	Client = "fake-client"
	Secret = "shpss_fake"
)

// path is where the API is served.
const path = "/admin/api/2026-07/graphql.json"

type object = map[string]any

// Request is one that the store was sent, for tests to look at.
type Request struct {
	Operation string
	Variables map[string]any
	Header    http.Header
}

// Server is the store.
type Server struct {
	URL string
	// Most and Restore are the points of the store's bucket; set them before it is used.
	Most, Restore float64

	schema   *ast.Schema
	now      func() time.Time
	mu       sync.Mutex
	n        int
	token    string
	granted  int
	left     float64
	at       time.Time
	requests []Request
	faults   []*disturbance
	keys     map[string]*kept
	store
}

// kept is what a key stands for.
type kept struct {
	call   string
	answer func() object // nil of a call that was refused
}

// New starts a store, for as long as the test runs. Times are taken from now.
func New(t testing.TB, now func() time.Time) *Server {
	s := &Server{now: now, schema: gqlparser.MustLoadSchema(&ast.Source{Name: "schema.graphql", Input: Schema}), token: Token, keys: map[string]*kept{}, Most: 2000, Restore: 100}
	s.left, s.at = s.Most, now()
	server := httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// Requests are all operations that the store was sent so far.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Forget drops all keys, as Shopify does after a day.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = map[string]*kept{}
}

// Revoke has the store take no token that it gave out.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = ""
}

// Drain takes points out of the bucket, until so many are left.
func (s *Server) Drain(left float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left, s.at = left, s.now()
}

// Granted is how many tokens were given out.
func (s *Server) Granted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.granted
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/admin/oauth/access_token" && r.Method == http.MethodPost:
		s.grant(w, r)
		return
	case r.URL.Path != path || r.Method != http.MethodPost:
		write(w, http.StatusNotFound, object{"errors": "Not Found"})
		return
	}
	var body struct {
		Query     string         `json:"query"`
		Operation string         `json:"operationName"`
		Variables map[string]any `json:"variables"`
	}
	decoder := json.NewDecoder(r.Body)
	decoder.UseNumber()
	if err := decoder.Decode(&body); err != nil {
		write(w, http.StatusBadRequest, object{"errors": object{"query": "Required parameter missing or invalid"}})
		return
	}
	s.mu.Lock()
	s.requests = append(s.requests, Request{body.Operation, body.Variables, r.Header.Clone()})
	fault := s.fault(body.Operation)
	status, answer := http.StatusOK, object{}
	if fault == nil || fault.Effect {
		if given := r.Header.Get("X-Shopify-Access-Token"); given == "" || given != s.token {
			status, answer = http.StatusUnauthorized, object{"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}
		} else {
			answer = s.execute(body.Query, body.Operation, body.Variables)
		}
	}
	raw, err := json.Marshal(answer)
	s.mu.Unlock()
	if err != nil {
		panic("shopifyfake: " + err.Error())
	}
	if fault != nil {
		fault.play(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(raw)
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func (s *Server) grant(w http.ResponseWriter, r *http.Request) {
	if r.FormValue("grant_type") != "client_credentials" || r.FormValue("client_id") != Client || r.FormValue("client_secret") != Secret {
		write(w, http.StatusBadRequest, object{"error": "invalid_client"})
		return
	}
	s.mu.Lock()
	s.granted++
	s.token = fmt.Sprintf("shpat_granted%d", s.granted)
	token := s.token
	s.mu.Unlock()
	write(w, http.StatusOK, object{"access_token": token, "scope": "read_orders,write_orders", "expires_in": 86399})
}

// graphError is one of errors.
func graphError(code, message string) object {
	return object{"errors": []object{{"message": message, "extensions": object{"code": code}}}}
}

// execute answers a request. The store is locked.
func (s *Server) execute(query, name string, vars map[string]any) object {
	document, problems := gqlparser.LoadQueryWithRules(s.schema, query, rules.NewDefaultRules())
	if len(problems) > 0 {
		return graphError("undefinedField", problems[0].Message)
	}
	op := document.Operations.ForName(name)
	if op == nil {
		return graphError("missingOperation", "No operation named "+name)
	}
	given, err := validator.VariableValues(s.schema, op, vars)
	if err != nil {
		return graphError("INVALID_VARIABLE", err.Error())
	}
	e := &execution{given}
	now, requested := s.now(), float64(max(1, e.cost(op.SelectionSet)))
	if op.Operation == ast.Mutation {
		requested += 10
	}
	s.left, s.at = min(s.Most, s.left+s.Restore*max(0, now.Sub(s.at).Seconds())), now
	points := func() object {
		return object{"cost": object{"requestedQueryCost": requested, "throttleStatus": object{"maximumAvailable": s.Most, "currentlyAvailable": s.left, "restoreRate": s.Restore}}}
	}
	answer := object{}
	switch {
	case requested > 1000:
		return graphError("MAX_COST_EXCEEDED", fmt.Sprintf("Query cost is %v, which exceeds the single query max cost limit (1000).", requested))
	case requested > s.left:
		answer = graphError("THROTTLED", "Throttled")
		answer["extensions"] = points()
		return answer
	}
	s.left -= requested
	root := s.queries()
	if op.Operation == ast.Mutation {
		root = s.mutations()
	}
	data, failed := e.run(s, op, root)
	if failed != nil {
		answer = failed
	} else {
		answer["data"] = data
	}
	answer["extensions"] = points()
	return answer
}

// keyed are the mutations that have to have a key.
var keyed = []string{"refundCreate", "inventoryAdjustQuantities", "inventorySetQuantities"}

// execution is one request's.
type execution struct{ vars map[string]any }

func (e *execution) run(s *Server, op *ast.OperationDefinition, root object) (object, object) {
	data := object{}
	for _, field := range e.fields(op.SelectionSet) {
		resolve, ok := root[field.Name].(func(args object) any)
		if !ok {
			return nil, graphError("INTERNAL_SERVER_ERROR", "no resolver of "+field.Name)
		}
		args := field.ArgumentMap(e.vars)
		directive := field.Directives.ForName("idempotent")
		switch {
		case directive == nil && slices.Contains(keyed, field.Name):
			return nil, graphError("BAD_REQUEST", "The @idempotent directive is required for this mutation but was not provided.")
		case directive != nil && !slices.Contains(keyed, field.Name):
			return nil, graphError("BAD_REQUEST", "The @idempotent directive is not supported by this mutation.")
		case directive != nil:
			key, _ := directive.ArgumentMap(e.vars)["key"].(string)
			if strings.TrimSpace(key) == "" {
				return nil, graphError("BAD_REQUEST", "The idempotency key cannot be blank.")
			}
			data[field.Alias] = e.complete(s.once(key, field.Name, args, resolve), field)
		default:
			data[field.Alias] = e.complete(resolve(args), field)
		}
	}
	return data, nil
}

// once carries a keyed mutation out once. What it answers again is read anew.
func (s *Server) once(key, name string, args object, resolve func(object) any) any {
	call, err := json.Marshal([]any{name, args})
	if err != nil {
		panic("shopifyfake: " + err.Error())
	}
	if k, known := s.keys[key]; known {
		switch {
		case k.call != string(call):
			return refuse("IDEMPOTENCY_KEY_PARAMETER_MISMATCH", nil, "The same idempotency key cannot be used with different operation parameters.")
		case k.answer == nil:
			return refuse("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED", nil, "A previous request with this idempotency key failed. Retry with a new idempotency key.")
		}
		return k.answer()
	}
	payload := resolve(args).(object)
	again, _ := payload["_again"].(func() object)
	s.keys[key] = &kept{string(call), again}
	return payload
}

// refuse is a payload with a user error.
func refuse(code string, field []string, message string) object {
	e := object{"field": field, "message": message}
	if code != "" {
		e["code"] = code
	}
	return object{"userErrors": []object{e}, "orderCancelUserErrors": []object{e}}
}

// fields are those of a selection, its fragments' among them.
func (e *execution) fields(set ast.SelectionSet) (list []*ast.Field) {
	for _, selection := range set {
		switch one := selection.(type) {
		case *ast.Field:
			if d := one.Directives.ForName("include"); d == nil || d.ArgumentMap(e.vars)["if"] == true {
				list = append(list, one)
			}
		case *ast.FragmentSpread:
			list = append(list, e.fields(one.Definition.SelectionSet)...)
		case *ast.InlineFragment:
			list = append(list, e.fields(one.SelectionSet)...)
		}
	}
	return list
}

// complete gives of a value what a field selects of it.
func (e *execution) complete(value any, field *ast.Field) any {
	switch v := value.(type) {
	case func(args object) any:
		return e.complete(v(field.ArgumentMap(e.vars)), field)
	case []object:
		all := []any{}
		for _, one := range v {
			all = append(all, e.complete(one, field))
		}
		return all
	case object:
		if v == nil {
			return nil
		}
		out := object{}
		for _, f := range e.fields(field.SelectionSet) {
			out[f.Alias] = e.complete(v[f.Name], f)
		}
		return out
	}
	return value
}

// cost is what a selection may cost: one for each thing, times how many are asked for.
func (e *execution) cost(set ast.SelectionSet) int {
	sum := 0
	for _, f := range e.fields(set) {
		if len(f.SelectionSet) == 0 {
			continue
		}
		one := 1 + e.cost(f.SelectionSet)
		switch first := f.ArgumentMap(e.vars)["first"].(type) {
		case int64:
			one *= int(first)
		case json.Number:
			n, _ := first.Int64()
			one *= int(n)
		}
		sum += one
	}
	return sum
}

// connection is a list in pages.
func connection(list []object) func(args object) any {
	return func(args object) any {
		first, start := 250, 0
		if n := whole(args["first"]); args["first"] != nil {
			first = n
		}
		if after, ok := args["after"].(string); ok {
			if _, err := fmt.Sscanf(after, "at%d", &start); err != nil {
				start = len(list)
			}
		}
		start = min(start, len(list))
		end := min(start+first, len(list))
		return object{"nodes": list[start:end:end], "pageInfo": object{"hasNextPage": end < len(list), "hasPreviousPage": start > 0, "endCursor": fmt.Sprintf("at%d", end)}}
	}
}

// firstOf is a list of which only the first ones are asked for.
func firstOf(list []object) func(args object) any {
	return func(args object) any {
		if args["first"] == nil {
			return list
		}
		return list[:min(len(list), whole(args["first"]))]
	}
}

func whole(v any) int {
	switch n := v.(type) {
	case int64:
		return int(n)
	case int:
		return n
	case json.Number:
		i, _ := n.Int64()
		return int(i)
	}
	return 0
}
