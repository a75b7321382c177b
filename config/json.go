package config

import (
	"bytes"
	"encoding/json"
	"math/big"
	"reflect"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// JSON is a value of any shape. In a file it is YAML; its mappings keep their order.
type JSON json.RawMessage

// String is the JSON text.
func (j JSON) String() string { return string(j) }

// MarshalJSON gives the text itself.
func (j JSON) MarshalJSON() ([]byte, error) {
	if len(j) == 0 {
		return []byte("null"), nil
	}
	return j, nil
}

// deepestJSON bounds how deep such a value may go: the walk is recursive.
const deepestJSON = 100

// json reads n into v, which stays as it was if something in it cannot be read.
func (d *decoder) json(n ast.Node, path string, at place, v *JSON) {
	before := len(d.problems)
	var out bytes.Buffer
	d.writeJSON(&out, n, path, at, 0)
	if len(d.problems) == before {
		*v = JSON(out.Bytes())
	}
}

// writeJSON writes node as JSON. What it cannot read it reports, and leaves out.
func (d *decoder) writeJSON(out *bytes.Buffer, node ast.Node, path string, at place, depth int) {
	if depth > deepestJSON {
		d.refuse(at, path, "this goes deeper than %d levels", deepestJSON)
		return
	}
	d.source.marks[path] = mark{place: at, firstReference: -1}
	switch n := node.(type) {
	case nil, *ast.NullNode:
		out.WriteString("null")
	case ast.MapNode:
		out.WriteByte('{')
		for i, entry := range d.entries(node, path, at, "a mapping") {
			separate(out, i)
			writeText(out, entry.key)
			out.WriteByte(':')
			d.writeJSON(out, entry.value, entry.path, entry.at, depth+1)
		}
		out.WriteByte('}')
	case *ast.SequenceNode:
		out.WriteByte('[')
		for i, value := range n.Values {
			separate(out, i)
			d.writeJSON(out, value, item(path, i), start(value), depth+1)
		}
		out.WriteByte(']')
	default:
		d.writeScalar(out, node, path)
	}
}

func separate(out *bytes.Buffer, i int) {
	if i > 0 {
		out.WriteByte(',')
	}
}

// writeScalar writes a value without parts as what YAML takes it for (YAML 1.2.2,
// section 10.3): text in quotes is text, true and 12 are not. A value made of
// variables is text.
func (d *decoder) writeScalar(out *bytes.Buffer, n ast.Node, path string) {
	text := n.GetToken().Value
	switch n := n.(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		number, ok := jsonScalar(text)
		if !ok {
			d.refuse(start(n), path, "%s is no number that JSON has; a text needs quotes", quote(text))
			return
		}
		out.WriteString(number)
		return
	case *ast.StringNode:
		// The parser takes numbers beyond 64 bits, and 1e3, for text.
		if n.Token.Type == token.StringType && jsonNumber.MatchString(text) {
			out.WriteString(text)
			return
		}
	}
	text = ""
	d.scalar(n, path, reflect.ValueOf(&text).Elem())
	writeText(out, text)
}

var jsonNumber = regexp.MustCompile(`^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$`)

// jsonScalar is a YAML truth value or number in JSON's spelling.
func jsonScalar(text string) (string, bool) {
	switch lower := strings.ToLower(text); {
	case lower == "true" || lower == "false":
		return lower, true
	case jsonNumber.MatchString(text):
		return text, true
	case len(text) > 100:
		return "", false
	}
	if whole, ok := new(big.Int).SetString(strings.ReplaceAll(text, "_", ""), 0); ok { // 0x1F, 0o17, +3
		return whole.String(), true
	}
	plain := strings.TrimPrefix(text, "+")
	if strings.HasPrefix(plain, ".") {
		plain = "0" + plain
	}
	plain = strings.TrimSuffix(plain, ".")
	return plain, jsonNumber.MatchString(plain)
}

// writeText writes a JSON string, with < and > as they are.
func writeText(out *bytes.Buffer, text string) {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // a string always encodes
	out.Truncate(out.Len() - 1)
}
