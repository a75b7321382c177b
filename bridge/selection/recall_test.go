package selection

import (
	"cmp"
	"slices"
	"strings"
	"testing"
)

// enough is the share of requests whose right tool must be among those offered.
const enough = 0.95

func TestChoiceHasTheRightToolForLabelledRequests(t *testing.T) {
	all, labelled := corpus(t), requests(t)
	if len(labelled) < 150 {
		t.Fatalf("%d labelled requests", len(labelled))
	}
	known := map[string]bool{}
	for _, e := range all {
		known[e.Name] = true
	}
	for _, r := range labelled {
		for _, name := range r.functions() {
			if !known[name] {
				t.Errorf("%s: no tool %q in the corpus", r.File, name)
			}
		}
	}
	t.Logf("%d requests; limits %d functions, %d tokens", len(labelled), DefaultFunctions, DefaultTokens)
	t.Logf("%8s %10s %10s %10s %10s", "tools", "chosen", "by name", "offered", "tokens")
	thousand := measure(t, sample(all, labelled, 1000), labelled)
	if testing.Verbose() { // a figure to know, not a bar
		measure(t, all, labelled)
	}
	if thousand < enough {
		t.Errorf("the right tool is among those offered in %.3f of the requests, want %.2f", thousand, enough)
	}
}

// measure logs how often a right tool is offered, by Choose and by names alone, and
// returns the former.
func measure(t *testing.T, entries []Entry, labelled []request) float64 {
	x := New(entries)
	var names [][]string
	for i := range x.entries {
		names = append(names, cut(x.entries[i].Name))
	}
	var chosen, named, offered, tokens float64
	for i, r := range labelled {
		choice := x.Choose(Query{Messages: []string{r.Request}})
		offered += float64(len(choice.Offered))
		tokens += float64(choice.Tokens)
		if r.accepts(choice.Offered) {
			chosen++
		} else {
			t.Logf("missed %d: %.100q wants %v of %s, ranked %d", i, r.Request, r.Tools, r.File, position(x, r))
		}
		if r.accepts(byName(x, names, r.Request)) {
			named++
		}
	}
	n := float64(len(labelled))
	t.Logf("%8d %10.3f %10.3f %10.1f %10.0f", len(entries), chosen/n, named/n, offered/n, tokens/n)
	return chosen / n
}

// position is the rank of the best right tool, from 1; 0 if it does not match at all.
func position(x *Index, r request) int {
	right := r.functions()
	return 1 + slices.IndexFunc(x.Search(r.Request, len(x.entries)), func(h Hit) bool { return slices.Contains(right, h.Name) })
}

// byName is the simpler method: the functions whose names share the most words with the request,
// as a share of the name's words, under the same limits.
func byName(x *Index, names [][]string, request string) []string {
	said := map[string]bool{}
	for _, word := range cut(request) {
		said[word] = true
	}
	shares := make([]float64, len(names))
	var order []int
	for i, name := range names {
		for _, word := range name {
			if said[word] {
				shares[i] += 1 / float64(len(name))
			}
		}
		if shares[i] > 0 {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(shares[b], shares[a]) })
	b := x.basket(Query{})
	b.fill(order)
	return x.names(func(i int) bool { return b.in[i] })
}

// cut is the words of a text, lower case, as they are.
func cut(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), separates)
}
