package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v5"

	"drawbridge/bridge/convert"
	"drawbridge/bridge/rehearsal"
	"drawbridge/config"
	"drawbridge/server/dispatch"
)

// awkward is a tool of somebody else's and arguments that it accepts.
type awkward struct {
	name      string
	raw       json.RawMessage // as its server lists it
	schema    json.RawMessage
	arguments json.RawMessage
}

// TestAwkwardToolsAreCalledAsTheirServerExpects runs agents against tools with
// awkward schemas, through a mounted MCP server: the model sees what they were
// converted to and is held to it, and the server must get arguments that are valid
// under its own schemas.
func TestAwkwardToolsAreCalledAsTheirServerExpects(t *testing.T) {
	tools := append(caseTools(t), corpusTools(t)...)
	// A request of OpenAI's carries 128 functions at most, read_result among them.
	for i, some := range slices.Collect(slices.Chunk(tools, 100)) {
		t.Run(fmt.Sprintf("part %d", i+1), func(t *testing.T) { callEachOnce(t, some) })
	}
}

func callEachOnce(t *testing.T, tools []awkward) {
	server := &rawServer{got: map[string]json.RawMessage{}}
	byName := map[string]awkward{}
	var script strings.Builder
	script.WriteString("scenes:\n  - when: {turn: 1}\n    call:\n")
	for i, tool := range tools {
		// Two servers may have a tool of the same name; here they are one server.
		own := fmt.Sprintf("tool.%d", i)
		server.tools = append(server.tools, renamed(t, tool.raw, own))
		byName[own] = tool
		f, err := convert.Convert(definition(t, tool.raw))
		if err != nil {
			t.Fatalf("%s: %v", tool.name, err)
		}
		arguments, err := f.Forward(tool.arguments)
		if err != nil {
			t.Fatalf("%s: forwarding %s: %v", tool.name, tool.arguments, err)
		}
		if compiled := compileSchema(f.Parameters); compiled == nil || compiled.Validate(decodeJSON(t, arguments)) != nil {
			t.Errorf("%s: %s does not fit what the model was shown: %s", tool.name, arguments, f.Parameters)
		}
		mounted := "awkward__" + own
		fmt.Fprintf(&script, "      - tool: %s\n", convert.Names([]string{mounted})[mounted])
		// JSON is YAML, but for numbers that YAML's reader takes for texts; and a text
		// of ours must not be taken for a template.
		if exotic.Match(arguments) {
			fmt.Fprintf(&script, "        arguments: '%s'\n", strings.ReplaceAll(string(arguments), "'", "''"))
		} else {
			fmt.Fprintf(&script, "        with: %s\n", strings.ReplaceAll(string(arguments), "{{", `{{\"{{\"}}`))
		}
	}
	script.WriteString("  - when: {turn: 2}\n    say: done\n")
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	run := carry(t, web.URL, script.String())
	if run.State != dispatch.Succeeded {
		t.Fatalf("the run %s (%s): %s", run.State, run.Reason, run.Answer)
	}
	for own, tool := range byName {
		got, called := server.got[own]
		if !called {
			t.Errorf("%s was not called", tool.name)
			continue
		}
		if diff := cmp.Diff(decodeJSON(t, tool.arguments), decodeJSON(t, got), cmp.Comparer(sameNumber)); diff != "" {
			t.Errorf("%s got other arguments (-want +got):\n%s", tool.name, diff)
		}
		if compiled := compileSchema(tool.schema); compiled != nil {
			if err := compiled.Validate(decodeJSON(t, got)); err != nil {
				t.Errorf("%s got arguments that it does not accept: %v", tool.name, err)
			}
		}
	}
	t.Logf("%d tools got what they expect", len(byName))
}

// exotic are numbers that not every reader of YAML knows for numbers.
var (
	exotic = regexp.MustCompile(`[0-9]{16}|[0-9][eE]`)
	huge   = regexp.MustCompile(`[0-9][eE][+-]?[0-9]{3}`)
)

// carry has an agent do a run against the server, and gives the run.
func carry(t *testing.T, mounted, script string) dispatch.Run {
	t.Helper()
	loaded, err := rehearsal.Load([]byte(script))
	if err != nil {
		t.Fatal(err)
	}
	model := httptest.NewServer(rehearsal.NewServer(loaded, rehearsal.Options{}))
	t.Cleanup(model.Close)
	text := fmt.Sprintf(`
store: {url: "sqlite://%s"}
model: {base_url: %q, name: rehearsal, function_tokens: 10000000}
tools: {mcp: [{name: awkward, url: %q}]}
policy: {defaults: off}
agents: {tester: {tools: ["awkward__*"], budget: {calls: 1000, tokens: 100000000}}}
`, filepath.Join(t.TempDir(), "drawbridge.db"), model.URL+"/v1", mounted)
	file := filepath.Join(t.TempDir(), "drawbridge.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(file, noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	a, err := newApp(t.Context(), cfg, appOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	a.mounts.start(t.Context())
	if err := a.mounts.settled(t.Context(), startTimeouts(cfg), t.Output()); err != nil {
		t.Fatal(err)
	}
	run := dispatch.NewRun{ID: dispatch.NewID("run_"), Agent: "tester", Source: "cli", Prompt: "Call every tool once."}
	if err := a.store.Start(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	if err := a.worker.RunOne(t.Context(), run.ID); err != nil {
		t.Fatal(err)
	}
	end, err := a.store.Run(t.Context(), run.ID)
	if err != nil {
		t.Fatal(err)
	}
	return end
}

// rawServer is an MCP server that lists tools byte for byte as it was given them,
// which no library would.
type rawServer struct {
	tools []json.RawMessage

	hold func(r *http.Request, tool string) // before a call's answer, if set

	mu  sync.Mutex
	got map[string]json.RawMessage
}

func (s *rawServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var request struct {
		ID     json.RawMessage `json:"id"`
		Method string          `json:"method"`
		Params struct {
			Name      string          `json:"name"`
			Arguments json.RawMessage `json:"arguments"`
			Version   string          `json:"protocolVersion"`
		} `json:"params"`
	}
	if r.Method != http.MethodPost {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil || request.ID == nil {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	var result any
	switch request.Method {
	case "initialize":
		result = map[string]any{"protocolVersion": "2025-06-18", "capabilities": map[string]any{"tools": map[string]any{}},
			"serverInfo": map[string]string{"name": "awkward", "version": "1"}}
	case "tools/list":
		result = map[string]any{"tools": s.tools}
	case "tools/call":
		s.mu.Lock()
		s.got[request.Params.Name] = request.Params.Arguments
		s.mu.Unlock()
		if s.hold != nil {
			s.hold(r, request.Params.Name)
		}
		result = map[string]any{"content": []any{map[string]string{"type": "text", "text": "ok"}}}
	}
	w.Header().Set("Content-Type", "application/json")
	if result == nil {
		fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"unknown method"}}`, request.ID)
		return
	}
	// Encoding a RawMessage checks it, and these may be odd, but not that odd.
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(map[string]any{"jsonrpc": "2.0", "id": request.ID, "result": result})
	_, _ = io.Copy(w, &body)
}

// caseTools are the converter's own cases: each tool that has arguments.
func caseTools(t *testing.T) []awkward {
	t.Helper()
	files, err := filepath.Glob("../../bridge/convert/testdata/cases/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	var all []awkward
	for _, file := range files {
		var cases []struct {
			Name    string          `json:"name"`
			Tool    json.RawMessage `json:"tool"`
			Refused bool            `json:"refused"`
			// Repaired: what its author meant is not what it says.
			Repaired bool              `json:"repaired"`
			Valid    []json.RawMessage `json:"valid"`
		}
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &cases); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, c := range cases {
			if len(c.Valid) == 0 || c.Refused {
				continue
			}
			tool := definition(t, c.Tool)
			// The guard lets no number through that nobody could write out.
			fit := slices.DeleteFunc(c.Valid, func(v json.RawMessage) bool { return huge.Match(v) })
			if len(fit) == 0 {
				continue
			}
			last := fit[len(fit)-1] // mostly the one with the most in it
			one := awkward{name: fmt.Sprintf("%s/%s", filepath.Base(file), c.Name), raw: c.Tool, schema: tool.Input, arguments: last}
			if c.Repaired {
				one.schema = nil
			}
			all = append(all, one)
		}
	}
	return all
}

// corpusTools are tools of real servers whose schemas have what is rare and nasty,
// where the corpus is there. Their arguments are the example that the converter
// gives to a model that gets everything wrong.
func corpusTools(t *testing.T) []awkward {
	t.Helper()
	files, err := filepath.Glob("../../../shared/corpus/*.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Log("NOT TESTED: the corpus of real tools is not here; only the project's own cases are")
		return nil
	}
	var all []awkward
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var list struct {
			Tools []json.RawMessage `json:"tools"`
		}
		if err := json.Unmarshal(raw, &list); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		taken := 0
		for _, raw := range list.Tools {
			if tool := definition(t, raw); nasty(tool.Input) && taken < 12 {
				if one, ok := exemplify(t, tool, raw); ok {
					all = append(all, one)
					taken++
				}
			}
		}
	}
	return all
}

// nasty reports whether a schema has keywords that are hard to convert.
func nasty(schema json.RawMessage) bool {
	for _, keyword := range []string{`"$ref"`, `"anyOf"`, `"oneOf"`, `"allOf"`, `"propertyNames"`, `"additionalProperties":{`, `"additionalProperties": {`, `"additionalProperties":true`,
		`"const"`, `"dependentRequired"`, `"pattern"`, `"minLength"`, `"format"`} {
		if bytes.Contains(schema, []byte(keyword)) {
			return true
		}
	}
	return !bytes.Contains(schema, []byte(`"type"`))
}

func exemplify(t *testing.T, tool convert.Tool, raw json.RawMessage) (awkward, bool) {
	f, err := convert.Convert(tool)
	if err != nil {
		return awkward{}, false
	}
	_, err = f.Invert(json.RawMessage(`{"no such argument":1}`))
	var wrong *convert.ArgumentError
	if !errors.As(err, &wrong) || wrong.Example == nil {
		return awkward{}, false
	}
	arguments, err := f.Invert(wrong.Example)
	if err != nil {
		t.Errorf("the example for %s does not fit: %v", tool.Name, err)
		return awkward{}, false
	}
	return awkward{name: tool.Name, raw: raw, schema: tool.Input, arguments: arguments}, true
}

func definition(t *testing.T, raw json.RawMessage) convert.Tool {
	t.Helper()
	var tool struct {
		Name, Title, Description string
		InputSchema              json.RawMessage
	}
	if err := json.Unmarshal(raw, &tool); err != nil {
		t.Fatal(err)
	}
	return convert.Tool{Name: tool.Name, Title: tool.Title, Description: tool.Description, Input: tool.InputSchema}
}

// renamed is a tool's definition under another name, the rest as it was.
func renamed(t *testing.T, raw json.RawMessage, name string) json.RawMessage {
	t.Helper()
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		t.Fatal(err)
	}
	fields["name"], _ = json.Marshal(name)
	out, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// compileSchema compiles a schema as its author wrote it, with nothing of ours; nil
// if it does not compile.
func compileSchema(schema json.RawMessage) *jsonschema.Schema {
	compiler := jsonschema.NewCompiler()
	compiler.LoadURL = func(string) (io.ReadCloser, error) { return nil, errors.New("not fetched") }
	if err := compiler.AddResource("tool:///input", bytes.NewReader(schema)); err != nil {
		return nil
	}
	compiled, err := compiler.Compile("tool:///input")
	if err != nil {
		return nil
	}
	return compiled
}

func decodeJSON(t *testing.T, raw json.RawMessage) any {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return value
}

// sameNumber compares numbers by what they mean: a script's YAML spells them anew.
func sameNumber(a, b json.Number) bool {
	x, okX := new(big.Rat).SetString(string(a))
	y, okY := new(big.Rat).SetString(string(b))
	return okX && okY && x.Cmp(y) == 0
}
