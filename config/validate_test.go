package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// accepted is a configuration made by hand in which everything is set.
func accepted() *Config {
	c := Default()
	c.Server.Keys = []Key{{Name: "desk", Key: "0123456789abcdef", Tools: []string{"*"}}}
	c.Model.APIKey = "sk-model"
	agent, hook, callback := DefaultAgent(), DefaultWebhook(), DefaultCallback()
	callback.URL, callback.Secret = "https://example.com/done?for=us", "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	hook.Scheme, hook.Agent, hook.Prompt, hook.Callback = "stripe", "billing", "An event.", &callback
	hook.Secrets = []WebhookSecret{{Secret: "0123456789abcdef"}}
	c.Agents = map[string]Agent{"billing": agent}
	c.Webhooks = map[string]Webhook{"stripe": hook}
	return c
}

func TestConfigMadeByHandIsChecked(t *testing.T) {
	c := accepted()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	c.Store.URL = "x"
	c.Server.Listen = ":80"
	c.Server.Keys = nil
	err := c.Validate()
	problems, ok := err.(Problems)
	if !ok || len(problems) != 1 || problems[0].Path != "store.url" {
		t.Errorf("got %v", err)
	}
}

func TestKeysAreNeededExactlyOffLoopback(t *testing.T) {
	for listen, open := range map[string]bool{
		"127.0.0.1:8080": true, "127.8.9.10:1": true, "[::1]:8080": true, "localhost:0": true, "[::ffff:127.0.0.1]:80": true,
		"0.0.0.0:8080": false, "[::]:8080": false, ":8080": false, "192.168.1.5:80": false, "example.com:80": false,
		"localhost.example.com:80": false, "128.0.0.1:80": false, "127.0.0.1.nip.io:80": false, "[fe80::1%eth0]:80": false,
	} {
		c := accepted()
		c.Server.Listen = listen
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", listen, err)
		}
		if got := c.Server.OnLoopback(); got != open {
			t.Errorf("%s can be reached from this machine only: %v", listen, got)
		}
	}
}

func TestListenAddressIsHostAndPort(t *testing.T) {
	for _, listen := range []string{"", "8080", "localhost", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:-1", "127.0.0.1:65536", "::1:80", "a b:80", "http://localhost:80"} {
		c := accepted()
		c.Server.Listen = listen
		if c.Validate() == nil {
			t.Errorf("%q is accepted", listen)
		}
	}
}

func TestEverySchemeCanBeSetUp(t *testing.T) {
	for scheme, set := range map[string]func(*Webhook){
		"stripe": func(w *Webhook) { w.Secrets[0].Secret = "whsec_not!base64-at-all" },
		"github": func(w *Webhook) { w.Secrets[0].Secret = "It's a Secret to Everybody" },
		"standard": func(w *Webhook) {
			w.Secrets = []WebhookSecret{{Secret: "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}, {Secret: "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}}
		},
		"hmac": func(w *Webhook) {
			w.Header, w.Encoding, w.Prefix, w.IDHeader, w.TimestampHeader = "X-Sig", "base64", "sha256=", "X-Id", "X-Time"
		},
	} {
		c := accepted()
		w := c.Webhooks["stripe"]
		w.Scheme = scheme
		set(&w)
		c.Webhooks["stripe"] = w
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", scheme, err)
		}
	}
}

func TestCallbackInTheClearStaysOnThisMachine(t *testing.T) {
	for url, stays := range map[string]bool{
		"http://127.0.0.1:9000/done":          true,
		"http://127.8.9.10/done":              true,
		"http://localhost/done":               true,
		"http://[::1]:9000/done":              true,
		"http://[::ffff:127.0.0.1]/done":      true,
		"https://app.example.com/done":        true, // encrypted
		"http://app:9000/done":                false,
		"http://app.example.com/done":         false,
		"http://localhost.example.com/done":   false,
		"http://0.0.0.0:9000/done":            false,
		"http://10.0.0.1/done":                false,
		"HTTP://192.168.0.1:9000/done?via=me": false,
	} {
		c := accepted()
		c.Webhooks["stripe"].Callback.URL = url
		if err := c.Validate(); (err == nil) != stays {
			t.Errorf("%s: %v", url, err)
		} else if err != nil && !strings.Contains(err.Error(), "want https") {
			t.Errorf("%s: the error names no way out: %v", url, err)
		}
	}
}

func TestWarningsAreNoErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"no key for a model on this machine": {
			func(c *Config) { c.Model.APIKey, c.Model.BaseURL = "", "http://localhost:11434/v1" },
			"",
		},
		"key in the clear": {
			func(c *Config) { c.Model.BaseURL = "http://models.example.com/v1" },
			"warning: model.base_url: the API key would be sent unencrypted; want https",
		},
		"key on this machine": {
			func(c *Config) { c.Model.BaseURL = "http://[::1]:11434/v1" },
			"",
		},
		"key of a further model in the clear": {
			func(c *Config) {
				e := DefaultEndpoint()
				e.BaseURL, e.APIKey = "http://models.example.com/v1", "sk-spare"
				c.Models = map[string]Endpoint{"spare": e}
			},
			"warning: models.spare.base_url: the API key would be sent unencrypted; want https",
		},
		"model that is nearly one of models": {
			func(c *Config) {
				c.Models = map[string]Endpoint{"spare": DefaultEndpoint()}
				agent := DefaultAgent()
				agent.Fallback = []string{"spear", "gpt-4.1"}
				c.Agents["billing"] = agent
			},
			`warning: agents.billing.fallback[0]: "spear" is not among models, so model.base_url is asked for it; did you mean "spare"?`,
		},
		"small window": {
			func(c *Config) { c.Model.Window = 8192 },
			"warning: model.window: the definitions of functions may take 8000 of 8192 tokens, which leaves little for the work; lower model.function_tokens",
		},
		"callback in the clear on this machine": {
			func(c *Config) { c.Webhooks["stripe"].Callback.URL = "http://localhost:9000/done" },
			"",
		},
		"callback secret of 18 bytes": {
			func(c *Config) { c.Webhooks["stripe"].Callback.Secret = "whsec_plJ3nmyCDGBKInavdOK15jsl" },
			"warning: webhooks.stripe.callback.secret: the secret holds 18 bytes, fewer than the 24 that Standard Webhooks asks for",
		},
		"nothing": {func(*Config) {}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := accepted()
			tt.change(c)
			if err := c.Validate(); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(tt.want, c.Warnings().Error()); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestValueOfAVariableIsNotShown(t *testing.T) {
	const text = `store: {url: "${S}"}
server: {listen: "${S}", public_url: "${S}", keys: [{name: "${S}", key: "${S}", tools: ["${S}"], agents: ["${S}"]}, {name: "${S}"}]}
model: {base_url: "${S}", timeout: "${S}", name: "${S}", api: "${S}", currency: "${S}", prices: {a: {input: "${S}"}}}
models: {m: {base_url: "${S}", window: "${S}", images: "${S}", files: "${S}"}}
chat: {on_disconnect: "${S}", keep_alive: "${S}"}
tools: {crm: {backend: "${S}"}, email: {from: "${S}"}}
agents: {a: {tools: ["${S}"], fallback: ["${S}", "x${S}", "x${S}"], output: "${S}", budget: {turns: "${S}", cost: 1 USD}}}
webhooks:
  w: {scheme: "x${S}", secrets: ["  ${S}", {secret: "x", not_after: "${S}"}], agent: "${S}", encoding: "${S}", callback: {url: "${S}", secret: "${S}", schedule: ["${S}"]}}
  h: {scheme: hmac, header: "${S}", encoding: "${S}", id_header: "${S}"}
log: {level: "${S}"}
`
	_, err := Parse("f", []byte(text), lookupIn(map[string]string{"S": quiet + " ~"}))
	problems, _ := err.(Problems)
	if len(problems) < 46 {
		t.Errorf("got %d problems:\n%v", len(problems), err)
	}
	if strings.Contains(problems.Error(), quiet) {
		t.Errorf("the value is shown:\n%v", err)
	}
}

func TestSuggestionIsTheNearestName(t *testing.T) {
	known := []string{"listen", "public_url", "keys"}
	for name, want := range map[string]string{
		"lisen":     `did you mean "listen"?`,
		"Listen":    `did you mean "listen"?`,
		"publicurl": `did you mean "public_url"?`,
		"kyes":      `did you mean "keys"?`,
		"port":      "there are listen, public_url, keys",
		"x":         "there are listen, public_url, keys",
		"":          "there are listen, public_url, keys",
	} {
		if got := suggestion(name, known); got != want {
			t.Errorf("suggestion(%q) = %s, want %s", name, got, want)
		}
	}
	if got := suggestion("x", nil); got != "there are none" {
		t.Errorf("got %s", got)
	}
}
