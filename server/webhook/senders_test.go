package webhook_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"drawbridge/server/webhook"
)

// arrival is when every delivery of these tests comes in.
var arrival = time.Unix(1_700_000_000, 0)

// rawKey is 24 bytes; each scheme writes it as its secret in its own way.
const rawKey = "0123456789abcdefghijklmn"

// sender is one scheme as a sender would use it.
type sender struct {
	name      string
	scheme    string
	options   webhook.SchemeOptions
	secretOf  func(rawKey string) string
	signature string // its signature header
	id        string // its id header, "" if it has none
	timestamp string // its timestamp header, "" if it has none
	stamped   bool   // signs a timestamp, wherever it is
	separator string // of the signatures in one header, "" if it sends one
	prefix    string // before each
	base64    bool
	renamed   map[string]string // headers by another name than Sign's
}

func asText(key string) string { return key }

func asBase64(key string) string {
	return "whsec_" + base64.StdEncoding.EncodeToString([]byte(key))
}

var senders = []sender{
	{
		name: "standard", scheme: webhook.Standard, secretOf: asBase64, base64: true,
		signature: "Webhook-Signature", id: "Webhook-Id", timestamp: "Webhook-Timestamp", stamped: true,
		separator: " ", prefix: "v1,",
	},
	{
		name: "svix", scheme: webhook.Standard, secretOf: asBase64, base64: true,
		signature: "Svix-Signature", id: "Svix-Id", timestamp: "Svix-Timestamp", stamped: true,
		separator: " ", prefix: "v1,",
		renamed: map[string]string{
			"Webhook-Signature": "Svix-Signature", "Webhook-Id": "Svix-Id", "Webhook-Timestamp": "Svix-Timestamp",
		},
	},
	{
		name: "stripe", scheme: webhook.Stripe, secretOf: asText,
		signature: "Stripe-Signature", stamped: true, separator: ",", prefix: "v1=",
	},
	{
		name: "github", scheme: webhook.GitHub, secretOf: asText,
		signature: "X-Hub-Signature-256", id: "X-Github-Delivery", prefix: "sha256=",
	},
	{
		name: "hmac bare", scheme: webhook.HMAC, secretOf: asText,
		options:   webhook.SchemeOptions{SignatureHeader: "x-signature"},
		signature: "X-Signature",
	},
	{
		name: "hmac full", scheme: webhook.HMAC, secretOf: asText, base64: true,
		options: webhook.SchemeOptions{
			SignatureHeader: "x-acme-signature", Encoding: "base64", Prefix: "sig=",
			TimestampHeader: "x-acme-time", IDHeader: "x-acme-id",
		},
		signature: "X-Acme-Signature", id: "X-Acme-Id", timestamp: "X-Acme-Time", stamped: true, prefix: "sig=",
	},
}

// eachSender runs a test for every scheme.
func eachSender(t *testing.T, test func(t *testing.T, s sender)) {
	t.Helper()
	for _, s := range senders {
		t.Run(s.name, func(t *testing.T) { test(t, s) })
	}
}

const someBody = `{"id":"evt_1", "b":1, "a":"ä"}`

// sign makes a genuine delivery.
func (s sender) sign(t *testing.T, key string, at time.Time, body string) webhook.Delivery {
	t.Helper()
	out := webhook.Outgoing{ID: "msg_1", At: at, Body: []byte(body)}
	header, err := webhook.Sign(s.scheme, s.secretOf(key), out, s.options)
	if err != nil {
		t.Fatal(err)
	}
	for from, to := range s.renamed {
		header[to] = header[from]
		delete(header, from)
	}
	return webhook.Delivery{Source: "src", Header: header, Body: []byte(body), ArrivedAt: arrival}
}

func (s sender) verifier(t *testing.T, secrets ...webhook.Secret) webhook.Verifier {
	t.Helper()
	if len(secrets) == 0 {
		secrets = []webhook.Secret{{Value: s.secretOf(rawKey)}}
	}
	v, err := webhook.NewVerifier(s.scheme, secrets, s.options)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// mac cuts the bare signature out of a delivery, and with puts another in.
func (s sender) mac(d webhook.Delivery) string {
	_, mac, _ := strings.Cut(d.Header.Get(s.signature), s.prefix)
	return mac
}

func (s sender) with(d webhook.Delivery, mac string) webhook.Delivery {
	d.Header = d.Header.Clone()
	d.Header.Set(s.signature, strings.Replace(d.Header.Get(s.signature), s.mac(d), mac, 1))
	return d
}

// wantRefused checks the status, and that the reason keeps secret and signature
// to itself.
func (s sender) wantRefused(t *testing.T, d webhook.Delivery, status int) {
	t.Helper()
	_, err := s.verifier(t).Verify(d)
	var refusal *webhook.Refusal
	if !errors.As(err, &refusal) {
		t.Fatalf("got %v, want a refusal with %d", err, status)
	}
	if refusal.Status != status {
		t.Errorf("status %d (%s), want %d", refusal.Status, refusal.Reason, status)
	}
	mac := s.mac(d)
	if strings.Contains(refusal.Reason, s.secretOf(rawKey)) || (len(mac) > 4 && strings.Contains(refusal.Reason, mac)) {
		t.Errorf("the reason tells too much: %q", refusal.Reason)
	}
}

func (s sender) wantVerified(t *testing.T, d webhook.Delivery) webhook.Verified {
	t.Helper()
	got, err := s.verifier(t).Verify(d)
	if err != nil {
		t.Fatalf("refused a genuine delivery: %v", err)
	}
	return got
}
