package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"net/http"
	"testing"
	"time"
)

// vector is a signed delivery published by someone else.
type vector struct {
	name   string
	scheme scheme
	secret string
	at     int64 // unix seconds
	header http.Header
	body   string
	key    string // dedupe key, "" if weak
}

// vectors of the schemes a source can have. Each was also recomputed by hand.
var vectors = []vector{
	{
		// github.com/standard-webhooks/standard-webhooks libraries/go/webhook_test.go
		name: "SW-1", scheme: standardScheme,
		secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
		at:     1614265330,
		header: http.Header{
			"Webhook-Id":        {"msg_p5jXN8AQM9LWM0D4loKWxJek"},
			"Webhook-Timestamp": {"1614265330"},
			"Webhook-Signature": {"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
		},
		body: `{"test": 2432232314}`,
		key:  "msg_p5jXN8AQM9LWM0D4loKWxJek",
	},
	{
		// The same by Svix's names: docs.svix.com/receiving/verifying-payloads/how-manual
		name: "SW-1 as Svix", scheme: standardScheme,
		secret: "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", // shown without its prefix
		at:     1614265330,
		header: http.Header{
			"Svix-Id":        {"msg_p5jXN8AQM9LWM0D4loKWxJek"},
			"Svix-Timestamp": {"1614265330"},
			"Svix-Signature": {"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
		},
		body: `{"test": 2432232314}`,
		key:  "msg_p5jXN8AQM9LWM0D4loKWxJek",
	},
	{
		// github.com/typeclasses/stripe stripe-signature/test/test.hs
		name: "ST-1", scheme: stripeScheme,
		secret: "secret", at: 123,
		header: http.Header{"Stripe-Signature": {"t=123,v1=f89c0a0e96fa6304a7ebd5ecaf13bc1beb859577cd7cafb7bdbc43c3bc2f6afa"}},
		body:   "hello",
	},
	{
		// docs.github.com "Validating webhook deliveries"
		name: "GH-1", scheme: githubScheme,
		secret: "It's a Secret to Everybody", at: 0,
		header: http.Header{
			"X-Github-Delivery":   {"72d3162e-cc78-11e3-81ab-4c9367dc0958"},
			"X-Hub-Signature-256": {"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
		},
		body: "Hello, World!",
		key:  "72d3162e-cc78-11e3-81ab-4c9367dc0958",
	},
}

// further are vectors of senders that have no scheme of their own yet. They hold
// the engine to its claim that a scheme is data.
var further = []vector{
	{
		// docs.slack.dev "Verifying requests from Slack", as in github.com/slackapi/python-slack-sdk
		name: "SL-1",
		scheme: scheme{
			spellings: []spelling{{signature: "X-Slack-Signature", timestamp: "X-Slack-Request-Timestamp"}},
			unit:      time.Second,
			signed:    []string{"v0:", timestampField, ":", bodyField},
			prefix:    "v0=", encoding: hexEncoding, decodeKey: textKey, mac: hmacSHA256,
		},
		secret: "8f742231b10e8888abcd99yyyzzz85a5", at: 1531420618,
		header: http.Header{
			"X-Slack-Request-Timestamp": {"1531420618"},
			"X-Slack-Signature":         {"v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"},
		},
		body: "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V" +
			"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=" +
			"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN" +
			"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c",
	},
	{
		// github.com/bold-commerce/go-shopify oauth_test.go; the quotes belong to the body
		name: "SH-1",
		scheme: scheme{
			spellings: []spelling{{signature: "X-Shopify-Hmac-Sha256"}},
			signed:    []string{bodyField},
			encoding:  base64Encoding, decodeKey: textKey, mac: hmacSHA256,
		},
		secret: "hush",
		header: http.Header{"X-Shopify-Hmac-Sha256": {"hMTq0K2x7oyOjoBwGYeTj5oxfnaVYXzbanUG9aajpKI="}},
		body:   `"my secret message"`,
	},
	{
		// github.com/HubSpot/hubspot-api-python tests/spec/utils/test_signature.py
		name: "HS-3, its method and URL as literals",
		scheme: scheme{
			spellings: []spelling{{signature: "X-Hubspot-Signature-V3", timestamp: "X-Hubspot-Request-Timestamp"}},
			unit:      time.Millisecond,
			signed:    []string{"POST", "https://www.example.com/webhook_uri", bodyField, timestampField},
			encoding:  base64Encoding, decodeKey: textKey, mac: hmacSHA256,
		},
		secret: "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy", at: 1693657560,
		header: http.Header{
			"X-Hubspot-Request-Timestamp": {"1693657560000"},
			"X-Hubspot-Signature-V3":      {"K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y="},
		},
		body: `{'example_field':'example_value'}`,
	},
}

// TestPublishedVectorsVerify goes below NewVerifier, which would refuse the short
// secrets of some of them.
func TestPublishedVectorsVerify(t *testing.T) {
	for _, v := range append(vectors, further...) {
		t.Run(v.name, func(t *testing.T) {
			e, err := newEngine(v.scheme, []Secret{{Value: v.secret}}, defaultTolerance)
			if err != nil {
				t.Fatal(err)
			}
			d := Delivery{Source: "s", Header: v.header, Body: []byte(v.body), ArrivedAt: time.Unix(v.at, 0)}
			got, err := e.Verify(d)
			if err != nil {
				t.Fatalf("refused: %v", err)
			}
			if got.Parts[0].Weak != (v.key == "") || (!got.Parts[0].Weak && got.Parts[0].Key != v.key) {
				t.Errorf("key %q, weak %v; want %q", got.Parts[0].Key, got.Parts[0].Weak, v.key)
			}
			d.Body = append(d.Body, '\n')
			if _, err := e.Verify(d); err == nil {
				t.Error("accepted with a line feed added to the body")
			}
		})
	}
}

// TestSignMakesPublishedVectors holds Sign to the same vectors: a signer checked
// only by our own verifier could share its mistakes.
func TestSignMakesPublishedVectors(t *testing.T) {
	for name, v := range map[string]vector{Standard: vectors[0], Stripe: vectors[2], GitHub: vectors[3]} {
		got, err := Sign(name, v.secret, Outgoing{ID: v.key, At: time.Unix(v.at, 0), Body: []byte(v.body)}, SchemeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for header := range v.header {
			if got.Get(header) != v.header.Get(header) {
				t.Errorf("%s: %s is %q, want %q", name, header, got.Get(header), v.header.Get(header))
			}
		}
	}
}

// TestMACIsThatOfTheJoinedParts guards the parts against being hashed apart.
func TestMACIsThatOfTheJoinedParts(t *testing.T) {
	whole := hmac.New(sha256.New, []byte("k"))
	whole.Write([]byte("id.1.body"))
	parts := standardScheme.fill("id", "1", []byte("body"))
	if got := hmacSHA256([]byte("k"), parts); !hmac.Equal(got, whole.Sum(nil)) {
		t.Error("MAC over parts differs from MAC over their concatenation")
	}
}
