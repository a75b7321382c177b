package webhook_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"slices"
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
	signature string // its signature header, "" if it shows a token in the path
	id        string // its id header, "" if it has none
	anyID     bool   // and the id may be missing
	timestamp string // its timestamp header, "" if it has none
	unit      time.Duration
	stamped   bool   // signs a timestamp, wherever it is
	separator string // of the signatures in one header, "" if it sends one
	prefix    string // before each
	base64    bool
	asn1      bool                        // the signature has no fixed length
	public    func(private string) string // the secret to verify with, if it is another
	keyed     bool                        // its body has the key
	renamed   map[string]string           // headers by another name than Sign's
	url       string                      // that it calls
	form      bool                        // sends a form
	shown     bool                        // shows a secret, and signs nothing
	tokenOf   func(key string) string     // in the path
}

// publicURL is that of the sources of these tests.
const publicURL = "https://bridge.example.com"

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
		name: "openai", scheme: webhook.OpenAI, secretOf: asBase64, base64: true,
		signature: "Webhook-Signature", id: "Webhook-Id", timestamp: "Webhook-Timestamp", stamped: true,
		separator: " ", prefix: "v1,",
	},
	{
		name: "standard v1a", scheme: webhook.Standard, secretOf: asSeed, public: seedPublic, base64: true,
		signature: "Webhook-Signature", id: "Webhook-Id", timestamp: "Webhook-Timestamp", stamped: true,
		separator: " ", prefix: "v1a,",
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
		signature: "Stripe-Signature", stamped: true, separator: ",", prefix: "v1=", keyed: true,
	},
	{
		name: "github", scheme: webhook.GitHub, secretOf: asText,
		signature: "X-Hub-Signature-256", id: "X-Github-Delivery", prefix: "sha256=",
	},
	{
		name: "slack", scheme: webhook.Slack, secretOf: asText,
		signature: "X-Slack-Signature", timestamp: "X-Slack-Request-Timestamp", stamped: true, prefix: "v0=",
	},
	{
		name: "shopify", scheme: webhook.Shopify, secretOf: asText, base64: true,
		signature: "X-Shopify-Hmac-Sha256", id: "X-Shopify-Webhook-Id",
	},
	{
		name: "shopify unprefixed", scheme: webhook.Shopify, secretOf: asText, base64: true,
		signature: "Shopify-Hmac-Sha256", id: "Shopify-Webhook-Id",
		renamed: map[string]string{"X-Shopify-Hmac-Sha256": "Shopify-Hmac-Sha256", "X-Shopify-Webhook-Id": "Shopify-Webhook-Id"},
	},
	{
		name: "hubspot v3", scheme: webhook.HubSpot, secretOf: asText, base64: true, url: publicURL + "/webhooks/src?a=b",
		signature: "X-Hubspot-Signature-V3", timestamp: "X-Hubspot-Request-Timestamp", stamped: true, unit: time.Millisecond,
	},
	{
		name: "hubspot v2", scheme: webhook.HubSpot, secretOf: asText, url: publicURL + "/webhooks/src?a=b",
		options:   webhook.SchemeOptions{Versions: []string{"v2", "v1"}},
		signature: "X-Hubspot-Signature",
	},
	{
		name: "hubspot v1", scheme: webhook.HubSpot, secretOf: asText, url: publicURL + "/webhooks/src?a=b",
		options:   webhook.SchemeOptions{Versions: []string{"v1"}},
		signature: "X-Hubspot-Signature",
	},
	{
		name: "twilio json", scheme: webhook.Twilio, secretOf: asText, base64: true,
		url:       publicURL + "/webhooks/src",
		signature: "X-Twilio-Signature", id: "I-Twilio-Idempotency-Token", anyID: true,
	},
	{
		name: "twilio form", scheme: webhook.Twilio, secretOf: asText, base64: true, form: true,
		url:       publicURL + "/webhooks/src?a=b",
		signature: "X-Twilio-Signature", id: "I-Twilio-Idempotency-Token", anyID: true,
	},
	{
		name: "sendgrid", scheme: webhook.SendGrid, secretOf: asP256, public: p256Public, base64: true, asn1: true,
		signature: "X-Twilio-Email-Event-Webhook-Signature", timestamp: "X-Twilio-Email-Event-Webhook-Timestamp", stamped: true,
	},
	{
		name: "x", scheme: webhook.X, secretOf: asText, base64: true,
		signature: "X-Twitter-Webhooks-Signature", prefix: "sha256=",
	},
	{
		name: "meta", scheme: webhook.Meta, secretOf: asText, options: webhook.SchemeOptions{VerifyToken: "verify"},
		signature: "X-Hub-Signature-256", prefix: "sha256=",
	},
	{
		name: "salesforce", scheme: webhook.Salesforce, secretOf: hex24, shown: true, tokenOf: hex24,
	},
	{
		name: "token", scheme: webhook.Token, secretOf: asText, shown: true,
		signature: "Authorization", prefix: "Bearer ",
	},
	{
		name: "token of its own header", scheme: webhook.Token, secretOf: asText, shown: true,
		options:   webhook.SchemeOptions{SignatureHeader: "x-token", IDHeader: "x-id"},
		signature: "X-Token", id: "X-Id",
	},
	{
		name: "hmac of everything", scheme: webhook.HMAC, secretOf: hex24, url: publicURL + "/webhooks/src",
		options: webhook.SchemeOptions{
			SignatureHeader: "x-sig", TimestampHeader: "x-ms", Milliseconds: true, IDHeader: "x-id", Hash: "sha512", KeyEncoding: "hex",
			Signed: "v1:{id}:{timestamp}:{method}:{url}:{body}",
		},
		signature: "X-Sig", id: "X-Id", timestamp: "X-Ms", stamped: true, unit: time.Millisecond,
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

// The keys of senders that sign with a private one are made of rawKey too, so that
// each test's keys are the same in every run.

func asSeed(key string) string {
	sum := sha256.Sum256([]byte(key))
	return "whsk_" + base64.StdEncoding.EncodeToString(ed25519.NewKeyFromSeed(sum[:]))
}

func seedPublic(private string) string {
	raw, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(private, "whsk_"))
	return "whpk_" + base64.StdEncoding.EncodeToString(ed25519.PrivateKey(raw).Public().(ed25519.PublicKey))
}

func p256Of(key string) *ecdsa.PrivateKey {
	sum := sha256.Sum256([]byte(key))
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), sum[:])
	if err != nil {
		panic(err) // one in 2^32 texts is no key
	}
	return private
}

func asP256(key string) string {
	der, err := x509.MarshalPKCS8PrivateKey(p256Of(key))
	if err != nil {
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}

func p256Public(private string) string {
	der, _ := base64.StdEncoding.DecodeString(private)
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		panic(err)
	}
	public, err := x509.MarshalPKIXPublicKey(parsed.(*ecdsa.PrivateKey).Public())
	if err != nil {
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(public)
}

func hex24(key string) string { return hex.EncodeToString([]byte(key)) }

// eachSender runs a test for every scheme.
func eachSender(t *testing.T, test func(t *testing.T, s sender)) {
	t.Helper()
	for _, s := range senders {
		t.Run(s.name, func(t *testing.T) { test(t, s) })
	}
}

func senderNamed(name string) sender {
	return senders[slices.IndexFunc(senders, func(s sender) bool { return s.name == name })]
}

const someBody = `{"id":"evt_1", "b":1, "a":"ä"}`

// body is what a sender sends of some JSON.
func (s sender) body(text string) string {
	if s.form {
		return url.Values{"payload": {text}, "b": {"2"}, "a": {"1"}}.Encode()
	}
	return text
}

// sign makes a genuine delivery.
func (s sender) sign(t *testing.T, key string, at time.Time, text string) webhook.Delivery {
	t.Helper()
	body := s.body(text)
	out := webhook.Outgoing{ID: "msg_1", At: at, URL: s.url, Body: []byte(body)}
	d := webhook.Delivery{Source: "src", Method: http.MethodPost, URL: s.url, Body: []byte(body), ArrivedAt: arrival}
	if s.scheme == webhook.Twilio {
		out.ContentType = "application/x-www-form-urlencoded"
		if !s.form {
			sum := sha256.Sum256([]byte(body))
			out.ContentType, out.URL = "application/json", s.url+"?bodySHA256="+hex.EncodeToString(sum[:])
			d.URL = out.URL
		}
	}
	header, err := webhook.Sign(s.scheme, s.secretOf(key), out, s.options)
	if err != nil {
		t.Fatal(err)
	}
	for from, to := range s.renamed {
		header[to] = header[from]
		delete(header, from)
	}
	d.Header = header
	if s.tokenOf != nil {
		d.Token = s.tokenOf(key)
	}
	return d
}

func (s sender) verifier(t *testing.T, secrets ...webhook.Secret) webhook.Verifier {
	t.Helper()
	if len(secrets) == 0 {
		secrets = []webhook.Secret{{Value: s.secretOf(rawKey)}}
	}
	if s.public != nil {
		secrets = slices.Clone(secrets)
		for i := range secrets {
			secrets[i].Value = s.public(secrets[i].Value)
		}
	}
	v, err := webhook.NewVerifier(s.scheme, secrets, s.options)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// mac cuts the bare signature out of a delivery, and with puts another in.
func (s sender) mac(d webhook.Delivery) string {
	if s.tokenOf != nil {
		return d.Token
	}
	_, mac, _ := strings.Cut(d.Header.Get(s.signature), s.prefix)
	return mac
}

func (s sender) with(d webhook.Delivery, mac string) webhook.Delivery {
	if s.tokenOf != nil {
		d.Token = mac
		return d
	}
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
