package config

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// elsewhere reads references from a table, and notes for which settings.
func elsewhere(values map[string]string, settings *[]string) Sources {
	return Sources{Lookup: lookupIn(nil), Read: func(setting, kind, argument string) (Value, error) {
		if settings != nil {
			*settings = append(*settings, setting)
		}
		value, ok := values[kind+":"+argument]
		if !ok {
			return Value{}, errors.New("nothing is there")
		}
		return Value{Value: value}, nil
	}}
}

func TestReferencesToElsewhereAreRead(t *testing.T) {
	var settings []string
	c, err := ParseFrom("x.yaml", []byte(`
server:
  keys: [{name: desk, key: ${file:/run/secrets/desk}, tools: ["*"]}, {name: two, key: ${exec:show --field 'a, b' [x] #1: y}, tools: ["*"]}]
model: {name: m, base_url: "http://${file:host}/v1", api_key: ${vault:secret/data/app#key}}
`), elsewhere(map[string]string{"file:/run/secrets/desk": "desk-desk-desk-desk", "exec:show --field 'a, b' [x] #1: y": "${A} two-two-two-two",
		"file:host": "models.test", "vault:secret/data/app#key": "sk-vault"}, &settings))
	if err == nil || !strings.Contains(err.Error(), "server.keys[1].key") || strings.Contains(err.Error(), "two-two") {
		t.Errorf("got %v; want that the second key has a blank, and not the key", err)
	}
	if got := c.Server.Keys[0].Key.Reveal() + " " + c.Server.Keys[1].Key.Reveal() + " " + c.Model.BaseURL + " " + c.Model.APIKey.Reveal(); got !=
		"desk-desk-desk-desk ${A} two-two-two-two http://models.test/v1 sk-vault" {
		t.Errorf("got %s", got)
	}
	if got := fmt.Sprint(settings); got != "[server.keys[0].key server.keys[1].key model.base_url model.api_key]" {
		t.Errorf("read for %s", got)
	}
	if got := c.asWritten("model.base_url", c.Model.BaseURL); got != "http://${file:host}/v1" {
		t.Errorf("what a file holds is shown: %s", got)
	}
}

func TestReferenceThatCannotBeReadIsNamedWithItsPlace(t *testing.T) {
	_, err := ParseFrom("x.yaml", []byte("model:\n  api_key: a${file:/none}\n  name: '${exec:x}'\n"), elsewhere(nil, nil))
	want := "x.yaml:2:12: model.api_key: reading ${file:/none}: nothing is there\nx.yaml:3:9: model.name: reading ${exec:x}: nothing is there"
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	_, err = Parse("x.yaml", []byte("model: {api_key: ${vault:a#b}}\n"), lookupIn(nil))
	if err == nil || !strings.Contains(err.Error(), "references of this kind are not read here") {
		t.Errorf("got %v", err)
	}
	// A variable of that name, and other kinds.
	c, err := Parse("x.yaml", []byte("model: {name: \"${file:-named}\"}\n"), lookupIn(nil))
	if err != nil || c.Model.Name != "named" {
		t.Errorf("got %v, %v", c.Model.Name, err)
	}
	if _, err = ParseFrom("x.yaml", []byte("model: {name: \"${http://x}\"}\n"), elsewhere(nil, nil)); err == nil || !strings.Contains(err.Error(), "is not a variable") {
		t.Errorf("got %v", err)
	}
}

func TestHowAValueIsKeptIsWarnedOf(t *testing.T) {
	c, err := ParseFrom("x.yaml", []byte("model:\n  api_key: ${file:/x}\n"), Sources{Lookup: lookupIn(nil), Read: func(_, _, _ string) (Value, error) {
		return Value{Value: "sk", Warning: "everybody may read it"}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Warnings().Error(); !strings.Contains(got, "x.yaml:2:12: model.api_key: ${file:/x}: everybody may read it") {
		t.Errorf("got %s", got)
	}
}

func TestSettingsStandWithoutWhatWasNotRead(t *testing.T) {
	text := `
store: {url: "${file:/store}"}
server: {listen: 127.0.0.1:0, keys: [{name: desk, key: "${file:/key}", tools: ["*"]}]}
workers: {runs: "${file:/runs}"}
agents: {a: {instructions: x}}
webhooks:
  mail: {scheme: sendgrid, secrets: ["${vault:a#b}"], agent: a, prompt: x}
  pay: {scheme: stripe, secrets: ["${exec:x}"], agent: a, prompt: x}
`
	c, err := ParseFrom("x.yaml", []byte(text), Sources{Lookup: lookupIn(nil), Read: func(setting, _, _ string) (Value, error) {
		return Value{Value: "stands-in-for-" + setting, StandIn: true}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if c.Workers.Runs != Default().Workers.Runs {
		t.Errorf("a number was made of a stand-in: %d", c.Workers.Runs)
	}
	if _, problem := readSPKI(c.Webhooks["mail"].Secrets[0].Secret.Reveal()); problem != "" {
		t.Errorf("the key of mail: %s", problem)
	}
	if got := c.Webhooks["pay"].Secrets[0].Secret.Reveal(); got != "stands-in-for-webhooks.pay.secrets[0].secret" && got != "stands-in-for-webhooks.pay.secrets[0]" {
		t.Errorf("the secret of pay is %s", got)
	}
	if got := fmt.Sprint(c.Unread()); got != "[server.keys[0].key store.url webhooks.mail.secrets[0] webhooks.pay.secrets[0] workers.runs]" {
		t.Errorf("not read: %s", got)
	}
}

func TestReadingAgainIsOfTheSameText(t *testing.T) {
	values := map[string]string{"file:/x": "first"}
	c, err := ParseFrom("x.yaml", []byte("\uFEFFmodel:\r\n  api_key: ${file:/x}\r\n"), elsewhere(values, nil))
	if err != nil {
		t.Fatal(err)
	}
	values["file:/x"] = "second"
	again, err := c.Again(elsewhere(values, nil))
	if err != nil || again.Model.APIKey.Reveal() != "second" || c.Model.APIKey.Reveal() != "first" {
		t.Errorf("got %v", err)
	}
	delete(values, "file:/x")
	if _, err = c.Again(elsewhere(values, nil)); err == nil || !strings.HasPrefix(err.Error(), "x.yaml:2:12: ") {
		t.Errorf("got %v", err)
	}
}
