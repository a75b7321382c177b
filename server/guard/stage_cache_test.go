package guard_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"drawbridge/server/auth"
	"drawbridge/server/cache"
	"drawbridge/server/guard"
	"drawbridge/server/guard/guardtest"
	"drawbridge/tools"
)

func minuteOf(string) time.Duration { return time.Minute }
func caching(c guard.Cache) guard.Caching {
	return guard.Caching{Cache: c, TTL: minuteOf, Of: func() string { return "the shop" }}
}

// newCachingWorld is a world whose reads are kept for a minute of its clock. The tool counts
// its calls in what it gives.
func newCachingWorld(t testing.TB, o guard.Options) (*world, *clock) {
	t.Helper()
	kept := cache.NewMemory(cache.Bounds{}, nil)
	t.Cleanup(func() { _ = kept.Close() })
	c := newClock()
	o.Caching, o.Now = caching(kept), c.now
	w := newWorld(t, o)
	w.do = func(context.Context, order) (receipt, error) {
		return receipt{ID: "r1", Amount: int64(len(w.keys))}, nil
	}
	return w, c
}

func quote(principal auth.Principal) guard.Call {
	call := callFor("shop_quote", goodOrder, "")
	call.Principal = principal
	return call
}

// nth is the result of the n-th call of the tool.
func nth(n int) string { return fmt.Sprintf(`{"id":"r1","amount":%d}`, n) }

func TestReadIsAnsweredWithWhatTheSameReadGaveAMomentAgo(t *testing.T) {
	w, clock := newCachingWorld(t, guard.Options{})
	first := w.Call(t.Context(), quote(desk))
	clock.pass(12 * time.Second)
	call := quote(desk)
	call.Arguments = json.RawMessage(` {"amount": 2.50e2, "email":"ada@example.com"}`) // the same, spelled otherwise
	again := w.Call(t.Context(), call)
	if first.Cached || string(first.Output) != nth(1) || !again.Cached || again.CachedAge != 12*time.Second || string(again.Output) != nth(1) || w.calls() != 1 {
		t.Fatalf("got %+v, then %+v after %d calls", first, again, w.calls())
	}
	rows := w.ledger.Rows()
	if rows[0].Rule != "" || rows[1].Rule != "cache: 12s old" || rows[1].Decision != guard.Allowed || rows[1].Outcome != "ok" {
		t.Errorf("rows %+v", rows)
	}
	clock.pass(47 * time.Second)
	if got := w.Call(t.Context(), quote(desk)); !got.Cached {
		t.Errorf("59 s old: %+v", got)
	}
	clock.pass(time.Second)
	if got := w.Call(t.Context(), quote(desk)); got.Cached || string(got.Output) != nth(2) {
		t.Errorf("a minute old: %+v", got)
	}
	clock.pass(59 * time.Second)
	if got := w.Call(t.Context(), quote(desk)); string(got.Output) != nth(2) || got.CachedAge != 59*time.Second {
		t.Errorf("the next: %+v", got)
	}
}

func TestKeptAnswerIsForTheSameCallerAndCallOnly(t *testing.T) {
	changed := func(change func(p *auth.Principal)) guard.Call {
		p := desk
		change(&p)
		return quote(p)
	}
	other := quote(desk)
	other.Arguments = json.RawMessage(`{"email":"ada@example.com","amount":251}`)
	for name, call := range map[string]guard.Call{
		"other arguments":      other,
		"another key":          changed(func(p *auth.Principal) { p.Name = "other" }),
		"another kind":         changed(func(p *auth.Principal) { p.Kind = auth.Certificate }),
		"for somebody":         changed(func(p *auth.Principal) { p.For = "key:boss" }),
		"within other tools":   changed(func(p *auth.Principal) { p.Within = []string{"*"} }),
		"other tools":          changed(func(p *auth.Principal) { p.Tools = []string{"shop_quote"} }),
		"split otherwise":      changed(func(p *auth.Principal) { p.Tools = []string{"shop_*", "x"} }),
		"other effects":        changed(func(p *auth.Principal) { p.Effects = []string{"read"} }),
		"other parts of token": changed(func(p *auth.Principal) { p.Pairs = []auth.Pair{{Tools: []string{"*"}, Effects: []string{"read"}}} }),
	} {
		w, _ := newCachingWorld(t, guard.Options{})
		w.Call(t.Context(), quote(desk))
		if got := w.Call(t.Context(), call); got.Err != nil || got.Cached || string(got.Output) != nth(2) {
			t.Errorf("%s: %+v", name, got)
		}
		if got := w.Call(t.Context(), call); !got.Cached || string(got.Output) != nth(2) {
			t.Errorf("%s, again: %+v", name, got)
		}
	}
}

func TestKeptAnswerIsOfTheSameSystemAndDefinition(t *testing.T) {
	kept := cache.NewMemory(cache.Bounds{}, nil)
	t.Cleanup(func() { _ = kept.Close() })
	asks := "the shop"
	o := guard.Options{Caching: guard.Caching{Cache: kept, TTL: minuteOf, Of: func() string { return asks }}}
	w := newWorld(t, o)
	call := func(want int) {
		t.Helper()
		if w.Call(t.Context(), quote(desk)); w.calls() != want {
			t.Errorf("%d calls, want %d", w.calls(), want)
		}
	}
	call(1)
	call(1)
	asks = "another shop"
	call(2)
	asks = "the shop"
	call(2)
	catalog := tools.NewCatalog()
	mount := func(definition string) {
		t.Helper()
		tool := tools.Mounted(tools.Tool{Name: "far__get", Effect: tools.Read, Input: json.RawMessage(`{"type":"object"}`), Definition: definition},
			func(context.Context, json.RawMessage) (json.RawMessage, error) {
				w.keys = append(w.keys, "")
				return json.RawMessage(`{"content":[]}`), nil
			})
		if err := catalog.Mount("far", []tools.Tool{tool}); err != nil {
			t.Fatal(err)
		}
	}
	mount("one")
	w.Guard = guard.New(catalog, w.ledger, o)
	get := guard.Call{Principal: auth.Principal{Kind: auth.Key, Name: "desk", Tools: []string{"*"}}, Tool: "far__get"}
	for i, definition := range []string{"one", "one", "two", "one"} {
		mount(definition)
		w.Call(t.Context(), get)
		if want := 2 + []int{1, 1, 2, 2}[i]; w.calls() != want {
			t.Errorf("definition %d: %d calls, want %d", i, w.calls(), want)
		}
	}
}

func TestWriteDropsWhatItsFamilyHas(t *testing.T) {
	for name, end := range map[string]func() (receipt, error){
		"that is done":          func() (receipt, error) { return receipt{}, nil },
		"that the tool refused": func() (receipt, error) { return receipt{}, tools.Errorf(tools.Conflict, "no") },
		"that failed":           func() (receipt, error) { return receipt{}, errors.New("fault") },
		"that panicked":         func() (receipt, error) { panic("fault") },
		"of unknown outcome":    func() (receipt, error) { return receipt{}, tools.Errorf(tools.OutcomeUnknown, "lost") },
	} {
		w, _ := newCachingWorld(t, guard.Options{})
		read := w.do
		w.Call(t.Context(), quote(desk))
		w.do = func(context.Context, order) (receipt, error) { return end() }
		w.Call(t.Context(), callFor("shop_order", goodOrder, ""))
		w.do = read
		if got := w.Call(t.Context(), quote(desk)); got.Cached {
			t.Errorf("a write %s: %+v", name, got)
		}
		got := w.Call(t.Context(), quote(desk))
		if name == "of unknown outcome" { // its effect may be still to come
			if got.Cached {
				t.Errorf("a read behind a write %s was kept", name)
			}
		} else if !got.Cached {
			t.Errorf("a read behind a write %s was not kept", name)
		}
	}
}

// A run's write, under its key, and one that people agreed to, drop what is kept as well; the
// asking does not.
func TestWriteOfARunBehindAnApprovalDropsWhatItsFamilyHas(t *testing.T) {
	ask := &switched{}
	w := newWorld(t, guard.Options{})
	approvals := guardtest.NewApprovals(w.ledger)
	w.Guard = guard.New(catalogOf(w), w.ledger, guard.Options{Policy: ask, Approvals: approvals, Caching: caching(newKept(t))})
	run := auth.Principal{Kind: auth.Agent, Name: "billing", Run: "run_1", Tools: []string{"*"}, Effects: auth.AllEffects()}
	charge := callFor("shop_charge", goodOrder, "k1")
	charge.Principal, charge.Run = run, run.Run
	kept := func() bool {
		t.Helper()
		ask.Policy = nil
		defer func() { ask.Policy = judge{Action: guard.Approve, Rule: "ask"} }()
		return w.Call(t.Context(), quote(desk)).Cached
	}
	kept()
	waits := w.Call(t.Context(), charge)
	if code(waits) != tools.ApprovalRequired || !kept() {
		t.Fatalf("the call gives %+v, and what is kept is dropped by the asking", waits)
	}
	if _, err := approvals.Decide(waits.Approval, guard.Decider{Name: "key:ada"}, guard.ApprovalVerdict{Approve: true, At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if made := w.Call(t.Context(), charge); made.Err != nil {
		t.Fatalf("behind the approval: %+v", made)
	}
	if kept() {
		t.Error("what was kept is found behind the write")
	}
}

func TestCallThatIsNotMadeDropsNothing(t *testing.T) {
	w, _ := newCachingWorld(t, guard.Options{})
	w.Call(t.Context(), quote(desk))
	dry := callFor("shop_order", goodOrder, "")
	dry.DryRun = true
	w.Call(t.Context(), dry)
	w.Call(t.Context(), callFor("shop_order", `{}`, ""))
	if got := w.Call(t.Context(), quote(desk)); !got.Cached {
		t.Errorf("behind calls that were not made: %+v", got)
	}
	keyed := callFor("shop_charge", goodOrder, "k1")
	w.Call(t.Context(), keyed)
	w.Call(t.Context(), quote(desk))
	w.Call(t.Context(), keyed) // its first result again
	if got := w.Call(t.Context(), quote(desk)); !got.Cached {
		t.Errorf("behind a repeated call: %+v", got)
	}
}

func TestSlowReadThatAWriteHasOvertakenIsNotKept(t *testing.T) {
	w, _ := newCachingWorld(t, guard.Options{})
	begun, goOn := make(chan struct{}), make(chan struct{})
	w.do = func(context.Context, order) (receipt, error) {
		close(begun)
		<-goOn
		return receipt{ID: "old"}, nil
	}
	slow := make(chan guard.Result)
	go func() { slow <- w.Call(context.Background(), quote(desk)) }()
	<-begun
	w.mu.Lock()
	w.do = func(context.Context, order) (receipt, error) { return receipt{ID: "new"}, nil }
	w.mu.Unlock()
	w.Call(t.Context(), callFor("shop_order", goodOrder, ""))
	close(goOn)
	if got := <-slow; !strings.Contains(string(got.Output), "old") {
		t.Fatalf("the slow read gives %+v", got)
	}
	if got := w.Call(t.Context(), quote(desk)); got.Cached || !strings.Contains(string(got.Output), "new") {
		t.Errorf("behind the write: %+v", got)
	}
}

func TestFailureIsNotKept(t *testing.T) {
	w, _ := newCachingWorld(t, guard.Options{})
	read := w.do
	w.do = func(context.Context, order) (receipt, error) { return receipt{}, tools.Errorf(tools.NotFound, "no") }
	w.Call(t.Context(), quote(desk))
	w.do = read
	if got := w.Call(t.Context(), quote(desk)); got.Err != nil || got.Cached {
		t.Errorf("behind a failure: %+v", got)
	}
}

func TestReadInDryRunIsMade(t *testing.T) {
	for name, in := range dryRuns {
		change := &switched{}
		w, _ := newCachingWorld(t, guard.Options{Policy: change})
		w.Call(t.Context(), quote(desk))
		call := quote(desk)
		change.Policy, _ = in(&call)
		if j, ok := change.Policy.(judge); ok && j.Action == guard.Approve {
			continue // needs an approval in dry run as well
		}
		if got := w.Call(t.Context(), call); got.Err != nil || got.Cached || w.calls() != 2 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestKeptAnswerIsJudgedAsAnyOther(t *testing.T) {
	change := &switched{}
	w, clock := newCachingWorld(t, guard.Options{Policy: change})
	approvals := guardtest.NewApprovals(w.ledger)
	w.Guard = guard.New(catalogOf(w), w.ledger, guard.Options{Policy: change, Approvals: approvals, Now: clock.now, Caching: caching(newKept(t))})
	w.Call(t.Context(), quote(desk))
	for _, verdict := range []guard.Verdict{{Action: guard.Deny, Rule: "no"}, {Action: guard.Approve, Rule: "ask"}} {
		change.Policy = judge(verdict)
		if got := w.Call(t.Context(), quote(desk)); got.Err == nil || got.Cached {
			t.Errorf("%s: %+v", verdict.Action, got)
		}
	}
	change.Policy = nil
	mute := desk
	mute.Tools = []string{"other_*"}
	if got := w.Call(t.Context(), quote(mute)); code(got) != tools.Denied {
		t.Errorf("who may not call it: %+v", got)
	}
}

func newKept(t testing.TB) *cache.Memory {
	kept := cache.NewMemory(cache.Bounds{}, nil)
	t.Cleanup(func() { _ = kept.Close() })
	return kept
}

func TestKeptAnswerCountsForLimits(t *testing.T) {
	limit := guard.Limit{Name: "quotes", Principal: "*", Tool: "shop_quote", Rate: 1, Burst: 2}
	w, _ := newCachingWorld(t, guard.Options{Limits: []guard.Limit{limit}})
	w.Call(t.Context(), quote(desk))
	if got := w.Call(t.Context(), quote(desk)); !got.Cached {
		t.Fatalf("got %+v", got)
	}
	if got := w.Call(t.Context(), quote(desk)); code(got) != tools.RateLimited {
		t.Errorf("the third: %+v", got)
	}
}

func TestKeptAnswerCountsForRules(t *testing.T) {
	totals := guardtest.NewTotals()
	w, clock := newCachingWorld(t, guard.Options{Totals: totals, Counted: []string{"shop_quote"}})
	for range 3 {
		w.Call(t.Context(), quote(desk))
	}
	sum, err := totals.Sum(t.Context(), guard.Tally{Principal: "key:desk", Tool: "shop_quote", Since: clock.now().Add(-time.Hour)})
	if err != nil || sum.Calls != 3 || w.calls() != 1 {
		t.Errorf("%d are counted, and %d were made (%v)", sum.Calls, w.calls(), err)
	}
}

// What was kept is whole; each caller loses what this call's rule says, of a result that
// was not fetched now.
func TestKeptAnswerIsRedactedByTheRuleOfTheSecondCall(t *testing.T) {
	change := &switched{}
	w, _ := newCachingWorld(t, guard.Options{Policy: change})
	if got := w.Call(t.Context(), quote(desk)); string(got.Output) != nth(1) {
		t.Fatalf("got %+v", got)
	}
	change.Policy = judge{Action: guard.Allow, Rule: "hide", Redact: []string{"id"}}
	got := w.Call(t.Context(), quote(desk))
	if !got.Cached || !got.Redacted || string(got.Output) != `{"id":"[redacted]","amount":1}` {
		t.Errorf("with a rule: %+v (%s)", got, got.Output)
	}
	change.Policy = nil
	if got := w.Call(t.Context(), quote(desk)); !got.Cached || got.Redacted || string(got.Output) != nth(1) {
		t.Errorf("and without: %+v (%s)", got, got.Output)
	}
}

func TestShapesAreTakenOutOfKeptAnswers(t *testing.T) {
	w, clock := newCachingWorld(t, guard.Options{})
	w.Guard = guard.New(catalogOf(w), w.ledger, guard.Options{Now: clock.now, Caching: caching(newKept(t)), Redact: guard.Redaction{Shapes: guard.Shapes{Cards: true}, Everywhere: true}})
	w.do = func(context.Context, order) (receipt, error) { return receipt{ID: "4242 4242 4242 4242"}, nil }
	first, again := w.Call(t.Context(), quote(desk)), w.Call(t.Context(), quote(desk))
	if !again.Cached || !again.Redacted || string(again.Output) != string(first.Output) || strings.Contains(string(again.Output), "4242 4242") {
		t.Errorf("got %s, then %+v (%s)", first.Output, again, again.Output)
	}
}

func TestFreshReadIsMadeAndKeepsNothing(t *testing.T) {
	w, _ := newCachingWorld(t, guard.Options{})
	w.Call(guard.WithFresh(t.Context()), quote(desk))
	if got := w.Call(t.Context(), quote(desk)); got.Cached {
		t.Errorf("what a fresh read gave is kept: %+v", got)
	}
	if got := w.Call(guard.WithFresh(t.Context()), quote(desk)); got.Cached || string(got.Output) != nth(3) {
		t.Errorf("a fresh read gives %+v", got)
	}
}

func TestReadThatAskedAPersonIsNotKept(t *testing.T) {
	w, _ := newCachingWorld(t, guard.Options{})
	w.do = func(ctx context.Context, _ order) (receipt, error) {
		if _, err := tools.Ask(ctx, tools.Question{Message: "which?"}); err != nil {
			return receipt{}, err
		}
		return receipt{ID: "r1"}, nil
	}
	ctx := tools.WithAsk(t.Context(), func(context.Context, tools.Question) (tools.Reply, error) { return tools.Reply{}, nil })
	for range 2 {
		if got := w.Call(ctx, quote(desk)); got.Err != nil || got.Cached {
			t.Errorf("got %+v", got)
		}
	}
}

func TestOnlyReadsThatDependOnNothingElseAreCacheable(t *testing.T) {
	for name, test := range map[string]struct {
		tool tools.Tool
		want bool
	}{
		"a read":                       {tools.Tool{Effect: tools.Read}, true},
		"a write":                      {tools.Tool{Effect: tools.Write}, false},
		"money":                        {tools.Tool{Effect: tools.Money}, false},
		"a read of the run that calls": {tools.Tool{Effect: tools.Read, OfCaller: true}, false},
		"a read of runs":               {tools.Tool{Effect: tools.Read, ForClients: true}, false},
	} {
		if guard.Cacheable(test.tool) != test.want {
			t.Errorf("%s: %t", name, !test.want)
		}
	}
	for name, want := range map[string]string{"crm_get_customer": "crm", "crm__get": "crm__", "my_api__get_x": "my_api__"} {
		if got := guard.Family(tools.Tool{Name: name, Mounted: strings.Contains(name, "__")}); got != want {
			t.Errorf("%s is of %q", name, got)
		}
	}
}
