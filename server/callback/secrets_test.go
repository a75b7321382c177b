package callback_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/server/callback"
)

// The asymmetric vector: svix/svix-webhooks server/svix-server/src/worker.rs,
// test_asymmetric_key_signing. Id, time and body are those of the symmetric one.
const (
	vectorPrivate    = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
	vectorPublic     = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
	vectorAsymmetric = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
)

func TestDEL01_AsymmetricSignatureIsThatOfThePublishedVector(t *testing.T) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(vectorPrivate, "whsk_"))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{vectorPrivate, "whsk_" + base64.StdEncoding.EncodeToString(raw[:32])} {
		got, err := callback.Sign(secret, vectorID, time.Unix(vectorTime, 0), []byte(vectorBody))
		if err != nil || got != vectorAsymmetric {
			t.Errorf("got %q (%v), want %q", got, err, vectorAsymmetric)
		}
		if public, err := callback.PublicKey(secret); err != nil || public != vectorPublic {
			t.Errorf("the public key is %q (%v)", public, err)
		}
	}
}

func TestDEL01_NewKeyPairVerifies(t *testing.T) {
	secret, public := callback.NewKeyPair()
	signature, err := callback.Sign(secret, "msg_1", now, []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(public, "whpk_"))
	if err != nil {
		t.Fatal(err)
	}
	bytes, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(signature, "v1a,"))
	if err != nil || !ed25519.Verify(key, fmt.Appendf(nil, "msg_1.%d.{}", now.Unix()), bytes) {
		t.Errorf("%s does not verify under %s (%v)", signature, public, err)
	}
	if other, _ := callback.NewKeyPair(); other == secret {
		t.Error("two pairs are one")
	}
}

func TestUnfitPrivateKeyIsRefusedWithoutShowingIt(t *testing.T) {
	swapped := []byte(vectorPrivate)
	swapped[len("whsk_")]-- // another seed, the same public half
	for name, secret := range map[string]string{
		"empty": "whsk_", "not base64": "whsk_never-to-be-seen", "short": "whsk_MDEyMzQ1Njc4OWFiY2Q=", "halves of two": string(swapped),
		"public": "whsk_" + strings.Repeat("A", 44),
	} {
		_, err := callback.Sign(secret, "msg_1", now, nil)
		if err == nil || strings.Contains(err.Error(), strings.TrimPrefix(secret, "whsk_")) && secret != "whsk_" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDEL12_EveryLiveSecretSignsTheNewestFirst(t *testing.T) {
	signed := func(secret string) string {
		s, err := callback.Sign(secret, "msg_1", now, []byte("{}"))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	oldest, older, newest := callback.NewSecret(), callback.NewSecret(), callback.NewSecret()
	private, _ := callback.NewKeyPair()
	secrets := []callback.Secret{
		{Text: oldest, NotAfter: now},
		{Text: older, NotAfter: now.Add(time.Hour)},
		{Text: callback.NewSecret(), NotAfter: now.Add(-time.Second)},
		{Text: newest},
		{Text: private},
	}
	got, err := callback.SignAll(secrets, "msg_1", now, []byte("{}"))
	want := []string{signed(newest), signed(private), signed(older), signed(oldest)}
	if diff := cmp.Diff(want, strings.Fields(got)); diff != "" || err != nil {
		t.Errorf("signatures (-want +got): %v\n%s", err, diff)
	}
	if secrets[0].Text != oldest {
		t.Error("the caller's secrets were put into another order")
	}
	many := make([]callback.Secret, 30)
	for i := range many {
		many[i] = callback.Secret{Text: newest}
	}
	if got, err := callback.SignAll(many, "msg_1", now, nil); err != nil || len(strings.Fields(got)) != 10 {
		t.Errorf("%d signatures (%v), want 10 at most", len(strings.Fields(got)), err)
	}
	if _, err := callback.SignAll(secrets[2:3], "msg_1", now, nil); err == nil || !strings.Contains(err.Error(), "not_after") {
		t.Errorf("with ended secrets only: %v", err)
	}
}

func TestDEL13_ReceiversWishCountsWhereItIsToBeObeyed(t *testing.T) {
	for header, want := range map[string]callback.Wish{
		"disable": callback.Disable, " Abort-Message ": callback.AbortMessage, "": callback.NoWish, "stop": callback.NoWish, "disable, abort-message": callback.NoWish,
	} {
		url := receive(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("webhook-delivery", header) })
		a := attempt(url)
		if got := callback.NewSender(callback.Options{Now: clock}).Send(t.Context(), a); got.Wish != callback.NoWish {
			t.Errorf("%q was heard without being asked for", header)
		}
		a.Obey = true
		if got := callback.NewSender(callback.Options{Now: clock}).Send(t.Context(), a); got.Wish != want || got.Verdict != callback.Delivered {
			t.Errorf("%q: %+v, want %q", header, got, want)
		}
	}
}
