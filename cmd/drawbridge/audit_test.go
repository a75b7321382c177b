package main

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"

	"drawbridge/bridge/rehearsal"
	"drawbridge/config"
	"drawbridge/server/dispatch"
	"drawbridge/server/guard"
)

// mistaken is a model that gets everything wrong that can be wrong about a call.
const mistaken = `
scenes:
  - when: {turn: 1}
    call:
      - {tool: crm_log_interaction, arguments: '{"customer": '}
      - {tool: crm_log_interaction, arguments: '{"customer":"ada@example.com"}'}
      - {tool: crm_no_such_tool, with: {}}
      - {tool: payment_create_refund, with: {payment_id: pi_demo_1001, reason: other}}
      - {tool: crm_get_customer, with: {customer: ada@example.com}}
  - say: done
`

// TestEveryCallOfARunLeavesOneAuditRow, the ones that never became a call too.
func TestEveryCallOfARunLeavesOneAuditRow(t *testing.T) {
	script, err := rehearsal.Load([]byte(mistaken))
	if err != nil {
		t.Fatal(err)
	}
	model := httptest.NewServer(rehearsal.NewServer(script, rehearsal.Options{}))
	t.Cleanup(model.Close)
	cfg := temporary(t, config.Default())
	agent := config.DefaultAgent()
	agent.Tools = []string{"crm_*"}
	cfg.Agents = map[string]config.Agent{"desk": agent}
	cfg.Model.BaseURL, cfg.Model.Name = model.URL+"/v1", rehearsal.ModelName
	a, err := newApp(t.Context(), cfg, appOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Stop(context.Background()) })
	if err := a.backends.seed(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := a.store.Start(t.Context(), dispatch.NewRun{ID: "run_1", Agent: "desk", Source: dispatch.FromTerminal, Prompt: "go"}); err != nil {
		t.Fatal(err)
	}
	if err := a.worker.RunOne(t.Context(), "run_1"); err != nil {
		t.Fatal(err)
	}
	rows, err := a.store.Audit(t.Context(), "run_1", 100)
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		tool     string
		decision guard.Decision
		rule     string
	}{
		{"crm_log_interaction", guard.Refused, "not valid JSON"},
		{"crm_log_interaction", guard.Refused, "kind"},
		{"crm_no_such_tool", guard.Refused, "permission"},
		{"payment_create_refund", guard.Refused, "permission"},
		{"crm_get_customer", guard.Allowed, ""},
	}
	if len(rows) != len(want) {
		t.Fatalf("%d audit rows, want %d: %+v", len(rows), len(want), rows)
	}
	for i, w := range want {
		r := rows[i]
		if r.Tool != w.tool || r.Decision != w.decision || !strings.Contains(r.Rule, w.rule) || r.Principal != "agent:desk" || r.Door != "agent" || r.Run != "run_1" {
			t.Errorf("row %d is %+v; want %s %s by a rule with %q", i+1, r, w.tool, w.decision, w.rule)
		}
	}
}
