package webhook_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"drawbridge/server/webhook"
)

func hmacOf(key, signed string) []byte {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(signed))
	return h.Sum(nil)
}

// FuzzVerifyHeaders: no header makes a verifier panic, or lets in a delivery that
// was not signed. The fuzzer does not know the key.
func FuzzVerifyHeaders(f *testing.F) {
	f.Add("v1,AAAA", "msg_1", "1700000000", []byte("{}"), false)
	f.Add("t=1700000000,v1=00", "", "1", []byte(""), true)
	f.Add("sha256=zz", "a.b", "NaN", []byte("\xff"), false)
	f.Add(strings.Repeat("v1=,", 1<<10), strings.Repeat("x", 300), "+1", []byte("x\n"), true)
	verifiers := map[string]webhook.Verifier{}
	f.Fuzz(func(t *testing.T, signature, id, stamp string, body []byte, twice bool) {
		for _, s := range senders {
			if verifiers[s.name] == nil {
				verifiers[s.name] = s.verifier(t)
			}
			header := http.Header{s.signature: {signature}, s.id: {id}, s.timestamp: {stamp}}
			if twice {
				header[s.signature] = []string{signature, signature}
			}
			d := webhook.Delivery{Source: "src", Method: "POST", URL: s.url, Token: signature, Header: header, Body: body, ArrivedAt: arrival}
			if got, err := verifiers[s.name].Verify(d); err == nil {
				t.Errorf("%s: accepted without a signature, by %s", s.name, got.By)
			}
		}
	})
}

// FuzzStripeHeader: whatever surrounds a right v1 in the header, a delivery is
// accepted only if the header's one timestamp is the signed one.
func FuzzStripeHeader(f *testing.F) {
	f.Add("", "")
	f.Add("v0=6ffbb59b2300aae63f272406069a9788598b792a944a07aba816edb039989a39,", ",v1=zz")
	f.Add("t=1,", ",t=1700000000")
	f.Add(",,=,", "=v1,v1==,t")
	f.Fuzz(func(t *testing.T, before, after string) {
		s := senderNamed("stripe")
		stamp := "t=1700000000,"
		genuine := stamp + "v1=" + hex.EncodeToString(hmacOf(rawKey, "1700000000."+someBody))
		d := webhook.Delivery{Source: "src", Body: []byte(someBody), ArrivedAt: arrival,
			Header: http.Header{s.signature: {before + genuine + after}}}
		_, err := s.verifier(t).Verify(d)
		if err == nil && strings.Count(","+before+genuine+after, ",t=") != 1 {
			t.Errorf("accepted with more than one timestamp: %q", before+genuine+after)
		}
		d.Body = bytes.ToUpper(d.Body)
		if _, err := s.verifier(t).Verify(d); err == nil {
			t.Error("accepted another body")
		}
	})
}
