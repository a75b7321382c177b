package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"drawbridge/tools/backendtest"
)

// backendsFile is the table of what each backend does, made of what the conformance suites found.
const backendsFile = "../../tools/BACKENDS.md"

const renewBackends = backendtest.Update + "=1 go test ./tools/... -run Conform && " + backendtest.Update + "=1 go test ./cmd/drawbridge -run TestBackendsTable"

func TestBackendsTableIsWhatTheSuitesFound(t *testing.T) {
	text := backendsTable(records(t))
	if os.Getenv(backendtest.Update) != "" {
		if err := os.WriteFile(backendsFile, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	was, err := os.ReadFile(backendsFile)
	if diff := gocmp.Diff(text, string(was)); err != nil || diff != "" {
		t.Errorf("tools/BACKENDS.md is not what the suites found (%v); renew it: %s\n(-want +got):\n%s", err, renewBackends, diff)
	}
}

// Each backend is in the table: every folder beside a family's conformance suite keeps a record.
func TestBackendsTableLeavesNoBackendOut(t *testing.T) {
	suites, err := filepath.Glob("../../tools/*/*test")
	if err != nil || len(suites) < 4 {
		t.Fatalf("%d suites were found: %v", len(suites), err)
	}
	known := map[string]bool{}
	for _, r := range records(t) {
		known[r.Family+"/"+r.Backend] = true
	}
	for _, suite := range suites {
		family := filepath.Base(filepath.Dir(suite))
		if filepath.Base(suite) != family+"test" {
			continue
		}
		beside, err := os.ReadDir(filepath.Dir(suite))
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range beside {
			name := entry.Name()
			source, _ := filepath.Glob(filepath.Join(filepath.Dir(suite), name, "*.go"))
			if len(source) > 0 && name != family+"test" && !known[family+"/"+name] {
				t.Errorf("tools/%s/%s has no %s: end the test that runs the suite over it with Keep", family, name, backendtest.File)
			}
		}
	}
}

// records are what the suites found, by family and backend.
func records(t *testing.T) (all []backendtest.Kept) {
	t.Helper()
	files, err := filepath.Glob("../../tools/*/*/" + backendtest.File)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var r backendtest.Kept
		if err := json.Unmarshal(raw, &r); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if folder := filepath.Base(filepath.Dir(filepath.Dir(file))); folder != r.Backend {
			t.Errorf("%s is of backend %q", file, r.Backend)
		}
		all = append(all, r)
	}
	return all
}

// own are the backends that need no vendor; they come first.
var own = []string{"builtin", "outbox"}

// backendsTable writes the document.
func backendsTable(all []backendtest.Kept) string {
	var b strings.Builder
	b.WriteString("# What each backend does\n\n" +
		"Made by a test of what the conformance suites found (each backend's `" + backendtest.File + "`); do not edit it. To renew it:\n\n    " + renewBackends + "\n\n" +
		"- *works*: the family's conformance suite calls it through its tool over this backend, and it does what the suite asks. *once per key* is said of a write\n" +
		"  that takes effect once when it is repeated under its idempotency key; where it is not said, a write whose answer was lost has an unknown outcome, and its run waits for a person.\n" +
		"- *not offered*: the vendor has nothing to do it with; the note says why. The tool is not there.\n" +
		"- *not yet*: the vendor may have it, and this backend does not do it. The tool is not there.\n\n" +
		"No account at a vendor was used: the suites run over servers of the tests that hold each request against what the vendor documents.\n")
	families := map[string][]backendtest.Kept{}
	for _, r := range all {
		families[r.Family] = append(families[r.Family], r)
	}
	for _, family := range slices.Sorted(maps.Keys(families)) {
		backends := families[family]
		slices.SortFunc(backends, func(x, y backendtest.Kept) int {
			return cmp.Or(cmp.Compare(rank(x.Backend), rank(y.Backend)), cmp.Compare(x.Backend, y.Backend))
		})
		familyTable(&b, family, backends)
	}
	return b.String()
}

func rank(backend string) int {
	if slices.Contains(own, backend) {
		return 0
	}
	return 1
}

func familyTable(b *strings.Builder, family string, backends []backendtest.Kept) {
	operations := map[string]bool{}
	fmt.Fprintf(b, "\n## %s\n\n| tool |", family)
	for _, r := range backends {
		fmt.Fprintf(b, " %s |", r.Backend)
		for name := range r.Operations {
			operations[name] = true
		}
	}
	b.WriteString("\n| --- |" + strings.Repeat(" --- |", len(backends)) + "\n")
	var notes []string
	for _, name := range slices.Sorted(maps.Keys(operations)) {
		fmt.Fprintf(b, "| `%s` |", name)
		for _, r := range backends {
			op := r.Operations[name]
			if op.NotOffered != "" && !slices.Contains(notes, op.NotOffered) {
				notes = append(notes, op.NotOffered)
			}
			fmt.Fprintf(b, " %s |", cell(op, slices.Index(notes, op.NotOffered)+1))
		}
		b.WriteString("\n")
	}
	for i, why := range notes {
		if i == 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(b, "%d. %s\n", i+1, why)
	}
	for _, r := range backends {
		if len(r.LeftOut) == 0 {
			continue
		}
		fmt.Fprintf(b, "\nThe suite asks more of these tools than %s is held to:\n\n", r.Backend)
		for _, name := range slices.Sorted(maps.Keys(r.LeftOut)) {
			fmt.Fprintf(b, "- %s: %s\n", name, r.LeftOut[name])
		}
	}
}

func cell(op backendtest.Operation, note int) string {
	switch {
	case op.Works && op.Keys:
		return "works, once per key"
	case op.Works:
		return "works"
	case op.NotOffered != "":
		return fmt.Sprintf("not offered (%d)", note)
	}
	return "not yet"
}

func TestBackendsTableTellsWhatIsMissing(t *testing.T) {
	text := backendsTable([]backendtest.Kept{
		{Family: "crm", Backend: "vendor", Operations: map[string]backendtest.Operation{"crm_a": {Works: true, Read: true}, "crm_b": {NotOffered: "It has no b."}}, LeftOut: map[string]string{"A/deep": "It is flat."}},
		{Family: "crm", Backend: "builtin", Operations: map[string]backendtest.Operation{"crm_a": {Works: true, Read: true}, "crm_b": {Works: true, Keys: true}, "crm_c": {Works: true}}},
	})
	for _, line := range []string{"| tool | builtin | vendor |", "| `crm_a` | works | works |", "| `crm_b` | works, once per key | not offered (1) |", "| `crm_c` | works | not yet |", "1. It has no b.", "- A/deep: It is flat."} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("the table lacks the line %s:\n%s", line, text)
		}
	}
}
