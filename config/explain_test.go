package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func explain(c *Config) string {
	var out strings.Builder
	c.Explain(&out)
	return out.String()
}

func TestExplainSaysWhatTheContractDoes(t *testing.T) {
	text := strings.Replace(contract, `public_url: ""`, "public_url: https://bridge.example.com/", 1)
	text = strings.Replace(text, "[${STRIPE_WEBHOOK_SECRET}]", "[${STRIPE_WEBHOOK_SECRET}, {secret: ${DESK_KEY}, not_after: 2026-01-31T12:00:00Z}]", 1)
	text = strings.Replace(text, "9000/done", "9000/done?token=hunter2", 1)
	c, err := Parse("drawbridge.yaml", []byte(text), lookupIn(contractEnv))
	if err != nil {
		t.Fatal(err)
	}
	const want = `Read from drawbridge.yaml.
Listens on 127.0.0.1:8080, from this machine only. A stop waits 25s for what is under way.
Serves tools at /mcp and /sse, agents at /v1/chat/completions (requests up to 10MiB) and webhooks at /webhooks/{name}.
Keeps its state in the SQLite file ./data/drawbridge.db. Accepts no events while less than 500MiB or 5 % of its disk is free.
Asks model gpt-5.1 at https://api.openai.com/v1, with the API key of model.api_key, up to 4 times, and waits 5m for a sign of life. It takes text, images, files.
Works on 32 runs of events and sends 64 callbacks at a time. Logs info and above, as text.
Sends 4 callbacks to one address at a time, and disables one that does nothing but fail for 5d. Requests cannot ask for callbacks: there are no callbacks.secrets.
Keeps events for 90d, runs for 90d, delivered callbacks for 90d, the audit for 400d, refused deliveries for 30d, keys of tool calls for 90d; dead letters until somebody deletes them.

Tools
  family   backend
  crm      builtin
  payment  builtin
  email    outbox  from drawbridge@example.com

Tool calls
  One (message, money) that a client sends again within 10m, without an idempotency key, gets the first result.
  Limit money: calls of * (money) of each *, at most 60/m, 20 at once after a pause, 10 under way, 200 in an hour, 1000 in a day.
  Limit messages: calls of * (message) of each *, at most 300/m, 100 at once after a pause, 50 under way, 2000 in an hour, 10000 in a day.
  Taken out of what outsiders wrote: what looks like one of card, iban, secret.

API keys
  name  may call          with effects  may talk to  at most
  desk  crm_* email_send  read write    *            600 requests a minute, 32 at a time

A chat stream is silent for 5s at most; tool calls are not shown. A run whose client has gone goes on; one that waits for its client's own tools does so for 1h.

Agents
  name     may call                     with effects  model    answers  each run at most
  billing  crm_* email_* payment_get_*  read write    gpt-5.1  text     12 turns, 40 calls, 200000 tokens, 5m

Webhooks
  POST https://bridge.example.com/webhooks/stripe
    must be signed (stripe) with one of 2 secrets (number 2 until 2026-01-31T12:00:00Z) within 5m, up to 10MiB
    counts when event.type == "payment_intent.succeeded"
    is handled by agent billing
    tells the outcome to http://127.0.0.1:9000/done, in up to 10 attempts
`
	if diff := cmp.Diff(want, explain(c)); diff != "" {
		t.Errorf("explanation (-want +got):\n%s", diff)
	}
}

func TestExplainSaysWhatTheDefaultsDo(t *testing.T) {
	c, err := Load("", lookupIn(map[string]string{OpenAIKeyVariable: "sk-model"}))
	if err != nil {
		t.Fatal(err)
	}
	got := explain(c)
	for _, want := range []string{
		"There is no configuration file: every default applies.\n",
		"with the API key of OPENAI_API_KEY,",
		"\nThere are no API keys: whoever can connect may call every tool with effects read write message money and talk to every agent (600 requests a minute, 32 at a time).\n",
		"assistant  *",
		"\nThere are no webhooks.\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in:\n%s", want, got)
		}
	}
}

func TestExplainSaysWhoseDeliveriesAreBelieved(t *testing.T) {
	secret := []WebhookSecret{{Secret: "a secret nobody must see"}}
	for want, w := range map[string]Webhook{
		"must be signed (shopify) with 1 secret":                                                                {Scheme: "shopify", Secrets: secret},
		"must be signed (hubspot) with 1 secret within 5m":                                                      {Scheme: "hubspot", Secrets: secret},
		"must be signed (hubspot v2, v1) with 1 secret":                                                         {Scheme: "hubspot", Secrets: secret, Versions: []string{"v2", "v1"}},
		"must show 1 secret in header Authorization":                                                            {Scheme: "token", Secrets: secret},
		"must show 1 secret in header X-Token":                                                                  {Scheme: "token", Secrets: secret, Header: "X-Token"},
		"must show 1 secret at the end of the path, from any organization":                                      {Scheme: "salesforce", Secrets: secret},
		"must show one of 2 secrets at the end of the path, from organization 00D000000000001":                  {Scheme: "salesforce", Secrets: append(secret, secret...), Organization: "00D000000000001"},
		"must show 1 secret in header Authorization and a client certificate":                                   {Scheme: "token", Secrets: secret, ClientCA: "roots.pem"},
		"must show 1 secret at the end of the path and the client certificate of a or b, from any organization": {Scheme: "salesforce", Secrets: secret, ClientCA: "roots.pem", ClientNames: []string{"a", "b"}},
		"believes whatever anybody sends":                                                                       {Scheme: "unsafe_none", UnsafeNoVerification: true},
		"must be signed (hmac) with 1 secret within 5m":                                                         {Scheme: "hmac", Secrets: secret, TimestampHeader: "X-Time"},
	} {
		w.Tolerance = DefaultWebhook().Tolerance
		if got := w.trust(); got != want {
			t.Errorf("%s: %q, want %q", w.Scheme, got, want)
		}
	}
}

func TestExplainNamesNoWindowWhereNoTimeIsSigned(t *testing.T) {
	c := accepted()
	w := c.Webhooks["stripe"]
	for scheme, want := range map[string]bool{"github": false, "hmac": false, "stripe": true, "standard": true} {
		w.Scheme = scheme
		c.Webhooks["stripe"] = w
		if got := strings.Contains(explain(c), " within 5m"); got != want {
			t.Errorf("%s: window is named: %v, want %v", scheme, got, want)
		}
	}
}

func TestExplainShowsNoVariableInACondition(t *testing.T) {
	text := strings.Replace(contract, `== "payment_intent.succeeded"`, `== "${OPENAI_API_KEY}"`, 1)
	c, err := Parse("f", []byte(text), lookupIn(contractEnv))
	if err != nil {
		t.Fatal(err)
	}
	if got := explain(c); !strings.Contains(got, `counts when event.type == "${OPENAI_API_KEY}"`) {
		t.Errorf("got:\n%s", got)
	}
}

func TestExplainNamesMountedServersWithoutTheirSecrets(t *testing.T) {
	const text = `
tools:
  mcp:
    - {name: files, command: [npx, --token=hunter2], env: {KEY: hunter2}, include: ["read_*", write_file], trust: [hints, changes]}
    - {name: tickets, url: "https://tickets.example.com/mcp?key=hunter2", headers: {Authorization: hunter2}}
    - {name: zaps, url: "https://zaps.example.com/s/${ZAPS_TOKEN}/mcp"}
`
	c, err := Parse("drawbridge.yaml", []byte(text), lookupIn(map[string]string{"ZAPS_TOKEN": "hunter2"}))
	if err != nil {
		t.Fatal(err)
	}
	const want = `
MCP servers
  prefix     offers             reached by                       trusted with
  files__    read_* write_file  runs npx                         hints, changes
  tickets__  *                  https://tickets.example.com/mcp  nothing
  zaps__     *                  https://zaps.example.com/…       nothing
`
	got := explain(c)
	if !strings.Contains(got, want) {
		t.Errorf("explanation:\n%s\nwant in it:%s", got, want)
	}
	if strings.Contains(got, "hunter2") {
		t.Errorf("a secret is shown:\n%s", got)
	}
}

func TestExplainNamesModelsPricesAndBounds(t *testing.T) {
	const text = `
server:
  keys:
    - {name: shop, key: 0123456789abcdef, tools: ["*"], agents: [], requests_per_minute: 0, concurrent: 0}
    - {name: desk, key: 0123456789abcdefg, tools: [crm_*], agents: [a], requests_per_minute: 0}
model: {api: responses, prices: {gpt-5.1: {input: 1.25, cached: 0.125, output: 10}, spare: {input: 0.5, output: 2, reasoning: 3}}}
models:
  spare: {base_url: "https://models.example.com/v1", name: small-2, api_key: hunter2, images: false, files: true}
  local: {base_url: "http://127.0.0.1:1/${HIDDEN}/v1"}
chat: {activity: true, on_disconnect: cancel}
agents:
  a: {fallback: [spare], daily: {cost: 50 USD, turns: 100}, output: {type: object}}
  b: {model: spare, tools: ["*"], budget: {cost: 0.50 USD}}
`
	c, err := Parse("f.yaml", []byte(text), lookupIn(map[string]string{"HIDDEN": "hunter2"}))
	if err != nil {
		t.Fatal(err)
	}
	got := explain(c)
	for _, want := range []string{`
Asks model gpt-5.1 at https://api.openai.com/v1 (Responses API), without an API key, up to 4 times, and waits 5m for a sign of life. It takes text, images, files.
`, `
Models
  name   is       at                             api   key                                       window  takes
  local  local    http://127.0.0.1:1/…           chat  without an API key                        128000  text, images
  spare  small-2  https://models.example.com/v1  chat  with the API key of models.spare.api_key  128000  text, files
`, `
Prices, USD for a million tokens
  model    input  cached  output  reasoning
  gpt-5.1  1.25   0.125   10      10
  spare    0.5    0.5     2       3
`, `
API keys
  name  may call  with effects  may talk to  at most
  shop  *         read write    nobody       any number of requests
  desk  crm_*     read write    a            32 at a time
`, `tool calls are shown as reasoning. A run whose client has gone is cancelled;`, `
Agents
  name  may call  with effects  model                answers  each run at most                                  all runs of a day at most
  a     no tool   none          gpt-5.1, else spare  JSON     12 turns, 40 calls, 200000 tokens, 15m            100 turns, 50.00 USD
  b     *         read write    spare                text     12 turns, 40 calls, 200000 tokens, 15m, 0.50 USD  no bound
`} {
		if !strings.Contains(got, want) {
			t.Errorf("not in the explanation:%s\nwhich is:\n%s", want, got)
		}
	}
	if strings.Contains(got, "hunter2") {
		t.Errorf("a secret is shown:\n%s", got)
	}
}

func TestExplainSaysWhenSchedulesAre(t *testing.T) {
	const text = `
agents: {billing: {instructions: "Help."}}
schedules:
  overdue: {cron: "0 8 * * ${DAYS}", zone: Europe/Berlin, agent: billing, prompt: Remind., catch_up: all, overlap: queue, priority: high}
  stock: {every: 6h, agent: billing, prompt: Count., catch_up: skip, paused: true}
  closing: {at: 2026-12-31T18:00:00+01:00, agent: billing, prompt: Close., overlap: parallel, callback: {url: "https://example.com/done?token=hunter2", secret: "${CALLBACK_SECRET}"}}
`
	c, err := Parse("drawbridge.yaml", []byte(text), lookupIn(map[string]string{"DAYS": "MON-FRI", "CALLBACK_SECRET": badEnv["CALLBACK_SECRET"]}))
	if err != nil {
		t.Fatal(err)
	}
	const want = `
Schedules
  closing: once, at 2026-12-31T18:00:00+01:00
    is done by agent billing, at normal priority
    of times that were missed, the latest is made up for; while an earlier run is not done, the next starts beside it
    tells the outcome to https://example.com/done, in up to 10 attempts
  overdue: 0 8 * * ${DAYS}, on the clock of Europe/Berlin
    is done by agent billing, at high priority
    times that were missed are all made up for, the latest 100; while an earlier run is not done, the next waits for it
  stock: every 6h, counted from 1970-01-01 00:00 UTC
    is paused: its times pass
    is done by agent billing, at normal priority
    times that were missed are not made up for; while an earlier run is not done, the next is left out
`
	_, got, _ := strings.Cut(explain(c), "There are no webhooks.\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("explanation (-want +got):\n%s", diff)
	}
}
