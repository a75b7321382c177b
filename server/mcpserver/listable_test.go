package mcpserver

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestListableSchemaIsChangedNoMoreThanItMust(t *testing.T) {
	for in, want := range map[string]string{
		`{ "type":"object", "x":1.0 }`: `{ "type":"object", "x":1.0 }`,
		`{"type":"object","properties":{"b":{},"a":{"type":"string"}},"required":["b"],"required":["a"]}`: `{"type":"object","properties":{"b":{},"a":{"type":"string"}},"required":["b"],"required":["a"]}`,
		`{}`:                               `{"type":"object"}`,
		`{"anyOf":[{"required":["a"]}]}`:   `{"type":"object","anyOf":[{"required":["a"]}]}`,
		`{"z":1,"type":["null","object"]}`: `{"z":1,"type":"object"}`,
		`{"type":["null","array"]}`:        `{"type":"object"}`,
		`{"type":"string","title":"x"}`:    `{"type":"object"}`,
		`{"type":5}`:                       `{"type":"object"}`,
		`{"type":"object","properties":{"a":true,"b":false,"c":null,"d":"x","e":{"x":[true]}}}`: `{"type":"object","properties":{"a":{},"b":{"not":{}},"c":{},"d":{},"e":{"x":[true]}}}`,
		`{"type":"object","properties":[],"title":"x"}`:                                         `{"type":"object","title":"x"}`,
		`{"type":"object","required":true}`:                                                     `{"type":"object"}`,
		`{"type":"object","required":null}`:                                                     `{"type":"object","required":[]}`,
		`{"type":"object","required":["a",5,null,"b"]}`:                                         `{"type":"object","required":["a","b"]}`,
		`{"$schema":5,"type":"object"}`:                                                         `{"type":"object"}`,
		`true`:                                                                                  `{"type":"object"}`, `false`: `{"type":"object"}`, `null`: `{"type":"object"}`, `[]`: `{"type":"object"}`, ``: `{"type":"object"}`,
		`{"type":"object"} {}`:                                                                        `{"type":"object"}`,
		`{"type":"object","title":"\ud800"}`:                                                          `{"type":"object","title":"\ufffd"}`,
		`{"type":"object","Required":[0],"TYPE":1,"additionalproperties":5}`:                          `{"type":"object"}`,
		`{"type":"object","$defs":5,"definitions":[]}`:                                                `{"type":"object"}`,
		`{"type":"object","$defs":{"a":{}},"definitions":{},"additionalProperties":false,"enum":[1]}`: `{"type":"object","$defs":{"a":{}},"definitions":{},"additionalProperties":false,"enum":[1]}`,
		`{"a\"b":1}`: `{"type":"object","a\"b":1}`,
		strings.Repeat(`{"not":`, 200) + `{}` + strings.Repeat(`}`, 200): `{"type":"object"}`,
	} {
		if got := string(listableInput(json.RawMessage(in))); got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
	}
}

func TestOutputSchemaIsListedOnlyIfItPromisesAnObject(t *testing.T) {
	for in, listed := range map[string]bool{
		`{"type":"object","properties":{"a":{}}}`:   true,
		`{ "type" : "object" }`:                     true,
		`{"type":"array"}`:                          false,
		`{"properties":{}}`:                         false,
		`{"type":["object","null"]}`:                false,
		`{"type":"object","properties":{"a":true}}`: false,
		`true`: false, ``: false, `{"type":`: false,
		`{"type":"object","a":` + strings.Repeat(`[`, 200) + strings.Repeat(`]`, 200) + `}`: false,
	} {
		got := listableOutput(json.RawMessage(in))
		if (got != nil) != listed || listed && string(got) != in {
			t.Errorf("%s: got %s", in, got)
		}
	}
}

func FuzzListableSchemaIsOne(f *testing.F) {
	for _, seed := range []string{`{"type":"object","properties":{"a":true}}`, `{"required":[1],"$schema":null}`, `{"a":"\ud800","type":["object"]}`, `[`, "{\"\xff\":1}", `{"requIred":[0]}`, `{"$defs":[],"$DEFS":1,"additionalProperties":false}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got := listableInput(raw)
		var schema struct {
			Type       string
			Properties map[string]map[string]any
			Required   []string
			Defs       map[string]any `json:"$defs"`
		}
		if err := json.Unmarshal(got, &schema); err != nil || schema.Type != "object" || !utf8.Valid(got) || depth(got) > maxListedDepth+1 {
			t.Fatalf("%q became %q: %v", raw, got, err)
		}
		if again := listableInput(got); string(again) != string(got) {
			t.Fatalf("mending twice: %q, %q", got, again)
		}
		if out := listableOutput(raw); out != nil && !json.Valid(out) {
			t.Fatalf("%q became %q", raw, out)
		}
	})
}
