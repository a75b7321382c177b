package guard

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// sameReading fails if arguments are read otherwise in one go than piece by piece: another
// value, or one where there is none.
func sameReading(t interface{ Fatalf(string, ...any) }, raw []byte) {
	want, err := decodeOrSay(raw)
	got, ok := parse(raw)
	if ok != (err == nil) || ok && !reflect.DeepEqual(got, want) {
		t.Fatalf("%q is %#v (%t), want %#v (%v)", raw, got, ok, want, err)
	}
}

// Pieces of JSON, sound and not.
var scraps = append([]string{"{", "}", "[", "]", ",", ":", " ", "\n", "\t", "\r", "\v", "\x00", "\u00a0", `"`, `"a"`, `"b":`, `"a":1`, `"\u0061":2`, `"\ud83d\ude00"`, `"\ud800"`, `"\x"`, `"\`, `\\"`,
	"\"\xff\"", "\"\xff\":1", "\"\u00e9\"", "\"\x1f\"", "\"\x7f\"", "true", "false", "null", "nul", "True", "NaN", "0", "-0", "00", "01", "-", "1", "1.", ".5", "1.50", "1e5", "1E+05", "1e", "1e400", "1e-401", "12345678901234567890",
	"+1", "0x1", "//", "\ufeff"}, strings.Repeat("[", 65), strings.Repeat("]", 65), strings.Repeat("9", 401), "0."+strings.Repeat("0", 401)+"1", "1"+strings.Repeat("0", 401), strings.Repeat(`{"a":`, 65), strings.Repeat("}", 65))

func TestArgumentsAreReadInOneGoAsPieceByPiece(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sound, _ := json.Marshal(values(3).Draw(t, "value"))
		scrap := strings.Join(rapid.SliceOfN(rapid.SampledFrom(scraps), 0, 8).Draw(t, "scraps"), "")
		at := rapid.IntRange(0, len(sound)).Draw(t, "at")
		for _, raw := range []string{string(sound), scrap, string(sound[:at]) + scrap + string(sound[at:]), string(sound[:at]), scrap + string(sound)} {
			sameReading(t, []byte(raw))
		}
	})
	for _, raw := range append(scraps, "", `{}`, ` { } `, `[ ]`, `{"a":1,}`, `{,}`, `[,]`, `[1,]`, `[1 2]`, `{"a" 1}`, `{"a":1 "b":2}`, `{"a":1,"a":1}`, `{"a":{"a":1}}`, "{\"\xff\":1,\"\xfe\":2}", `{"a":1}x`, `{"a":1} {}`,
		"["+strings.Repeat("1,", maxValues-2)+"1]", "["+strings.Repeat("1,", maxValues-1)+"1]", strings.Repeat("[", 64)+"1"+strings.Repeat("]", 64), strings.Repeat("[", 65)+"1"+strings.Repeat("]", 65), strings.Repeat("9", 400)) {
		sameReading(t, []byte(raw))
	}
}

func FuzzArgumentsAreReadInOneGoAsPieceByPiece(f *testing.F) {
	for _, scrap := range scraps {
		f.Add([]byte(scrap))
	}
	f.Add([]byte(`{"a":[1,-2.5e3,{"b\n":"\u00e9"}],"c":null}`))
	f.Fuzz(func(t *testing.T, raw []byte) { sameReading(t, raw) })
}
