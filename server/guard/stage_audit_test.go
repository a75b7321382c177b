package guard_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"drawbridge/server/auth"
	"drawbridge/server/guard"
	"drawbridge/tools"
)

func TestEveryRefusalLeavesOneRow(t *testing.T) {
	for _, test := range []struct {
		name string
		call guard.Call
		rule string
		code tools.Code
	}{
		{"unknown tool", callFor("shop_nothing", `{}`, ""), "permission: no such tool", tools.Denied},
		{"no tool", callFor("", `{}`, ""), "permission: no tool is named", tools.Denied},
		{"forbidden tool", guard.Call{Principal: auth.Principal{Kind: auth.Key, Name: "desk"}, Tool: "shop_order"}, "permission: not among the principal's tools", tools.Denied},
		{"bad arguments", callFor("shop_order", `{"email":"x","amount":1}`, ""), `validate: email: expected an email address of at most 254 characters, got "x"`, tools.Invalid},
		{"broken arguments", callFor("shop_order", `{"email":`, ""), "validate: the arguments are not valid JSON", tools.Invalid},
		{"bad key", callFor("shop_order", goodOrder, "a b"), "once: unusable key", tools.Invalid},
		{"long key", callFor("shop_order", goodOrder, strings.Repeat("k", guard.MaxKey+1)), "once: unusable key", tools.Invalid},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, guard.Options{})
			if result := w.Call(t.Context(), test.call); code(result) != test.code {
				t.Errorf("got %v, want %s", result.Err, test.code)
			}
			row := w.lastRow(t, 1)
			if row.Decision != guard.Refused || row.Rule != test.rule || row.Outcome != string(test.code) || row.Principal != "key:desk" {
				t.Errorf("row %+v", row)
			}
			if w.calls() != 0 {
				t.Error("the tool was called")
			}
		})
	}
}

func TestRowOfAStrangerNamesNobody(t *testing.T) {
	w := newWorld(t, guard.Options{})
	w.Call(t.Context(), guard.Call{Tool: strings.Repeat("x", 4000)})
	row := w.lastRow(t, 1)
	if row.Principal != "nobody" {
		t.Errorf("principal %q", row.Principal)
	}
	if len(row.Tool) > 200 || !strings.HasSuffix(row.Tool, "[4000 characters]") {
		t.Errorf("tool %q", row.Tool)
	}
}

func TestRowKeepsNoSecret(t *testing.T) {
	w := newWorld(t, guard.Options{})
	const secret = "hunter2hunter2"
	result := w.Call(t.Context(), callFor("shop_order", `{"email":"4111 1111 1111 1111","amount":1,"api_token":"`+secret+`"}`, ""))
	row := w.lastRow(t, 1)
	for where, text := range map[string]string{"arguments": string(row.Arguments), "rule": row.Rule, "answer": result.Err.Message} {
		if strings.Contains(text, secret) || strings.Contains(text, "1111 1111") {
			t.Errorf("the %s show a secret: %s", where, text)
		}
	}
	if want := `{"amount":1,"api_token":"[redacted]","email":"[redacted]"}`; string(row.Arguments) != want {
		t.Errorf("arguments %s, want %s", row.Arguments, want)
	}
}

// A result that nobody can account for is not given out; what may have happened is
// not denied.
func TestCallThatCannotBeRecordedSaysWhatMayHaveHappened(t *testing.T) {
	for _, test := range []struct {
		name, tool, arguments, key string
		fails                      error
		code                       tools.Code
		retryable                  bool
	}{
		{"read", "shop_quote", goodOrder, "", nil, tools.Unavailable, true},
		{"refusal", "shop_charge", `{}`, "", nil, tools.Unavailable, true},
		{"write that the tool refused", "shop_charge", goodOrder, "", tools.Errorf(tools.Conflict, "already paid"), tools.Unavailable, true},
		{"write", "shop_charge", goodOrder, "", nil, tools.OutcomeUnknown, false},
		{"write that broke", "shop_charge", goodOrder, "", errors.New("half-way"), tools.OutcomeUnknown, false},
		{"write under a key that the backend honours", "shop_order", goodOrder, "k1", nil, tools.OutcomeUnknown, true},
		{"write under a key that it does not", "shop_charge", goodOrder, "k1", nil, tools.OutcomeUnknown, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, guard.Options{})
			w.do = func(context.Context, order) (receipt, error) {
				w.ledger.Break(errors.New("disk full"))
				return receipt{ID: "r1"}, test.fails
			}
			if test.name == "refusal" {
				w.ledger.Break(errors.New("disk full"))
			}
			result := w.Call(t.Context(), callFor(test.tool, test.arguments, test.key))
			if code(result) != test.code || result.Err.Retryable != test.retryable || result.Output != nil {
				t.Errorf("got %v, retryable %v, output %s", result.Err, result.Err.Retryable, result.Output)
			}
			if !strings.Contains(w.log.String(), "disk full") {
				t.Errorf("log: %s", w.log)
			}
		})
	}
}
