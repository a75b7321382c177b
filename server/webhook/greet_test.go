package webhook_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"drawbridge/server/webhook"
)

// opened is a door whose source "src" has this verifier.
func opened(t *testing.T, v webhook.Verifier) *door {
	t.Helper()
	return open(t, func(s *webhook.Source, o *webhook.Options) {
		s.Verifier, s.MaxBody, o.PublicURL = v, 0, publicURL
	})
}

// exchange calls the handler and gives what it wrote, byte for byte.
func (d *door) exchange(t *testing.T, method, target string, header http.Header, body string) (int, http.Header, string) {
	t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if header != nil {
		r.Header = header
	}
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	text, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, w.Header(), string(text)
}

func TestING21_SlackChallengeIsAnsweredAsTextOnceItIsVerified(t *testing.T) {
	s := senderNamed("slack")
	d := opened(t, s.verifier(t))
	const body = `{"token":"x","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P","type":"url_verification"}`
	status, header, got := d.exchange(t, "POST", "/webhooks/src", s.sign(t, rawKey, arrival, body).Header, body)
	if status != 200 || got != "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P" || !strings.HasPrefix(header.Get("Content-Type"), "text/plain") {
		t.Errorf("answered %d %q %q", status, header.Get("Content-Type"), got)
	}
	if status, _, got := d.exchange(t, "POST", "/webhooks/src", s.sign(t, "another key of 24 bytes.", arrival, body).Header, body); status != 401 || strings.Contains(got, "3eZbrw") {
		t.Errorf("unsigned: answered %d %q", status, got)
	}
	if status, _, _ := d.exchange(t, "POST", "/webhooks/src", s.sign(t, rawKey, arrival.Add(-time.Hour), body).Header, body); status != 401 {
		t.Errorf("stale: answered %d", status)
	}
	if n := len(d.stored()); n != 0 {
		t.Errorf("%d events", n)
	}
	// An event that only quotes the words is an event.
	event := `{"type":"event_callback","event_id":"Ev1","event":{"type":"url_verification","challenge":"x"}}`
	if status, _, _ := d.exchange(t, "POST", "/webhooks/src", s.sign(t, rawKey, arrival, event).Header, event); status != 200 || len(d.stored()) != 1 {
		t.Errorf("an event: answered %d, %d stored", status, len(d.stored()))
	}
}

func TestING21_MetaChallengeComesBackByteForByte(t *testing.T) {
	d := opened(t, senderNamed("meta").verifier(t))
	ask := func(mode, token, challenge string) (int, string) {
		q := url.Values{"hub.mode": {mode}, "hub.verify_token": {token}, "hub.challenge": {challenge}}
		status, header, got := d.exchange(t, "GET", "/webhooks/src?"+q.Encode(), nil, "")
		if status == 200 && !strings.HasPrefix(header.Get("Content-Type"), "text/plain") {
			t.Errorf("Content-Type %q", header.Get("Content-Type"))
		}
		return status, got
	}
	for _, challenge := range []string{"1158201444", "", "a b\n", "<script>"} {
		if status, got := ask("subscribe", "verify", challenge); status != 200 || got != challenge {
			t.Errorf("answered %d %q, want %q", status, got, challenge)
		}
	}
	for _, wrong := range [][2]string{{"subscribe", "wrong"}, {"subscribe", ""}, {"subscribe", "verify "}, {"unsubscribe", "verify"}, {"", "verify"}} {
		if status, got := ask(wrong[0], wrong[1], "1158201444"); status != 403 || strings.Contains(got, "1158201444") {
			t.Errorf("%q: answered %d %q", wrong, status, got)
		}
	}
	if len(d.stored()) != 0 || len(d.refused()) != 5 {
		t.Errorf("%d events, %d refusals", len(d.stored()), len(d.refused()))
	}
}

// TestING21_XChallengeIsSigned has a published pair: github.com/frain-dev/convoy
// internal/pkg/crc/crc_test.go, recomputed. Its secret is too short to start with,
// so it is tried where vectors are.
func TestING21_XChallengeIsSigned(t *testing.T) {
	account, err := webhook.Explain(webhook.X, []webhook.Secret{{Value: "Convoy"}}, webhook.SchemeOptions{},
		webhook.Delivery{Method: "GET", URL: publicURL + "/webhooks/src?crc_token=uzwcfYtzr9"})
	const want = `{"response_token":"sha256=HXvxTdsfShG6k2zC9NVANwFquJBdOugRYHax2vNiiOo="}`
	if err != nil || !account.Genuine || string(account.Reply.Body) != want {
		t.Errorf("%+v, %v", account, err)
	}
	d := opened(t, senderNamed("x").verifier(t))
	status, header, got := d.exchange(t, "GET", "/webhooks/src?crc_token=uzwcfYtzr9", nil, "")
	if status != 200 || header.Get("Content-Type") != "application/json" || !strings.HasPrefix(got, `{"response_token":"sha256=`) {
		t.Errorf("answered %d %q %q", status, header.Get("Content-Type"), got)
	}
	for _, query := range []string{"", "?crc_token=", "?crc_token=" + strings.Repeat("a", 257), "?other=1"} {
		if status, _, _ := d.exchange(t, "GET", "/webhooks/src"+query, nil, ""); status != 400 {
			t.Errorf("%q: answered %d", query, status)
		}
	}
	if len(d.stored()) != 0 {
		t.Error("a question is stored as an event")
	}
}

func TestING21_XChallengeIsSignedWithALiveSecret(t *testing.T) {
	const next = "the key that comes next."
	v := senderNamed("x").verifier(t, webhook.Secret{Value: rawKey, NotAfter: arrival.Add(-1)}, webhook.Secret{Value: next})
	reply, err := v.(webhook.Greeter).Greet(url.Values{"crc_token": {"abc"}}, arrival)
	only, onlyErr := senderNamed("x").verifier(t, webhook.Secret{Value: next}).(webhook.Greeter).Greet(url.Values{"crc_token": {"abc"}}, arrival)
	if err != nil || onlyErr != nil || string(reply.Body) != string(only.Body) {
		t.Errorf("%s, %v; want %s", reply.Body, err, only.Body)
	}
	ended := senderNamed("x").verifier(t, webhook.Secret{Value: rawKey, NotAfter: arrival.Add(-1)}).(webhook.Greeter)
	if _, err := ended.Greet(url.Values{"crc_token": {"abc"}}, arrival); err == nil {
		t.Error("signed with a secret that has ended")
	}
}

// TestXChallengeSignsNothingThatCouldBeDelivered: whoever asks gets a signature of
// his own text, under the key that deliveries are signed with.
func TestXChallengeSignsNothingThatCouldBeDelivered(t *testing.T) {
	s := senderNamed("x")
	d := opened(t, s.verifier(t))
	for _, body := range []string{`{"tweet_create_events":[]}`, `{}`, `[1]`, `"a"`, " {}", "{"} {
		if status, _, _ := d.exchange(t, "GET", "/webhooks/src?crc_token="+url.QueryEscape(body), nil, ""); status != 400 {
			t.Errorf("%q is signed for anybody", body)
		}
	}
	for _, body := range []string{"uzwcfYtzr9", "12345", "true", "null", ""} {
		if status, _, _ := d.exchange(t, "POST", "/webhooks/src", s.sign(t, rawKey, arrival, body).Header, body); status != 401 {
			t.Errorf("%q is taken as a delivery: %d", body, status)
		}
	}
}

func TestING21_OnlySendersThatAskMayGet(t *testing.T) {
	for name, allow := range map[string]string{"standard": "POST", "slack": "POST", "salesforce": "POST", "meta": "GET, POST", "x": "GET, POST"} {
		d := opened(t, senderNamed(name).verifier(t))
		method := "GET"
		if allow != "POST" {
			method = "HEAD"
		}
		status, header, _ := d.exchange(t, method, "/webhooks/src?crc_token=a&hub.mode=subscribe", nil, "")
		if status != 405 || header.Get("Allow") != allow {
			t.Errorf("%s: %s answered %d, Allow %q", name, method, status, header.Get("Allow"))
		}
	}
}
