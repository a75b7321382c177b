package tools_test

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"drawbridge/tools"
)

func TestTextIsMadeWellFormedAndNothingElseChanges(t *testing.T) {
	for in, want := range map[string]string{
		`{ "a" : "plain" }`:           `{ "a" : "plain" }`,
		`"\ud83d\ude00"`:              `"\ud83d\ude00"`,
		`"\ud83d"`:                    `"\ufffd"`,
		`"\uDE00x"`:                   `"\ufffdx"`,
		`"\ud83d\ud83d\ude00"`:        `"\ufffd\ud83d\ude00"`,
		`"\ud83dn\n\\ud83d"`:          `"\ufffdn\n\\ud83d"`,
		`"\\\ud83d"`:                  `"\\\ufffd"`,
		`{"\udfff":["\ud800","\"a"]}`: `{"\ufffd":["\ufffd","\"a"]}`,
		"\"a\xff\xfeb\"":              "\"a\ufffdb\"",
		"\"\xed\xa0\xbd\"":            "\"\ufffd\"",
		`"\`:                          `"\`,
		`"\ud83`:                      `"\ud83`,
		``:                            ``,
	} {
		if got := string(tools.WellFormed(json.RawMessage(in))); got != want {
			t.Errorf("%q\n got %q\nwant %q", in, got, want)
		}
	}
}

func FuzzWellFormedJSONKeepsItsMeaning(f *testing.F) {
	for _, seed := range []string{`{"a":["\ud83d\ude00\ud83d",1.0e3,null]}`, "\"\xff\\ud800\\\\\"", `"\\\\ud800\u0041"`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		mended := tools.WellFormed(raw)
		if !utf8.Valid(mended) {
			t.Fatalf("%q is no UTF-8", mended)
		}
		if again := tools.WellFormed(mended); string(again) != string(mended) {
			t.Fatalf("mending twice: %q, %q", mended, again)
		}
		var before, after any
		if json.Unmarshal(raw, &before) != nil || !utf8.Valid(raw) {
			return
		}
		// Go's own reader does the same to halves of characters.
		if err := json.Unmarshal(mended, &after); err != nil || !cmp.Equal(before, after) {
			t.Fatalf("%q became %q: %v", raw, mended, err)
		}
	})
}
