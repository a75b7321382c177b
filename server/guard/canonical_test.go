package guard

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// numbers draws JSON numbers in all their spellings.
var numbers = rapid.StringMatching(`-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,8})?([eE][+-]?[0-9]{1,2})?`)

func TestNumbersAreCanonicallyEqualExactlyWhenTheyAreEqual(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := numbers.Draw(t, "a"), numbers.Draw(t, "b")
		if rapid.Bool().Draw(t, "respell") {
			b = respell(t, a)
		}
		x, _ := new(big.Rat).SetString(a)
		y, _ := new(big.Rat).SetString(b)
		if same := canonicalNumber(a) == canonicalNumber(b); same != (x.Cmp(y) == 0) {
			t.Fatalf("%s is %s, %s is %s", a, canonicalNumber(a), b, canonicalNumber(b))
		}
		if z, ok := new(big.Rat).SetString(canonicalNumber(a)); !ok || z.Cmp(x) != 0 {
			t.Fatalf("%s became %s", a, canonicalNumber(a))
		}
	})
}

// respell writes a number without exponent another way.
func respell(t *rapid.T, number string) string {
	if strings.ContainsAny(number, "eE") {
		return number
	}
	if !strings.Contains(number, ".") {
		number += ".0"
	}
	return number + strings.Repeat("0", rapid.IntRange(0, 3).Draw(t, "zeros")) + "E+0"
}

func TestDigestDependsOnMeaningNotOnSpelling(t *testing.T) {
	for _, test := range []struct {
		a, b string
		same bool
	}{
		{`{"a":1,"b":2}`, ` { "b" : 2.0 , "a" : 1e0 } `, true},
		{`{"a":"\u00e9\/"}`, `{"a":"é/"}`, true},
		{`{"a":[1,2]}`, `{"a":[2,1]}`, false},
		{`{"a":9007199254740993}`, `{"a":9007199254740992}`, false},
		{`{"a":"1"}`, `{"a":1}`, false},
		{`{"a":null}`, `{}`, false},
		{`{"a":0}`, `{"a":-0.0}`, true},
		{`{"a":{"b":1}}`, `{"a":{},"b":1}`, false},
		{`{"a":false}`, `{"a":null}`, false},
		{`{"a\":\"b":"c"}`, `{"a":"b\":\"c"}`, false},
	} {
		a, errA := decode(json.RawMessage(test.a))
		b, errB := decode(json.RawMessage(test.b))
		if errA != nil || errB != nil {
			t.Fatalf("%v, %v", errA, errB)
		}
		if same := digest(a) == digest(b); same != test.same {
			t.Errorf("%s and %s: same %v, want %v", test.a, test.b, same, test.same)
		}
	}
}

func TestCanonicalFormIsJSONOfTheSameMeaning(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := values(3).Draw(t, "value")
		canonical := appendCanonical(nil, value)
		again, err := decode(canonical)
		if err != nil {
			t.Fatalf("%s: %v", canonical, err)
		}
		if second := appendCanonical(nil, again); string(second) != string(canonical) {
			t.Fatalf("%s became %s", canonical, second)
		}
	})
}

// values draws decoded JSON of at most so many levels.
func values(levels int) *rapid.Generator[any] {
	leaves := []*rapid.Generator[any]{
		rapid.Map(rapid.String(), func(s string) any { return strings.ToValidUTF8(s, "") }),
		rapid.Map(numbers, func(s string) any { return json.Number(s) }),
		rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		rapid.Just[any](nil),
	}
	if levels == 0 {
		return rapid.OneOf(leaves...)
	}
	below := values(levels - 1)
	return rapid.OneOf(append(leaves,
		rapid.Map(rapid.SliceOfN(below, 0, 4), func(items []any) any { return items }),
		rapid.Map(rapid.MapOfN(rapid.StringMatching(`[a-z_:"\\]{0,6}`), below, 0, 4), func(members map[string]any) any { return members }),
	)...)
}

func FuzzDecodeAgreesWithItself(f *testing.F) {
	for _, seed := range []string{`{"a":1}`, `{"a":{"b":":\\\""}}`, `{"a":1,"a":2}`, `[1e400]`, `null`, `{"\\":1}`, `{} x`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		value, err := decode(raw)
		if err != nil {
			return
		}
		canonical := appendCanonical(nil, value)
		again, err := decode(canonical)
		if err != nil {
			t.Fatalf("%q became %q: %v", raw, canonical, err)
		}
		if digest(value) != digest(again) {
			t.Fatalf("%q became %q", raw, canonical)
		}
	})
}
