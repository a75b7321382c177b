package state

import (
	"encoding/json"
	"net/http"
	"testing"
)

func FuzzHeadersAreTheSameAsMarshalled(f *testing.F) {
	f.Add("Content-Type", "application/json", "X", "")
	f.Add("B", "one", "A", "two")
	f.Add("B", "<a & \"b\" \\>", "A", "Malmö\u2028\x00\xff")
	f.Add("", "", "", "\x7f ~")
	f.Fuzz(func(t *testing.T, a, one, b, two string) {
		for _, h := range []http.Header{nil, {}, {a: nil}, {a: {}}, {a: {one}}, {a: {one, two}, b: {two}}, {a: {one}, b: {two}, "C": {one, one}}} {
			want, err := json.Marshal(h)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := headersJSON(h); err != nil || got != string(want) {
				t.Errorf("%q became %s (%v), want %s", h, got, err, want)
			}
		}
	})
}
