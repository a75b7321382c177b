package callback_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"drawbridge/server/callback"
)

// The vector of Standard Webhooks' own tests:
// github.com/standard-webhooks/standard-webhooks libraries/go/webhook_test.go
const (
	vectorSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	vectorID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	vectorTime      = 1614265330
	vectorBody      = `{"test": 2432232314}`
	vectorSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

func TestDEL01_SignatureIsThatOfThePublishedVector(t *testing.T) {
	for _, secret := range []string{vectorSecret, strings.TrimPrefix(vectorSecret, "whsec_")} {
		got, err := callback.Sign(secret, vectorID, time.Unix(vectorTime, 999), []byte(vectorBody))
		if err != nil || got != vectorSignature {
			t.Errorf("got %q (%v), want %q", got, err, vectorSignature)
		}
	}
}

func TestUnfitSecretOrIDIsRefusedWithoutShowingTheSecret(t *testing.T) {
	for name, c := range map[string]struct{ secret, id string }{
		"empty secret":     {"", "msg_1"},
		"prefix only":      {"whsec_", "msg_1"},
		"short secret":     {"whsec_MDEyMzQ1Njc4OWFiY2Q=", "msg_1"},
		"not base64":       {"whsec_It's a Secret to Everybody", "msg_1"},
		"line break":       {"whsec_MDEyMzQ1Njc4OWFi\nY2RlZmdoaWprbG1u", "msg_1"},
		"stray bits":       {"whsec_MDEyMzQ1Njc4OWFiY2RlZmdoaWprbB==", "msg_1"},
		"empty id":         {vectorSecret, ""},
		"full stop in id":  {vectorSecret, "msg.1"},
		"empty everything": {"", ""},
	} {
		signature, err := callback.Sign(c.secret, c.id, time.Unix(0, 0), nil)
		if err == nil || signature != "" {
			t.Errorf("%s: signed as %q", name, signature)
			continue
		}
		if text := strings.TrimPrefix(c.secret, "whsec_"); text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("%s: the error shows the secret: %v", name, err)
		}
	}
}

func TestDEL01_NewSecretHoldsThirtyTwoRandomBytes(t *testing.T) {
	secret := callback.NewSecret()
	text, ok := strings.CutPrefix(secret, "whsec_")
	key, err := base64.StdEncoding.Strict().DecodeString(text)
	if !ok || err != nil || len(key) != 32 {
		t.Errorf("%d bytes of key, prefix %v, %v", len(key), ok, err)
	}
	if secret == callback.NewSecret() {
		t.Error("the same secret twice")
	}
	if _, err := callback.Sign(secret, vectorID, time.Unix(vectorTime, 0), nil); err != nil {
		t.Errorf("does not sign: %v", err)
	}
}

func TestDEL02_BodyIsTypeTimestampAndData(t *testing.T) {
	m := callback.Message{
		ID: "msg_1", Type: "run.succeeded",
		Timestamp: time.Date(2025, 5, 1, 14, 30, 0, 0, time.FixedZone("", 7200)),
		Data:      json.RawMessage(`{"run":"run_1", "text":"a<b"}`),
	}
	const want = `{"type":"run.succeeded","timestamp":"2025-05-01T12:30:00Z","data":{"run":"run_1","text":"a\u003cb"}}`
	for range 3 { // stable: it is signed anew at each attempt
		got, err := m.Body()
		if err != nil || string(got) != want {
			t.Fatalf("body %s (%v), want %s", got, err, want)
		}
	}
}

func TestUnfitMessageIsRefused(t *testing.T) {
	data := json.RawMessage(`{}`)
	for name, m := range map[string]callback.Message{
		"no type":          {Data: data},
		"spaces in type":   {Type: "run succeeded", Data: data},
		"empty word":       {Type: "run..succeeded", Data: data},
		"data is not JSON": {Type: "run.succeeded", Data: json.RawMessage(`{`)},
	} {
		if body, err := m.Body(); err == nil {
			t.Errorf("%s: encoded as %s", name, body)
		}
	}
}
