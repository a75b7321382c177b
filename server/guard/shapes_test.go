package guard

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var everyShape = Shapes{Cards: true, IBANs: true, Secrets: true}

// fake puts a secret of a form together, so that none stands in this file for scanners of
// repositories to find.
func fake(parts ...string) string { return strings.Join(parts, "") }

const (
	letters32 = "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zA"
	hex32     = "0123456789abcdef0123456789abcdef"
)

func TestSecretsAreKnownByTheirShape(t *testing.T) {
	for name, secret := range map[string]string{
		"Visa": "4111111111111111", "Visa with blanks": "4111 1111 1111 1111", "Visa with dashes": "4242-4242-4242-4242", "Visa, 13 digits": "4222222222222",
		"Mastercard": "5555555555554444", "Mastercard, new range": "2223003122003222", "American Express": "378282246310005",
		"American Express as printed": "3782 822463 10005", "Diners Club": "30569309025904", "Discover": "6011111111111117", "JCB": "3530111333300000", "UnionPay": "6240008631401148",
		"German IBAN": "DE89370400440532013000", "German IBAN as printed": "DE89 3704 0044 0532 0130 00", "British IBAN": "GB82WEST12345698765432",
		"Norwegian IBAN": "NO9386011117947", "Maltese IBAN": "MT84MALT011000012345MTLCAST001S",
		"Stripe": fake("sk_", "live_", letters32), "Stripe, restricted": fake("rk_", "test_", letters32), "webhook": fake("whsec_", "C2FVsBQIhrscChlQIMV+b5sSYspob7oD"),
		"OpenAI": fake("sk-", "proj-", letters32), "Anthropic": fake("sk-", "ant-api03-", letters32, "-", letters32, "AA"), "OpenRouter": fake("sk-", "or-v1-", hex32, hex32),
		"GitHub": fake("ghp_", letters32, "abCD"), "GitHub, fine-grained": fake("github_", "pat_", letters32, "_", letters32), "GitLab": fake("glpat-", letters32[:20]),
		"Slack": fake("xoxb-", "123456789012-", letters32), "AWS": fake("AKIA", "IOSFODNN7EXAMPLE"), "Google": fake("AIza", letters32, "a-_"),
		"SendGrid": fake("SG.", letters32[:22], ".", letters32, "abcdefghijk"), "Twilio": fake("SK", hex32), "HubSpot": fake("pat-", "na1-", "01234567-89ab-cdef-0123-456789abcdef"),
		"Shopify": fake("shpat_", hex32), "npm": fake("npm_", letters32, "abCD"),
		"JWT":         fake("eyJhbGciOiJIUzI1NiJ9", ".eyJzdWIiOiIxIn0", ".dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"),
		"private key": fake("-----BEGIN RSA PRIVATE", " KEY-----\nMIIB\nAAAA\n-----END RSA PRIVATE", " KEY-----"), "private key, cut off": fake("-----BEGIN PRIVATE", " KEY-----\nMIIB"),
	} {
		for _, text := range []string{"%s", "pay with %s, please", "(%s)", "x\n%s\ny", "\"%s\"", "über %s"} {
			text = fmt.Sprintf(text, secret)
			if strings.HasSuffix(name, "cut off") && !strings.HasSuffix(text, secret) {
				continue
			}
			want := strings.Replace(text, secret, redacted, 1)
			if got, changed := everyShape.hide(text); got != want || !changed {
				t.Errorf("%s: %q became %q, want %q", name, text, got, want)
			}
		}
	}
	for text, want := range map[string]string{
		"Authorization: Bearer " + letters32:                     "Authorization: Bearer [redacted]",
		"authorization: basic YWxpY2U6c2VjcmV0":                  "authorization: basic [redacted]",
		"4111111111111111 and DE89370400440532013000.":           "[redacted] and [redacted].",
		"cards 4242424242424242, 5555555555554444; thanks":       "cards [redacted], [redacted]; thanks",
		"4111 1111 1111 1111 12/29":                              "[redacted] 12/29",
		"token=" + fake("ghp_", letters32, "abCD") + "&x=1":      "token=[redacted]&x=1",
		"https://x.example/?k=" + fake("AIza", letters32, "abc"): "https://x.example/?k=[redacted]",
	} {
		if got, _ := everyShape.hide(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

func TestWhatOnlyLooksLikeASecretStays(t *testing.T) {
	for _, text := range []string{
		"4111111111111112", "41111111111111110", "1790000000123", "1234567890123452", "4 100 2300 1200 300 12", "9111111111111111",
		"ref_4111111111111111", "pi_4242424242424242", "cus_4111111111111111x", "4111111111111111_1", "a4111111111111111",
		"01951c2e-4111-8111-9111-111111111111", "41111111-1111-4111-8111-111111111111", "+49 30 123456 7890", "DE89370400440532013001", "XX89370400440532013000",
		"DE8937040044053201300", "xDE89370400440532013000", "sk-learn-is-a-library-for-python-users", "bearer of good news and long-winded words", "basic understanding",
		"key-value pairs, key-signing parties", "eyJustAWord.eyJ", "-----BEGIN PUBLIC KEY-----", "-----BEGIN CERTIFICATE-----\nMIIB", "SGML", "AKIA", "ghp_short",
		"skeleton", "npm_install", "", "-", "e", "B", "pk_live_" + letters32, "https://ada@example.com/", "BASIC 1234567890", "ORD-4111-1111",
	} {
		if got, changed := everyShape.hide(text); got != text || changed {
			t.Errorf("%q became %q", text, got)
		}
	}
}

// Of what a shape's setting says nothing, nothing is lost.
func TestShapesAreHiddenByTheirSettingOnly(t *testing.T) {
	text := "4111111111111111 DE89370400440532013000 " + fake("ghp_", letters32, "abCD")
	for shapes, want := range map[Shapes]string{
		{}:              text,
		{Cards: true}:   strings.Replace(text, "4111111111111111", redacted, 1),
		{IBANs: true}:   strings.Replace(text, "DE89370400440532013000", redacted, 1),
		{Secrets: true}: text[:strings.Index(text, "ghp_")] + redacted,
	} {
		if got, _ := shapes.hide(text); got != want {
			t.Errorf("%+v: %q, want %q", shapes, got, want)
		}
	}
}

// harmless draws text that holds no secret: ids as ours and others' are, amounts, times,
// addresses, words.
var harmless = rapid.Custom(func(t *rapid.T) string {
	hex := rapid.StringMatching(`[0-9a-f]{32}`)
	words := rapid.StringMatching(`[a-zäöü]{1,8}( [a-z]{1,8}){0,4}`)
	return rapid.OneOf(
		rapid.Map(hex, func(s string) string { return "ref_" + s }),
		rapid.Map(hex, func(s string) string { return "run_" + s }),
		rapid.Map(hex, func(s string) string { return "apr_" + s }),
		rapid.StringMatching(`(cus|pi|evt|inv|sub|price|prod|ch|re|in|tick|ord)_[0-9A-Za-z]{14,24}`),
		rapid.StringMatching(`[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`),
		rapid.StringMatching(`20[0-9]{2}-0[1-9]-1[0-9]T1[0-9]:[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?Z`),
		rapid.StringMatching(`(EUR|USD|JPY) [0-9]{1,9}\.[0-9]{2}`),
		rapid.StringMatching(`[a-z]{1,10}@[a-z]{1,10}\.example`),
		rapid.StringMatching(`17[0-9]{11}`), // milliseconds
		words,
	).Draw(t, "text")
})

func TestWhatIsNoSecretPassesByteForByte(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members := rapid.MapOfN(rapid.StringMatching(`[a-z_]{1,12}`), rapid.OneOf(
			rapid.Map(harmless, func(s string) any { return s }),
			rapid.Map(rapid.Int64(), func(n int64) any { return n }),
			rapid.Map(rapid.SliceOfN(harmless, 0, 3), func(s []string) any { return s }),
			rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		), 0, 8).Draw(t, "members")
		var raw []byte
		if rapid.Bool().Draw(t, "indented") {
			raw, _ = json.MarshalIndent(members, "", "\t")
		} else {
			raw, _ = json.Marshal(members)
		}
		got, changed := redactor{shapes: everyShape}.redactJSON(raw)
		if changed || string(got) != string(raw) {
			t.Fatalf("%s became %s", raw, got)
		}
	})
}

// A secret goes, wherever it is, and what stands around it stays.
func TestSecretGoesAndTheRestStays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before, after := harmless.Draw(t, "before"), harmless.Draw(t, "after")
		secret := rapid.SampledFrom([]string{"4111111111111111", "DE89370400440532013000", fake("ghp_", letters32, "abCD"), fake("sk_", "live_", letters32)}).Draw(t, "secret")
		separator := rapid.SampledFrom([]string{"\n", "\t", "\"", "; ", "/", "<", "é: "}).Draw(t, "separator")
		raw, _ := json.Marshal(map[string]any{"a": []any{1.5, map[string]any{"b": before + separator + secret + "\n" + after}}})
		got, changed := redactor{shapes: everyShape}.redactJSON(raw)
		var back struct {
			A []json.RawMessage `json:"a"`
		}
		if err := json.Unmarshal(got, &back); err != nil || !changed {
			t.Fatalf("%s became %s (%v)", raw, got, err)
		}
		var inner map[string]string
		_ = json.Unmarshal(back.A[1], &inner)
		if want := before + separator + redacted + "\n" + after; inner["b"] != want || string(back.A[0]) != "1.5" {
			t.Fatalf("%s became %s, want %q", raw, got, want)
		}
	})
}

// Whatever the text is, it ends, and in valid JSON.
func FuzzRedactJSON(f *testing.F) {
	f.Add([]byte(`{"a":"4111111111111111","b":["-----BEGIN PRIVATE KEY-----",null,true,1e5,{"c\"":"\\"}]}`))
	f.Add([]byte(`{"content":[{"type":"text","text":"{\"email\":\"a@b.c\"}"}],"structuredContent":{"email":"a@b.c"}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if !json.Valid(raw) {
			return
		}
		for _, r := range []redactor{{shapes: everyShape}, {shapes: auditShapes, members: []string{"email", "a.b"}, content: true}} {
			got, changed := r.redactJSON(raw)
			if !json.Valid(got) || !changed && string(got) != string(raw) {
				t.Fatalf("%q became %q", raw, got)
			}
		}
	})
}

func BenchmarkRedact(b *testing.B) {
	note := map[string]any{"id": "ref_0195f3c2a1b47c3e9d5f6a7b8c9d0e1f", "at": "2026-03-01T00:00:00Z", "amount_minor": 1250, "email": "ada@example.com",
		"text": strings.Repeat("Parcel 1001 arrived broken; please send another to 12 Long Street. ", 3)}
	clean, _ := json.Marshal(map[string]any{"notes": []any{note, note, note, note, note, note, note, note, note, note, note, note, note, note, note, note, note, note, note, note, note, note, note, note}})
	dirty := json.RawMessage(strings.Replace(string(clean), "Parcel 1001", "Card 4111 1111 1111 1111", 5))
	for name, raw := range map[string]json.RawMessage{"clean": clean, "dirty": dirty} {
		b.Run(fmt.Sprintf("%s %d KiB", name, len(raw)>>10), func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				redactor{shapes: everyShape}.redactJSON(raw)
			}
		})
	}
}
