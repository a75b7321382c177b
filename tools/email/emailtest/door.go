package emailtest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"drawbridge/tools"
	"drawbridge/tools/backendtest"
	"drawbridge/tools/email"
)

// door calls the tools of one backend as the guard does.
type door struct {
	*testing.T
	Harness
	catalog *tools.Catalog
	record  *backendtest.Record
	keys    int
}

func newDoor(t *testing.T, h Harness, record *backendtest.Record) *door {
	return &door{T: t, Harness: h, record: record, catalog: tools.NewCatalog(email.Tools(email.New(h.Driver)))}
}

// args are the arguments of a call.
type args map[string]any

// with is a with some arguments set anew.
func (a args) with(more args) args {
	all := args{}
	for _, set := range []args{a, more} {
		for name, value := range set {
			all[name] = value
		}
	}
	return all
}

// letter is a message that any backend takes.
var letter = args{"to": []string{"Ada Lovelace <ada@example.com>"}, "subject": "Your order 1042", "text": "Hello Ada,\n\nit is on its way."}

// freshKey is an idempotency key not used before in this test.
func (d *door) freshKey() string {
	d.keys++
	return fmt.Sprintf("%s/%d", d.Name(), d.keys)
}

// call calls a tool under a key. It may be used from any goroutine.
func (d *door) call(key, tool string, arguments json.RawMessage) (json.RawMessage, error) {
	called, ok := d.catalog.Lookup(tool)
	if !ok {
		return nil, fmt.Errorf("there is no tool %s", tool)
	}
	result, err := called.Call(tools.WithKey(d.Context(), key), arguments)
	if err == nil {
		d.record.Worked(tool)
	}
	return result, err
}

// try calls a tool under a key. What it accepts and answers must fit its schemas.
func try[Out any](d *door, key, tool string, in args) (Out, error) {
	d.Helper()
	var out Out
	arguments, err := json.Marshal(in)
	if err != nil {
		d.Fatal(err)
	}
	raw, err := d.call(key, tool, arguments)
	if err != nil {
		return out, err
	}
	called, _ := d.catalog.Lookup(tool)
	backendtest.Fits(d, tool+" input", called.Input, arguments)
	backendtest.Fits(d, tool+" output", called.Output, raw)
	if err := json.Unmarshal(raw, &out); err != nil {
		d.Fatal(err)
	}
	return out, nil
}

// must calls a tool that has to succeed, under a key of its own.
func must[Out any](d *door, tool string, in args) Out {
	d.Helper()
	out, err := try[Out](d, d.freshKey(), tool, in)
	if err != nil {
		d.Fatalf("%s: %v", tool, err)
	}
	return out
}

// refused calls a tool that has to be refused with a code, and words that help.
func (d *door) refused(code tools.Code, words, tool string, in args) {
	d.Helper()
	_, err := try[json.RawMessage](d, d.freshKey(), tool, in)
	d.mustBe(err, code, words)
}

func (d *door) mustBe(err error, code tools.Code, words string) {
	d.Helper()
	if tools.CodeOf(err) != code {
		d.Fatalf("got error %v, want one of code %s", err, code)
	}
	if !strings.Contains(err.Error(), words) {
		d.Errorf("got error %q, want it to say %q", err, words)
	}
}
