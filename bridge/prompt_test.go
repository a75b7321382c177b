package bridge

import (
	"cmp"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"drawbridge/bridge/openai"
	"drawbridge/bridge/selection"
)

// realTools are all tools of the corpus, mounted under the names of their files;
// nil where it is not here.
func realTools(t testing.TB) []Tool {
	t.Helper()
	tools, err := corpus()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(tools)
}

// corpus is read once: it is megabytes of JSON.
var corpus = sync.OnceValues(func() ([]Tool, error) {
	files, err := filepath.Glob("../../shared/corpus/*.json")
	if err != nil {
		return nil, err
	}
	var all []Tool
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		list, _, err := ParseTools(raw)
		if err != nil {
			return nil, err
		}
		for _, tool := range list {
			tool.Name = mountOf(filepath.Base(file)) + "__" + tool.Name
			all = append(all, tool)
		}
	}
	return all, nil
})

func mountOf(file string) string {
	name := strings.TrimPrefix(strings.TrimSuffix(file, ".json"), "lmb-")
	return strings.ReplaceAll(name, "-", "_")
}

// manyTools are n tools of real servers where the corpus is there, else of the
// converter's own cases, over and over. They are spread over all servers.
func manyTools(t testing.TB, n int) []Tool {
	t.Helper()
	all := slices.DeleteFunc(realTools(t), func(tool Tool) bool {
		return strings.HasPrefix(tool.Name, "bfcl_") // questions for an examination, not tools of a server
	})
	if len(all) == 0 {
		t.Log("MEASURED ON OUR OWN CASES: the corpus of real tools is not here")
		all = caseTools(t, n)
	}
	spread := make([]Tool, 0, n)
	for i := range n {
		spread = append(spread, all[i*len(all)/n])
	}
	return spread
}

func caseTools(t testing.TB, least int) []Tool {
	t.Helper()
	files, err := filepath.Glob("convert/testdata/cases/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	var all []Tool
	for round := 0; len(all) < least; round++ {
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var cases []struct{ Tool json.RawMessage }
			if err := json.Unmarshal(raw, &cases); err != nil {
				t.Fatal(err)
			}
			for _, c := range cases {
				tool, err := ParseTool(c.Tool)
				if err != nil {
					continue
				}
				tool.Name = fmt.Sprintf("case%d__%s", round, tool.Name)
				tool.Description += " It stands for a tool with a description of the usual length, as servers have them in great numbers."
				all = append(all, tool)
			}
		}
	}
	return all
}

// promptOf is the first request of a run with these tools.
func promptOf(t testing.TB, tools []Tool) (bytes, tokens, offered int) {
	t.Helper()
	f := functionsOf(tools)
	o := f.choose(Brief{Instructions: "You help a colleague with the company's systems. Do what was asked and no more.",
		Prompt: "Open an issue on GitHub about the failing nightly build, and tell the team in Slack that I am on it."}, nil)
	request := openai.Request{Model: "m", Messages: []openai.Message{{Role: openai.User, Content: "x"}}, Functions: o.functions}
	for _, fn := range request.Functions {
		tokens += selection.Tokens(string(encode(fn)))
	}
	return len(encode(request)), tokens, len(request.Functions)
}

// TestPromptOfAThousandToolsIsThatOfForty: what a request costs must not grow with
// what is mounted. The log, with -v, is the table of DESIGN.md.
func TestPromptOfAThousandToolsIsThatOfForty(t *testing.T) {
	sizes := map[int]int{}
	t.Logf("%6s %8s %8s %12s %14s", "tools", "offered", "tokens", "bytes", "all would be")
	for _, n := range []int{10, 40, 128, 500, 1000} {
		tools := manyTools(t, n)
		bytes, tokens, offered := promptOf(t, tools)
		sizes[n] = bytes
		if testing.Verbose() { // counting what is not sent takes seconds
			t.Logf("%6d %8d %8d %12d %14d", n, offered, tokens, bytes, allTokens(tools))
		}
		if tokens > selection.DefaultTokens || offered > selection.DefaultFunctions {
			t.Errorf("%d tools: %d functions of %d tokens are offered", n, offered, tokens)
		}
	}
	if ratio := float64(sizes[1000]) / float64(sizes[40]); ratio > 1.3 {
		t.Errorf("the request with 1,000 tools has %.2f times the bytes of that with 40", ratio)
	}
}

// TestRightToolIsAmongThoseSent asks what bridge/selection asks of its ranking, of
// requests as they are really sent: with converted definitions, read_result and an
// agent's instructions.
func TestRightToolIsAmongThoseSent(t *testing.T) {
	raw, err := os.ReadFile("selection/testdata/requests.json")
	if err != nil {
		t.Fatal(err)
	}
	var labelled []struct {
		Request, File string
		Tools         []string
	}
	if err := json.Unmarshal(raw, &labelled); err != nil {
		t.Fatal(err)
	}
	all := realTools(t)
	if all == nil {
		t.Skip("SKIPPED: the corpus of real tools, which the requests are about, is not here")
	}
	right := map[string]bool{}
	for _, l := range labelled {
		for _, tool := range l.Tools {
			right[mountOf(l.File)+"__"+tool] = true
		}
	}
	// The right ones, and others in an order that depends on their names only.
	draw := func(tool Tool) uint64 {
		if right[tool.Name] {
			return 0
		}
		h := fnv.New64a()
		h.Write([]byte(tool.Name))
		return max(h.Sum64(), 1)
	}
	slices.SortFunc(all, func(a, b Tool) int { return cmp.Or(cmp.Compare(draw(a), draw(b)), strings.Compare(a.Name, b.Name)) })
	f := functionsOf(all[:1000])
	sent := 0
	for _, l := range labelled {
		o := f.choose(Brief{Instructions: "You help a colleague with the company's systems.", Prompt: l.Request}, nil)
		if slices.ContainsFunc(l.Tools, func(tool string) bool {
			return slices.ContainsFunc(o.names, func(name string) bool { fn := f.byName[name]; return fn != nil && fn.Name == mountOf(l.File)+"__"+tool })
		}) {
			sent++
		}
	}
	share := float64(sent) / float64(len(labelled))
	t.Logf("the right tool is among those sent in %.3f of %d requests", share, len(labelled))
	if share < 0.95 {
		t.Errorf("the right tool is among those sent in %.3f of the requests, want 0.95", share)
	}
}

// allTokens is what the definitions of all tools would take.
func allTokens(tools []Tool) (tokens int) {
	var all []openai.Function
	for _, fn := range functionsOf(tools).byName {
		all = append(all, fn.definition)
	}
	return selection.Tokens(string(encode(all)))
}

// BenchmarkFunctionsOf makes functions of 1,000 tools: the first time, and when a
// server says that its list changed and it did not.
func BenchmarkFunctionsOf(b *testing.B) {
	tools := manyTools(b, 1000)
	b.Run("kept", func(b *testing.B) {
		functionsOf(tools)
		b.ReportAllocs()
		for b.Loop() {
			functionsOf(tools)
		}
	})
	b.Run("offer", func(b *testing.B) { // of a turn that found or used something new
		f := functionsOf(tools)
		brief := Brief{Prompt: "Open an issue on GitHub about the failing nightly build."}
		f.choose(brief, nil)
		b.ReportAllocs()
		for b.Loop() {
			f.choose(brief, nil)
		}
	})
}
