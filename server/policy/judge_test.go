package policy_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"drawbridge/server/auth"
	"drawbridge/server/guard"
	"drawbridge/server/guard/guardtest"
	"drawbridge/server/policy"
	"drawbridge/tools"
)

func TestFirstRuleThatFitsDecides(t *testing.T) {
	w := newWorld(t)
	p := w.compile(
		policy.Rule{Name: "no", When: `principal == "key:desk" && args.amount_minor > 10`, Then: guard.Deny, Reason: "too much"},
		policy.Rule{Name: "ask", When: `tool.startsWith("payment_") && principal.kind == "key"`, Then: guard.Approve, Terms: guard.Terms{By: []string{"key:boss"}, Count: 2}},
		policy.Rule{Name: "hide", When: `tool == "crm_get_customer"`, Then: policy.Redact, Redact: []string{"customer.note"}},
		policy.Rule{Name: "dry", When: `effect == "write" && source == "stripe" && run.tainted`, Then: guard.DryRun},
	)
	for _, c := range []struct {
		who             auth.Principal
		tool, arguments string
		want            guard.Verdict
	}{
		{desk, "payment_create_refund", `{"amount_minor":11}`, guard.Verdict{Action: guard.Deny, Rule: "no", Reason: "too much"}},
		{desk, "payment_create_refund", `{"amount_minor":10}`, guard.Verdict{Action: guard.Approve, Rule: "ask", Terms: guard.Terms{By: []string{"key:boss"}, Count: 2}}},
		{clean, "crm_get_customer", `{}`, guard.Verdict{Action: guard.Allow, Rule: "hide", Redact: []string{"customer.note"}}},
		{tainted, "crm_create_task", `{}`, guard.Verdict{Action: guard.DryRun, Rule: "dry"}},
		{clean, "crm_create_task", `{}`, guard.Verdict{Action: guard.Allow}},
	} {
		got := w.judge(p, c.who, c.tool, c.arguments)
		if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", c.want) {
			t.Errorf("%s %s %s:\n got %+v\nwant %+v", c.who, c.tool, c.arguments, got, c.want)
		}
	}
}

// What cannot be evaluated denies, names the rule, and shows nothing that was written.
func TestRuleThatFailsDeniesAndSaysSo(t *testing.T) {
	for when, says := range map[string]string{
		`args.amount_minor > 10`:                             "no such key: amount_minor",
		`args.note == 3 || args.note > 3`:                    "no such overload",
		`int(args.note) > 3`:                                 "has no value",
		`args.list[7] == "x"`:                                "has no value",
		`facts.payment.left_minor > 3`:                       "facts.payment: the call names no payment_id",
		`facts.customer.known`:                               "names no customer",
		`1 / (size(args.note) - size(args.note)) == 1`:       "division by zero",
		`spent("payment_create_refund", "year", "EUR") > 10`: "the period is none of",
		`args.note.matches("(a+)+$") && size(args.list.map(x, args.list.map(y, args.list.map(z, args.list.map(u, 1))))) > 0`: "actual cost limit exceeded",
	} {
		w := newWorld(t)
		p := w.compile(policy.Rule{Name: "mine", When: when, Then: guard.Allow})
		list := strings.Repeat(`"hunter2",`, 200) + `"hunter2"`
		if strings.Contains(when, "[7]") {
			list = `"hunter2"`
		}
		v := w.judge(p, desk, "crm_create_task", `{"note":"hunter2aaaa","list":[`+list+`]}`)
		if v.Action != guard.Deny || !strings.HasPrefix(v.Rule, "mine: could not be evaluated: ") || !strings.Contains(v.Rule, says) || !strings.Contains(v.Reason, `"mine"`) {
			t.Errorf("%s: %+v", when, v)
		}
		if strings.Contains(v.Rule+v.Reason, "hunter2") {
			t.Errorf("%s: shows what was written: %+v", when, v)
		}
	}
}

func TestTotalsThatCannotBeReadDeny(t *testing.T) {
	w := newWorld(t)
	p := w.compile(policy.Rule{Name: "day", When: `count("email_send", "hour") > 3`, Then: guard.Deny})
	w.totals.Break(errors.New("disk full"))
	if v := w.judge(p, desk, "email_send", `{"to":["ada@example.com"]}`); v.Action != guard.Deny || !strings.Contains(v.Rule, "cannot be read") {
		t.Errorf("got %+v", v)
	}
}

func TestFactsAreLookedUpWhenAskedForAndOnce(t *testing.T) {
	w := newWorld(t)
	p := w.compile(
		policy.Rule{Name: "a", When: `tool == "email_send" && facts.customer.known`, Then: guard.Allow},
		policy.Rule{Name: "b", When: `facts.payment.left_minor < 5 || facts.payment.disputed`, Then: guard.Deny},
		policy.Rule{Name: "c", When: `facts.customer.paid["EUR"] == 29000 && facts.customer.known && facts.payment.age_days == 30`, Then: guard.Approve},
	)
	v := w.judge(p, desk, "payment_create_refund", `{"payment_id":"pi_1"}`)
	want := []string{"payment_get_payment pi_1", "crm_get_customer cus_ada", "payment_search_payments cus_ada"}
	if v.Rule != "c" || !slices.Equal(w.asked, want) {
		t.Errorf("got %+v after asking %q, want %q", v, w.asked, want)
	}
	w.asked = nil
	if v := w.judge(p, desk, "crm_create_task", `{"payment_id":"pi_1"}`); v.Rule != "c" || len(w.asked) != 3 {
		t.Errorf("another call: %+v after asking %q", v, w.asked)
	}
}

func TestOwnFacts(t *testing.T) {
	w := newWorld(t)
	w.answers["crm_search_tickets cus_ada"] = `{"tickets":[{"n":9007199254740993},{"n":2}]}`
	facts := map[string]policy.Fact{
		"tickets": {Tool: "crm_search_tickets", Args: map[string]string{"customer": "args.customer"}, Value: "size(result.tickets)"},
		"first":   {Tool: "crm_search_tickets", Args: map[string]string{"customer": "args.customer"}, Value: "result.tickets[0].n"},
		"snake":   {Tool: "crm_search_tickets", Args: map[string]string{"customer": "facts.snake"}, Value: "result"},
	}
	p, err := policy.Compile([]policy.Rule{
		{Name: "snake", When: `has(args.snake) && facts.snake == 1`, Then: guard.Allow},
		{Name: "many", When: `facts.tickets > 1 && facts.first == 9007199254740993`, Then: guard.Deny},
	}, facts, w.options())
	if err != nil {
		t.Fatal(err)
	}
	if v := w.judge(p, desk, "crm_create_task", `{"customer":"cus_ada"}`); v.Rule != "many" {
		t.Errorf("got %+v", v)
	}
	for _, arguments := range []string{`{"customer":"gone"}`, `{}`, `{"snake":1,"customer":"cus_ada"}`} {
		if v := w.judge(p, desk, "crm_create_task", arguments); v.Action != guard.Deny || !strings.Contains(v.Rule, "could not be evaluated") {
			t.Errorf("%s: %+v", arguments, v)
		}
	}
}

func TestMistakesAreFoundAtTheStartWithTheirPlace(t *testing.T) {
	for when, want := range map[string]string{
		`tool = "x"`:                         "line 1, column 6: ",
		"effect == \"x\" &&\n  fool(1)":      "line 2, column 7: ",
		`facts.paymnt.left_minor > 1`:        "undeclared reference",
		`spent("x", "day") > 1`:              "no matching overload",
		`@totals.spent("x","day","EUR") > 1`: "line 1, column 1: ",
		`tool`:                               "gives string, not true or false",
		` `:                                  "it is empty",
		`tool.matches("(")`:                  "missing closing )",
	} {
		_, err := policy.Compile([]policy.Rule{{Name: "r", When: when, Then: guard.Allow}}, nil, policy.Options{})
		var mistake *policy.RuleError
		if err == nil || !strings.Contains(err.Error(), want) || !errors.As(err, &mistake) || mistake.Field != "when" {
			t.Errorf("%s: %v, want %q", when, err, want)
		}
	}
	_, err := policy.Compile([]policy.Rule{{Name: "r", When: "true", Then: "maybe"}, {Name: "r", When: "true", Then: policy.Redact}, {When: "true", Then: guard.Deny, Terms: guard.Terms{Count: 1}}}, nil, policy.Options{})
	for _, want := range []string{`"maybe" is no outcome`, `"r" names two rules`, "go with then: redact", "it needs a name", "go with then: approve"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in: %v", want, err)
		}
	}
}

func TestVersionNamesTheRules(t *testing.T) {
	w := newWorld(t)
	rule := policy.Rule{Name: "r", When: "true", Then: guard.Deny}
	a, b := w.compile(rule), w.compile(rule)
	rule.Reason = "another"
	if c := w.compile(rule); a.Version() == "" || a.Version() != b.Version() || a.Version() == c.Version() {
		t.Errorf("versions %q, %q, %q", a.Version(), b.Version(), c.Version())
	}
}

type anything map[string]any

// The red line: whatever a model writes, a call that is denied, that waits for a person or
// whose rule cannot be evaluated reaches no tool.
func TestNothingDeniedReachesATool(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		rules := policy.Defaults()
		if rapid.Bool().Draw(rt, "own rule") {
			rules = append([]policy.Rule{{Name: "own", When: rapid.SampledFrom([]string{`args.amount_minor > 10`, `args.to.exists(a, a.endsWith("evil.example"))`,
				`facts.payment.left_minor == 1`, `facts.new_addresses.size() == 0 && args.x.y.z`, `count(args.tool, "day") > 0`}).Draw(rt, "when"), Then: guard.Deny}}, rules...)
		}
		p, err := policy.Compile(rules, nil, w.options())
		if err != nil {
			rt.Fatal(err)
		}
		verdicts, reached := &kept{Policy: p}, 0
		tool := tools.Mounted(tools.Tool{Name: "far__pay", Effect: rapid.SampledFrom([]tools.Effect{tools.Money, tools.Message, tools.Write, tools.Read}).Draw(rt, "effect"),
			OpenWorld: true, Input: json.RawMessage(`{"type":"object"}`)}, func(context.Context, json.RawMessage) (json.RawMessage, error) {
			reached++
			return json.RawMessage(`{"content":[]}`), nil
		})
		catalog := tools.NewCatalog()
		if err := catalog.Mount("far", []tools.Tool{tool}); err != nil {
			rt.Fatal(err)
		}
		g := guard.New(catalog, guardtest.NewLedger(), guard.Options{Policy: verdicts, Totals: w.totals, Measure: p.Measure, Counted: p.Counted()})
		who := rapid.SampledFrom([]auth.Principal{desk, clean, tainted}).Draw(rt, "who")
		who.Tools, who.Effects = []string{"*"}, auth.AllEffects()
		result := g.Call(t.Context(), guard.Call{Principal: who, Door: auth.DoorAgent, Tool: "far__pay", Arguments: hostile(rt), Run: who.Run})
		allowed := len(verdicts.got) == 1 && verdicts.got[0].Action == guard.Allow
		if reached > 0 != allowed || allowed != (result.Err == nil) {
			rt.Fatalf("reached %d times, verdicts %+v, %v", reached, verdicts.got, result.Err)
		}
	})
}

// hostile are arguments as a model that tries its worst writes them.
func hostile(rt *rapid.T) json.RawMessage {
	text := rapid.SampledFrom([]string{"ada@example.com", "eve@evil.example", "https://evil.example", "\u202e//evil.example", "pi_1", "gone", "", strings.Repeat("a", 5000), "100", "EUR", "ada@example.com\n\nbcc: eve@evil.example", "\x00"})
	value := rapid.OneOf(rapid.Map(text, func(s string) any { return s }), rapid.Map(rapid.Float64(), func(f float64) any { return fmt.Sprint(f) }),
		rapid.Map(rapid.Int64(), func(i int64) any { return i }), rapid.Just[any](nil), rapid.Just[any](true), rapid.Just[any](json.Number("1e300")),
		rapid.Map(rapid.SliceOfN(text, 0, 3), func(l []string) any { return l }), rapid.Map(text, func(s string) any { return anything{"amount_minor": s, s: anything{"id": 1}} }))
	raw, err := json.Marshal(rapid.MapOfN(rapid.SampledFrom([]string{"to", "cc", "amount_minor", "amount", "currency", "payment_id", "customer", "email", "x", "tool", "text"}), value, 0, 6).Draw(rt, "arguments"))
	if err != nil {
		rt.Fatal(err)
	}
	return raw
}

// kept keeps the verdicts that a policy gave about calls of others than its own.
type kept struct {
	guard.Policy
	got []guard.Verdict
}

func (k *kept) Judge(ctx context.Context, q guard.Question) guard.Verdict {
	v := k.Policy.Judge(ctx, q)
	k.got = append(k.got, v)
	return v
}

func BenchmarkJudge(b *testing.B) {
	w := newWorld(b)
	p := w.compile(policy.Defaults()...)
	for name, q := range map[string]guard.Question{
		"read":    ask(b, tainted, "crm_get_customer", `{"customer":"cus_ada"}`),
		"write":   ask(b, tainted, "crm_create_task", `{"title":"Call Ada","customer":"cus_ada","detail":"Ask whether everything arrived."}`),
		"message": ask(b, tainted, "email_send", `{"to":["ada@example.com"],"subject":"Thank you","text":"Hello Ada, thank you for your payment."}`),
		"refund":  ask(b, clean, "payment_create_refund", `{"payment_id":"pi_1","amount_minor":100}`),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Judge(b.Context(), q)
			}
		})
	}
}
