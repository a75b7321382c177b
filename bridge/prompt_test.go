package bridge

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"drawbridge/bridge/openai"
	"drawbridge/bridge/selection"
)

// manyTools are n tools of real servers where the corpus is there, else of the
// converter's own cases, over and over. They are spread over all servers.
func manyTools(t testing.TB, n int) []Tool {
	t.Helper()
	files, err := filepath.Glob("../../shared/corpus/*.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []Tool
	for _, file := range files {
		if strings.HasPrefix(filepath.Base(file), "bfcl-") {
			continue // questions for an examination, not tools of a server
		}
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		list, _, err := ParseTools(raw)
		if err != nil {
			t.Fatal(err)
		}
		mount := strings.ReplaceAll(strings.TrimSuffix(filepath.Base(file), ".json"), "-", "_")
		for _, tool := range list {
			tool.Name = mount + "__" + tool.Name
			all = append(all, tool)
		}
	}
	if len(files) == 0 {
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
	request := (&history{brief: Brief{Model: "m", Prompt: "x"}}).request(o)
	for _, fn := range request.Functions {
		tokens += selection.Tokens(string(encode(fn)))
	}
	return len(encode(request)), tokens, len(request.Functions)
}

// TestPromptOfAThousandToolsIsThatOfForty: what a request costs must not grow with
// what is mounted. The log is the table of DESIGN.md.
func TestPromptOfAThousandToolsIsThatOfForty(t *testing.T) {
	sizes := map[int]int{}
	t.Logf("%6s %8s %8s %12s %14s", "tools", "offered", "tokens", "bytes", "all would be")
	for _, n := range []int{10, 40, 128, 500, 1000} {
		tools := manyTools(t, n)
		bytes, tokens, offered := promptOf(t, tools)
		sizes[n] = bytes
		t.Logf("%6d %8d %8d %12d %14d", n, offered, tokens, bytes, allTokens(tools))
		if tokens > selection.DefaultTokens || offered > selection.DefaultFunctions {
			t.Errorf("%d tools: %d functions of %d tokens are offered", n, offered, tokens)
		}
	}
	if ratio := float64(sizes[1000]) / float64(sizes[40]); ratio > 1.3 {
		t.Errorf("the request with 1,000 tools has %.2f times the bytes of that with 40", ratio)
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
