package config

import (
	"strings"
	"testing"
)

const batchAgents = `
agents:
  triage: {mode: batch, batch: {max_events: 200, max_wait: 1m, poll: 30s, discount: 40}, instructions: "Classify."}
  desk: {instructions: "Help."}
webhooks:
  openai: {scheme: openai, secrets: ["whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="]}
  answers: {scheme: openai, secrets: ["whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="], fetch: true, agent: desk, prompt: "Look."}
`

func TestBatchAgentsAreExplained(t *testing.T) {
	c, err := Parse("f.yaml", []byte(batchAgents), lookupIn(nil))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	c.Explain(&out)
	for _, want := range []string{
		"triage answers in batches of up to 200, made 1m after the first event at the latest; they are asked for after 30s, and then less and less often (40 % off the price).",
		"3 turns, 200000 tokens, 15m",
		"continues batches that are over; nothing comes of other events",
		"has the response fetched that an event tells of, with the key of model",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("does not say %q:\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "desk answers in batches") {
		t.Error("says it of an agent that does not")
	}
	if routes := c.RoutesOf("openai"); len(routes) != 0 {
		t.Errorf("a source that only continues batches has the routes %+v", routes)
	}
}

func TestRoutesThatKeepBatchesSmallAreWarnedOf(t *testing.T) {
	for settings, want := range map[string]string{
		"concurrency: 20":          `"triage" answers in batches, and no batch can have more events than may be under way at once (concurrency: 20)`,
		"order_by: event.customer": "each waits for the batch of the one before",
		"concurrency: 500":         "",
		"delay: 1s":                "",
		// Several routes have agents of their own.
		"concurrency: 20, routes: [{agent: triage, prompt: Look., concurrency: 10}]":                                         "(concurrency: 10)",
		"concurrency: 500, routes: [{agent: triage, prompt: Look.}, {agent: desk, prompt: Look.}]":                           "counts for the source's concurrency of 500",
		"concurrency: 500, routes: [{agent: triage, prompt: Look., when: event.a}, {agent: triage, name: b, prompt: Look.}]": "",
		"routes: [{agent: triage, prompt: Look.}, {agent: desk, prompt: Look., concurrency: 1}]":                             "",
	} {
		if !strings.Contains(settings, "routes") {
			settings += ", agent: triage, prompt: Look."
		}
		c, err := Parse("f.yaml", []byte(batchAgents+"  shop: {scheme: stripe, secrets: [\"0123456789abcdef\"], "+settings+"}\n"), lookupIn(nil))
		if err != nil {
			t.Fatal(err)
		}
		warnings := c.Warnings()
		if got := warnings.Error(); (want == "") != (len(warnings) == 0) || !strings.Contains(got, want) {
			t.Errorf("%s: warnings %q, want %q", settings, got, want)
		}
	}
}
