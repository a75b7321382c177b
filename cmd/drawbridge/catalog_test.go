package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v5"

	"drawbridge/config"
	"drawbridge/tools"
)

var update = flag.Bool("update", false, "write the snapshots and golden files instead of comparing")

// snapshot is what a committed tool file holds: all that a model or a client sees.
type snapshot struct {
	Name        string          `json:"name"`
	Title       string          `json:"title"`
	Description string          `json:"description"`
	Effect      tools.Effect    `json:"effect"`
	Idempotent  bool            `json:"idempotent"`
	Destructive bool            `json:"destructive,omitempty"`
	Taints      bool            `json:"taints,omitempty"`
	OpenWorld   bool            `json:"open_world,omitempty"`
	Input       json.RawMessage `json:"input"`
	Output      json.RawMessage `json:"output"`
}

// TestEveryToolIsAsItsSnapshotSays walks all tools: a change of what models see
// is a change of a file that somebody reviews. Run with -update to accept one.
func TestEveryToolIsAsItsSnapshotSays(t *testing.T) {
	all := catalogOf(t).All()
	seen := map[string]bool{}
	for _, tool := range all {
		seen[tool.Name+".json"] = true
		t.Run(tool.Name, func(t *testing.T) {
			checkTool(t, tool)
			compareSnapshot(t, tool)
		})
	}
	files, err := os.ReadDir("testdata/tools")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !seen[file.Name()] {
			t.Errorf("testdata/tools/%s is the snapshot of no tool: delete it", file.Name())
		}
	}
}

func catalogOf(t *testing.T) *tools.Catalog {
	t.Helper()
	cfg := config.Default()
	cfg.Tools.Notify = config.NotifyBackend{Backend: "slack", Token: "xoxb-nobody"} // there are no tools without
	cfg.Tools.Shop = config.ShopBackend{Backend: "shopify", Store: "example.myshopify.com", Token: "shpat_nobody"}
	a, err := newApp(t.Context(), temporary(t, cfg), appOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Stop(t.Context()) })
	return a.catalog
}

func compareSnapshot(t *testing.T, tool tools.Tool) {
	t.Helper()
	got, err := json.MarshalIndent(snapshot{tool.Name, tool.Title, tool.Description, tool.Effect, tool.Idempotent, tool.Destructive,
		tool.Taints, tool.OpenWorld, tool.Input, tool.Output}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	path := filepath.Join("testdata", "tools", tool.Name+".json")
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; run the test with -update and review the new file", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("the tool differs from %s (-want +got):\n%s", path, diff)
	}
}

// checkTool holds every tool to the same rules.
func checkTool(t *testing.T, tool tools.Tool) {
	t.Helper()
	if n := len(tool.Description); n < 40 || n > 1000 {
		t.Errorf("the description has %d characters; a model needs 40 to 1000", n)
	}
	vendors := strings.HasPrefix(tool.Name, "notify_") || strings.HasPrefix(tool.Name, "shop_") // whose writes do not all have keys
	if !tool.Idempotent && !vendors {
		t.Errorf("built-in tools honour idempotency keys")
	}
	if tool.Destructive && tool.Effect == tools.Read {
		t.Errorf("a read cannot be destructive")
	}
	for name, schema := range map[string]json.RawMessage{"input": tool.Input, "output": tool.Output} {
		compiler := jsonschema.NewCompiler()
		if err := compiler.AddResource("mem://"+name, bytes.NewReader(schema)); err != nil {
			t.Fatal(err)
		}
		if _, err := compiler.Compile("mem://" + name); err != nil {
			t.Errorf("%s schema: %v", name, err)
		}
		var root map[string]any
		if err := json.Unmarshal(schema, &root); err != nil {
			t.Fatal(err)
		}
		checkNode(t, name, root, name == "input")
	}
}

// checkNode wants every property described and every input object closed.
func checkNode(t *testing.T, path string, node map[string]any, input bool) {
	t.Helper()
	if input && node["type"] == "object" && node["additionalProperties"] != false && node["properties"] != nil {
		t.Errorf("%s takes unknown keys", path)
	}
	properties, _ := node["properties"].(map[string]any)
	for name, value := range properties {
		property, ok := value.(map[string]any)
		if !ok {
			t.Errorf("%s.%s is no schema object", path, name)
			continue
		}
		if text, _ := property["description"].(string); strings.TrimSpace(text) == "" {
			t.Errorf("%s.%s has no description", path, name)
		}
		checkNode(t, path+"."+name, property, input)
	}
	if items, ok := node["items"].(map[string]any); ok {
		checkNode(t, path+"[]", items, input)
	}
}
