package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestExplainSaysWhatBecomesOfEvents(t *testing.T) {
	c, err := Parse("drawbridge.yaml", []byte(`
agents:
  billing: {instructions: "Help."}
  audit: {instructions: "Look."}
webhooks:
  shop:
    scheme: stripe
    secrets: ["${WEBHOOK_SECRET}"]
    schema: {type: object, required: [id]}
    validate: quarantine
    concurrency: 4
    match: all
    routes:
      - name: refunds
        when: event.type == "refund"
        agent: billing
        prompt: "Look."
        order_by: event.customer
        debounce: 10s
        delay: 1m
        priority: high
        concurrency: 1
        budget: {turns: 3, wall: 2m}
        callback: {url: "http://127.0.0.1:9000/done?token=hunter2", secret: "${CALLBACK_SECRET}"}
      - {agent: audit, prompt: "Look."}
`), lookupIn(badEnv))
	if err != nil {
		t.Fatal(err)
	}
	const want = `
    is set aside, for somebody to look at, if it does not fit the schema
    has at most 4 runs at once
    becomes a run of each of these routes that takes the event
    1. refunds
       counts when event.type == "refund"
       is handled by agent billing, with high priority
       goes one run at a time, in order of arrival, for each event.customer
       begins 1m after the event
       waits until no other event came for 10s (at most 1m40s), and handles the last one only
       has at most 1 run at once
       may use 3 turns, 2m, in place of what its agent may
       tells the outcome to http://127.0.0.1:9000/done, in up to 10 attempts
    2. audit
       is handled by agent audit
`
	_, got, _ := strings.Cut(explain(c), "up to 10MiB\n")
	if at := strings.Index(got, "    is set aside"); at >= 0 {
		got = got[at:]
	}
	if !strings.HasPrefix(got, strings.TrimPrefix(want, "\n")) {
		t.Errorf("explanation (-want +got):\n%s", cmp.Diff(strings.TrimPrefix(want, "\n"), got))
	}
}

func TestRoutesOfASourceHaveNamesAndTargets(t *testing.T) {
	c := Default()
	c.Webhooks = map[string]Webhook{
		"short": {Agent: "billing", Prompt: "x"},
		"long":  {Routes: []Route{{Agent: "billing"}, {Name: "other", Agent: "billing"}}},
	}
	got := map[string]string{}
	for name := range c.Webhooks {
		for _, r := range c.RoutesOf(name) {
			got[r.Path] = r.Name + " " + r.Target
		}
	}
	want := map[string]string{"webhooks.short": "billing short", "webhooks.long.routes[0]": "billing long/billing", "webhooks.long.routes[1]": "other long/other"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
