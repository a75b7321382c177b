package policy_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"drawbridge/server/guard"
	"drawbridge/server/policy"
)

func TestLintFindsWhatIsLikelyNotMeant(t *testing.T) {
	names := policy.Names{Agents: []string{"billing"}, Sources: []string{"stripe", "nightly"}, MayBe: func(tool string) bool { return strings.HasPrefix(tool, "later__") }}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		tool := known[name]
		tool.Input = json.RawMessage(`{"type":"object","properties":{"amount_minor":{},"customer":{},"email":{}},"additionalProperties":false}`)
		names.Tools = append(names.Tools, tool)
	}
	rule := func(when string, then guard.Action) policy.Rule { return policy.Rule{When: when, Then: then} }
	for _, c := range []struct {
		rules []policy.Rule
		want  []string // each a part of a finding, in order
	}{
		{policy.Defaults(), nil},
		{[]policy.Rule{rule(`false`, guard.Deny)}, []string{"can never match: its condition holds for no call"}},
		{[]policy.Rule{rule(`tool == "email_send" && effect == "money"`, guard.Deny)}, []string{"can never match: its condition holds for no call"}},
		{[]policy.Rule{rule(`tool == "email_send" && args.amount_minor > 1`, guard.Deny)}, nil},
		{[]policy.Rule{rule(`true`, guard.Deny)}, []string{"denies everything"}},
		{[]policy.Rule{rule(`size(tool) > 0 || run.tainted`, guard.Deny), rule(`effect == "money"`, guard.Allow)}, []string{"denies everything", `can never match: whatever it is about, "r0" decides before`}},
		{[]policy.Rule{rule(`effect == "money"`, guard.Allow), rule(`effect == "money" && args.amount_minor > 5`, guard.Deny)}, []string{`"r0" decides before`}},
		{[]policy.Rule{rule(`effect == "money" && run.tainted`, guard.Allow), rule(`effect == "money"`, guard.Deny)}, nil},
		{[]policy.Rule{rule(`tool == "email_sent"`, guard.Deny)}, []string{`no tool "email_sent"`, "can never match"}},
		{[]policy.Rule{rule(`tool in ["email_send", "emial_send"]`, guard.Deny)}, []string{`no tool "emial_send"`}},
		{[]policy.Rule{rule(`tool == "later__pay"`, guard.Deny)}, nil},
		{[]policy.Rule{rule(`effect == "moeny" || effect == "money"`, guard.Deny)}, []string{`no effect "moeny"`}},
		{[]policy.Rule{rule(`agent == "biling" || source == "strip"`, guard.Deny)}, []string{`no agent "biling"`, `no webhook or schedule "strip"`}},
		{[]policy.Rule{rule(`source == "schedule/nightly"`, guard.Deny)}, []string{`by its name alone: "nightly"`}},
		{[]policy.Rule{rule(`spent("payment_refund", "day", "EUR") > 5`, guard.Deny)}, []string{`no tool "payment_refund", which it adds up`}},
		{[]policy.Rule{rule(`tool == "payment_create_refund" && args.amount > 5`, guard.Deny)}, []string{`argument "amount"`}},
	} {
		w := newWorld(t)
		for i := range c.rules {
			if c.rules[i].Name == "" {
				c.rules[i].Name = "r" + string(rune('0'+i))
			}
		}
		found, err := w.compile(c.rules...).Lint(names)
		if err != nil || len(found) != len(c.want) {
			t.Errorf("%s: %+v, %v, want %q", c.rules[0].When, found, err, c.want)
			continue
		}
		for i, want := range c.want {
			if !strings.Contains(found[i].Message, want) {
				t.Errorf("%s: %q, want %q", c.rules[0].When, found[i].Message, want)
			}
		}
	}
}
