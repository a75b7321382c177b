package webhook_test

import (
	"net/http"
	"net/netip"
	"testing"
	"time"

	"drawbridge/server/webhook"
)

// TestKeyAndTimeAreTheProviders: what identifies an event, and when it happened, is
// where its sender puts it.
func TestKeyAndTimeAreTheProviders(t *testing.T) {
	at := time.Unix(1_699_999_990, 0)
	for name, c := range map[string]struct {
		sender, body string
		header       http.Header
		key          string // "" if weak
		at           time.Time
	}{
		"standard":                  {"standard", `{"type":"a.b","timestamp":"2023-11-14T22:13:10Z","data":{}}`, nil, "msg_1", at},
		"standard without a time":   {"standard", `{"type":"a.b"}`, nil, "msg_1", arrival},
		"openai":                    {"openai", `{"object":"event","id":"evt_1","type":"response.completed","created_at":1699999990,"data":{"id":"resp_1"}}`, nil, "msg_1", at},
		"stripe":                    {"stripe", `{"id":"evt_1","created":1699999990,"data":{"object":{"id":"pi_1","created":1}}}`, nil, "evt_1", at},
		"stripe without an id":      {"stripe", `{"object":{"id":"evt_1"},"created":1699999990}`, nil, "", at},
		"github":                    {"github", `{"id":"x","created":1}`, nil, "msg_1", time.Time{}},
		"slack":                     {"slack", `{"event":{"event_id":"no"},"type":"event_callback","event_id":"Ev1","event_time":1699999990}`, nil, "Ev1", at},
		"slack's command":           {"slack", `token=x&command=%2Fhello`, nil, "", arrival},
		"shopify":                   {"shopify", `{"id":1}`, http.Header{"X-Shopify-Triggered-At": {"2023-11-14T22:13:10Z"}, "X-Shopify-Event-Id": {"other"}}, "msg_1", at},
		"shopify unprefixed":        {"shopify unprefixed", `{"id":1}`, http.Header{"Shopify-Triggered-At": {"2023-11-14T22:13:10.000Z"}}, "msg_1", at},
		"shopify, an odd time":      {"shopify", `{"id":1}`, http.Header{"X-Shopify-Triggered-At": {"yesterday"}}, "msg_1", time.Time{}},
		"hubspot's workflow":        {"hubspot v3", `{"eventId":5,"subscriptionId":6,"portalId":7,"occurredAt":1699999990000}`, nil, "5:6:7", at},
		"hubspot without an id":     {"hubspot v3", `{"subscriptionId":6,"portalId":7}`, nil, "", arrival},
		"sendgrid's single":         {"sendgrid", `{"sg_event_id":"a","timestamp":1699999990}`, nil, "a", at},
		"x":                         {"x", `{"for_user_id":"1","tweet_create_events":[{"id":5,"id_str":"5","timestamp_ms":"1699999990000"},{"id_str":"6"}]}`, nil, "1:tweet_create_events:5:6", at},
		"x's message":               {"x", `{"for_user_id":"1","direct_message_events":[{"id":"7","created_timestamp":"1699999990000"}],"apps":{}}`, nil, "1:direct_message_events:7", at},
		"x, of a kind without ids":  {"x", `{"for_user_id":"1","follow_events":[{"created_timestamp":"1699999990000"}]}`, nil, "", at},
		"x, of two kinds":           {"x", `{"for_user_id":"1","a_events":[{"id":"7"}],"b_events":[{"id":"8"}]}`, nil, "", time.Time{}},
		"messenger":                 {"meta", `{"object":"page","entry":[{"id":"9","time":1699999990000,"messaging":[{"message":{"mid":"m1"}}]}]}`, nil, "9:m1", at},
		"whatsapp":                  {"meta", `{"entry":[{"id":"9","changes":[{"value":{"messages":[{"id":"wamid.1","timestamp":"1699999990"}]}}]}]}`, nil, "9:wamid.1:", at},
		"whatsapp's status":         {"meta", `{"entry":[{"id":"9","changes":[{"value":{"statuses":[{"id":"wamid.1","status":"read","timestamp":"1699999990"}]}}]}]}`, nil, "9:wamid.1:read", at},
		"meta, several":             {"meta", `{"entry":[{"id":"9","time":1699999990,"messaging":[{"message":{"mid":"m1"}},{"message":{"mid":"m2"}}]}]}`, nil, "", at},
		"meta, several entries":     {"meta", `{"entry":[{"id":"9","time":1699999990,"messaging":[{"message":{"mid":"m1"}}]},{"id":"8"}]}`, nil, "", at},
		"meta, of another product":  {"meta", `{"entry":[{"id":"9","time":1699999990,"changed_fields":["name"]}]}`, nil, "", at},
		"twilio":                    {"twilio form", `{}`, nil, "msg_1", time.Time{}},
		"a time that is none":       {"stripe", `{"id":"evt_1","created":-5}`, nil, "evt_1", arrival},
		"a time in another century": {"stripe", `{"id":"evt_1","created":1e300}`, nil, "evt_1", arrival},
	} {
		t.Run(name, func(t *testing.T) {
			s := senderNamed(c.sender)
			d := s.sign(t, rawKey, arrival, c.body)
			for name, values := range c.header {
				d.Header[name] = values
			}
			got := s.wantVerified(t, d)
			if len(got.Parts) != 1 {
				t.Fatalf("%d events", len(got.Parts))
			}
			p := got.Parts[0]
			if p.Weak != (c.key == "") || !p.Weak && p.Key != c.key {
				t.Errorf("key %q, weak %v; want %q", p.Key, p.Weak, c.key)
			}
			if !p.At.Equal(c.at) {
				t.Errorf("happened at %v, want %v", p.At, c.at)
			}
			for name, values := range c.header {
				if got.Headers.Get(name) != values[0] {
					t.Errorf("%s is not kept", name)
				}
			}
		})
	}
}

// TestTwilioWithoutItsTokenHasAWeakKey: not all of Twilio's products send one.
func TestTwilioWithoutItsTokenHasAWeakKey(t *testing.T) {
	s := senderNamed("twilio form")
	d := s.sign(t, rawKey, arrival, "x")
	d.Header.Del(s.id)
	if got := s.wantVerified(t, d); !got.Parts[0].Weak {
		t.Errorf("key %q", got.Parts[0].Key)
	}
}

func TestBearerTokenIsNoMatterOfCase(t *testing.T) {
	s := senderNamed("token")
	for value, want := range map[string]bool{
		"Bearer " + rawKey: true, "bearer " + rawKey: true, "BEARER " + rawKey: true,
		rawKey: false, "Basic " + rawKey: false, "Bearer" + rawKey: false, "Bearer  " + rawKey: false, "Bearer ": false, "Bearer " + rawKey[1:]: false,
	} {
		d := webhook.Delivery{Method: "POST", Header: http.Header{"Authorization": {value}}, ArrivedAt: arrival}
		if _, err := s.verifier(t).Verify(d); (err == nil) != want {
			t.Errorf("%q: %v", value, err)
		}
	}
}

func TestING16_UnsafeNoneHasToBeSaidTwiceAndHasNoSecret(t *testing.T) {
	o := webhook.SchemeOptions{NoVerification: true}
	for _, c := range []struct {
		secrets []webhook.Secret
		o       webhook.SchemeOptions
		ok      bool
	}{
		{nil, o, true}, {nil, webhook.SchemeOptions{}, false}, {[]webhook.Secret{{Value: rawKey}}, o, false},
	} {
		if _, err := webhook.NewVerifier(webhook.UnsafeNone, c.secrets, c.o); (err == nil) != c.ok {
			t.Errorf("%+v: %v", c, err)
		}
	}
	v, err := webhook.NewVerifier(webhook.UnsafeNone, nil, o)
	if err != nil {
		t.Fatal(err)
	}
	for allowed, want := range map[string]bool{"": false, "10.0.0.0/8": true} {
		source := webhook.Source{Name: "src", Verifier: v}
		if allowed != "" {
			source.AllowIPs = []netip.Prefix{netip.MustParsePrefix(allowed)}
		}
		if _, err := webhook.NewHandler([]webhook.Source{source}, &memoryInbox{}, webhook.Options{}); (err == nil) != want {
			t.Errorf("allowed from %q: %v", allowed, err)
		}
	}
	got, err := v.Verify(webhook.Delivery{Source: "src", Body: []byte("anything"), ArrivedAt: arrival})
	if err != nil || !got.Parts[0].Weak || got.By != "nobody: the source takes unsigned deliveries" {
		t.Errorf("%+v, %v", got, err)
	}
}
