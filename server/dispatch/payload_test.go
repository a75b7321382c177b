package dispatch

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const form = "application/x-www-form-urlencoded"

func TestING07_BodyIsReadAsWhatItIs(t *testing.T) {
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
		"multipart": {`multipart/form-data; boundary="xx"`, "--xx\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n2\r\n" +
			"--xx\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n3\r\n--xx\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.pdf\"\r\n" +
			"Content-Type: application/pdf\r\n\r\n\x00\xff\r\n--xx\r\n\r\nnameless\r\n--xx--\r\n",
			map[string]any{"a": "1\r\n2", "f": map[string]any{"filename": "x.pdf", "content_type": "application/pdf", "bytes": int64(2)}}},
		"json in xml's name": {"text/xml", `{"a":"b"}`, map[string]any{"a": "b"}},
		"xml, one element":   {"text/xml", "<a/>", map[string]any{"a": ""}},
		"xml": {"application/soap+xml; charset=utf-8", `<?xml version="1.0"?><s:a xmlns:s="urn:x" xmlns="urn:y" id="1" s:b="2">` +
			"\n <c>one &amp; <!-- no -->two</c><s:c><d> x </d></s:c><c/>tail<e f=\"g\"><![CDATA[<h>]]></e></s:a>\n",
			map[string]any{"a": map[string]any{"@id": "1", "@b": "2", "c": []any{"one & two", map[string]any{"d": "x"}, ""}, "#text": "tail",
				"e": map[string]any{"@f": "g", "#text": "<h>"}}}},
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

func TestING07_BodyOfNoKnownFormIsNotGuessedAt(t *testing.T) {
	for name, c := range map[string]struct{ contentType, body string }{
		"empty":                {"application/json", ""},
		"cut":                  {"application/json", `{"a":`},
		"two values":           {"application/json", `{"a":1}{"a":2}`},
		"trailing text":        {"application/json", `{"a":1} x`},
		"xml of no name":       {"", "<a/>"},
		"xml of another name":  {"text/plain", "<a/>"},
		"xml, cut":             {"text/xml", "<a><b></a>"},
		"xml, two roots":       {"text/xml", "<a/><b/>"},
		"xml, nothing":         {"text/xml", "  "},
		"xml, text around":     {"text/xml", "x"},
		"xml, document type":   {"text/xml", `<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`},
		"xml, unknown entity":  {"text/xml", "<a>&b;</a>"},
		"xml, other encoding":  {"text/xml", `<?xml version="1.0" encoding="EBCDIC"?><a/>`},
		"xml, too deep":        {"text/xml", strings.Repeat("<a>", 65) + strings.Repeat("</a>", 65)},
		"multipart, no border": {"multipart/form-data", "--xx--"},
		"multipart, cut":       {"multipart/form-data; boundary=xx", "--xx\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1"},
		"multipart, others":    {"multipart/mixed; boundary=xx", "--xx--"},
		"multipart, too many":  {"multipart/form-data; boundary=xx", strings.Repeat("--xx\r\n\r\n\r\n", 1001) + "--xx--"},
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

// FuzzPayload: whatever a verified body is, reading it ends without a panic.
func FuzzPayload(f *testing.F) {
	f.Add("text/xml", []byte(`<a b="c"><d/><d>e</d></a>`))
	f.Add("multipart/form-data; boundary=xx", []byte("--xx\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--xx--"))
	f.Add(form, []byte("a=%41"))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		value, err := parsePayload(contentType, body)
		if err != nil && (value != nil || !errors.Is(err, errUnparsed)) {
			t.Errorf("%v, %v", value, err)
		}
	})
}
