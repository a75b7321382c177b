package restmount

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"drawbridge/bridge/convert"
)

// seeds are the documents of the tests.
func seeds(f *testing.F) (all [][]byte) {
	for _, pattern := range []string{"testdata/*.yaml", "testdata/split/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			all = append(all, text)
		}
	}
	return all
}

const fuzzBase = "https://api.example.com/base"

func fuzzAPI(f *testing.F) *API {
	api, err := New(Settings{Name: "x", Spec: "x.yaml", BaseURL: fuzzBase, MaxResult: 500, Fixed: map[string]string{"tenant": "t"}},
		Options{Reach: func(...string) http.RoundTripper { return http.DefaultTransport }})
	if err != nil {
		f.Fatal(err)
	}
	return api
}

// made are the operations of a text, nil if it is no document.
func (a *API) made(t *testing.T, text []byte) []*operation {
	l := &library{room: 1 << 20, read: func(at *url.URL) (io.ReadCloser, error) {
		if at.Path != "/x.yaml" {
			return nil, os.ErrNotExist
		}
		return io.NopCloser(bytes.NewReader(text)), nil
	}}
	at := &url.URL{Path: "/x.yaml"}
	doc, err := parse(t.Context(), l, at)
	if err != nil {
		return nil
	}
	all, _, err := a.operations(doc, at)
	if err != nil {
		return nil
	}
	return all
}

// FuzzDocument: whatever a document says, its tools can be written, are made functions of, and
// call nothing but what is below the base address.
func FuzzDocument(f *testing.F) {
	for _, text := range seeds(f) {
		f.Add(text, []byte(`{"id":"a/b","body":{},"limit":1}`))
	}
	f.Add([]byte("openapi: 3.0.0\npaths: {'/{a}{b}': {get: {parameters: [{name: a, in: path, style: matrix, schema: {type: object}}, {name: b, in: path}]}}}"), []byte(`{"a":{"x":"/.."},"b":".."}`))
	f.Add([]byte("openapi: 3.1.0\npaths: {'/x?a=b': {post: {requestBody: {content: {'*/*': {schema: true}}}}}}"), []byte(`{"body":null}`))
	api := fuzzAPI(f)
	f.Fuzz(func(t *testing.T, text, arguments []byte) {
		for _, o := range api.made(t, text) {
			definition, err := api.define(o)
			if err != nil || !json.Valid(definition) {
				t.Fatalf("%s: the definition is %q, %v", o.key(), definition, err)
			}
			if f, err := convert.Convert(convert.Tool{Name: "x__" + o.name, Description: o.description, Input: o.input}); err == nil && !json.Valid(f.Parameters) {
				t.Errorf("%s: the function's parameters are %q", o.key(), f.Parameters)
			}
			api.holds(t, o, arguments)
		}
	})
}

// FuzzArguments: whatever a model writes, a request stays where its operation is.
func FuzzArguments(f *testing.F) {
	for _, text := range []string{
		`{"id":"..","status":["a"],"filter":{"a":[{"b":null}]},"near":{"lat":1e400},"X-Trace":["a\nb"],"session":"; x=y"}`, `{"id":"%2e%2e/x","matrix":["/",".."],"label":{"a":"..","/":1},"amount":1}`,
		`{"body":[[[]]]}`, `[]`, `null`, `{"id":{"a":"../.."}}`, `{"id":["..",".."]}`, `{"id":true,"limit":"\u0000"}`,
	} {
		f.Add([]byte(text))
	}
	api := fuzzAPI(f)
	var all []*operation
	f.Fuzz(func(t *testing.T, arguments []byte) {
		if all == nil {
			text, err := os.ReadFile("testdata/shop.yaml")
			if err != nil {
				t.Fatal(err)
			}
			all = api.made(t, text)
		}
		for _, o := range all {
			api.holds(t, o, arguments)
		}
	})
}

// holds prepares a call, and looks where it would go.
func (a *API) holds(t *testing.T, o *operation, arguments []byte) {
	s, err := a.prepare(o, arguments)
	if err != nil {
		return
	}
	request, err := s.request(t.Context())
	if err != nil {
		return
	}
	if request.URL.Host != "api.example.com" || !strings.HasPrefix(request.URL.EscapedPath(), "/base/") || request.URL.User != nil {
		t.Errorf("%s with %q calls %s", o.key(), arguments, request.URL)
	}
	// Only what stands in the document itself may lead up.
	own := strings.Count(o.path, "..")
	for _, part := range strings.Split(request.URL.Path, "/") {
		if part == ".." {
			own--
		}
	}
	if own < 0 {
		t.Errorf("%s with %q leads up: %s", o.key(), arguments, request.URL)
	}
	if o.body != nil && s.hasBody && o.body.As == asJSON && !json.Valid(s.body) {
		t.Errorf("%s with %q sends %q", o.key(), arguments, s.body)
	}
	for name, values := range request.Header {
		if !headerName(name) || strings.ContainsAny(strings.Join(values, ""), "\r\n\x00") {
			t.Errorf("%s with %q has the header %q: %q", o.key(), arguments, name, values)
		}
	}
}
