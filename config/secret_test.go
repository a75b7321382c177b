package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

const quiet = "hunter2-hunter2-hunter2"

// holder has secrets wherever a setting may have one.
type holder struct {
	Plain   Secret
	Pointer *Secret
	List    []Secret
	Map     map[string]Secret
	Any     any
	Hook    WebhookSecret
}

func newHolder() holder {
	s := Secret(quiet)
	return holder{s, &s, []Secret{s}, map[string]Secret{"a": s}, s, WebhookSecret{Secret: s}}
}

// assertQuiet finds the secret in any of the spellings that fmt has for text.
func assertQuiet(t *testing.T, how, got string) {
	t.Helper()
	for _, spelling := range []string{quiet, fmt.Sprintf("%x", quiet), fmt.Sprintf("%X", quiet), fmt.Sprintf("% x", quiet)} {
		if strings.Contains(got, spelling) {
			t.Errorf("%s shows the secret: %s", how, got)
		}
	}
}

func TestSecretIsNotPrintedByAnyVerb(t *testing.T) {
	s := Secret(quiet)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%#q", "%+q", "%x", "%X", "% x", "%#x", "%d", "%t", "%10s", "%.3s", "%U", "%c"} {
		assertQuiet(t, verb, fmt.Sprintf(verb, s))
		assertQuiet(t, verb+" of a pointer", fmt.Sprintf(verb, &s))
		assertQuiet(t, verb+" of a struct", fmt.Sprintf(verb, newHolder()))
	}
	assertQuiet(t, "Sprint", fmt.Sprint(s, newHolder()))
	assertQuiet(t, "an error", fmt.Errorf("checking %v: %w", s, errors.New("no")).Error())
}

func TestSecretShowsWhetherItIsSet(t *testing.T) {
	for _, tt := range []struct{ verb, full, empty string }{
		{"%v", "[redacted]", ""},
		{"%s", "[redacted]", ""},
		{"%q", `"[redacted]"`, `""`},
		{"%#v", `config.Secret("[redacted]")`, `config.Secret("")`},
	} {
		if got := fmt.Sprintf(tt.verb, Secret(quiet)); got != tt.full {
			t.Errorf("%s: got %s, want %s", tt.verb, got, tt.full)
		}
		if got := fmt.Sprintf(tt.verb, Secret("")); got != tt.empty {
			t.Errorf("%s of an empty secret: got %s, want %s", tt.verb, got, tt.empty)
		}
	}
}

func TestSecretIsNotEncoded(t *testing.T) {
	inJSON, err := json.Marshal(newHolder())
	if err != nil {
		t.Fatal(err)
	}
	inYAML, err := yaml.Marshal(newHolder())
	if err != nil {
		t.Fatal(err)
	}
	for how, got := range map[string]string{"JSON": string(inJSON), "YAML": string(inYAML)} {
		assertQuiet(t, how, got)
		if !strings.Contains(got, redacted) {
			t.Errorf("%s does not show that there is a secret: %s", how, got)
		}
	}
}

func TestSecretIsNotLogged(t *testing.T) {
	var out bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		out.Reset()
		slog.New(handler).With("with", Secret(quiet)).Info("starting",
			"secret", Secret(quiet), "struct", newHolder(), "list", []Secret{quiet}, slog.Group("group", "secret", Secret(quiet)))
		assertQuiet(t, fmt.Sprintf("%T", handler), out.String())
		if !strings.Contains(out.String(), redacted) {
			t.Errorf("%T does not show that there is a secret: %s", handler, out.String())
		}
	}
}

func TestSecretRevealsItself(t *testing.T) {
	if got := Secret(quiet).Reveal(); got != quiet {
		t.Errorf("got %q", got)
	}
}

// The whole configuration may end up in a log line: no way of printing it may show
// a secret.
func TestConfigIsPrintedWithoutSecrets(t *testing.T) {
	c, err := Parse("drawbridge.yaml", []byte(contract), lookupIn(contractEnv))
	if err != nil {
		t.Fatal(err)
	}
	inJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	inYAML, err := yaml.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var explained bytes.Buffer
	c.Explain(&explained)
	for how, got := range map[string]string{
		"%v": fmt.Sprintf("%v", *c), "%+v": fmt.Sprintf("%+v", *c), "%#v": fmt.Sprintf("%#v", *c),
		"JSON": string(inJSON), "YAML": string(inYAML), "Explain": explained.String(),
	} {
		for name, secret := range contractEnv {
			if strings.Contains(got, secret) {
				t.Errorf("%s shows %s: %s", how, name, got)
			}
		}
	}
}
