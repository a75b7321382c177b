package config

import (
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTemplateSaysWhatTheDefaultsAre(t *testing.T) {
	c, err := Parse("drawbridge.yaml", Template(), lookupIn(nil))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Default(), c, ignoreSource); diff != "" {
		t.Errorf("settings (-default +template):\n%s", diff)
	}
}

// example is the comment sign of a line to be put to use.
var example = regexp.MustCompile(`(?m)^#([^#]|$)`)

func withExamples() []byte { return example.ReplaceAll(Template(), []byte("$1")) }

func TestTemplatesExamplesWork(t *testing.T) {
	env := map[string]string{"SMTP_PASSWORD": "smtp-password", "REDIS_PASSWORD": "redis-password", "IMAP_PASSWORD": "imap-password", "SHOPIFY_TOKEN": "shpat_0123456789", "DKIM_KEY": dkimKey, "STRIPE_KEY": "rk_test_0123456789", "HUBSPOT_TOKEN": "pat-eu1-0123456789", "SLACK_BOT_TOKEN": "xoxb-0123456789", "SLACK_SIGNING_SECRET": "slack-slack-slack-slack", "STRIPE_OLD_SECRET": "whsec_old_old_old_old", "SHOP_SECRET": "shop-shop-shop-shop", "TICKETS_TOKEN": "tickets", "SHOP_CLIENT_SECRET": "shop", "BILLING_KEY": "billing", "BILLING_TENANT": "t1", "LEGACY_PASSWORD": "legacy", "NOTES_TOKEN": "notes", "SPARE_KEY": "spare", "CALLBACK_OLD_SECRET": "whsec_b2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xkb2w=",
		"SALESFORCE_KEY": standInRSA(), "HUBSPOT_SECRET": "hubspot-hubspot-1", "META_APP_SECRET": "meta-meta-meta-meta", "META_VERIFY_TOKEN": "verify", "OPENAI_WEBHOOK_SECRET": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", "SALESFORCE_TOKEN": "salesforce-salesforce-1"}
	for name, value := range contractEnv {
		env[name] = value
	}
	// One of the examples needs it.
	text := strings.Replace(string(withExamples()), `public_url: ""`, `public_url: https://bridge.example.com`, 1)
	text = strings.Replace(text, "backend: builtin\n    key:", "backend: stripe\n    key:", 1)
	text = strings.Replace(text, "backend: outbox", "backend: smtp", 1)
	text = strings.Replace(text, "backend: \"\"\n    token:", "backend: slack\n    token:", 1)
	text = strings.Replace(text, "backend: \"\"\n    store:", "backend: shopify\n    store:", 1)
	// There is one backend of the CRM at a time.
	crm := func(name, other string) string {
		text := regexp.MustCompile(`(?m)^    `+other+`:\n(      .*\n)+`).ReplaceAllString(text, "")
		return strings.Replace(text, "backend: builtin\n    "+name+":", "backend: "+name+"\n    "+name+":", 1)
	}
	salesforce := strings.Replace(crm("salesforce", "hubspot"), "      client_secret: ${SALESFORCE_CLIENT_SECRET}\n", "", 1)
	if c, err := Parse("drawbridge.yaml", []byte(salesforce), lookupIn(env)); err != nil || c.Tools.CRM.Salesforce.ReservePercent() != (Salesforce{}).ReservePercent() || len(c.Warnings()) > 0 {
		t.Errorf("with Salesforce: %v, and %v", c.Warnings(), err)
	}
	c, err := Parse("drawbridge.yaml", []byte(crm("hubspot", "salesforce")), lookupIn(env))
	if err != nil {
		t.Fatal(err)
	}
	if warnings := c.Warnings(); len(warnings) > 0 {
		t.Errorf("warnings:\n%v", warnings)
	}
	// Where an example shows a setting that has a default, it shows the default.
	want, got := DefaultAgent(), c.Agents["billing"]
	want.Budget.Cost = got.Budget.Cost // has none
	if diff := cmp.Diff(want.Budget, got.Budget); diff != "" {
		t.Errorf("budget (-default +template):\n%s", diff)
	}
	if key, want := c.Server.Keys[0], DefaultKey(); key.Agents[0] != want.Agents[0] || key.RequestsPerMinute != want.RequestsPerMinute || key.Concurrent != want.Concurrent {
		t.Errorf("the key has %v, %d, %d; the defaults are %v, %d, %d", key.Agents, key.RequestsPerMinute, key.Concurrent, want.Agents, want.RequestsPerMinute, want.Concurrent)
	}
	if server, want := c.Tools.MCP[0], DefaultMCPServer(); server.StartTimeout != want.StartTimeout || server.CallTimeout != want.CallTimeout {
		t.Errorf("start_timeout %v, call_timeout %v; the defaults are %v, %v", server.StartTimeout, server.CallTimeout, want.StartTimeout, want.CallTimeout)
	}
	if api, want := c.Tools.OpenAPI[0], DefaultOpenAPI(); api.Reload != want.Reload || api.MaxSpec != want.MaxSpec || api.MaxResponse != want.MaxResponse ||
		api.MaxResult != want.MaxResult || api.StartTimeout != want.StartTimeout || api.CallTimeout != want.CallTimeout {
		t.Errorf("the API has %+v; the defaults are %+v", api, want)
	}
	hook := c.Webhooks["stripe"]
	if diff := cmp.Diff(DefaultCallback().Schedule, hook.Callback.Schedule); diff != "" {
		t.Errorf("schedule (-default +template):\n%s", diff)
	}
	if want := DefaultWebhook(); hook.Rate != want.Rate || hook.DedupeFor != want.DedupeFor || hook.RerunIfFailed != want.RerunIfFailed ||
		hook.Answer != want.Answer || hook.Disabled != want.Disabled {
		t.Errorf("rate %d, dedupe_for %v, rerun_if_failed %v, answer %v, disabled %v; the defaults are %d, %v, %v, %v, %v", hook.Rate, hook.DedupeFor,
			hook.RerunIfFailed, hook.Answer, hook.Disabled, want.Rate, want.DedupeFor, want.RerunIfFailed, want.Answer, want.Disabled)
	}
	if want := DefaultWebhook(); hook.Tolerance != want.Tolerance || hook.MaxBody != want.MaxBody {
		t.Errorf("tolerance %v, max_body %v; the defaults are %v, %v", hook.Tolerance, hook.MaxBody, want.Tolerance, want.MaxBody)
	}
}

// No setting is left out, and each is explained: in the line above it, or in the
// list above its section.
func TestTemplateHasEverySetting(t *testing.T) {
	text := string(withExamples())
	for _, name := range settings(reflect.TypeFor[Config]()) {
		if !regexp.MustCompile(`(?m)^[^#\n]*\b` + name + `: ?`).MatchString(text) {
			t.Errorf("%s is not in the template", name)
		}
		explained := regexp.MustCompile(`(?m)^ *##.*\b` + name + `\b|^ *##.*\n *` + name + `:`)
		if !explained.MatchString(text) {
			t.Errorf("%s is not explained in the template", name)
		}
	}
}

// settings lists the last part of every key there is.
func settings(t reflect.Type) (names []string) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return settings(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if name, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ","); name != "" {
				names = append(append(names, name), settings(t.Field(i).Type)...)
			}
		}
	}
	return names
}

func TestTemplateIsACopy(t *testing.T) {
	Template()[0] = 'x'
	if Template()[0] == 'x' {
		t.Error("a caller changed the template of all others")
	}
}
