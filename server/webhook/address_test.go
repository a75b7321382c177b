package webhook_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"drawbridge/server/webhook"
)

// TestING22_AddressIsThePublicURLAndTheTargetAsReceived: what a request says of its
// host, and what a proxy says of it, has no say.
func TestING22_AddressIsThePublicURLAndTheTargetAsReceived(t *testing.T) {
	for target, signed := range map[string]string{
		"/webhooks/src":                     publicURL + "/webhooks/src",
		"/webhooks/src?a=b%20c&d=%7e":       publicURL + "/webhooks/src?a=b%20c&d=%7e",
		"//webhooks/./src/":                 publicURL + "//webhooks/./src/",
		"/webhooks/%73rc?":                  publicURL + "/webhooks/%73rc?",
		"http://proxy:1/webhooks/src?q=%41": publicURL + "/webhooks/src?q=%41",
	} {
		s := senderNamed("hubspot v3")
		s.url = signed
		for _, host := range []string{"bridge.example.com", "internal:8080", "evil.example.com"} {
			d := opened(t, s.verifier(t))
			r := httptest.NewRequest("POST", target, strings.NewReader(someBody))
			r.Header = s.sign(t, rawKey, arrival, someBody).Header
			r.Host = host
			r.Header.Set("X-Forwarded-Host", host)
			r.Header.Set("X-Forwarded-Proto", "http")
			w := httptest.NewRecorder()
			d.handler.ServeHTTP(w, r)
			if w.Code != 200 {
				t.Errorf("%s for host %s: answered %d", target, host, w.Code)
			}
		}
	}
	s := senderNamed("hubspot v3")
	s.url = "https://evil.example.com/webhooks/src"
	d := opened(t, s.verifier(t))
	header := s.sign(t, rawKey, arrival, someBody).Header
	header.Set("X-Forwarded-Host", "evil.example.com")
	if status, _, _ := d.exchange(t, "POST", "http://evil.example.com/webhooks/src", header, someBody); status != 401 {
		t.Errorf("a forged host is believed: %d", status)
	}
}

func TestING22_NothingStartsWithoutThePublicURL(t *testing.T) {
	for _, s := range senders {
		needs := s.scheme == webhook.Twilio || s.name == "hubspot v3" || s.name == "hubspot v2" || s.name == "hmac of everything"
		for address, want := range map[string]bool{"": !needs, publicURL: true} {
			source := webhook.Source{Name: "src", Verifier: s.verifier(t)}
			_, err := webhook.NewHandler([]webhook.Source{source}, &memoryInbox{}, webhook.Options{PublicURL: address})
			if (err == nil) != want {
				t.Errorf("%s with %q: %v", s.name, address, err)
			}
			if err != nil && !strings.Contains(err.Error(), "server.public_url") {
				t.Errorf("the error does not name the setting: %v", err)
			}
		}
	}
}

// TestHubSpotAddressIsTriedDecodedAndAsReceived: its manual says one, its libraries
// do the other.
func TestHubSpotAddressIsTriedDecodedAndAsReceived(t *testing.T) {
	const received = publicURL + "/webhooks/src?u=https%3A%2F%2Fa%3fb%40%21%24%27%28%29%2a%2C%3B%20%26"
	const decoded = publicURL + "/webhooks/src?u=https://a?b@!$'()*,;%20%26"
	s := senderNamed("hubspot v3")
	for signed, want := range map[string]bool{received: true, decoded: true, publicURL + "/webhooks/src?u=https://a?b@!$'()*,; &": false} {
		mac := base64.StdEncoding.EncodeToString(hmacOf(rawKey, "POST"+signed+someBody+"1700000000000"))
		d := webhook.Delivery{Method: "POST", URL: received, Body: []byte(someBody), ArrivedAt: arrival,
			Header: http.Header{s.signature: {mac}, s.timestamp: {"1700000000000"}}}
		if _, err := s.verifier(t).Verify(d); (err == nil) != want {
			t.Errorf("signed %s: %v", signed, err)
		}
	}
}

// TestHubSpotIsJudgedByItsNewestSignature: with a stale v3 an old signature beside it
// is of no use, and a source may take v3 only.
func TestHubSpotIsJudgedByItsNewestSignature(t *testing.T) {
	v3, v1 := senderNamed("hubspot v3"), senderNamed("hubspot v1")
	stale := v3.sign(t, rawKey, arrival.Add(-301e9), someBody)
	for name, values := range v1.sign(t, rawKey, arrival, someBody).Header {
		stale.Header[name] = values
	}
	v3.wantRefused(t, stale, http.StatusUnauthorized)
	v3.wantVerified(t, v1.sign(t, rawKey, arrival, someBody))
	v3.options.Versions = []string{"v3"}
	v3.wantRefused(t, v1.sign(t, rawKey, arrival, someBody), http.StatusUnauthorized)
	for _, unknown := range []string{"v4", "", "V3"} {
		if _, err := webhook.NewVerifier(webhook.HubSpot, []webhook.Secret{{Value: rawKey}}, webhook.SchemeOptions{Versions: []string{unknown}}); err == nil {
			t.Errorf("version %q is known", unknown)
		}
	}
}

// TestHubSpotPlainHashCannotBeCarriedOn: SHA-256 of secret and body can be extended by
// whoever has seen it; what is signed then has the padding in it.
func TestHubSpotPlainHashCannotBeCarriedOn(t *testing.T) {
	for _, name := range []string{"hubspot v1", "hubspot v2"} {
		s := senderNamed(name)
		s.wantRefused(t, s.sign(t, rawKey, arrival, someBody+"\x80\x00\x00\x00\x01\x18,{}"), http.StatusUnauthorized)
	}
}

func TestTwilioAddressIsTriedWithThePortAndWithout(t *testing.T) {
	for configured, signed := range map[string][]string{
		"https://a.example.com/x?y=1":      {"https://a.example.com/x?y=1", "https://a.example.com:443/x?y=1"},
		"https://a.example.com:443/x":      {"https://a.example.com/x", "https://a.example.com:443/x"},
		"http://a.example.com/x":           {"http://a.example.com/x", "http://a.example.com:80/x"},
		"https://a.example.com:8443/x":     {"https://a.example.com:8443/x"},
		"https://[2001:db8::1]/x":          {"https://[2001:db8::1]/x", "https://[2001:db8::1]:443/x"},
		"https://a.example.com?next=b:443": {"https://a.example.com?next=b:443", "https://a.example.com:443?next=b:443"},
	} {
		for _, address := range signed {
			d := twilioDelivery(configured, address, "A=1")
			if _, err := senderNamed("twilio form").verifier(t).Verify(d); err != nil {
				t.Errorf("%s, signed as %s: %v", configured, address, err)
			}
		}
	}
	for _, other := range []string{"https://a.example.com:8443/x", "http://a.example.com/x", "https://b.example.com/x"} {
		if _, err := senderNamed("twilio form").verifier(t).Verify(twilioDelivery("https://a.example.com/x", other, "A=1")); err == nil {
			t.Errorf("%s is taken for https://a.example.com/x", other)
		}
	}
}

// twilioDelivery signs by the documented rules, not by ours.
func twilioDelivery(address, signedAddress, body string) webhook.Delivery {
	h := hmac.New(sha1.New, []byte(rawKey))
	h.Write([]byte(signedAddress + strings.NewReplacer("=", "", "&", "").Replace(body)))
	return webhook.Delivery{Method: "POST", URL: address, Body: []byte(body), ArrivedAt: arrival, Header: http.Header{
		"X-Twilio-Signature": {base64.StdEncoding.EncodeToString(h.Sum(nil))}, "Content-Type": {"application/x-www-form-urlencoded; charset=UTF-8"},
	}}
}

func TestTwilioFormIsSignedSortedAndEachValueOnce(t *testing.T) {
	const address = publicURL + "/webhooks/src"
	v := senderNamed("twilio form").verifier(t)
	signed := twilioDelivery(address, address, "A=1&B=2&B=3&a=4")
	for body, want := range map[string]bool{
		"A=1&B=2&B=3&a=4": true, "a=4&B=3&A=1&B=2&B=3": true, "A=1&B=2&B=3&a=5": false, "A=1&B=2&B=3": false,
		"A=1&B=2&B=3&a=4&c": false, "A=1&B=2&B=3&a=4;": false, "A=%zz": false,
	} {
		d := signed
		d.Body = []byte(body)
		if _, err := v.Verify(d); (err == nil) != want {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// TestTwilioBodyThatIsNoFormIsCoveredByItsHash: a signed address without a body, or
// with a form's name on another body, must not open the door.
func TestTwilioBodyThatIsNoFormIsCoveredByItsHash(t *testing.T) {
	s := senderNamed("twilio json")
	genuine := s.sign(t, rawKey, arrival, someBody)
	s.wantVerified(t, genuine)
	asForm := genuine
	asForm.Header = genuine.Header.Clone()
	asForm.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	asForm.Body = nil
	s.wantRefused(t, asForm, http.StatusUnauthorized)
	const address = publicURL + "/webhooks/src"
	d := twilioDelivery(address, address, "") // no parameters: the address alone is signed
	senderNamed("twilio form").wantVerified(t, d)
	for _, kind := range []string{"application/json", "text/plain", "multipart/form-data; boundary=x"} {
		d.Body = []byte(someBody)
		d.Header.Set("Content-Type", kind)
		s.wantRefused(t, d, http.StatusUnauthorized)
	}
}
