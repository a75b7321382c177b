package strictrules

import (
	"encoding/json"
	"testing"
)

// FuzzCheck wants no panic on any bytes, and one answer to the same question.
func FuzzCheck(f *testing.F) {
	for _, p := range append(anyFunction, strictFunction...) {
		if len(p.bad) < 1000 {
			f.Add([]byte(p.bad), true)
			f.Add([]byte(p.good), false)
		}
	}
	f.Fuzz(func(t *testing.T, parameters []byte, strict bool) {
		found := Check("f", parameters, strict)
		if len(found) > most {
			t.Fatalf("%d violations", len(found))
		}
		if len(parameters) > 0 && !json.Valid(parameters) && len(found) == 0 {
			t.Fatal("takes what is not JSON")
		}
		if Refusal("f", found) != Refusal("f", Check("f", parameters, strict)) {
			t.Fatal("two answers")
		}
		Cautions("f", "", parameters, strict)
	})
}

// FuzzPattern wants no panic on any pattern.
func FuzzPattern(f *testing.F) {
	for _, s := range []string{`^(?:[a-z]+\.)*$`, `(?P<n>a)\1`, `[\w-]{2,3}?`, `(?<=a{2})b`, `\x41[\0-\377]`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		_, _ = parsePython(pattern)
	})
}
