package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// vector is a signed delivery published by someone else.
type vector struct {
	name   string
	scheme string
	secret string
	// private signs, where that takes another secret.
	private string
	at      int64  // unix seconds
	method  string // "" is POST
	url     string
	header  http.Header
	body    string
	key     string // dedupe key, "" if weak
}

// vectors are what others say of their schemes. Each was also recomputed by hand.
var vectors = []vector{
	{
		// github.com/standard-webhooks/standard-webhooks libraries/go/webhook_test.go
		name: "SW-1", scheme: Standard,
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
		name: "SW-1 as Svix", scheme: Standard,
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
		// github.com/openai/openai-python tests/lib/test_webhooks.py signs by the same rules
		name: "SW-1 as OpenAI", scheme: OpenAI,
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
		// github.com/svix/svix-webhooks server/svix-server/src/worker.rs test_asymmetric_key_signing
		name: "SW-4", scheme: Standard,
		secret:  "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=",
		private: "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==",
		at:      1614265330,
		header: http.Header{
			"Webhook-Id":        {"msg_p5jXN8AQM9LWM0D4loKWxJek"},
			"Webhook-Timestamp": {"1614265330"},
			"Webhook-Signature": {"v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="},
		},
		body: `{"test": 2432232314}`,
		key:  "msg_p5jXN8AQM9LWM0D4loKWxJek",
	},
	{
		// github.com/typeclasses/stripe stripe-signature/test/test.hs
		name: "ST-1", scheme: Stripe,
		secret: "secret", at: 123,
		header: http.Header{"Stripe-Signature": {"t=123,v1=f89c0a0e96fa6304a7ebd5ecaf13bc1beb859577cd7cafb7bdbc43c3bc2f6afa"}},
		body:   "hello",
	},
	{
		// docs.github.com "Validating webhook deliveries"
		name: "GH-1", scheme: GitHub,
		secret: "It's a Secret to Everybody",
		header: http.Header{
			"X-Github-Delivery":   {"72d3162e-cc78-11e3-81ab-4c9367dc0958"},
			"X-Hub-Signature-256": {"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
		},
		body: "Hello, World!",
		key:  "72d3162e-cc78-11e3-81ab-4c9367dc0958",
	},
	{
		// Meta's scheme is the same but for the id: developers.facebook.com/docs/graph-api/webhooks/getting-started
		name: "GH-1 as Meta", scheme: Meta,
		secret: "It's a Secret to Everybody",
		header: http.Header{"X-Hub-Signature-256": {"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}},
		body:   "Hello, World!",
	},
	{
		// docs.slack.dev "Verifying requests from Slack", as in github.com/slackapi/python-slack-sdk
		name: "SL-1", scheme: Slack,
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
		name: "SH-1", scheme: Shopify,
		secret: "hush",
		header: http.Header{
			"X-Shopify-Hmac-Sha256": {"hMTq0K2x7oyOjoBwGYeTj5oxfnaVYXzbanUG9aajpKI="},
			"X-Shopify-Webhook-Id":  {"b54557e4-bdd9-4b37-8a5f-bf7d70bcd043"},
		},
		body: `"my secret message"`,
		key:  "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
	},
	{
		// github.com/HubSpot/hubspot-api-python tests/spec/utils/test_signature.py
		name: "HS-3", scheme: HubSpot,
		secret: "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy", at: 1693657560,
		url: "https://www.example.com/webhook_uri",
		header: http.Header{
			"X-Hubspot-Request-Timestamp": {"1693657560000"},
			"X-Hubspot-Signature-V3":      {"K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y="},
		},
		body: `{'example_field':'example_value'}`,
	},
	{
		// developers.hubspot.com/docs/faq/v2-request-validation
		name: "HS-2a", scheme: HubSpot,
		secret: "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy",
		method: http.MethodGet,
		url:    "https://www.example.com/webhook_uri",
		header: http.Header{
			"X-Hubspot-Signature-Version": {"v2"},
			"X-Hubspot-Signature":         {"eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e"},
		},
	},
	{
		// github.com/twilio/twilio-go client/request_validator_test.go
		name: "TW-1", scheme: Twilio,
		secret: "12345",
		url:    "https://mycompany.com/myapp.php?foo=1&bar=2",
		header: http.Header{
			"Content-Type":       {"application/x-www-form-urlencoded"},
			"X-Twilio-Signature": {"vOEb5UThFn24KEfnOFLQY2AE5FY="},
		},
		body: "Digits=1234&CallSid=CA1234567890ABCDE&To=%2B18005551212&Caller=%2B14158675309&From=%2B14158675309" +
			"&ReasonConferenceEnded=test&Reason=Participant",
	},
	{
		// github.com/sendgrid/sendgrid-go helpers/eventwebhook/eventwebhook_test.go; the line end belongs to the body
		name: "SG-1", scheme: SendGrid,
		secret: "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g==",
		at:     1600112502,
		header: http.Header{
			"X-Twilio-Email-Event-Webhook-Timestamp": {"1600112502"},
			"X-Twilio-Email-Event-Webhook-Signature": {"MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM="},
		},
		body: `[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address","sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",` +
			`"sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0","smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>",` +
			`"timestamp":1600112492}]` + "\r\n",
		key: "ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",
	},
}

func (v vector) delivery() Delivery {
	method := v.method
	if method == "" {
		method = http.MethodPost
	}
	return Delivery{Source: "s", Method: method, URL: v.url, Header: v.header.Clone(), Body: []byte(v.body), ArrivedAt: time.Unix(v.at, 0)}
}

// TestPublishedVectorsVerify goes below NewVerifier, which would refuse the short
// secrets of some of them.
func TestPublishedVectorsVerify(t *testing.T) {
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			e, err := prepare(v.scheme, []Secret{{Value: v.secret}}, SchemeOptions{})
			if err != nil {
				t.Fatal(err)
			}
			d := v.delivery()
			got, err := e.Verify(d)
			if err != nil {
				t.Fatalf("refused: %v", err)
			}
			part := got.Parts[0]
			if part.Weak != (v.key == "") || (!part.Weak && part.Key != v.key) {
				t.Errorf("key %q, weak %v; want %q", part.Key, part.Weak, v.key)
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
	for _, v := range vectors {
		if strings.HasPrefix(v.name, "SW-1 as Svix") || v.scheme == SendGrid {
			continue // signed by other names than the first, and with a random number in it
		}
		t.Run(v.name, func(t *testing.T) {
			secret, o := v.secret, SchemeOptions{}
			if v.private != "" {
				secret = v.private
			}
			if version := v.header.Get("X-Hubspot-Signature-Version"); version != "" {
				o.Versions = []string{version}
			}
			out := Outgoing{ID: v.key, At: time.Unix(v.at, 0), Method: v.method, URL: v.url, ContentType: v.header.Get("Content-Type"), Body: []byte(v.body)}
			got, err := Sign(v.scheme, secret, out, o)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(v.header, got); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
		})
	}
}

// TestMACIsThatOfTheJoinedParts guards the parts against being hashed apart.
func TestMACIsThatOfTheJoinedParts(t *testing.T) {
	whole := hmac.New(sha256.New, []byte("k"))
	whole.Write([]byte("id.1.body"))
	parts := standardScheme.forms[0].fill(content{id: "id", timestamp: "1", body: []byte("body")})
	if got := hmacSHA256.mac([]byte("k"), parts); !hmac.Equal(got, whole.Sum(nil)) {
		t.Error("MAC over parts differs from MAC over their concatenation")
	}
}
