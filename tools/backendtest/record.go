package backendtest

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"drawbridge/tools"
)

// Update is the environment variable with which [Record.Keep] writes instead of comparing.
const Update = "UPDATE_BACKENDS"

// File is where a backend's package keeps its record.
const File = "testdata/conformance.json"

// Operation is what a suite found out about one tool of a backend.
type Operation struct {
	// Works: a case called it, and it did what the case wanted.
	Works bool `json:"works,omitempty"`
	// Read: it changes nothing. Keys: repeated under its key it takes effect once.
	Read bool `json:"read,omitempty"`
	Keys bool `json:"keys,omitempty"`
	// NotOffered is why the vendor has nothing behind it, "" if the backend does not say so.
	NotOffered string `json:"not_offered,omitempty"`
}

// Kept is a record as it is written down.
type Kept struct {
	Family     string               `json:"family"`
	Backend    string               `json:"backend"`
	Operations map[string]Operation `json:"operations"`
	// LeftOut are cases that the backend is not held to, each with what its vendor cannot do.
	LeftOut map[string]string `json:"left_out,omitempty"`
}

// Record notes what a conformance suite holds a backend to while it runs.
type Record struct {
	mu         sync.Mutex
	kept       Kept
	cases, ran int
}

// NewRecord begins the record of a backend of a family, which offers these tools. A driver that
// fulfils [tools.Gaps] says what its vendor does not offer.
func NewRecord(t *testing.T, family string, driver any, offered []tools.Tool) *Record {
	t.Helper()
	r := &Record{kept: Kept{Family: family, Operations: map[string]Operation{}, LeftOut: map[string]string{}}}
	for _, tool := range offered {
		read := tool.Effect == tools.Read
		r.kept.Operations[tool.Name] = Operation{Read: read, Keys: !read && tool.Idempotent}
	}
	if gaps, ok := driver.(tools.Gaps); ok {
		for name, why := range gaps.NotOffered() {
			if _, there := r.kept.Operations[name]; there || why == "" {
				t.Errorf("the backend says that %s is not offered (%q), and it is there: %v", name, why, there)
			}
			r.kept.Operations[name] = Operation{NotOffered: why}
		}
	}
	return r
}

// Case runs a case of the suite.
func (r *Record) Case(t *testing.T, name string, run func(t *testing.T)) {
	r.cases++
	t.Run(name, func(t *testing.T) {
		r.ran++
		run(t)
	})
}

// Leave notes that a case is left out, and skips it.
func (r *Record) Leave(t *testing.T, name, why string) {
	t.Helper()
	r.kept.LeftOut[name] = why
	t.Skipf("left out: %s", why)
}

// Worked notes that a tool was called, and gave a result. It may be called from any goroutine.
func (r *Record) Worked(tool string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	op := r.kept.Operations[tool]
	op.Works = true
	r.kept.Operations[tool] = op
}

// Keep holds the record against the one in the package's [File], under the name of the backend;
// with [Update] set it writes that file. A part of the suite says nothing, nor does one that
// failed.
func (r *Record) Keep(t *testing.T, backend string) {
	t.Helper()
	if r.ran < r.cases || t.Failed() {
		t.Logf("%d of %d cases were run: the record is not looked at", r.ran, r.cases)
		return
	}
	r.kept.Backend = backend
	for name, op := range r.kept.Operations {
		if !op.Works && op.NotOffered == "" {
			t.Errorf("%s is offered, and no case of the suite called it with success", name)
		}
	}
	now, err := json.MarshalIndent(r.kept, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	now = append(now, '\n')
	if os.Getenv(Update) != "" {
		if err := os.MkdirAll(filepath.Dir(File), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(File, now, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if was, err := os.ReadFile(File); err != nil || !bytes.Equal(was, now) {
		t.Errorf("%s is not what the suite found (%v); write it anew: %s=1 go test ./tools/... -run Conform\n%s", File, err, Update, now)
	}
}
