package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"log/slog"
	"net/netip"
	"testing"

	"drawbridge/config"
	"drawbridge/server/webhook"
)

// sourceSettings are settings of a source of each scheme, as complete as they have
// to be.
func sourceSettings(t *testing.T, scheme string) config.Webhook {
	t.Helper()
	hook := config.DefaultWebhook()
	hook.Scheme, hook.Agent, hook.Prompt = scheme, "billing", "An event."
	secret := "0123456789abcdef0123456789abcdef"
	switch scheme {
	case webhook.HMAC:
		hook.Header, hook.Encoding = "X-Signature", "hex"
	case webhook.Meta:
		hook.VerifyToken = "the token entered at Meta"
	case webhook.SendGrid:
		secret = publicKeyOf(t, newPrivateKey(t))
	case webhook.UnsafeNone:
		hook.UnsafeNoVerification = true
		hook.AllowIPs = []config.Network{config.Network(netip.MustParsePrefix("10.0.0.0/8"))}
		return hook
	}
	hook.Secrets = []config.WebhookSecret{{Secret: config.Secret(secret)}}
	return hook
}

func newPrivateKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return private
}

func publicKeyOf(t *testing.T, private *ecdsa.PrivateKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}

// TestING16_SettingsAndSchemesAgree: what one of the two lists of schemes knows, the
// other does too, and what the settings let pass can be started.
func TestING16_SettingsAndSchemesAgree(t *testing.T) {
	for _, scheme := range append(webhook.Schemes(), "none", "svix", "") {
		cfg := config.Default()
		cfg.Server.PublicURL = "https://bridge.example.com"
		cfg.Agents["billing"] = config.DefaultAgent()
		hook := sourceSettings(t, scheme)
		cfg.Webhooks = map[string]config.Webhook{"src": hook}
		valid := cfg.Validate()
		_, made := sourceOf("src", hook, slog.New(slog.DiscardHandler))
		if (valid == nil) != (made == nil) {
			t.Errorf("%q: the settings say %v, the scheme says %v", scheme, valid, made)
		}
		if known := scheme != "none" && scheme != "svix" && scheme != ""; known != (valid == nil) {
			t.Errorf("%q: %v", scheme, valid)
		}
	}
}
