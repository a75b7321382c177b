package policy_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"drawbridge/server/auth"
	"drawbridge/server/guard"
	"drawbridge/server/policy"
	"drawbridge/tools"
)

// atoms are conditions of every kind: that hang on the tool alone, on the call, on both, that
// ask for facts and totals, and that have no value for some calls.
var atoms = []string{
	`true`, `false`, `effect == "read"`, `effect != "money"`, `effect in ["message", "money"]`, `"write" == effect`, `tool == "email_send"`,
	`tool in ["payment_create_refund", "crm_create_task", "far__pay"]`, `tool.startsWith("crm_")`, `tool.matches("^payment_")`, `size(tool) > 12`,
	`call.destructive`, `call.open_world`, `call.mounted`, `call.local`, `run.tainted`, `door == "http"`, `principal == "key:desk"`, `principal.kind == "agent"`,
	`source == "stripe"`, `run.calls > 0`, `"email_send" in run.counts`, `has(args.customer)`, `args.amount_minor > 10`, `args.amount_minor == args.customer`,
	`args.to.exists(a, a.endsWith("evil.example"))`, `args.to.all(a, a != tool)`, `["email_send", tool].exists(t, t == "email_send")`, `[effect].all(e, e == "read" || args.x)`,
	`facts.amount_known`, `facts.amount_minor > 50000`, `facts.payment.left_minor == 1`, `facts.customer.known`, `facts.recipients_known`, `facts.recipients_of_event`,
	`size(facts.new_addresses) > 0`, `facts.own > 1`, `spent("payment_create_refund", "day", facts.currency) > 100`, `count(tool, "hour") > 0`, `count(tool, "year") > 0`,
	`{"read": true, "write": run.tainted}[effect]`, `(effect == "read" ? args.q : tool) == "crm_create_task"`, `1 / (size(tool) - 10) > 0`, `dyn(tool) > 3`,
}

// conditions draws one, made of atoms.
func conditions(depth int) *rapid.Generator[string] {
	if depth == 0 {
		return rapid.SampledFrom(atoms)
	}
	return rapid.Custom(func(t *rapid.T) string {
		a, b := conditions(depth-1).Draw(t, "a"), conditions(depth-1).Draw(t, "b")
		switch rapid.SampledFrom([]string{"atom", "and", "or", "not", "choice"}).Draw(t, "form") {
		case "and":
			return "(" + a + " && " + b + ")"
		case "or":
			return "(" + a + " || " + b + ")"
		case "not":
			return "!(" + a + ")"
		case "choice":
			return "(" + conditions(0).Draw(t, "which") + " ? " + a + " : " + b + ")"
		}
		return a
	})
}

// Whatever the rules and the call, those that the index leaves out would not have decided.
func TestCallIsJudgedAsIfAllRulesHadBeenTried(t *testing.T) {
	names := slices.Sorted(maps.Keys(known))
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		w.spend(1000, noon.Add(-1))
		w.answers["crm_search_tickets cus_ada"] = `{"tickets":[1,2]}`
		var rules []policy.Rule
		for i := range rapid.IntRange(1, 6).Draw(rt, "rules") {
			r := policy.Rule{Name: fmt.Sprintf("r%d", i), When: conditions(3).Draw(rt, "when"), Then: rapid.SampledFrom([]guard.Action{guard.Allow, guard.Deny, guard.Approve, guard.DryRun}).Draw(rt, "then")}
			rules = append(rules, r)
		}
		if rapid.Bool().Draw(rt, "defaults") {
			rules = append(rules, policy.Defaults()...)
		}
		facts := map[string]policy.Fact{"own": {Tool: "crm_search_tickets", Args: map[string]string{"customer": "args.customer"}, Value: "size(result.tickets)"}}
		p, err := policy.Compile(rules, facts, w.options())
		if err != nil {
			rt.Fatal(err)
		}
		for range 5 {
			q := ask(t, rapid.SampledFrom([]auth.Principal{desk, here, typed, clean, tainted}).Draw(rt, "who"), rapid.SampledFrom(names).Draw(rt, "tool"), string(hostile(rt)))
			got, want := p.Judge(t.Context(), q), p.JudgeByAll(t.Context(), q)
			if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
				rt.Fatalf("%s %v: by the index %+v, by all %+v", q.Tool.Name, q.Arguments, got, want)
			}
		}
	})
}

// What a rule would look up that is about other tools is not looked up.
func TestRuleAboutOtherToolsCostsNoLookUp(t *testing.T) {
	w := newWorld(t)
	p := w.compile(policy.Rule{Name: "money", When: `facts.customer.paid["EUR"] > 5 && effect == "money"`, Then: guard.Deny})
	if v := w.judge(p, desk, "crm_create_task", `{"customer":"cus_ada"}`); v.Action != guard.Allow || len(w.asked) != 0 {
		t.Errorf("got %+v after asking %q", v, w.asked)
	}
	if v := w.judge(p, desk, "payment_create_refund", `{"payment_id":"pi_1"}`); v.Action != guard.Deny || len(w.asked) == 0 {
		t.Errorf("got %+v after asking %q", v, w.asked)
	}
}

// A mount may offer a tool anew, under its name, as another kind of tool.
func TestToolThatChangesIsJudgedAsItIs(t *testing.T) {
	w := newWorld(t)
	p := w.compile(policy.Rule{Name: "no", When: `effect == "money" || call.destructive`, Then: guard.Deny})
	for _, c := range []struct {
		tool tools.Tool
		want guard.Action
	}{
		{tools.Tool{Name: "far__do", Effect: tools.Write, Mounted: true}, guard.Allow},
		{tools.Tool{Name: "far__do", Effect: tools.Money, Mounted: true}, guard.Deny},
		{tools.Tool{Name: "far__do", Effect: tools.Write, Mounted: true, Destructive: true}, guard.Deny},
		{tools.Tool{Name: "far__do", Effect: tools.Write, Mounted: true}, guard.Allow},
	} {
		if v := p.Judge(t.Context(), guard.Question{Principal: desk, Tool: c.tool}); v.Action != c.want {
			t.Errorf("%+v: %+v", c.tool, v)
		}
	}
}

func TestIndexForgetsWhenServersMakeUpNames(t *testing.T) {
	w := newWorld(t)
	p := w.compile(policy.Rule{Name: "no", When: `tool.endsWith("7")`, Then: guard.Deny})
	for i := range 2*policy.MostKinds + 10 {
		name := fmt.Sprintf("far__t%d", i)
		if v := p.Judge(t.Context(), guard.Question{Principal: desk, Tool: tools.Tool{Name: name}}); v.Action == guard.Deny != strings.HasSuffix(name, "7") {
			t.Fatalf("%s: %+v", name, v)
		}
	}
	if n := p.Kinds(); n > policy.MostKinds {
		t.Errorf("%d are remembered", n)
	}
}

// A text that is not searched for hosts has none.
func TestTextWithAHostIsSearched(t *testing.T) {
	part := rapid.SampledFrom([]string{"www.", "WwW.", "w", ".", "/", `\`, "//", `\\`, ":", "mailto:", "MAILTO:", "http", "evil.example", "a", " ", "ſ", "K", "é", "-", "@", "8080"})
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(part, 0, 8).Draw(t, "parts"), "")
		if found := policy.Hosts(text); len(found) > 0 && !policy.MayNameHost(text) {
			t.Fatalf("%q names %q", text, found)
		}
	})
}
