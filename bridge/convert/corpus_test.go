package convert_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"drawbridge/bridge/convert"
)

// The corpus is real tool lists, one file a server, kept beside the project when
// it is there at all. The cases in testdata stand in for it everywhere else.
const corpusFolder = "../shared/corpus" // from the module's root

// corpus reads all its files, and says loudly when there are none.
var corpus = sync.OnceValues(func() (map[string][]tool, error) {
	root, err := moduleRoot()
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(root, corpusFolder, "*.json"))
	if err != nil {
		return nil, err
	}
	lists := map[string][]tool{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var list struct{ Tools []tool }
		if err := json.Unmarshal(data, &list); err != nil {
			return nil, fmt.Errorf("reading %s: %w", file, err)
		}
		lists[filepath.Base(file)] = list.Tools
	}
	return lists, nil
})

func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", os.ErrNotExist
		}
	}
}

func readCorpus(t testing.TB) map[string][]tool {
	t.Helper()
	lists, err := corpus()
	if err != nil {
		t.Fatal(err)
	}
	if len(lists) == 0 {
		t.Logf("NO CORPUS: there is no %s beside the module, so only the project's own cases were converted", corpusFolder)
	}
	return lists
}

// tally counts what became of the tools.
type tally struct {
	mu            sync.Mutex
	tools, strict int
	before, after int // bytes of schemas
	refused       []string
	loose         []string
	notes         map[string]int
}

func TestCorpusConvertsWithinTheRules(t *testing.T) {
	lists := readCorpus(t)
	if len(lists) == 0 {
		t.Skip("no corpus")
	}
	sum := tally{notes: map[string]int{}}
	t.Run("files", func(t *testing.T) {
		for file, tools := range lists {
			t.Run(file, func(t *testing.T) {
				t.Parallel()
				sum.convertAll(t, file, tools)
			})
		}
	})
	sum.report(t)
}

func (s *tally) convertAll(t *testing.T, file string, tools []tool) {
	var names []string
	for _, tool := range tools {
		names = append(names, tool.Name)
		s.convert(t, file, tool)
	}
	functions := convert.Names(names)
	seen := map[string]string{}
	for name, function := range functions {
		if other, twice := seen[function]; twice {
			t.Errorf("%q and %q are both %q", name, other, function)
		}
		if !functionName.MatchString(function) {
			t.Errorf("%q became %q", name, function)
		}
		seen[function] = name
	}
}

var functionName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

func (s *tally) convert(t *testing.T, file string, tool tool) {
	f, err := convert.Convert(tool.input())
	s.count(file+" "+tool.Name, tool, f, err)
	if steps, _ := convert.Work(tool.input()); steps > convert.MaxWork/50 {
		t.Errorf("%s takes %d steps of %d: the bound is near what people mean", tool.Name, steps, convert.MaxWork)
	}
	if err != nil {
		return
	}
	t.Run(tool.Name, func(t *testing.T) {
		obeysTheRules(t, f)
		isDeterministic(t, tool.input(), f)
	})
}

func (s *tally) count(name string, tool tool, f *convert.Function, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tools++
	if err != nil {
		s.refused = append(s.refused, fmt.Sprintf("%s: %v", name, err))
		return
	}
	s.before += len(tool.InputSchema)
	s.after += len(f.Parameters)
	if f.Strict {
		s.strict++
	} else {
		s.loose = append(s.loose, fmt.Sprintf("%s: %q", name, f.Notes))
	}
	for _, note := range f.Notes {
		s.notes[noteKind(note)]++
	}
}

var (
	noteQuoted = regexp.MustCompile(`"(\\.|[^"\\])*"`)
	noteNumber = regexp.MustCompile(`[0-9]+`)
)

// noteKind is a note without its place and what it quotes.
func noteKind(note string) string {
	if _, text, ok := strings.Cut(note, ": "); ok && strings.HasPrefix(note, "/") {
		note = text
	}
	note = noteNumber.ReplaceAllString(noteQuoted.ReplaceAllString(note, `"…"`), "#")
	return note[:min(len(note), 60)]
}

func (s *tally) report(t *testing.T) {
	t.Logf("%d tools: %d strict (%.2f %%), %d refused, schemas %d -> %d bytes (%.2f)", s.tools, s.strict,
		100*float64(s.strict)/float64(s.tools), len(s.refused), s.before, s.after, float64(s.after)/float64(max(s.before, 1)))
	for _, reason := range append(s.refused, s.loose[:min(len(s.loose), 40)]...) {
		t.Log("not strict or refused: ", clip([]byte(reason)))
	}
	kinds := slices.SortedFunc(maps.Keys(s.notes), func(a, b string) int { return s.notes[b] - s.notes[a] })
	for _, kind := range kinds[:min(len(kinds), 40)] {
		t.Logf("%6d notes: %s", s.notes[kind], kind)
	}
	if share := float64(len(s.refused)) / float64(s.tools); share >= 0.002 {
		t.Errorf("%.2f %% are refused: must be under 0.2 %%", 100*share)
	}
	if share := float64(s.strict) / float64(s.tools); share < 0.97 {
		t.Errorf("%.2f %% are strict: must be 97 %%", 100*share)
	}
}
