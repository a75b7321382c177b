package selection

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// entries are entries with these names, and definitions of about ten tokens.
func entries(names ...string) []Entry {
	var all []Entry
	for _, name := range names {
		all = append(all, entry(name, "", 0))
	}
	return all
}

// entry is an entry whose definition has at least size tokens.
func entry(name, description string, size int) Entry {
	definition := fmt.Sprintf(`{"name":%q,"description":%q}`, name, description) + strings.Repeat(" x", size)
	return Entry{Name: name, Description: description, Definition: []byte(definition)}
}

// many is n entries of 100 tokens and more of no particular purpose.
func many(n int) []Entry {
	var all []Entry
	for i := range n {
		all = append(all, entry(fmt.Sprintf("sys%d__gadget_%03d", i%7, i), "Polishes gadgets.", 100))
	}
	return all
}

func TestAllGoInOrderOfNameWhileTheyFit(t *testing.T) {
	choice := New(entries("b", "c", "a")).Choose(Query{Messages: []string{"only c please"}})
	want := Choice{Offered: []string{"a", "b", "c"}, Tokens: choice.Tokens, All: true}
	if diff := cmp.Diff(want, choice); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestShortListIsNotCounted(t *testing.T) {
	x := New(entries("a", "b"))
	choice := x.Choose(Query{})
	if x.counts.tokens[0].Load() != 0 || choice.Tokens < Tokens(string(x.entries[0].Definition)) {
		t.Errorf("counted %d, said %d tokens", x.counts.tokens[0].Load(), choice.Tokens)
	}
}

func TestOfTwoEntriesWithOneNameTheSameOneIsKept(t *testing.T) {
	long, short := entry("a", "Zips.", 5), entry("a", "Archives.", 0)
	for _, list := range [][]Entry{{long, short}, {short, long}} {
		if x := New(list); len(x.entries) != 1 || x.entries[0].Description != "Archives." {
			t.Errorf("kept %v", x.entries)
		}
	}
}

func TestListWhoseTokensFitGoesWhole(t *testing.T) {
	text := strings.Repeat("customer ", 500)
	x := New([]Entry{{Name: "a", Definition: []byte(text)}, {Name: "b", Definition: []byte(text)}})
	cost := 2 * Tokens(text)
	if choice := x.Choose(Query{Limits: Limits{Tokens: cost}}); !choice.All || choice.Tokens != cost {
		t.Errorf("at the limit: all %v, %d tokens, want all of %d", choice.All, choice.Tokens, cost)
	}
	if choice := x.Choose(Query{Limits: Limits{Tokens: cost - 1}}); choice.All {
		t.Error("everything goes one token below what it costs")
	}
}

func TestLimitOfFunctionsHoldsAlone(t *testing.T) {
	x := New(entries("a", "b", "c", "d"))
	if choice := x.Choose(Query{Limits: Limits{Functions: 4}}); !choice.All {
		t.Errorf("four of four are not all: %v", choice)
	}
	if choice := x.Choose(Query{Limits: Limits{Functions: 4}, Reserved: 1}); choice.All || len(choice.Offered) != 2 {
		t.Errorf("with one reserved and find_tools, offered %v, want two", choice.Offered)
	}
}

func TestBestMatchGoesFirst(t *testing.T) {
	list := append(many(300),
		entry("crm__customer_find", "Looks up a customer by name or address.", 100),
		entry("pay__refund_create", "Gives money back for a payment.", 100),
		entry("mail__send", "Sends an e-mail to customers.", 100))
	x := New(list)
	for said, want := range map[string]string{
		"refund the payment of last week":              "pay__refund_create",
		"Please REFUNDS!":                              "pay__refund_create",
		"who is the custmoer in Zurich":                "crm__customer_find",
		"Erstatte ihm bitte die Zahlung":               "pay__refund_create",
		"给客户发送邮件":                                      "mail__send",
		"drop her a mail":                              "mail__send",
		"refund it. " + strings.Repeat("polish ", 5e3): "pay__refund_create",
	} {
		choice := x.Choose(Query{Messages: []string{said}})
		if !slices.Contains(choice.Offered, want) {
			t.Errorf("%.40q is not offered %s", said, want)
		}
		if best := x.Search(said, 1); len(said) < 100 && best[0].Name != want {
			t.Errorf("%.40q finds %s first, want %s", said, best[0].Name, want)
		}
	}
}

func TestWhatWasSaidLastCountsMost(t *testing.T) {
	x := New(append(many(300), entry("pay__refund", "", 10), entry("mail__send", "", 10)))
	p := x.words()
	first := func(messages ...string) string { return x.entries[p.rank(p.concepts(messages))[0].entry].Name }
	if got := first("send", "refund"); got != "pay__refund" {
		t.Errorf("send, then refund: %s comes first", got)
	}
	if got := first("refund", "send"); got != "mail__send" {
		t.Errorf("refund, then send: %s comes first", got)
	}
}

func TestWhatIsSaidFirstOrLastCountsMoreThanWhatIsPastedBetween(t *testing.T) {
	x := New(append(many(300), entry("pay__refund", "", 10), entry("mail__send", "", 10)))
	filler := strings.Repeat("unrelated ", 200)
	for _, text := range []string{"refund " + filler + "send " + filler, filler + "send " + filler + "refund"} {
		if hits := x.Search(text, 1); hits[0].Name != "pay__refund" {
			t.Errorf("%.20q... finds %s", text, hits[0].Name)
		}
	}
}

func TestConversationOfMegabytesIsReadAtItsEnds(t *testing.T) {
	x := New(append(many(300), entry("pay__refund", "", 10), entry("mail__send", "", 10)))
	filler := strings.Repeat("unrelated ", maxText/10)
	hits := x.Search("send "+filler+"refund "+filler, 5)
	if len(hits) != 1 || hits[0].Name != "mail__send" {
		t.Errorf("found %v", hits)
	}
	said := make([]string, maxMessages+1)
	said[0] = "refund"
	if p := x.words(); len(p.concepts(said)) != 0 || len(p.concepts(said[:maxMessages])) != 1 {
		t.Errorf("of %d messages more or fewer than %d are read", len(said), maxMessages)
	}
}

func TestTermsOfAQueryAreBounded(t *testing.T) {
	var names, unknown []string
	for i := range 3 * maxConcepts {
		names = append(names, fmt.Sprintf("word%c%c", 'a'+i/26, 'a'+i%26))
		unknown = append(unknown, fmt.Sprintf("words%c%c", 'a'+i/26, 'a'+i%26))
	}
	p := New(entries(names...)).words()
	if n := len(p.concepts([]string{strings.Join(names, " ")})); n != maxConcepts {
		t.Errorf("%d words are %d concepts", len(names), n)
	}
	if n := len(p.concepts([]string{strings.Join(unknown, " ")})); n == 0 || n > maxMisspelt {
		t.Errorf("for %d of %d unknown words another was sought", n, len(unknown))
	}
}

func TestWordWithManySynonymsIsStillOneWord(t *testing.T) {
	x := New(append(many(300), entry("a__create", "", 10), entry("b__add_new_insert_register", "", 10)))
	if hits := x.Search("create", 2); len(hits) != 2 || hits[0].Name != "a__create" {
		t.Errorf("found %v", hits)
	}
}

func TestRareSynonymOfACommonWordCountsNoMoreThanTheWord(t *testing.T) {
	list := entries("x__insert")
	for i := range 100 {
		list = append(list, entry(fmt.Sprintf("create_%c%c", 'a'+i/26, 'a'+i%26), "", 10))
	}
	if hits := New(list).Search("create", 1); hits[0].Name == "x__insert" {
		t.Error("insert is found before create")
	}
}

func TestWhatHardlyMatchesIsNotOffered(t *testing.T) {
	x := New(append(many(300), entry("pay__refund", "Refunds a payment.", 10), entry("log__read", "Some logs mention refunds among many other things that are long to say and of no interest.", 10)))
	choice := x.Choose(Query{Messages: []string{"refund payments with a gadget"}})
	if diff := cmp.Diff([]string{"pay__refund"}, choice.Offered); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestHostileDefinitionIsReadOnlySoFar(t *testing.T) {
	deep := strings.Repeat(`{"properties":{"level":`, maxDepth+2) + `{"description":"abyss"}` + strings.Repeat("}}", maxDepth+2)
	wide := fmt.Sprintf(`{"description":"ocean","x":%q}`, strings.Repeat("y", maxSchema))
	long := strings.Repeat("blah ", weights[fieldDescription].most) + "epilogue"
	x := New([]Entry{{Name: "a", Parameters: json.RawMessage(deep)}, {Name: "b", Parameters: json.RawMessage(wide)}, {Name: "c", Description: long}})
	for _, query := range []string{"abyss", "ocean", "epilogue"} {
		if hits := x.Search(query, 1); len(hits) != 0 {
			t.Errorf("%q is found in %s", query, hits[0].Name)
		}
	}
	if len(x.Search("level", 1)) != 1 || len(x.Search("blah", 1)) != 1 {
		t.Error("what stands before the bounds is not found")
	}
}

func TestNamedSystemComesFirst(t *testing.T) {
	x := New(append(many(300), entry("asana__task_create", "Creates a task.", 10), entry("jira__task_create", "Creates a task.", 10)))
	for _, system := range []string{"asana", "jira"} {
		if hits := x.Search("create a task in "+system, 1); hits[0].Name != system+"__task_create" {
			t.Errorf("%s: found %s", system, hits[0].Name)
		}
	}
}

func TestParametersAreSearched(t *testing.T) {
	list := many(300)
	list[7].Parameters = json.RawMessage(`{"properties":{"swift_code":{"description":"BIC of a bank"},"kind":{"enum":["express",3,null]},
		"nested":{"items":{"anyOf":[{"properties":{"holder":{}}}]}}}}`)
	list[8].Parameters = json.RawMessage(`{"title":7,"properties":{"broken":true,"iban":{"description":"account"}},"items":[{}]}`)
	x := New(list)
	for query, want := range map[string]string{
		"swift": list[7].Name, "bic": list[7].Name, "express": list[7].Name, "holder": list[7].Name, "iban": list[8].Name,
	} {
		if hits := x.Search(query, 5); len(hits) == 0 || hits[0].Name != want {
			t.Errorf("%q finds %v, want %s", query, hits, want)
		}
	}
}

func TestAlwaysGoesInWhateverIsSaid(t *testing.T) {
	list := many(300)
	x := New(list)
	always := []string{list[200].Name, "gone", list[3].Name, list[200].Name}
	choice := x.Choose(Query{Messages: []string{"gadget 042"}, Always: always})
	if !slices.Contains(choice.Offered, list[200].Name) || !slices.Contains(choice.Offered, list[3].Name) || choice.NoRoom != nil {
		t.Errorf("offered %v, no room %v", choice.Offered, choice.NoRoom)
	}
}

func TestAlwaysBeyondTheLimitsIsKeptInItsOrderAndSaid(t *testing.T) {
	x := New(append(many(300), entry("huge", "", 9000)))
	var always []string
	for i := range 200 {
		always = append(always, x.entries[299-i].Name)
	}
	choice := x.Choose(Query{Always: append([]string{"huge"}, always...)})
	kept := len(choice.Offered)
	if kept == 0 || kept > 80 {
		t.Fatalf("%d offered", kept)
	}
	for i, name := range always {
		if slices.Contains(choice.Offered, name) != (i < kept) {
			t.Errorf("%d of %d: %s offered %v", i, kept, name, i >= kept)
		}
	}
	if diff := cmp.Diff(append([]string{"huge"}, always[kept:]...), choice.NoRoom); diff != "" {
		t.Errorf("no room (-want +got):\n%s", diff)
	}
}

func TestBestMatchGoesInEvenIfItTakesMostOfTheRoom(t *testing.T) {
	x := New(append(many(300), entry("report_build", "Builds a report.", 7000)))
	choice := x.Choose(Query{Messages: []string{"build a report about gadgets"}})
	if !slices.Contains(choice.Offered, "report_build") {
		t.Errorf("offered %v", choice.Offered)
	}
}

func TestWhatDoesNotFitMakesWayForSmallerOnes(t *testing.T) {
	x := New(append(many(300), entry("report_build", "Builds a report.", 9000), entry("report_read", "Reads a report.", 10)))
	choice := x.Choose(Query{Messages: []string{"build a report"}})
	if diff := cmp.Diff([]string{"report_read"}, choice.Offered); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !slices.Contains(choice.LeftOut, "report_build") {
		t.Error("what did not fit is not said to be left out")
	}
}

func TestLargeDefinitionAmongTheLesserMatchesDoesNotDisplaceSmallOnes(t *testing.T) {
	list := []Entry{entry("report_a", "", 10), entry("report_b", "", 10), entry("report_c", "", 10), entry("report_z", "", 7000)}
	for i := range 40 {
		list = append(list, entry(fmt.Sprintf("invoice_report_%02d", i), "Prints an invoice.", 150))
	}
	x := New(append(list, many(300)...))
	query := Query{Messages: []string{"report"}}
	if hits := x.Search("report", 4); hits[3].Name != "report_z" {
		t.Fatalf("the best matches are %v", hits)
	}
	if choice := x.Choose(query); slices.Contains(choice.Offered, "report_z") || len(choice.Offered) < 40 {
		t.Errorf("offered %v", choice.Offered)
	}
	alone := New(append(list[:4:4], many(300)...))
	if choice := alone.Choose(query); !slices.Contains(choice.Offered, "report_z") {
		t.Errorf("with room to spare, offered only %v", choice.Offered)
	}
}

func TestNothingMatchingGivesALittleOfEverySystem(t *testing.T) {
	x := New(many(300))
	choice := x.Choose(Query{Messages: []string{"qqq www"}})
	count := map[string]int{}
	for _, name := range choice.Offered {
		system, _, _ := strings.Cut(name, "__")
		count[system]++
	}
	for i := range 7 {
		if n := count[fmt.Sprintf("sys%d", i)]; n < 5 {
			t.Errorf("%d of system %d; %v", n, i, count)
		}
	}
}

func TestIndexIsSafeForConcurrentUse(t *testing.T) {
	x := New(many(300))
	want := New(many(300)).Choose(Query{Messages: []string{"gadget"}})
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if diff := cmp.Diff(want, x.Choose(Query{Messages: []string{"gadget"}})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			x.Search("gadget", 3)
		})
	}
	group.Wait()
}

func TestDefinitionOfMegabytesIsRefusedWithoutBeingCounted(t *testing.T) {
	x := New(append(many(100), entry("gadget_huge", "Polishes gadgets.", 4<<20)))
	choice := x.Choose(Query{Messages: []string{"gadget huge"}, Always: []string{"gadget_huge"}})
	if slices.Contains(choice.Offered, "gadget_huge") || x.counts.tokens[x.byName["gadget_huge"]].Load() != 0 {
		t.Error("a definition of 8 MiB was offered or counted")
	}
}

// genEntries draws lists in which words, sizes and systems repeat.
func genEntries(t *rapid.T) []Entry {
	var all []Entry
	for i := range rapid.IntRange(0, 60).Draw(t, "entries") {
		name := fmt.Sprintf("%s_%d", rapid.SampledFrom([]string{"a__send", "a__find", "b__send_mail", "refund", "c__x"}).Draw(t, "name"), i%50)
		text := rapid.SampledFrom([]string{"", "Sends mail.", "Finds customers.", "发送邮件", "\xff\x00"}).Draw(t, "description")
		all = append(all, entry(name, text, rapid.SampledFrom([]int{0, 10, 100, 700}).Draw(t, "size")))
	}
	return all
}

func genQuery(t *rapid.T, all []Entry) Query {
	q := Query{
		Messages:       rapid.SliceOfN(rapid.SampledFrom([]string{"send mail", "find", "refund customers", "", "邮件"}), 0, 3).Draw(t, "messages"),
		Reserved:       rapid.IntRange(0, 3).Draw(t, "reserved"),
		ReservedTokens: rapid.IntRange(0, 500).Draw(t, "reserved tokens"),
		Limits:         Limits{Functions: rapid.IntRange(0, 40).Draw(t, "functions"), Tokens: rapid.IntRange(0, 4000).Draw(t, "tokens")},
	}
	for range rapid.IntRange(0, 5).Draw(t, "always") {
		if len(all) > 0 {
			q.Always = append(q.Always, rapid.SampledFrom(all).Draw(t, "always one").Name)
		}
	}
	return q
}

func TestChoiceKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := genEntries(t)
		q := genQuery(t, all)
		x := New(all)
		c := x.Choose(q)
		checkLimits(t, x, q, c)
		together := slices.Sorted(slices.Values(slices.Concat(c.Offered, c.LeftOut)))
		if diff := cmp.Diff(x.names(func(int) bool { return true }), together); diff != "" || !slices.IsSorted(c.Offered) || !slices.IsSorted(c.LeftOut) {
			t.Fatalf("offered and left out are not a sorted division of the names: %s", diff)
		}
		if c.All != (len(c.LeftOut) == 0) && len(all) > 0 && c.All {
			t.Fatalf("all, but left out %v", c.LeftOut)
		}
		for _, name := range q.Always {
			if slices.Contains(c.Offered, name) == slices.Contains(c.NoRoom, name) {
				t.Fatalf("%s must go in: offered %v, no room %v", name, c.Offered, c.NoRoom)
			}
		}
		shuffled := slices.Clone(all)
		rand.New(rand.NewPCG(1, uint64(len(all)))).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if diff := cmp.Diff(c, New(shuffled).Choose(q)); diff != "" {
			t.Fatalf("in another order (-first +second):\n%s", diff)
		}
		if diff := cmp.Diff(c, x.Choose(q)); diff != "" {
			t.Fatalf("asked again (-first +second):\n%s", diff)
		}
	})
}

// checkLimits counts everything anew.
func checkLimits(t *rapid.T, x *Index, q Query, c Choice) {
	functions, tokens := q.Reserved+len(c.Offered), q.ReservedTokens
	for _, name := range c.Offered {
		tokens += Tokens(string(x.entries[x.byName[name]].Definition))
	}
	if !c.All {
		functions++
		tokens += x.FindTools().tokens
	}
	if !c.All && tokens-q.ReservedTokens != c.Tokens || c.All && tokens-q.ReservedTokens > c.Tokens {
		t.Fatalf("says %d tokens, has %d", c.Tokens, tokens-q.ReservedTokens)
	}
	if q.Limits.Functions == 0 {
		q.Limits.Functions = DefaultFunctions
	}
	if q.Limits.Tokens == 0 {
		q.Limits.Tokens = DefaultTokens
	}
	if len(c.Offered) > 0 && (functions > q.Limits.Functions || tokens > q.Limits.Tokens) {
		t.Fatalf("%d functions of %d tokens, limits %+v", functions, tokens, q.Limits)
	}
}
