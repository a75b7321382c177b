package selection

import (
	"cmp"
	"encoding/json"
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// corpusDir holds lists of tools of real servers, one file each. It stands beside the
// project and may be missing.
const corpusDir = "../../../shared/corpus"

// request is a labelled request: any of tools, of the server in file, does what it asks for.
type request struct {
	Request string   `json:"request"`
	File    string   `json:"file"`
	Tools   []string `json:"tools"`
}

// accepts says whether one of the functions offered is a right one.
func (r request) accepts(offered []string) bool {
	return slices.ContainsFunc(r.functions(), func(name string) bool { return slices.Contains(offered, name) })
}

func (r request) functions() []string {
	var names []string
	for _, tool := range r.Tools {
		names = append(names, system(r.File)+"__"+tool)
	}
	return names
}

func requests(t testing.TB) []request {
	t.Helper()
	data, err := os.ReadFile("testdata/requests.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []request
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// system is the name under which a file's server is mounted.
func system(file string) string {
	name := strings.TrimSuffix(filepath.Base(file), ".json")
	return strings.ReplaceAll(strings.TrimPrefix(name, "lmb-"), "-", "_")
}

// corpus is every tool of the corpus, mounted under the name of its file.
func corpus(t testing.TB) []Entry {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(corpusDir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skipf("no corpus in %s", corpusDir)
	}
	var all []Entry
	for _, file := range files {
		all = append(all, mounted(t, file)...)
	}
	return all
}

func mounted(t testing.TB, file string) []Entry {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		Tools []struct {
			Name, Title, Description string
			InputSchema              json.RawMessage
		}
	}
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	var all []Entry
	for _, tool := range list.Tools {
		e := Entry{Name: system(file) + "__" + tool.Name, Title: tool.Title, Description: tool.Description, Parameters: tool.InputSchema}
		e.Definition = define(t, e)
		all = append(all, e)
	}
	return all
}

// define is the definition of e as a request carries it.
func define(t testing.TB, e Entry) []byte {
	function := map[string]any{"name": e.Name, "description": e.Description, "strict": true}
	if len(e.Parameters) > 0 {
		function["parameters"] = e.Parameters
	}
	data, err := json.Marshal(map[string]any{"type": "function", "function": function})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// sample is n entries: the right ones for all requests, and others in an order that
// depends on nothing but their names.
func sample(all []Entry, labelled []request, n int) []Entry {
	right := map[string]bool{}
	for _, r := range labelled {
		for _, name := range r.functions() {
			right[name] = true
		}
	}
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(draw(a, right), draw(b, right)), strings.Compare(a.Name, b.Name))
	})
	return all[:n]
}

func draw(e Entry, right map[string]bool) uint64 {
	if right[e.Name] {
		return 0
	}
	h := fnv.New64a()
	h.Write([]byte(e.Name))
	return max(h.Sum64(), 1)
}
