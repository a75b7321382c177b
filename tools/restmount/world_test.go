package restmount_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"drawbridge/tools/mcpmount"
	"drawbridge/tools/restmount"
)

// request is one that the API got.
type request struct {
	line, body string
	header     http.Header
}

// world is an API over real HTTP that notes what it is asked.
type world struct {
	t      *testing.T
	server *httptest.Server

	mu     sync.Mutex
	got    []request
	answer http.HandlerFunc
}

// answers sets what it answers from now on.
func (w *world) answers(how http.HandlerFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answer = how
}

func newWorld(t *testing.T) *world {
	w := &world{t: t}
	w.answers(func(out http.ResponseWriter, _ *http.Request) {
		out.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(out, `{"ok":true}`)
	})
	w.server = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.mu.Lock()
		w.got = append(w.got, request{r.Method + " " + r.RequestURI, string(body), r.Header.Clone()})
		answer := w.answer
		w.mu.Unlock()
		answer(out, r)
	}))
	t.Cleanup(w.server.Close)
	return w
}

func (w *world) requests() []request {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.got)
}

func (w *world) last() request {
	w.t.Helper()
	all := w.requests()
	if len(all) == 0 {
		w.t.Fatal("the API was not asked")
	}
	return all[len(all)-1]
}

// mounted is a document made tools, at the world's address unless the settings say another.
type mounted struct {
	t       *testing.T
	list    map[string]mcpmount.SourceTool
	leftOut []mcpmount.LeftOut
}

func (w *world) mount(spec string, change func(*restmount.Settings)) mounted {
	w.t.Helper()
	s := restmount.Settings{Name: "shop", Spec: spec, BaseURL: w.server.URL + "/v1"}
	if change != nil {
		change(&s)
	}
	api, err := restmount.New(s, restmount.Options{Reach: direct})
	if err != nil {
		w.t.Fatal(err)
	}
	list, leftOut, err := api.List(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	m := mounted{t: w.t, list: map[string]mcpmount.SourceTool{}, leftOut: leftOut}
	for _, one := range list {
		m.list[definitionOf(w.t, one).Name] = one
	}
	return m
}

// definition is what a client sees of a tool.
type definition struct {
	Name, Title, Description string
	InputSchema              json.RawMessage
	Annotations              map[string]any
}

func definitionOf(t *testing.T, one mcpmount.SourceTool) definition {
	t.Helper()
	var d definition
	if err := json.Unmarshal(one.JSON, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func (m mounted) definition(name string) definition {
	m.t.Helper()
	one, ok := m.list[name]
	if !ok {
		m.t.Fatalf("there is no tool %q", name)
	}
	return definitionOf(m.t, one)
}

// call calls a tool and gives the blocks of its result.
func (m mounted) call(name, arguments string) ([]string, error) {
	m.t.Helper()
	one, ok := m.list[name]
	if !ok {
		m.t.Fatalf("there is no tool %q", name)
	}
	raw, err := one.Call(m.t.Context(), json.RawMessage(arguments))
	if err != nil {
		return nil, err
	}
	var result struct {
		Content []struct{ Type, Text string }
	}
	if err := json.Unmarshal(raw, &result); err != nil {
		m.t.Fatal(err)
	}
	var blocks []string
	for _, block := range result.Content {
		blocks = append(blocks, block.Text)
	}
	return blocks, nil
}

type sourceTool = mcpmount.SourceTool

// document writes one with a single operation, in a file.
func document(t *testing.T, operation string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "api.yaml")
	text := "openapi: 3.0.0\ninfo: {title: x, version: '1'}\nservers: [{url: 'https://api.example.com'}]\npaths:\n" + operation
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// compact is JSON without white space, its names in order.
func compact(t *testing.T, text string) string {
	t.Helper()
	var value any
	if err := json.NewDecoder(strings.NewReader(text)).Decode(&value); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	raw, _ := json.Marshal(value)
	return string(raw)
}

func writeFile(file, text string) error { return os.WriteFile(file, []byte(text), 0o600) }
