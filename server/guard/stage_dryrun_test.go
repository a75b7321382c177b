package guard_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"drawbridge/server/auth"
	"drawbridge/server/guard"
	"drawbridge/tools"
)

// judge is a policy that says the same of every call.
type judge guard.Verdict

func (j judge) Judge(context.Context, guard.Question) guard.Verdict { return guard.Verdict(j) }

func (j judge) Version() string { return "test" }

// dryRuns are the ways into a dry run.
var dryRuns = map[string]func(c *guard.Call) (guard.Policy, string){
	"of the key": func(c *guard.Call) (guard.Policy, string) {
		c.Principal.DryRun = true
		return nil, "key:desk"
	},
	"of the agent": func(c *guard.Call) (guard.Policy, string) {
		c.Principal = auth.Principal{Kind: auth.Agent, Name: "billing", Run: "run_1", Tools: []string{"*"}, Effects: auth.AllEffects(), DryRun: true}
		return nil, "agent:billing"
	},
	"of one call": func(c *guard.Call) (guard.Policy, string) {
		c.DryRun = true
		return nil, "this call"
	},
	"of a rule": func(*guard.Call) (guard.Policy, string) {
		return judge{Action: guard.DryRun, Rule: "refunds"}, `the rule "refunds"`
	},
	"of a call that a rule wants approved": func(c *guard.Call) (guard.Policy, string) {
		c.DryRun = true
		return judge{Action: guard.Approve, Rule: "refunds"}, "an approval first"
	},
}

func TestDryRunSaysWhatTheCallWouldDoAndMakesNone(t *testing.T) {
	for name, in := range dryRuns {
		for _, key := range []string{"", "k1"} {
			call := callFor("shop_charge", goodOrder, key)
			rules, says := in(&call)
			w := newWorld(t, guard.Options{Policy: rules})
			result := w.Call(t.Context(), call)
			if code(result) != tools.DryRun || result.Err.Retryable || w.calls() != 0 {
				t.Fatalf("%s: got %+v after %d calls", name, result, w.calls())
			}
			for _, want := range []string{says, "shop_charge", goodOrder, "nothing was done", "money"} {
				if !strings.Contains(result.Err.Message, want) {
					t.Errorf("%s: does not say %q: %s", name, want, result.Err.Message)
				}
			}
			row := w.lastRow(t, 1)
			if !row.DryRun || row.Decision != guard.Allowed || row.Outcome != "dry_run" || !strings.HasPrefix(row.Rule, "dry_run: ") {
				t.Errorf("%s: row %+v", name, row)
			}
		}
	}
}

// A key that carried a dry run carries the call itself afterwards.
func TestDryRunLeavesItsKeyFree(t *testing.T) {
	for name, in := range dryRuns {
		call := callFor("shop_charge", goodOrder, "k1")
		rules, _ := in(&call)
		change := &switched{Policy: rules}
		w := newWorld(t, guard.Options{Policy: change})
		w.Call(t.Context(), call)
		change.Policy = judge{Action: guard.Allow}
		call.DryRun, call.Principal.DryRun = false, false
		if result := w.Call(t.Context(), call); result.Err != nil || result.Repeated || w.calls() != 1 {
			t.Errorf("%s: got %+v after %d calls", name, result, w.calls())
		}
	}
}

func (s *switched) Version() string { return "test" }

// switched is a policy that changes.
type switched struct{ guard.Policy }

func (s *switched) Judge(ctx context.Context, q guard.Question) guard.Verdict {
	if s.Policy == nil {
		return guard.Verdict{Action: guard.Allow}
	}
	return s.Policy.Judge(ctx, q)
}

func TestDryRunReads(t *testing.T) {
	for name, in := range dryRuns {
		call := callFor("shop_quote", goodOrder, "")
		rules, _ := in(&call)
		if j, ok := rules.(judge); ok && j.Action == guard.Approve {
			continue // a read that needs an approval needs it in dry run as well
		}
		w := newWorld(t, guard.Options{Policy: rules})
		if result := w.Call(t.Context(), call); result.Err != nil || w.calls() != 1 {
			t.Errorf("%s: got %+v", name, result)
		}
		if row := w.lastRow(t, 1); row.DryRun {
			t.Errorf("%s: row %+v", name, row)
		}
	}
}

func TestDryRunStillRefuses(t *testing.T) {
	call := callFor("shop_charge", goodOrder, "")
	call.DryRun = true
	w := newWorld(t, guard.Options{Policy: judge{Action: guard.Deny, Rule: "no"}})
	if result := w.Call(t.Context(), call); code(result) != tools.Denied {
		t.Errorf("a call that a rule denies: %+v", result)
	}
	if row := w.lastRow(t, 1); !row.DryRun || row.Decision != guard.Refused {
		t.Errorf("row %+v", row)
	}
	call.Arguments = json.RawMessage(`{}`)
	if result := newWorld(t, guard.Options{}).Call(t.Context(), call); code(result) != tools.Invalid {
		t.Errorf("arguments that do not fit: %+v", result)
	}
}

// The red line: whatever else is true of a call in dry run, no tool that could change
// something is reached.
func TestNothingButAReadIsReachedInDryRun(t *testing.T) {
	ways := []string{"of the key", "of the agent", "of one call", "of a rule", "of a call that a rule wants approved"}
	rapid.Check(t, func(rt *rapid.T) {
		call := callFor(rapid.SampledFrom([]string{"shop_quote", "shop_order", "shop_charge", "shop_nothing"}).Draw(rt, "tool"),
			rapid.SampledFrom([]string{goodOrder, `{}`, `{"email":`, ""}).Draw(rt, "arguments"), rapid.SampledFrom([]string{"", "k1", "a b"}).Draw(rt, "key"))
		call.Run = rapid.SampledFrom([]string{"", "run_1"}).Draw(rt, "run")
		rules, _ := dryRuns[rapid.SampledFrom(ways).Draw(rt, "way")](&call)
		w := newWorld(t, guard.Options{Policy: rules})
		ctx := t.Context()
		if rapid.Bool().Draw(rt, "again") {
			ctx = guard.WithAgain(ctx)
		}
		for range rapid.IntRange(1, 3).Draw(rt, "times") {
			result := w.Call(ctx, call)
			if call.Tool != "shop_quote" && (w.calls() > 0 || result.Err == nil) {
				rt.Fatalf("%+v: %+v after %d calls", call, result, w.calls())
			}
		}
	})
}
