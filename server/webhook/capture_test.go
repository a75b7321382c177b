package webhook_test

import (
	"bytes"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drawbridge/server/webhook"
)

func TestCapturedRequestIsReadByteForByte(t *testing.T) {
	for name, c := range map[string]struct {
		raw  string
		want webhook.Capture
	}{
		"CRLF": {"POST /webhooks/a?b=%41 HTTP/1.1\r\nHost: h\r\nX-One: 1\r\nx-one:  2 \r\n\r\n{}\r\n\r\n",
			webhook.Capture{Method: "POST", Target: "/webhooks/a?b=%41", Header: http.Header{"Host": {"h"}, "X-One": {"1", "2"}}, Body: []byte("{}\r\n\r\n")}},
		"LF": {"POST /a HTTP/2\nA: b: c\n\n\n{}",
			webhook.Capture{Method: "POST", Target: "/a", Header: http.Header{"A": {"b: c"}}, Body: []byte("\n{}")}},
		"no body": {"GET /a",
			webhook.Capture{Method: "GET", Target: "/a", Header: http.Header{}}},
		"a whole address": {"POST https://h:1/a?u=http://b HTTP/1.1\n\n",
			webhook.Capture{Method: "POST", Target: "/a?u=http://b", Header: http.Header{}}},
		"a URL in the query": {"POST /a?u=http://b/c HTTP/1.1\n\n",
			webhook.Capture{Method: "POST", Target: "/a?u=http://b/c", Header: http.Header{}}},
		"its length": {"POST /a HTTP/1.1\nContent-Length: 2\n\n{}",
			webhook.Capture{Method: "POST", Target: "/a", Header: http.Header{"Content-Length": {"2"}}, Body: []byte("{}")}},
		"another length": {"POST /a HTTP/1.1\nContent-Length: 9\n\n{}",
			webhook.Capture{Method: "POST", Target: "/a", Header: http.Header{"Content-Length": {"9"}}, Body: []byte("{}"), Cut: true,
				Notes: []string{"Content-Length says 9 bytes, and the body has 2: it is not the one that was sent"}}},
		"a line end too much": {"POST /a HTTP/1.1\nContent-Length: 2\n\n{}\r\n",
			webhook.Capture{Method: "POST", Target: "/a", Header: http.Header{"Content-Length": {"2"}}, Body: []byte("{}\r\n"), Cut: true,
				Notes: []string{"Content-Length says 2 bytes, and the body has 4: it ends in a line end that an editor may have added"}}},
		"no length": {"POST /a HTTP/1.1\nContent-Length: many\n\n{}",
			webhook.Capture{Method: "POST", Target: "/a", Header: http.Header{"Content-Length": {"many"}}, Body: []byte("{}"),
				Notes: []string{"Content-Length is no number, and is left aside"}}},
		"chunks": {"POST /a HTTP/1.1\nTransfer-Encoding: chunked\n\n2\r\n{}\r\n0\r\n\r\n",
			webhook.Capture{Method: "POST", Target: "/a", Header: http.Header{"Transfer-Encoding": {"chunked"}}, Body: []byte("{}"),
				Notes: []string{"the body was written down in chunks, and is taken out of them"}}},
		"chunks put together": {"POST /a HTTP/1.1\nTransfer-Encoding: chunked\n\n{}",
			webhook.Capture{Method: "POST", Target: "/a", Header: http.Header{"Transfer-Encoding": {"chunked"}}, Body: []byte("{}"),
				Notes: []string{"the body was sent in chunks, and is taken as it was written down, without them"}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := webhook.ReadCapture([]byte(c.raw))
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Body) == 0 {
				got.Body = nil
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	for _, raw := range []string{"", "\n", "hello", "{\"a\": 1}", "POST a HTTP/1.1\n\n", "POST /a HTTP/1.1 x\n\n", "POST /a b\n\n",
		"P(T /a HTTP/1.1\n\n", "POST /a HTTP/1.1\nno header\n\n", "POST /a HTTP/1.1\n: b\n\n", "POST /a HTTP/1.1\nA: b\n folded\n\n"} {
		if got, err := webhook.ReadCapture([]byte(raw)); err == nil {
			t.Errorf("%q is read as %+v", raw, got)
		}
	}
}

func TestCapturedTokenIsBehindTheSourcesName(t *testing.T) {
	for target, want := range map[string]string{
		"/webhooks/sf/abc": "abc", "/webhooks/sf/abc/?x=y": "abc", "//webhooks/./sf//abc": "abc", "/below/webhooks/sf/abc": "abc",
		"/webhooks/sf": "", "/webhooks/sf/a/b": "a/b", "/hook/abc": "abc",
	} {
		if got := (webhook.Capture{Target: target}).Token(); got != want {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
	}
}

func FuzzReadCapture(f *testing.F) {
	f.Add([]byte("POST /webhooks/a HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"))
	f.Add([]byte("POST http:// HTTP/1.1\nTransfer-Encoding: chunked\n\n1\r\na\r\n0\r\n\r\n"))
	f.Add([]byte("GET /x?crc_token=a\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := webhook.ReadCapture(raw)
		if err != nil {
			return
		}
		if !strings.HasPrefix(got.Target, "/") || got.Method == "" {
			t.Errorf("%+v", got)
		}
		if !strings.EqualFold(got.Header.Get("Transfer-Encoding"), "chunked") && !bytes.HasSuffix(raw, got.Body) {
			t.Error("the body is not the end of the file")
		}
		got.Token()
	})
}

// TestING32_ExplanationAgreesWithTheEndpoint: for every scheme, and whatever is wrong
// with a delivery, the explanation says what the verifier does, and shows neither a
// secret nor a signature.
func TestING32_ExplanationAgreesWithTheEndpoint(t *testing.T) {
	eachSender(t, func(t *testing.T, s sender) {
		genuine := s.sign(t, rawKey, arrival, someBody)
		without := genuine
		without.Header = http.Header{}
		without.Token = ""
		changed := genuine
		changed.Body = append(bytes.Clone(genuine.Body), '\n')
		for name, d := range map[string]webhook.Delivery{
			"genuine": genuine, "without headers": without, "changed": changed,
			"stale": s.sign(t, rawKey, arrival.Add(-301e9), someBody), "another key": s.sign(t, "another key of 24 bytes.", arrival, someBody),
			"spoilt": s.with(genuine, "AAAA"),
		} {
			secret := s.secretOf(rawKey)
			if s.public != nil {
				secret = s.public(secret)
			}
			account, err := webhook.Explain(s.scheme, []webhook.Secret{{Value: secret}}, s.options, d)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			_, refused := s.verifier(t).Verify(d)
			if account.Genuine != (refused == nil) {
				t.Errorf("%s: explained as genuine %v, and the verifier says %v", name, account.Genuine, refused)
			}
			failed := 0
			for _, step := range account.Steps {
				if step.Outcome == webhook.Failed {
					failed++
					if step.Text != refused.Error() {
						t.Errorf("%s: explained as %q, refused as %q", name, step.Text, refused)
					}
				}
				mac := s.mac(genuine)
				if s.public == nil && strings.Contains(step.Text, s.secretOf(rawKey)) || len(mac) > 8 && strings.Contains(step.Text, mac[:9]) {
					t.Errorf("%s: a step tells too much: %q", name, step.Text)
				}
			}
			if (failed == 1) != (refused != nil) {
				t.Errorf("%s: %d steps failed: %+v", name, failed, account.Steps)
			}
		}
	})
}

func TestING32_ExplanationFindsWhatBecameOfTheBody(t *testing.T) {
	s := senderNamed("github")
	for sent, got := range map[string]string{"{}": "{}\n", "{}\n": "{}", "{}\r\n": "{}", "{\r\n}": "{\n}", "{\n}": "{\r\n}"} {
		d := s.sign(t, rawKey, arrival, sent)
		d.Body = []byte(got)
		account, err := webhook.Explain(s.scheme, []webhook.Secret{{Value: rawKey}}, s.options, d)
		if err != nil || account.Genuine || !strings.Contains(fmt.Sprint(account.Steps), "the body would verify with") {
			t.Errorf("sent %q, got %q: %v %v", sent, got, account.Steps, err)
		}
	}
}

var unfilled = regexp.MustCompile(`[A-Z]#`)

// TestSampleVerifiesAndHasItsKey: what `webhook test` sends is what the source takes.
func TestSampleVerifiesAndHasItsKey(t *testing.T) {
	eachSender(t, func(t *testing.T, s sender) {
		if s.renamed != nil || strings.HasPrefix(s.name, "twilio json") {
			return
		}
		contentType, header, body := webhook.Sample(s.scheme, "test_1", arrival, s.options)
		out := webhook.Outgoing{ID: "test_1", At: arrival, URL: s.url, ContentType: contentType, Body: body}
		signed, err := webhook.Sign(s.scheme, s.secretOf(rawKey), out, s.options)
		if err != nil {
			t.Fatal(err)
		}
		for name, values := range header {
			signed[name] = values
		}
		d := webhook.Delivery{Source: "src", Method: "POST", URL: s.url, Header: signed, Body: body, ArrivedAt: arrival}
		if s.tokenOf != nil {
			d.Token = s.tokenOf(rawKey)
		}
		got := s.wantVerified(t, d)
		if p := got.Parts[0]; p.Weak && s.scheme != webhook.HMAC && s.scheme != webhook.Token || unfilled.Match(body) {
			t.Errorf("key %s (weak %v) of %s", p.Key, p.Weak, p.Body)
		}
	})
}
