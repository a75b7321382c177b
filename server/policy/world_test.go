package policy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"drawbridge/server/auth"
	"drawbridge/server/guard"
	"drawbridge/server/guard/guardtest"
	"drawbridge/server/policy"
	"drawbridge/tools"
)

var noon = time.UnixMilli(1_800_000_000_000).UTC()

// world is a company that facts are about: what its tools say, and how often they were
// asked.
type world struct {
	t       testing.TB
	totals  *guardtest.Totals
	answers map[string]string // by tool and the one argument that matters
	subject policy.Subject

	mu    sync.Mutex
	asked []string
}

func newWorld(t testing.TB) *world {
	return &world{t: t, totals: guardtest.NewTotals(), subject: policy.Subject{Customers: []string{"cus_ada", "nobody"}, Since: noon}, answers: map[string]string{
		"payment_get_payment pi_1": `{"status":"succeeded","amount":{"amount_minor":30000,"currency":"EUR"},"left_to_refund":{"amount_minor":30000,"currency":"EUR"},
			"created_at":"` + noon.Add(-30*24*time.Hour).Format(time.RFC3339) + `","customer":{"reference":"cus_ada","email":"ada@example.com"}}`,
		"payment_get_payment pi_old": `{"status":"succeeded","amount":{"amount_minor":100,"currency":"EUR"},"left_to_refund":{"amount_minor":100,"currency":"EUR"},
			"created_at":"` + noon.Add(-200*24*time.Hour).Format(time.RFC3339) + `"}`,
		"payment_get_payment pi_held": `{"status":"authorized","amount":{"amount_minor":900000,"currency":"EUR"},"left_to_refund":{"amount_minor":0,"currency":"EUR"},
			"created_at":"` + noon.Add(-time.Hour).Format(time.RFC3339) + `"}`,
		"payment_get_payment pi_large": `{"status":"authorized","amount":{"amount_minor":1000001,"currency":"EUR"},"left_to_refund":{"amount_minor":0,"currency":"EUR"},
			"created_at":"` + noon.Add(-time.Hour).Format(time.RFC3339) + `"}`,
		"payment_search_payments cus_ada": `{"payments":[{"status":"succeeded","amount":{"amount_minor":30000,"currency":"EUR"},"refunded":{"amount_minor":1000,"currency":"EUR"}},
			{"status":"authorized","amount":{"amount_minor":9,"currency":"EUR"}},{"status":"canceled","amount":{"amount_minor":9,"currency":"EUR"}},
			{"status":"failed","amount":{"amount_minor":5,"currency":"EUR"}}]}`,
		"crm_get_customer cus_ada":         `{"customer":{"email":"Ada@example.com","created_at":"2020-01-01T00:00:00Z"}}`,
		"crm_get_customer ada@example.com": `{"customer":{"email":"ada@example.com","created_at":"2020-01-01T00:00:00Z"}}`,
		"crm_get_customer new@example.com": `{"customer":{"email":"new@example.com","created_at":"` + noon.Add(time.Hour).Format(time.RFC3339) + `"}}`,
		"email_get_message msg_1":          `{"to":["eve@evil.example"],"cc":[],"text":"see http://evil.example/x","has_html":true}`,
	}}
}

func (w *world) options() policy.Options {
	return policy.Options{Totals: w.totals, Hosts: []string{"shop.example.com"}, Now: func() time.Time { return noon },
		Subject: func(context.Context, string) (policy.Subject, error) { return w.subject, nil },
		Lookup: func(_ context.Context, tool string, arguments json.RawMessage) (json.RawMessage, error) {
			var given map[string]any
			if err := json.Unmarshal(arguments, &given); err != nil {
				return nil, err
			}
			for _, name := range []string{"payment_id", "customer", "id"} {
				if id, ok := given[name].(string); ok {
					tool += " " + id
				}
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			w.asked = append(w.asked, tool)
			if answer, known := w.answers[tool]; known {
				return json.RawMessage(answer), nil
			}
			return nil, tools.Errorf(tools.NotFound, "there is none")
		}}
}

func (w *world) compile(rules ...policy.Rule) *policy.Policy {
	w.t.Helper()
	p, err := policy.Compile(rules, nil, w.options())
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

var known = map[string]tools.Tool{
	"payment_create_refund":           {Name: "payment_create_refund", Effect: tools.Money, Destructive: true},
	"email_send":                      {Name: "email_send", Effect: tools.Message, OpenWorld: true},
	"email_send_draft":                {Name: "email_send_draft", Effect: tools.Message, OpenWorld: true},
	"crm_update_customer":             {Name: "crm_update_customer", Effect: tools.Write},
	"crm_create_task":                 {Name: "crm_create_task", Effect: tools.Write},
	"crm_get_customer":                {Name: "crm_get_customer", Effect: tools.Read},
	"payment_send_invoice":            {Name: "payment_send_invoice", Effect: tools.Money},
	"payment_void_invoice":            {Name: "payment_void_invoice", Effect: tools.Write, Destructive: true},
	"payment_capture_payment":         {Name: "payment_capture_payment", Effect: tools.Money, Destructive: true},
	"payment_cancel_payment":          {Name: "payment_cancel_payment", Effect: tools.Money, Destructive: true},
	"payment_draft_dispute_evidence":  {Name: "payment_draft_dispute_evidence", Effect: tools.Write},
	"payment_submit_dispute_evidence": {Name: "payment_submit_dispute_evidence", Effect: tools.Money, Destructive: true, OpenWorld: true},
	"payment_update_customer":         {Name: "payment_update_customer", Effect: tools.Write, Destructive: true},
	"far__fetch":                      {Name: "far__fetch", Effect: tools.Read, OpenWorld: true, Mounted: true},
	"far__pay":                        {Name: "far__pay", Effect: tools.Money, OpenWorld: true, Mounted: true, Destructive: true},
	"payment_create_payment":          {Name: "payment_create_payment", Effect: tools.Money},
}

var (
	desk    = auth.Principal{Kind: auth.Key, Name: "desk"}
	here    = auth.Principal{Kind: auth.Local, Name: "stdio"}
	typed   = auth.Principal{Kind: auth.Agent, Name: "assistant", For: "local:cli", Run: "run_1"}
	clean   = auth.Principal{Kind: auth.Agent, Name: "billing", For: "key:desk", Run: "run_1"}
	tainted = auth.Principal{Kind: auth.Agent, Name: "billing", For: "webhook:stripe", Run: "run_1", Tainted: true}
)

func ask(t testing.TB, p auth.Principal, tool, arguments string) guard.Question {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(arguments))
	decoder.UseNumber()
	var decoded any
	if err := decoder.Decode(&decoded); err != nil {
		t.Fatal(err)
	}
	if _, ok := known[tool]; !ok {
		t.Fatalf("there is no tool %q", tool)
	}
	return guard.Question{Principal: p, Door: auth.DoorAgent, Tool: known[tool], Arguments: decoded, Run: p.Run}
}

func (w *world) judge(p *policy.Policy, who auth.Principal, tool, arguments string) guard.Verdict {
	w.t.Helper()
	q := ask(w.t, who, tool, arguments)
	q.Notes = guard.Notes{}
	q.Measure = p.Measure(w.t.Context(), q)
	return p.Judge(w.t.Context(), q)
}

func (w *world) spend(minor int64, at time.Time) {
	w.t.Helper()
	_, _, err := w.totals.Reserve(w.t.Context(), guard.Effected{ID: fmt.Sprint(minor, at), Principal: "key:desk", Tool: "payment_create_refund", Effect: tools.Money,
		Measure: guard.Measure{Minor: minor, Currency: "EUR"}, At: at})
	if err != nil {
		w.t.Fatal(err)
	}
}
