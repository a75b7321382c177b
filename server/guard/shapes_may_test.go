package guard

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// pieces are what secrets are made of, whole and in part, and what stands around them.
var pieces = func() []string {
	all := []string{"4111", "1111", "4111111111111111", "1", "23", "378282", "DE89", "3704", "DE89370400440532013000", "GB82WEST12345698765432", "NO93", "AB", "a", "é", "ſ",
		" ", "-", "--", "\n", "\t", "\"", "\\", "/", ".", "_", ":", "x", "Bearer ", "bEARER ", "basic ", "BASIC ", "baſic ", "YWxpY2U6c2VjcmV0", letters32, hex32,
		"eyJhbGciOiJIUzI1NiJ9", ".eyJzdWIiOiIxIn0", ".dozjgN", "-----BEGIN ", "RSA ", "PRIVATE KEY-----", "-----END ", "<", "\u2028", "\xff", "\u0131", "\u212a"}
	for _, forms := range secretForms {
		for _, form := range forms {
			all = append(all, form.prefix, form.prefix[:len(form.prefix)-1], form.prefix+letters32+letters32)
		}
	}
	return all
}()

var madeUp = rapid.Map(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 8), func(parts []string) string { return strings.Join(parts, "") })

// A text that is not searched would have been left as it is, by each of the shapes.
func TestTextThatIsNotSearchedHoldsNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := madeUp.Draw(t, "text")
		for _, shapes := range []Shapes{everyShape, auditShapes, {Cards: true}, {IBANs: true}, {Secrets: true}} {
			want, changed := shapes.search(text)
			if got, is := shapes.hide(text); got != want || is != changed {
				t.Fatalf("%+v: %q became %q, and by searching it %q", shapes, text, got, want)
			}
		}
	})
}

// Nor would JSON that is not gone through, however its texts are written.
func TestResultThatIsNotGoneThroughHoldsNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(madeUp, 1, 3).Draw(t, "texts")
		raw, _ := json.Marshal(map[string]any{"a": texts, "n": rapid.SampledFrom([]any{1, 4111111111111111, 1.5, nil}).Draw(t, "number")})
		if rapid.Bool().Draw(t, "plain") {
			raw = []byte(spell(map[string]any{"a": texts}))
		}
		if rapid.Bool().Draw(t, "escaped") { // a character need not be written plainly
			at := rapid.IntRange(0, len(raw)).Draw(t, "at")
			if i := strings.IndexAny(string(raw[at:]), "4Ds-"); i >= 0 {
				if escaped := string(raw[:at+i]) + `\u00` + map[byte]string{'4': "34", 'D': "44", 's': "73", '-': "2d"}[raw[at+i]] + string(raw[at+i+1:]); json.Valid([]byte(escaped)) {
					raw = []byte(escaped)
				}
			}
		}
		for _, shapes := range []Shapes{everyShape, {Cards: true}, {IBANs: true}, {Secrets: true}} {
			through := redactor{shapes: shapes, raw: string(raw)}
			through.value(0, false)
			want := string(append(through.out, raw[through.done:]...))
			if got, changed := (redactor{shapes: shapes}).redactJSON(raw); string(got) != want || changed != (through.out != nil) {
				t.Fatalf("%+v: %s became %s, and by going through it %s", shapes, raw, got, want)
			}
		}
	})
}

// It would be of no use if every text were searched.
func TestOrdinaryTextIsNotSearched(t *testing.T) {
	for _, text := range []string{
		"", "Parcel 1001 arrived broken; please send another to 12 Long Street.", "2026-03-01T00:00:00Z", "ada@example.com", "+49 30 123456", "EUR 1,250.00",
		"Basket of the skeleton key, before basil bearers", "ref_0195f3c2a1b47c3e9d5f6a7b8c9d0e1f", "-- regards,\nAda - SKU 12", "Straße 7, 10115 Berlin",
	} {
		if mayHold(everyShape, text) {
			t.Errorf("%q is searched", text)
		}
	}
}

func TestNamesOfSecretsAreFoundWhereverTheyStand(t *testing.T) {
	name := rapid.SliceOfN(rapid.SampledFrom(append([]string{"a", "pass", "word", "api", "Key", "_", "-", "é", "pin", "CVC", "pan", "x"}, secretParts...)), 0, 4)
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(name.Draw(t, "name"), "")
		plain, want := plainName(text), false
		for _, part := range secretParts {
			want = want || strings.Contains(plain, part)
		}
		for _, whole := range secretNames {
			want = want || plain == whole
		}
		if isSecretName(text) != want {
			t.Fatalf("%q: %t", text, !want)
		}
	})
}
