package convert_test

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"drawbridge/bridge/convert"
	"drawbridge/bridge/convert/strictrules"
)

// patternParts are what regular expressions are made of where Go and Python part
// ways, or may.
var patternParts = []string{
	"a", "0", "-", ".", "^", "$", "|", "(", ")", "(?:", "[", "]", "[^", "{", "}", "{2}", "{1,3}", "{2,}", "{0}", "{,3}", "{1000}", "{1001}",
	"*", "+", "?", "*?", "+?", "??", "{2}?", "{2}+", `\d`, `\w`, `\S`, `\b`, `\B`, `\n`, `\v`, `\a`, `\x41`, `\x7`, `\x{41}`, `\u0041`, `\ud83d`,
	`\.`, `\-`, `\]`, `\[`, `\\`, `\_`, `\é`, "é", "😀", `\A`, `\z`, `\Z`, `\1`, `\0`, `\07`, `\Q`, `\E`, `\C`, `\pL`, `\p{L}`,
	"(?i)", "(?i:", "(?P<n>", "(?<n>", "(?=", "(?<=", "[:alpha:]", "[[:alpha:]]", "a-z", "z-a", "--", "&&", "~~", "(^)", "(?:^)", "(?:)", "(|)",
	"[a]", "[]", "[^]", "[]a]", "[-a]", `[\d-z]`, `[a-\d]`, `[\b]`, `[\w-]`, `[\--a]`, `[^\s\S]`,
}

// The same patterns each time. A pattern that strict could not carry after all has the
// whole function refused.
func TestAnyPatternIsCarriedSafelyOrSaid(t *testing.T) {
	const patterns = 5000
	draw := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom(patternParts), 1, 7).Draw(t, "parts"), "")
	})
	carried := 0
	for seed := range patterns {
		pattern := draw.Example(seed)
		schema := encode(map[string]any{
			"type": "object", "required": []any{"p"},
			"properties": map[string]any{"p": map[string]any{"type": "string", "pattern": pattern}},
		})
		f, err := convert.Convert(convert.Tool{Name: "patterned", Input: schema})
		if err != nil {
			t.Fatalf("%q: %v", pattern, err)
		}
		for _, v := range strictrules.Check("patterned", f.Parameters, f.Strict) {
			t.Errorf("%q is carried, and is against a rule: %v", pattern, v)
		}
		var shown struct {
			Properties struct{ P struct{ Pattern *string } }
		}
		if err := json.Unmarshal(f.Parameters, &shown); err != nil {
			t.Fatal(err)
		}
		switch carriedAs := shown.Properties.P.Pattern; {
		case carriedAs == nil:
		case *carriedAs != pattern:
			t.Errorf("%q is carried as %q", pattern, *carriedAs)
		default:
			carried++
		}
	}
	if carried < patterns/10 {
		t.Errorf("only %d of %d patterns are carried: this tests nothing", carried, patterns)
	}
}
