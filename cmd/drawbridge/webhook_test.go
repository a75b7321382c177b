package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"drawbridge/config"
	"drawbridge/server/webhook"
)

// TestING32_TrialOfEverySchemeIsTaken: what `webhook test` sends is stored by a
// running server, a repeated one is a duplicate, and no secret is shown.
func TestING32_TrialOfEverySchemeIsTaken(t *testing.T) {
	private := newPrivateKey(t)
	der, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	keyFile := filepath.Join(t.TempDir(), "private.pem")
	if err := os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	secret := "0123456789abcdef0123456789abcdef"
	text := "server: {listen: \"127.0.0.1:0\", public_url: \"https://bridge.example.com\"}\nagents: {desk: {}}\nwebhooks:\n"
	for scheme, more := range trialSettings {
		s := secret
		switch scheme {
		case webhook.SendGrid:
			s = publicKeyOf(t, private)
		case webhook.Standard, webhook.OpenAI:
			s = "whsec_" + base64.StdEncoding.EncodeToString([]byte(secret))
		}
		if scheme != webhook.UnsafeNone {
			more += fmt.Sprintf(", secrets: [%q]", s)
		}
		text += fmt.Sprintf("  %s: {scheme: %s, agent: desk, prompt: An event., %s}\n", scheme, scheme, strings.TrimPrefix(more, ", "))
	}
	file := settingsFile(t, text)
	cfg, err := config.Load(file, noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	a, err := newApp(t.Context(), cfg, appOptions{Rehearse: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Stop(context.WithoutCancel(t.Context())) }()
	address, _, err := a.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	for _, scheme := range webhook.Schemes() {
		args := []string{"webhook", "test", scheme, "-c", file, "--url", "http://" + address.String(), "--event", "once"}
		if scheme == webhook.SendGrid {
			args = append(args, "--private-key", keyFile)
		}
		for range 2 {
			var out, errs bytes.Buffer
			code := execute(t.Context(), &console{in: strings.NewReader(""), out: &out, err: &errs, lookup: noEnvironment}, args)
			if code != 0 || !strings.Contains(out.String(), "\n200 OK\n") || !strings.Contains(out.String(), "next: drawbridge events list") {
				t.Errorf("%s: exit code %d\n%s%s", scheme, code, out.String(), errs.String())
			}
			if strings.Contains(out.String(), secret) {
				t.Errorf("%s: the secret is shown:\n%s", scheme, out.String())
			}
		}
	}
	events, err := a.store.Events(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	stored := map[string]int{}
	for _, e := range events {
		stored[e.Source]++
	}
	for _, scheme := range webhook.Schemes() {
		want := 1
		switch scheme {
		case webhook.SendGrid:
			want = 2 // its sample is two events
		case webhook.HMAC, webhook.Token, webhook.UnsafeNone:
			want = stored[scheme] // without an id the content is the key, and it has the time in it
		}
		if stored[scheme] != want || stored[scheme] == 0 {
			t.Errorf("%s: %d events of two trials, want %d", scheme, stored[scheme], want)
		}
	}
}

// trialSettings are what each scheme has to be set besides its secrets.
var trialSettings = func() map[string]string {
	settings := map[string]string{}
	for _, scheme := range webhook.Schemes() {
		settings[scheme] = ""
	}
	settings[webhook.HMAC] = ", header: X-Sig, encoding: hex"
	settings[webhook.Meta] = ", verify_token: token"
	settings[webhook.UnsafeNone] = ", unsafe_no_verification: true, allow_ips: [127.0.0.0/8]"
	return settings
}()

func TestING32_TrialSaysWhyItIsNotTaken(t *testing.T) {
	const running = "server: {listen: \"127.0.0.1:0\"}\nagents: {desk: {}}\nwebhooks:\n" +
		"  gh: {scheme: github, secrets: [the-secret-it-runs-with], agent: desk, prompt: An event.}\n"
	cfg, err := config.Load(settingsFile(t, running), noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	a, err := newApp(t.Context(), cfg, appOptions{Rehearse: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Stop(context.WithoutCancel(t.Context())) }()
	address, _, err := a.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	changed := settingsFile(t, strings.ReplaceAll(running, "it-runs-with", "of-tomorrow")+
		"  new: {scheme: github, secrets: [the-secret-of-tomorrow], agent: desk, prompt: An event.}\n"+
		"  over: {scheme: github, secrets: [{secret: the-secret-of-tomorrow, not_after: 2020-01-01T00:00:00Z}], agent: desk, prompt: An event.}\n")
	for source, want := range map[string]string{
		"gh": "next: drawbridge events rejected --source gh", "new": "next: the server knows no such webhook", "over": "every secret of webhook \"over\" has ended",
	} {
		var out bytes.Buffer
		code := execute(t.Context(), &console{in: strings.NewReader(""), out: &out, err: &out, lookup: noEnvironment},
			[]string{"webhook", "test", source, "-c", changed, "--url", "http://" + address.String()})
		if code != 1 || !strings.Contains(out.String(), want) {
			t.Errorf("%s: exit code %d\n%s", source, code, out.String())
		}
	}
}
