package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// apiDocument is the document that a server serves, and what of it was seen to hold.
type apiDocument struct {
	t       *testing.T
	raw     map[string]any
	schemas *jsonschema.Compiler
	seen    map[string]bool // "GET /v1/runs 200"
}

// methods that a path of the document may have.
var methods = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

// readDocument takes the document from a server, without a key. What its schemas do
// not mention counts as forbidden: every member of an answer has to be in the document.
func readDocument(t *testing.T, base string) *apiDocument {
	t.Helper()
	response, err := http.Get(base + "/v1/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	d := &apiDocument{t: t, schemas: jsonschema.NewCompiler(), seen: map[string]bool{}}
	if err := json.NewDecoder(response.Body).Decode(&d.raw); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s (%v)", response.Status, err)
	}
	d.close(d.raw["paths"])
	d.close(d.raw["components"])
	closed, err := json.Marshal(d.raw)
	if err != nil {
		t.Fatal(err)
	}
	d.schemas.Draft = jsonschema.Draft2020 // the dialect of OpenAPI 3.1
	if err := d.schemas.AddResource("openapi.json", bytes.NewReader(closed)); err != nil {
		t.Fatal(err)
	}
	return d
}

// close forbids what objects do not mention.
func (d *apiDocument) close(node any) {
	switch n := node.(type) {
	case map[string]any:
		_, lists := n["properties"].(map[string]any)
		if _, says := n["additionalProperties"]; lists && !says {
			n["additionalProperties"] = false
		}
		for name, inner := range n {
			if name != "examples" {
				d.close(inner)
			}
		}
	case []any:
		for _, inner := range n {
			d.close(inner)
		}
	}
}

// at follows a path of names through the document, references too. ok is false if it
// leads nowhere.
func (d *apiDocument) at(names ...string) (node map[string]any, pointer string, ok bool) {
	node, pointer = d.raw, "#"
	for _, name := range names {
		next, found := node[name].(map[string]any)
		if !found {
			return nil, pointer, false
		}
		node, pointer = next, pointer+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
		if ref, refers := node["$ref"].(string); refers && name != "schema" {
			return d.at(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
		}
	}
	return node, pointer, true
}

// operations are all of the document's, as "GET /v1/runs".
func (d *apiDocument) operations() []string {
	var all []string
	for path, item := range d.raw["paths"].(map[string]any) {
		for _, method := range methods {
			if _, there := item.(map[string]any)[strings.ToLower(method)]; there {
				all = append(all, method+" "+path)
			}
		}
	}
	slices.Sort(all)
	return all
}

// documented reports whether an operation may be answered with a status.
func (d *apiDocument) documented(operation, status string) bool {
	method, path, _ := strings.Cut(operation, " ")
	_, _, ok := d.at("paths", path, strings.ToLower(method), "responses", status)
	return ok
}

// fits holds a value against a schema of the document.
func (d *apiDocument) fits(pointer string, body []byte) error {
	schema, err := d.schemas.Compile("openapi.json" + strings.ReplaceAll(strings.ReplaceAll(pointer, "{", "%7B"), "}", "%7D"))
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return err
	}
	return schema.Validate(value)
}

// holds checks an answer against the operation that gave it.
func (d *apiDocument) holds(operation string, got exchanged) {
	d.t.Helper()
	method, path, _ := strings.Cut(operation, " ")
	status := fmt.Sprint(got.status)
	answer, pointer, ok := d.at("paths", path, strings.ToLower(method), "responses", status)
	if !ok {
		d.t.Errorf("%s answered %s, which the document does not have: %s", operation, status, got.body)
		return
	}
	d.seen[operation+" "+status] = true
	media, _, _ := mime.ParseMediaType(got.header.Get("Content-Type"))
	content, has := answer["content"].(map[string]any)
	if !has {
		if got.body != "" {
			d.t.Errorf("%s %s: the document has no content, and there is %s", operation, status, got.body)
		}
		return
	}
	if _, there := content[media]; !there {
		d.t.Errorf("%s answered %s with %q, which the document does not have", operation, status, media)
		return
	}
	if media == "application/json" {
		if err := d.fits(pointer+"/content/application~1json/schema", []byte(got.body)); err != nil {
			d.t.Errorf("%s %s: %v\n%s", operation, status, err, got.body)
		}
	}
	headers, _ := answer["headers"].(map[string]any)
	for name := range headers {
		if got.header.Get(name) == "" && name != "Idempotent-Replayed" {
			d.t.Errorf("%s %s has no header %s", operation, status, name)
		}
	}
}

type exchanged struct {
	status int
	header http.Header
	body   string
}

// caller sends requests to a server under a key.
type apiCaller struct {
	t         *testing.T
	base, key string
}

func (c apiCaller) do(method, path, body string, headers ...string) exchanged {
	c.t.Helper()
	request, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if c.key != "" {
		request.Header.Set("Authorization", "Bearer "+c.key)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return exchanged{response.StatusCode, response.Header, string(text)}
}
