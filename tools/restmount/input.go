package restmount

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Where a parameter goes.
const (
	inPath   = "path"
	inQuery  = "query"
	inHeader = "header"
	inCookie = "cookie"
)

// parameter is one of an operation: which argument it is, and how that is written. All of
// it is part of what is pinned.
type parameter struct {
	Argument string `json:"argument,omitempty"` // "": its value is fixed
	Name     string `json:"name"`
	In       string `json:"in"`
	Style    string `json:"style,omitempty"`
	Explode  bool   `json:"explode,omitempty"`
	Reserved bool   `json:"reserved,omitempty"`
	JSON     bool   `json:"json,omitempty"`
	Required bool   `json:"required,omitempty"`
	// Default is sent for a required one that is not given.
	Default any `json:"default,omitempty"`
}

// ours are headers that no argument fills: the exchange's own, and what says who we are.
// Accept, Content-Type and Authorization are no parameters by the specification.
var ours = []string{"accept", "accept-encoding", "authorization", "connection", "content-length", "content-type", "cookie", "expect", "forwarded", "host",
	"keep-alive", "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "user-agent"}

// intake gathers the arguments of an operation.
type intake struct {
	api      *API
	op       *operation
	schemas  *schemas
	members  object
	required []string
}

// takeInput makes the schema of an operation's arguments, and notes where each goes.
func (a *API) takeInput(f found) error {
	in := &intake{api: a, op: f.operation, schemas: newSchemas(), members: object{}}
	defer func() { f.nodes = in.schemas.nodes }()
	all, err := parametersOf(f)
	if err != nil {
		return err
	}
	for _, p := range all {
		if err := in.parameter(p); err != nil {
			return err
		}
	}
	for _, name := range placesIn(f.path) {
		if !slices.ContainsFunc(f.parameters, func(p parameter) bool { return p.In == inPath && p.Name == name }) {
			return fmt.Errorf("its path has {%s}, and no parameter says what that is", tidy(name, 100))
		}
	}
	if ref := f.inside.RequestBody; ref != nil && ref.Value != nil && f.method != "GET" && f.method != "HEAD" {
		if err := in.body(ref.Value); err != nil {
			return err
		}
	}
	return in.write()
}

func (in *intake) write() error {
	slices.Sort(in.required)
	schema := object{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "properties": in.members, "additionalProperties": false}
	if len(in.required) > 0 {
		schema["required"] = in.required
	}
	if len(in.schemas.defs) > 0 {
		schema["$defs"] = in.schemas.defs
	}
	raw, err := json.Marshal(schema)
	if err != nil {
		return errors.New("its input cannot be written as JSON")
	}
	if len(raw) > maxInput {
		return fmt.Errorf("the schema of its input has %d KiB; want %d at most", len(raw)>>10, maxInput>>10)
	}
	in.op.input = raw
	return nil
}

// parametersOf are those of the path and of the operation, which go before them, in the
// order in which arguments get their names.
func parametersOf(f found) ([]*openapi3.Parameter, error) {
	byPlace := map[string]*openapi3.Parameter{}
	for _, ref := range slices.Concat(f.item.Parameters, f.inside.Parameters) {
		if ref == nil || ref.Value == nil {
			return nil, errors.New("a parameter refers to nothing")
		}
		p := ref.Value
		switch p.In {
		case inPath, inQuery, inHeader, inCookie:
		default:
			return nil, fmt.Errorf("the parameter %q is in %q, which is not supported", tidy(p.Name, 100), tidy(p.In, 100))
		}
		if p.Name == "" {
			return nil, errors.New("a parameter has no name")
		}
		byPlace[p.In+" "+p.Name] = p
	}
	order := []string{inPath, inQuery, inHeader, inCookie}
	return slices.SortedFunc(maps.Values(byPlace), func(a, b *openapi3.Parameter) int {
		if n := slices.Index(order, a.In) - slices.Index(order, b.In); n != 0 {
			return n
		}
		return strings.Compare(a.Name, b.Name)
	}), nil
}

// placesIn are the names in braces of a path.
func placesIn(path string) (names []string) {
	for {
		_, rest, ok := strings.Cut(path, "{")
		if !ok {
			return names
		}
		name, rest, ok := strings.Cut(rest, "}")
		if !ok {
			return names
		}
		names, path = append(names, name), rest
	}
}

// parameter takes one in, unless its value is ours to say.
func (in *intake) parameter(p *openapi3.Parameter) error {
	if in.isOurs(p) {
		return nil
	}
	if (p.In == inHeader || p.In == inCookie) && !headerName(p.Name) {
		return fmt.Errorf("no %s can have the name %q", p.In, tidy(p.Name, 100))
	}
	to, schema, err := placeOf(p)
	if err != nil {
		return err
	}
	if _, fixed := in.api.settings.Fixed[p.Name]; fixed {
		in.op.parameters = append(in.op.parameters, to)
		return nil
	}
	written, err := in.schemas.of(schema, 0)
	if err != nil {
		return err
	}
	if schema.Value != nil && schema.Value.Default != nil {
		to.Default = schema.Value.Default
	}
	to.Argument = in.add(p.Name, p.In, described(written, p.Description), to.Required && to.Default == nil)
	in.op.parameters = append(in.op.parameters, to)
	return nil
}

// placeOf reads how a parameter is written.
func placeOf(p *openapi3.Parameter) (parameter, *openapi3.SchemaRef, error) {
	to := parameter{Name: p.Name, In: p.In, Style: p.Style, Reserved: p.AllowReserved, Required: p.Required || p.In == inPath}
	if to.Style == "" {
		to.Style = map[string]string{inPath: styleSimple, inHeader: styleSimple, inQuery: styleForm, inCookie: styleForm}[p.In]
	}
	to.Explode = to.Style == styleForm || to.Style == styleDeepObject
	if p.Explode != nil {
		to.Explode = *p.Explode
	}
	schema := p.Schema
	if schema == nil {
		for _, media := range slices.Sorted(maps.Keys(p.Content)) {
			if content := p.Content[media]; isJSON(media) && content != nil {
				schema, to.JSON = content.Schema, true
			}
		}
	}
	switch {
	case schema == nil && len(p.Content) > 0:
		return to, nil, fmt.Errorf("the parameter %q is written as something else than JSON", tidy(p.Name, 100))
	case schema == nil:
		schema = openapi3.NewSchemaRef("", openapi3.NewStringSchema())
	}
	if allowed := stylesIn[p.In]; !slices.Contains(allowed, to.Style) {
		return to, nil, fmt.Errorf("the parameter %q has the style %q, which is not supported in a %s", tidy(p.Name, 100), tidy(to.Style, 50), p.In)
	}
	return to, schema, nil
}

// isOurs reports whether a parameter is one that settings or the exchange itself fill.
func (in *intake) isOurs(p *openapi3.Parameter) bool {
	s := in.api.settings
	if k := s.Auth.APIKey; k != nil && k.In == p.In && (k.Name == p.Name || p.In == inHeader && strings.EqualFold(k.Name, p.Name)) {
		return true
	}
	if p.In != inHeader {
		return false
	}
	for name := range s.Headers {
		if strings.EqualFold(name, p.Name) {
			return true
		}
	}
	return slices.Contains(ours, strings.ToLower(p.Name)) || strings.EqualFold(p.Name, s.IdempotencyHeader)
}

// add makes an argument. Of several of one name the first keeps it, and the others say
// where they go: path, query, header, cookie, body is the order.
func (in *intake) add(name, place string, schema any, required bool) string {
	argument := name
	for i := 1; in.members[argument] != nil; i++ {
		argument = name + "_" + place
		if i > 1 {
			argument = fmt.Sprintf("%s_%s_%d", name, place, i)
		}
	}
	in.members[argument] = schema
	if required {
		in.required = append(in.required, argument)
	}
	return argument
}

// described adds what is said of a schema where it is used.
func described(schema any, text string) any {
	text = tidy(text, maxNote)
	switch s := schema.(type) {
	case object:
		if text != "" {
			s = maps.Clone(s)
			s["description"] = text
		}
		return s
	case bool:
		if s {
			return object{"description": text}
		}
		return object{"not": object{}, "description": text}
	}
	return schema
}
