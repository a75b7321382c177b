package webhook_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/server/webhook"
)

func TestING15_AnySecretMatchesAnySignature(t *testing.T) {
	const oldKey, newKey = "old key, 24 bytes long..", "new key, 24 bytes long.."
	eachSender(t, func(t *testing.T, s sender) {
		secrets := []webhook.Secret{{Value: s.secretOf(newKey)}, {Value: s.secretOf(oldKey)}}
		v := s.verifier(t, secrets...)
		for key, want := range map[string]string{newKey: "secret 1 of 2", oldKey: "secret 2 of 2"} {
			got, err := v.Verify(s.sign(t, key, arrival, someBody))
			if err != nil || got.By != want {
				t.Errorf("verified by %q (%v), want %q", got.By, err, want)
			}
		}
		if s.separator == "" {
			return
		}
		d := s.sign(t, oldKey, arrival, someBody)
		both := s.mac(d) + s.separator + s.prefix + s.mac(s.sign(t, newKey, arrival, someBody))
		if got, err := v.Verify(s.with(d, both)); err != nil || got.By != "secret 1 of 2" {
			t.Errorf("two signatures: verified by %q (%v)", got.By, err)
		}
	})
}

func TestING15_SecretEndsByTheClock(t *testing.T) {
	eachSender(t, func(t *testing.T, s sender) {
		v := s.verifier(t,
			webhook.Secret{Value: s.secretOf("the key that comes next.")},
			webhook.Secret{Value: s.secretOf(rawKey), NotAfter: arrival})
		d := s.sign(t, rawKey, arrival, someBody)
		got, err := v.Verify(d)
		if err != nil {
			t.Fatalf("refused at its last moment: %v", err)
		}
		if !got.Until.Equal(arrival) {
			t.Errorf("until %v, want %v", got.Until, arrival)
		}
		d.ArrivedAt = arrival.Add(1)
		_, err = v.Verify(d)
		if err == nil || !strings.Contains(err.Error(), "secret 2 of 2, which ended") {
			t.Errorf("after its end: %v", err)
		}
	})
}

// otherCurve is a public key of P-384.
var otherCurve = func() string {
	private, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		panic(err)
	}
	der, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}()

func TestING16_UnsafeSettingsAreRefused(t *testing.T) {
	long := webhook.Secret{Value: rawKey}
	header := webhook.SchemeOptions{SignatureHeader: "x-sig"}
	for name, c := range map[string]struct {
		scheme  string
		secrets []webhook.Secret
		options webhook.SchemeOptions
	}{
		"unknown scheme":           {"none", []webhook.Secret{long}, webhook.SchemeOptions{}},
		"no scheme":                {"", []webhook.Secret{long}, webhook.SchemeOptions{}},
		"no secret":                {webhook.Stripe, nil, webhook.SchemeOptions{}},
		"empty secret":             {webhook.GitHub, []webhook.Secret{{}}, webhook.SchemeOptions{}},
		"second secret empty":      {webhook.GitHub, []webhook.Secret{long, {}}, webhook.SchemeOptions{}},
		"short secret":             {webhook.Stripe, []webhook.Secret{{Value: "whsec_short"}}, webhook.SchemeOptions{}},
		"prefix only":              {webhook.Standard, []webhook.Secret{{Value: "whsec_"}}, webhook.SchemeOptions{}},
		"short once decoded":       {webhook.Standard, []webhook.Secret{{Value: "whsec_MDEyMzQ1Njc4OWFiY2Q="}}, webhook.SchemeOptions{}},
		"not base64":               {webhook.Standard, []webhook.Secret{{Value: "whsec_It's a Secret to Everybody"}}, webhook.SchemeOptions{}},
		"base64 not canonical":     {webhook.Standard, []webhook.Secret{{Value: "whsec_MDEyMzQ1Njc4OWFiY2RlZmdoaWprbB=="}}, webhook.SchemeOptions{}},
		"base64 without padding":   {webhook.Standard, []webhook.Secret{{Value: "whsec_MDEyMzQ1Njc4OWFiY2RlZmdoaWprbA"}}, webhook.SchemeOptions{}},
		"base64 over two lines":    {webhook.Standard, []webhook.Secret{{Value: "whsec_MDEyMzQ1Njc4OWFi\nY2RlZmdoaWprbG1u"}}, webhook.SchemeOptions{}},
		"line feed at the end":     {webhook.Stripe, []webhook.Secret{{Value: rawKey + "\n"}}, webhook.SchemeOptions{}},
		"tolerance too small":      {webhook.Stripe, []webhook.Secret{long}, webhook.SchemeOptions{Tolerance: time.Second}},
		"tolerance too large":      {webhook.Stripe, []webhook.Secret{long}, webhook.SchemeOptions{Tolerance: 2 * time.Hour}},
		"tolerance negative":       {webhook.Stripe, []webhook.Secret{long}, webhook.SchemeOptions{Tolerance: -time.Minute}},
		"no signature header":      {webhook.HMAC, []webhook.Secret{long}, webhook.SchemeOptions{}},
		"unknown encoding":         {webhook.HMAC, []webhook.Secret{long}, webhook.SchemeOptions{SignatureHeader: "x-sig", Encoding: "base32"}},
		"credential as id":         {webhook.HMAC, []webhook.Secret{long}, webhook.SchemeOptions{SignatureHeader: "x-sig", IDHeader: "authorization"}},
		"signature as id":          {webhook.HMAC, []webhook.Secret{long}, webhook.SchemeOptions{SignatureHeader: "x-sig", IDHeader: "X-SIG"}},
		"id as timestamp":          {webhook.HMAC, []webhook.Secret{long}, webhook.SchemeOptions{SignatureHeader: "x-sig", IDHeader: "x-id", TimestampHeader: "X-Id"}},
		"public key cut":           {webhook.Standard, []webhook.Secret{{Value: "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbO"}}, webhook.SchemeOptions{}},
		"private key":              {webhook.Standard, []webhook.Secret{{Value: asSeed(rawKey)}}, webhook.SchemeOptions{}},
		"private key for sendgrid": {webhook.SendGrid, []webhook.Secret{{Value: asP256(rawKey)}}, webhook.SchemeOptions{}},
		"key of another curve":     {webhook.SendGrid, []webhook.Secret{{Value: otherCurve}}, webhook.SchemeOptions{}},
		"meta without its token":   {webhook.Meta, []webhook.Secret{long}, webhook.SchemeOptions{}},
		"odd organization":         {webhook.Salesforce, []webhook.Secret{{Value: hex24(rawKey)}}, webhook.SchemeOptions{Organization: "acme"}},
		"unknown hash":             {webhook.HMAC, []webhook.Secret{long}, webhook.SchemeOptions{SignatureHeader: "x-sig", Hash: "md5"}},
		"unknown field":            {webhook.HMAC, []webhook.Secret{long}, webhook.SchemeOptions{SignatureHeader: "x-sig", Signed: "{secret}{body}"}},
		"no body signed":           {webhook.HMAC, []webhook.Secret{long}, webhook.SchemeOptions{SignatureHeader: "x-sig", Signed: "{method}"}},
		"no time signed":           {webhook.HMAC, []webhook.Secret{long}, webhook.SchemeOptions{SignatureHeader: "x-sig", TimestampHeader: "x-time", Signed: "{body}"}},
		"secret not hex":           {webhook.HMAC, []webhook.Secret{long}, webhook.SchemeOptions{SignatureHeader: "x-sig", KeyEncoding: "hex"}},
		"short once out of hex":    {webhook.HMAC, []webhook.Secret{{Value: hex24(rawKey[:15])}}, webhook.SchemeOptions{SignatureHeader: "x-sig", KeyEncoding: "hex"}},
		"hmac with a short secret": {webhook.HMAC, []webhook.Secret{{Value: "hush"}}, header},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := webhook.NewVerifier(c.scheme, c.secrets, c.options)
			if err == nil {
				t.Fatal("accepted")
			}
			for _, secret := range c.secrets {
				if len(secret.Value) > 6 && strings.Contains(err.Error(), secret.Value) {
					t.Errorf("the error shows the secret: %v", err)
				}
			}
		})
	}
}

func TestSecretPrintsAsRedacted(t *testing.T) {
	secret := webhook.Secret{Value: rawKey}
	asJSON, err := json.Marshal(map[string]any{"secrets": []webhook.Secret{secret}})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		fmt.Sprintf("%v %+v %#v %s", secret, secret, secret, secret),
		fmt.Sprint([]webhook.Secret{secret}, &secret), string(asJSON),
	} {
		if strings.Contains(text, rawKey) {
			t.Errorf("shown in %q", text)
		}
	}
}

func TestKeptHeadersHoldNoSignatureAndNoCredential(t *testing.T) {
	eachSender(t, func(t *testing.T, s sender) {
		d := s.sign(t, rawKey, arrival, someBody)
		want := http.Header{"Content-Type": {"application/json"}, "User-Agent": {"ua"}}
		if s.form {
			want["Content-Type"] = d.Header["Content-Type"]
		}
		for _, kept := range []string{s.id, s.timestamp} {
			if kept != "" {
				want[kept] = d.Header[kept]
			}
		}
		for name, value := range map[string]string{
			"Content-Type": "application/json", "User-Agent": "ua",
			"Authorization": "Basic eDp5", "Cookie": "a=b", "X-Unforeseen-Token": "t",
		} {
			if name != s.signature && (name != "Content-Type" || !s.form) {
				d.Header.Set(name, value)
			}
		}
		if s.scheme == webhook.GitHub {
			d.Header.Set("X-GitHub-Event", "push")
			want.Set("X-GitHub-Event", "push")
		}
		if diff := cmp.Diff(want, s.wantVerified(t, d).Headers); diff != "" {
			t.Errorf("kept headers (-want +got):\n%s", diff)
		}
	})
}
