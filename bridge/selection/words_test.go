package selection

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// spelt is the words of text, the parts of a compound in brackets behind it.
func spelt(text string) string {
	var all []string
	for whole, parts := range words(text) {
		if len(parts) > 0 {
			whole += "(" + strings.Join(parts, " ") + ")"
		}
		all = append(all, whole)
	}
	return strings.Join(all, " ")
}

func TestWordsAreCutWhereAReaderWouldCutThem(t *testing.T) {
	for text, want := range map[string]string{
		"list_customer-records.v":     "list customer record",
		"listCustomerRecords":         "listcustomerrecord(list customer record)",
		"GitHub":                      "github(git hub)",
		"HTTPServer":                  "httpserver(http server)",
		"oauth2 s3":                   "oauth2(oauth ) s3( )",
		"the invoices of 2024 for me": "invoic",
		"a PR, two PRs":               "pul request two pul request",
		"access status analysis":      "acces status analysis",
		"their APIs":                  "api",
		"repo":                        "repositor",
		"Zürich café":                 "zurich caf",
		"发送邮件":                        "发送 送邮 邮件",
		"用GitHub发信":                   "用 github(git hub) 发信",
		"":                            "",
		"42 --- !?":                   "",
		strings.Repeat("f0", 30):      "",
	} {
		if diff := cmp.Diff(want, spelt(text)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

func TestStemsOfOneWordAreEqual(t *testing.T) {
	for _, family := range []string{
		"invoice invoices invoicing invoiced",
		"query queries querying queried",
		"create created creating creation",
		"notify notified notification notifications",
		"plan plans planned planning",
		"cancel cancels canceled cancelled cancelling cancellation",
		"deploy deploys deployment deployments deploying",
		"branch branches branching",
		"address addresses addressing",
		"issue issues", "status", "message messages messaging",
	} {
		first := ""
		for word := range strings.FieldsSeq(family) {
			if got := normal(word); first == "" {
				first = got
			} else if got != first {
				t.Errorf("stem of %q is %q, of the first of %q it is %q", word, got, family, first)
			}
		}
	}
}

func TestStemsOfDifferentWordsDiffer(t *testing.T) {
	for _, pair := range []string{"string str", "status stat", "access acces", "order or", "invite invoice", "pay pause", "feed fe"} {
		a, b, _ := strings.Cut(pair, " ")
		if stem(a) == stem(b) {
			t.Errorf("%q and %q have the stem %q", a, b, stem(a))
		}
	}
}

func FuzzWords(f *testing.F) {
	f.Add("listRecords 发送Mail\xff\xe4 PRs HTTPServer é\u0301")
	f.Fuzz(func(t *testing.T, text string) {
		for whole, parts := range words(text) {
			if whole == "" || strings.ContainsFunc(whole, separates) && utf8.ValidString(text) {
				t.Errorf("%q has the word %q", text, whole)
			}
			if len(parts) == 1 {
				t.Errorf("%q has the compound %q of one part", text, whole)
			}
		}
		again := slices.Collect(strings.SplitSeq(spelt(text), " "))
		if !slices.Equal(again, strings.Split(spelt(text), " ")) {
			t.Errorf("%q gives different words", text)
		}
	})
}

func TestMisspeltWordFindsTheNearestKnownOnes(t *testing.T) {
	p := New(entries("invoice_send", "involve_all", "customer_find", "cost_find", "administrator_find")).words()
	for word, want := range map[string]string{
		"invoce":        "invoic",
		"invioce":       "invoic",
		"custmoer":      "customer",
		"costumer":      "customer",
		"asministrator": "administrator",
		"asministrstir": "",
		"csot":          "cost",
		"cst":           "",
		"xyzzyx":        "",
	} {
		var got []string
		for _, near := range p.misspelt(stem(word)) {
			got = append(got, p.stems[near.id])
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q may be %q, want %q", word, got, want)
		}
	}
}

func TestDistanceCountsAddedRemovedReplacedAndSwappedLetters(t *testing.T) {
	for pair, want := range map[string]int{"abc abc": 0, "abc abcd": 1, "abcd abc": 1, "abc axc": 1, "abc acb": 1, "abcd badc": 2, "abc xyz": 3} {
		a, b, _ := strings.Cut(pair, " ")
		if got := distance(a, b); got != want {
			t.Errorf("distance of %q is %d, want %d", pair, got, want)
		}
	}
}
