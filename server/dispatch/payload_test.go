package dispatch

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const form = "application/x-www-form-urlencoded"

func TestBodyIsReadAsWhatItIs(t *testing.T) {
	for name, c := range map[string]struct {
		contentType, body string
		want              any
	}{
		"object":                        {"application/json", `{"a":{"b":[true,null]}}`, map[string]any{"a": map[string]any{"b": []any{true, nil}}}},
		"array":                         {"application/json", `[{"id":"x"}]`, []any{map[string]any{"id": "x"}}},
		"null":                          {"application/json", `null`, nil},
		"json of another name":          {"application/vnd.api+json; charset=utf-8", `{"a":"b"}`, map[string]any{"a": "b"}},
		"json of no name":               {"", ` {"a":"b"} `, map[string]any{"a": "b"}},
		"json that curl calls a form":   {form, `{"a":"b=c&d"}`, map[string]any{"a": "b=c&d"}},
		"whole numbers are exact":       {"", `[0,-1,9007199254740993,9223372036854775807]`, []any{int64(0), int64(-1), int64(9007199254740993), int64(9223372036854775807)}},
		"other numbers are floats":      {"", `[1.5,1e3,1.0,9223372036854775808]`, []any{1.5, 1e3, 1.0, 9223372036854775808.0}},
		"beyond a float is text":        {"", `[1e999,-1e999]`, []any{"1e999", "-1e999"}},
		"of two keys the last":          {"", `{"a":1,"a":2}`, map[string]any{"a": int64(2)}},
		"form":                          {form + "; charset=UTF-8", "a=1&b=x+y%0Az&a=2&c", map[string]any{"a": "1", "b": "x y\nz", "c": ""}},
		"empty form":                    {form, "", map[string]any{}},
		"form in capitals":              {"Application/X-WWW-Form-Urlencoded", "a=1", map[string]any{"a": "1"}},
		"form that holds broken json":   {form, `{"a":`, map[string]any{`{"a":`: ""}},
		"form that holds json, encoded": {form, "payload=%7B%22a%22%3A1%7D", map[string]any{"payload": `{"a":1}`}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parsePayload(c.contentType, []byte(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestBodyOfNoKnownFormIsNotGuessedAt(t *testing.T) {
	for name, c := range map[string]struct{ contentType, body string }{
		"empty":                {"application/json", ""},
		"cut":                  {"application/json", `{"a":`},
		"two values":           {"application/json", `{"a":1}{"a":2}`},
		"trailing text":        {"application/json", `{"a":1} x`},
		"xml":                  {"text/xml", "<a/>"},
		"bytes":                {"application/octet-stream", "\x00\xff"},
		"form of another name": {"text/plain", "a=1"},
		"form that is broken":  {form, "a=%zz"},
		"type that is broken":  {form + "; =", "a=1"},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := parsePayload(c.contentType, []byte(c.body)); !errors.Is(err, errUnparsed) {
				t.Errorf("read as %#v (%v), want it unparsed", got, err)
			}
		})
	}
}
