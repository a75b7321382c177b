// Package crmtest is the suite that every CRM backend passes: the same calls,
// through the same tools, with the same answers.
//
// A backend's test hands [Run] a function that opens an empty backend with a
// [Harness], which can also make and count what no tool can. Every call of the
// suite goes through a tool as a model would make it, JSON in and JSON out, and
// every argument and result is held against the tool's schemas.
//
// A case that needs a tool which the backend does not offer is skipped and says so; so is
// one that the harness leaves out (see [LeavesOut]).
package crmtest

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"drawbridge/tools"
	"drawbridge/tools/backendtest"
	"drawbridge/tools/crm"
)

// Harness is one empty backend and the back doors that the suite needs.
type Harness interface {
	// Driver is the backend.
	Driver() crm.Driver
	// AddProduct puts a product into the catalogue, and gives it with its id. It is not
	// asked of a backend without products, nor AddOrder of one without orders.
	AddProduct(t *testing.T, p crm.Product) crm.Product
	// AddOrder places an order of a known customer with lines of known products,
	// and gives it with its id.
	AddOrder(t *testing.T, o crm.OrderDetails) crm.OrderDetails
	// Records counts the records that calls with this idempotency key made, all
	// kinds together. It is asked only after writes whose keys the driver honours.
	Records(t *testing.T, key string) int
}

// LeavesOut is fulfilled by a harness whose vendor cannot do what some cases ask of a tool
// that it does offer.
type LeavesOut interface {
	// LeftOut gives the names of those cases, such as "Products/stock is low at the reorder
	// level and below", each with what the vendor cannot do, in a sentence.
	LeftOut() map[string]string
}

// groups are the cases of the suite.
var groups = []struct {
	name  string
	cases map[string]func(*bench)
}{
	{"Customers", customerCases},
	{"Picture", pictureCases},
	{"Interactions", interactionCases},
	{"Tasks", taskCases},
	{"Orders", orderCases},
	{"Tickets", ticketCases},
	{"Products", productCases},
	{"Deals", dealCases},
	{"Search", searchCases},
	{"Texts", textCases},
	{"Lists", listCases},
	{"References", referenceCases},
	{"Keys", keyCases},
}

// Run runs the suite. Each case opens a backend of its own. The record is for the test of the
// backend to keep.
func Run(t *testing.T, open func(t *testing.T) Harness) *backendtest.Record {
	first := open(t)
	left := map[string]string{}
	if h, ok := first.(LeavesOut); ok {
		left = h.LeftOut()
	}
	known := map[string]bool{}
	for _, group := range groups {
		for name := range group.cases {
			known[group.name+"/"+name] = true
		}
	}
	for name := range left {
		if !known[name] {
			t.Errorf("the harness leaves out %q, which is no case of this suite", name)
		}
	}
	record := backendtest.NewRecord(t, "crm", first.Driver(), crm.Tools(crm.New(first.Driver())))
	for _, group := range groups {
		for name, run := range group.cases {
			name := group.name + "/" + name
			record.Case(t, name, func(t *testing.T) {
				if why, out := left[name]; out {
					record.Leave(t, name, why)
				}
				b := newBench(t, open(t))
				b.record = record
				run(b)
			})
		}
	}
	return record
}

// bench is one case at work.
type bench struct {
	*testing.T
	Harness
	catalog *tools.Catalog
	record  *backendtest.Record
}

func newBench(t *testing.T, h Harness) *bench {
	return &bench{T: t, Harness: h, catalog: tools.NewCatalog(crm.Tools(crm.New(h.Driver())))}
}

// offers says whether the backend has a tool.
func (b *bench) offers(tool string) bool {
	_, ok := b.catalog.Lookup(tool)
	return ok
}

// needs skips the case where the backend does not offer one of the tools, which it names.
func (b *bench) needs(names ...string) {
	b.Helper()
	for _, name := range names {
		if !slices.Contains(crm.Operations(), name) {
			b.Fatalf("no tool %s", name)
		}
		if !b.offers(name) {
			b.Skipf("left out: this backend does not offer %s", name)
		}
	}
}

// try calls a tool as a model would.
func try[Out any](b *bench, ctx context.Context, name string, in any) (Out, error) {
	b.Helper()
	var out Out
	b.needs(name)
	tool, _ := b.catalog.Lookup(name)
	arguments := encode(b, in)
	backendtest.Fits(b, tool.Name+" arguments", tool.Input, arguments)
	result, err := tool.Call(ctx, arguments)
	if err != nil {
		return out, err
	}
	backendtest.Fits(b, tool.Name+" result", tool.Output, result)
	b.record.Worked(tool.Name)
	return out, json.Unmarshal(result, &out)
}

// call calls a tool that must succeed.
func call[Out any](b *bench, name string, in any) Out {
	b.Helper()
	return callKeyed[Out](b, "", name, in)
}

// callKeyed calls a tool with an idempotency key; it must succeed.
func callKeyed[Out any](b *bench, key, name string, in any) Out {
	b.Helper()
	out, err := try[Out](b, tools.WithKey(b.Context(), key), name, in)
	if err != nil {
		b.Fatalf("calling %s: %v", name, err)
	}
	return out
}

// refused calls a tool that must fail with the code and a message in which each
// of the words occurs.
func refused(b *bench, name string, in any, code tools.Code, words ...string) {
	b.Helper()
	_, err := try[json.RawMessage](b, b.Context(), name, in)
	if tools.CodeOf(err) != code {
		b.Errorf("%s with %s: got error %v, want code %q", name, encode(b, in), err, code)
		return
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			b.Errorf("%s with %s: error %q does not mention %q", name, encode(b, in), err, word)
		}
	}
}

func encode(b *bench, in any) json.RawMessage {
	b.Helper()
	raw, err := json.Marshal(in)
	if err != nil {
		b.Errorf("encoding arguments: %v", err)
	}
	return raw
}
