package chatapi

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"
)

func TestQuickStringsAreTheOnesOfTheLibrary(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		raw := rapid.SliceOf(rapid.Byte()).Draw(rt, "bytes")
		text := string(raw)
		if rapid.Bool().Draw(rt, "sane") {
			text = rapid.String().Draw(rt, "text") + "\x00\x1f\u2028<&>\"\\\r\n\t"
		}
		quick := appendString(nil, text)
		var got, want string
		if err := json.Unmarshal(quick, &got); err != nil {
			rt.Fatalf("%q: %v", quick, err)
		}
		library, _ := json.Marshal(text)
		_ = json.Unmarshal(library, &want)
		if got != want || string(appendString(nil, []byte(text))) != string(quick) {
			rt.Fatalf("%q became %q, want %q", text, got, want)
		}
		for _, c := range quick {
			if c == '\n' || c == '\r' {
				rt.Fatalf("%q would end its line", quick)
			}
		}
	})
}
