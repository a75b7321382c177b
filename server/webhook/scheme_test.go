package webhook_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"drawbridge/server/webhook"
)

// TestFullStopInASignedIDIsMalformed: id "msg_1.5" at 7 and id "msg_1" at 5 with
// "7." before the body are the same signed bytes.
func TestFullStopInASignedIDIsMalformed(t *testing.T) {
	s := senderNamed("standard")
	stamp := fmt.Sprint(arrival.Unix())
	d := s.sign(t, rawKey, arrival, stamp+"."+someBody)
	d.Header.Set(s.id, "msg_1."+stamp)
	d.Body = []byte(someBody)
	s.wantRefused(t, d, http.StatusBadRequest)
}

func TestStripeTimestampMustBeThereOnce(t *testing.T) {
	s := senderNamed("stripe")
	d := s.sign(t, rawKey, arrival, someBody)
	genuine := d.Header.Get(s.signature)
	stamp, signature, _ := strings.Cut(genuine, ",")
	for _, header := range []string{signature, genuine + "," + stamp, genuine + ",t=1"} {
		d.Header.Set(s.signature, header)
		s.wantRefused(t, d, http.StatusBadRequest)
	}
}

func TestStripeSecretIsNotDecoded(t *testing.T) {
	const secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1u"
	decoded, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	s := senderNamed("stripe")
	v := s.verifier(t, webhook.Secret{Value: secret})
	if _, err := v.Verify(s.sign(t, secret, arrival, someBody)); err != nil {
		t.Errorf("refused the whole text as key: %v", err)
	}
	if _, err := v.Verify(s.sign(t, string(decoded), arrival, someBody)); err == nil {
		t.Error("accepted the decoded secret as key")
	}
}

func TestStripeKeyIsTheEventsID(t *testing.T) {
	for body, want := range map[string]string{
		`{"id":"evt_1","data":{"object":{"id":"pi_1"}}}`: "evt_1",
		`{"data":{"object":{"id":"pi_1"}}}`:              "",
		`{"ID":"evt_1"}`:                                 "",
		`{"id":7}`:                                       "",
		`{"id":""}`:                                      "",
		`{"id":"` + strings.Repeat("x", 256) + `"}`:      "",
		`[{"id":"evt_1"}]`:                               "",
		`null`:                                           "",
		`not JSON`:                                       "",
		"":                                               "",
	} {
		got := senderNamed("stripe").wantVerified(t, senderNamed("stripe").sign(t, rawKey, arrival, body))
		if got.Parts[0].Weak != (want == "") || (want != "" && got.Parts[0].Key != want) {
			t.Errorf("body %.40q: key %q, weak %v; want %q", body, got.Parts[0].Key, got.Parts[0].Weak, want)
		}
	}
}

func TestING11_WeakKeyIsOfSourceAndContentNotOfTime(t *testing.T) {
	s := senderNamed("stripe")
	keyOf := func(source, body string, at time.Time) string {
		d := s.sign(t, rawKey, at, body)
		d.Source = source
		got := s.wantVerified(t, d)
		if !got.Parts[0].Weak {
			t.Fatal("the key is not weak")
		}
		return got.Parts[0].Key
	}
	first := keyOf("a", "hello", arrival)
	if retried := keyOf("a", "hello", arrival.Add(time.Minute)); retried != first {
		t.Error("a retry with a new timestamp has another key")
	}
	if keyOf("b", "hello", arrival) == first || keyOf("a", "hallo", arrival) == first {
		t.Error("another source or another body has the same key")
	}
}

func TestSignRefusesWhatItCannotSign(t *testing.T) {
	out := webhook.Outgoing{At: arrival, Body: []byte(someBody)} // no id
	for scheme, secret := range map[string]string{
		"nonesuch": rawKey, webhook.Standard: asBase64(rawKey), webhook.GitHub: rawKey, webhook.Stripe: "",
	} {
		if _, err := webhook.Sign(scheme, secret, out, webhook.SchemeOptions{}); err == nil {
			t.Errorf("signed as %q", scheme)
		}
	}
}

// TestHMACOptionsNameTheSignedBytes computes the signature by hand from the
// documented form "timestamp.body".
func TestHMACOptionsNameTheSignedBytes(t *testing.T) {
	for encoding, encode := range map[string]func([]byte) string{
		"": hex.EncodeToString, "hex": hex.EncodeToString, "base64": base64.StdEncoding.EncodeToString,
	} {
		o := webhook.SchemeOptions{SignatureHeader: "x-sig", Encoding: encoding, Prefix: "p=", TimestampHeader: "x-time"}
		v, err := webhook.NewVerifier(webhook.HMAC, []webhook.Secret{{Value: rawKey}}, o)
		if err != nil {
			t.Fatal(err)
		}
		mac := hmacOf(rawKey, "1700000000."+someBody)
		header := http.Header{"X-Sig": {"p=" + encode(mac)}, "X-Time": {"1700000000"}}
		if _, err := v.Verify(webhook.Delivery{Header: header, Body: []byte(someBody), ArrivedAt: arrival}); err != nil {
			t.Errorf("encoding %q: %v", encoding, err)
		}
	}
}
