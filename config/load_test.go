package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// contract is a file with the names that users rely on: they may not change.
const contract = `
store:   {url: "sqlite://./data/drawbridge.db"}
server:
  listen: 127.0.0.1:8080
  public_url: ""                    # needed by webhook schemes that sign the URL
  keys:                             # API keys for /mcp, /sse and /v1
    - {name: desk, key: ${DESK_KEY}, tools: ["crm_*", "email_send"]}
model:   {base_url: https://api.openai.com/v1, api_key: ${OPENAI_API_KEY}, name: gpt-5.1}
tools:
  crm:     {backend: builtin}
  payment: {backend: builtin}
  email:   {backend: outbox}
agents:
  billing:
    instructions: "..."
    tools: ["crm_*", "email_*", "payment_get_*"]
    budget: {turns: 12, calls: 40, tokens: 200000, wall: 5m}
webhooks:
  stripe:
    scheme: stripe
    secrets: [${STRIPE_WEBHOOK_SECRET}]
    when: event.type == "payment_intent.succeeded"      # CEL, optional
    agent: billing
    prompt: "Payment {{ .event.data.object.id }} succeeded ..."   # text/template
    callback: {url: "http://127.0.0.1:9000/done", secret: ${CALLBACK_SECRET}}
`

var contractEnv = map[string]string{
	"DESK_KEY":              "desk-desk-desk-desk",
	"OPENAI_API_KEY":        "sk-model-model-model",
	"STRIPE_WEBHOOK_SECRET": "whsec_stripe_stripe_stripe",
	"CALLBACK_SECRET":       "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
}

// ignoreSource compares settings, wherever they were read.
var ignoreSource = cmpopts.IgnoreUnexported(Config{})

func TestContractIsReadInFull(t *testing.T) {
	got, err := Parse("drawbridge.yaml", []byte(contract), lookupIn(contractEnv))
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Server.Keys = []Key{{Name: "desk", Key: "desk-desk-desk-desk", Tools: []string{"crm_*", "email_send"},
		Agents: []string{"*"}, RequestsPerMinute: 600, Concurrent: 32}}
	want.Model.APIKey = "sk-model-model-model"
	want.Agents = map[string]Agent{"billing": {
		Instructions: "...",
		Tools:        []string{"crm_*", "email_*", "payment_get_*"},
		Budget:       Budget{Turns: 12, Calls: 40, Tokens: 200000, Wall: Duration(5 * time.Minute)},
		Mode:         ModeLive,
		Batch:        DefaultBatch(),
	}}
	hook, callback := DefaultWebhook(), DefaultCallback()
	callback.URL, callback.Secret = "http://127.0.0.1:9000/done", "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	hook.Scheme = "stripe"
	hook.Secrets = []WebhookSecret{{Secret: "whsec_stripe_stripe_stripe"}}
	hook.When = `event.type == "payment_intent.succeeded"`
	hook.Agent = "billing"
	hook.Prompt = "Payment {{ .event.data.object.id }} succeeded ..."
	hook.Callback = &callback
	want.Webhooks = map[string]Webhook{"stripe": hook}
	if diff := cmp.Diff(want, got, ignoreSource); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	if warnings := got.Warnings(); len(warnings) > 0 {
		t.Errorf("warnings: %v", warnings)
	}
}

func TestNoFileMeansEveryDefault(t *testing.T) {
	got, err := Load("", lookupIn(nil))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Default(), got, ignoreSource); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	if err := Default().Validate(); err != nil {
		t.Errorf("the defaults are refused: %v", err)
	}
}

func TestFileThatSaysNothingMeansEveryDefault(t *testing.T) {
	for _, text := range []string{"", "\n\n", "# only a comment\n", "---\n", "---\n...\n", "null\n", "\uFEFF# bom\n", "server:\nagents:\nwebhooks: {}\n", "server: {}\n"} {
		got, err := Parse("f.yaml", []byte(text), lookupIn(nil))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if diff := cmp.Diff(Default(), got, ignoreSource, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%q: settings (-want +got):\n%s", text, diff)
		}
	}
}

func TestMissingFileIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "drawbridge.yaml")
	_, err := Load(path, lookupIn(nil))
	want := path + ": reading the configuration: no such file or directory"
	if problems, ok := err.(Problems); !ok || problems.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if _, err := Load(t.TempDir(), lookupIn(nil)); err == nil || !strings.HasSuffix(err.Error(), "is a directory") {
		t.Errorf("loading a directory: got %v", err)
	}
}

func TestHugeFileIsRefusedUnread(t *testing.T) {
	path := filepath.Join(t.TempDir(), "drawbridge.yaml")
	write(t, path, strings.Repeat("#\n", maxFile))
	_, err := Load(path, lookupIn(nil))
	if err == nil || !strings.Contains(err.Error(), "the file is larger than 1MiB") {
		t.Errorf("got %v", err)
	}
}

func TestFindPrefersYamlToYml(t *testing.T) {
	dir := t.TempDir()
	if path, ok := Find(dir); ok {
		t.Errorf("found %s in an empty directory", path)
	}
	if err := os.Mkdir(filepath.Join(dir, "drawbridge.yaml"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"drawbridge.yml", "drawbridge.yaml"} {
		want := filepath.Join(dir, name)
		if name == "drawbridge.yaml" {
			if err := os.Remove(want); err != nil { // until now a directory, which is no file
				t.Fatal(err)
			}
		}
		write(t, want, "")
		if got, ok := Find(dir); !ok || got != want {
			t.Errorf("found %q, %v; want %s", got, ok, want)
		}
	}
}

func TestModelKeyIsBorrowedWhenTheFileHasNone(t *testing.T) {
	for _, tt := range []struct {
		name, file, inEnv, want string
	}{
		{"no file setting", "", "sk-env", "sk-env"},
		{"own setting", "model: {api_key: sk-file}", "sk-env", "sk-file"},
		{"empty setting", `model: {api_key: ""}`, "sk-env", ""},
		{"another variable", "model: {api_key: ${OTHER:-sk-other}}", "sk-env", "sk-other"},
		{"nothing", "", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := Parse("f.yaml", []byte(tt.file), lookupIn(map[string]string{OpenAIKeyVariable: tt.inEnv}))
			if err != nil || c.Model.APIKey.Reveal() != tt.want {
				t.Errorf("got %q, %v; want %q", c.Model.APIKey.Reveal(), err, tt.want)
			}
		})
	}
}

func TestEverythingWrongIsReportedAtOnce(t *testing.T) {
	const text = `server:
  lisen: 127.0.0.1:8080
  listen: 0.0.0.0:80
  max_body: 10M
  keys: [secret-in-the-wrong-place]
store: {url: ./x.db}
workers: {runs: 0, callbacks: many}
agents:
  Billing:
    tools: [crm get]
    budget: {turns: "12", wall: ${UNSET}}
webhooks:
  stripe:
    scheme: stripe
    secrets: [${STRIPE}, short]
    agent: nobody
    callback: {url: https://u:p@example.com}
`
	const want = `f.yaml:2:3: server.lisen: unknown key "lisen"; did you mean "listen"?
f.yaml:4:13: server.max_body: "10M": want a number of bytes with a unit (KiB, MiB or GiB of 1024, kB, MB or GB of 1000), such as 512KiB or 10MiB
f.yaml:5:10: server.keys[0]: want a mapping with keys of name, key, tools, effects, agents, requests_per_minute, concurrent, dry_run, approve; got a single value
f.yaml:6:14: store.url: want sqlite:// and a path, such as sqlite://./data/drawbridge.db, or postgres://user:password@host/database
f.yaml:7:17: workers.runs: 0 is out of range; want 1 to 1024
f.yaml:7:31: workers.callbacks: "many": want a whole number
f.yaml:9:3: agents.Billing: "Billing" is no name; want 1 to 64 of a-z, 0-9, _ and -
f.yaml:10:13: agents.Billing.tools[0]: "crm get" is no tool name or pattern; want letters, digits, _, - and ., and * for any run of characters, such as crm_*
f.yaml:11:33: agents.Billing.budget.wall: environment variable UNSET is not set; set it, or give a default: ${UNSET:-...}
f.yaml:13:3: webhooks.stripe.prompt: the prompt is empty; want what to tell the agent
f.yaml:15:15: webhooks.stripe.secrets[0]: environment variable STRIPE is not set; set it, or give a default: ${STRIPE:-...}
f.yaml:15:26: webhooks.stripe.secrets[1]: the secret holds 5 bytes; want 16 or more
f.yaml:16:12: webhooks.stripe.agent: there is no agent "nobody"; there are Billing
f.yaml:17:5: webhooks.stripe.callback.secret: want whsec_ and base64 of 24 bytes or more, such as: echo "whsec_$(openssl rand -base64 32)"
f.yaml:17:21: webhooks.stripe.callback.url: want a URL without a user name or password`
	c, err := Parse("f.yaml", []byte(text), lookupIn(nil))
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if c == nil || c.Agents["Billing"].Budget.Turns != 12 || c.Server.MaxBody != Default().Server.MaxBody {
		t.Errorf("what could be read did not come with the problems: %+v", c)
	}
}

func TestPositionsHoldWhateverTheLineEndsAndLetters(t *testing.T) {
	for name, text := range map[string]string{
		"unix":  "agents:\n  a: {instructions: \"grüße, 世界\", model: 'é', x: 1}\n",
		"dos":   "agents:\r\n  a: {instructions: \"grüße, 世界\", model: 'é', x: 1}\r\n",
		"mac":   "agents:\r  a: {instructions: \"grüße, 世界\", model: 'é', x: 1}\r",
		"bom":   "\uFEFFagents:\n  a: {instructions: \"grüße, 世界\", model: 'é', x: 1}\n",
		"${}":   "agents:\n  a: {instructions: ${V:-{grüße, [世]}, model: é, x: 1}\n",
		"flow":  "{\nagents: {a: {instructions: \"grüße, 世界\", model: 'é', x: 1}}}\n",
		"quote": "\"agents\":\n  'a': {instructions: \"grüße, 世界\", model: 'é', x: 1}\n",
	} {
		_, err := Parse("f", []byte(text), lookupIn(nil))
		line := strings.Split(plainText([]byte(text)), "\n")[1]
		want := 1 + len([]rune(line[:strings.Index(line, "x: 1")]))
		problems, _ := err.(Problems)
		if len(problems) != 1 || problems[0].Line != 2 || problems[0].Column != want || problems[0].Path != "agents.a.x" {
			t.Errorf("%s: got %v, want one problem at 2:%d", name, err, want)
		}
	}
}

func TestDefaultsApplyInsideOfTables(t *testing.T) {
	const text = "agents: {a: {budget: {turns: 3}}, b: }\n"
	c, err := Parse("f", []byte(text), lookupIn(nil))
	if err != nil {
		t.Fatal(err)
	}
	want := DefaultAgent()
	if diff := cmp.Diff(want, c.Agents["b"]); diff != "" {
		t.Errorf("agent without settings (-want +got):\n%s", diff)
	}
	want.Budget.Turns = 3
	if diff := cmp.Diff(want, c.Agents["a"]); diff != "" {
		t.Errorf("agent with one (-want +got):\n%s", diff)
	}
}

func TestScheduleReplacesTheDefaultOne(t *testing.T) {
	text := strings.Replace(contract, `secret: ${CALLBACK_SECRET}`, `secret: ${CALLBACK_SECRET}, schedule: [0s, ${WAIT}, 1d]`, 1)
	env := map[string]string{"WAIT": "90s"}
	for name, value := range contractEnv {
		env[name] = value
	}
	c, err := Parse("f", []byte(text), lookupIn(env))
	if err != nil {
		t.Fatal(err)
	}
	want := []Duration{0, Duration(90 * time.Second), Duration(day)}
	if diff := cmp.Diff(want, c.Webhooks["stripe"].Callback.Schedule); diff != "" {
		t.Errorf("schedule (-want +got):\n%s", diff)
	}
}

func TestSecretMayEnd(t *testing.T) {
	text := strings.Replace(contract, `secrets: [${STRIPE_WEBHOOK_SECRET}]`,
		`secrets: [${STRIPE_WEBHOOK_SECRET}, {secret: ${DESK_KEY}, not_after: 2026-01-31T12:00:00+02:00}]`, 1)
	c, err := Parse("f", []byte(text), lookupIn(contractEnv))
	if err != nil {
		t.Fatal(err)
	}
	want := []WebhookSecret{
		{Secret: "whsec_stripe_stripe_stripe"},
		{Secret: "desk-desk-desk-desk", NotAfter: time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC)},
	}
	if diff := cmp.Diff(want, c.Webhooks["stripe"].Secrets); diff != "" {
		t.Errorf("secrets (-want +got):\n%s", diff)
	}
}

// A key or a name of digits is text all the same.
func TestTextMayLookLikeAnything(t *testing.T) {
	for _, value := range []string{"010", "1_000", "0x10", "1e3", "true", ".inf", ".nan", "2026-01-31", "12:30", "yes", "'null'"} {
		c, err := Parse("f", []byte("model: {name: "+value+"}"), lookupIn(nil))
		if want := strings.Trim(value, "'"); err != nil || c.Model.Name != want {
			t.Errorf("got %q, %v; want %q", c.Model.Name, err, want)
		}
	}
}
