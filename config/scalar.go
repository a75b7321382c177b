package config

import (
	"crypto/sha256"
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// scalar reads a value without parts: its references are replaced first, and what
// comes out is read as what v is.
func (d *decoder) scalar(n ast.Node, path string, v reflect.Value) {
	at := start(n)
	m := mark{place: at, firstReference: -1}
	d.source.marks[path] = m
	if _, null := n.(*ast.NullNode); null {
		d.refuse(at, path, "no value is given; leave the key out to have the default")
		return
	}
	if n = d.plain(n, path); n == nil {
		return
	}
	if !isScalar(n) {
		d.refuse(at, path, "want a single value; got %s", kind(n))
		return
	}
	m.written, m.style = scalarText(n)
	expanded, problems := expand(path, m.written, d.from)
	m.fromEnv, m.standIn, m.firstReference = expanded.fromEnv, expanded.standIn, expanded.first
	if m.fromEnv {
		m.sum = sha256.Sum256([]byte(expanded.text))
	}
	d.source.marks[path] = m
	for _, warning := range expanded.warnings {
		d.warn(at, path, warning)
	}
	for _, problem := range problems {
		d.refuse(at, path, "%v", problem)
	}
	if len(problems) > 0 {
		return
	}
	err := setScalar(v, expanded.text)
	if expanded.standIn { // nothing can be said about it
		d.unread = append(d.unread, path)
		return
	}
	if err != nil {
		// As the file has it: what a variable holds is not shown. A [Secret] is
		// any text and never comes here.
		d.refuse(at, path, "%s: %v", quote(m.written), err)
	}
}

// scalarText is the text of a scalar as the file has it, whatever YAML takes it
// for: a key of digits is still a text.
func scalarText(n ast.Node) (string, style) {
	switch n := n.(type) {
	case *ast.LiteralNode:
		return unhide(n.Value.Value), block
	case *ast.StringNode:
		switch n.Token.Type {
		case token.SingleQuoteType:
			return unhide(n.Value), singleQuoted
		case token.DoubleQuoteType:
			return unhide(n.Value), doubleQuoted
		}
		return unhide(n.Value), plain
	}
	return unhide(n.GetToken().Value), plain
}

// setScalar reads text as what v is. Its error does not repeat the text.
func setScalar(v reflect.Value, text string) error {
	switch into := v.Addr().Interface().(type) {
	case *time.Time:
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return errors.New("want a time with a zone (RFC 3339), such as 2026-01-31T12:00:00Z")
		}
		*into = t
		return nil
	case encoding.TextUnmarshaler:
		return into.UnmarshalText([]byte(text))
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return errors.New("want a whole number")
		}
		v.SetInt(int64(n))
	case reflect.Bool:
		if text != "true" && text != "false" {
			return errors.New("want true or false")
		}
		v.SetBool(text == "true")
	default:
		panic(fmt.Sprintf("config: a setting of type %s cannot be read", v.Type()))
	}
	return nil
}

// isScalar reports whether n is a value without parts.
func isScalar(n ast.Node) bool {
	_, scalar := n.(ast.ScalarNode)
	switch n.(type) {
	case *ast.NullNode, *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		return false
	}
	return scalar
}

// quote shows a text in a message: on one line, and not all of a long one.
func quote(text string) string {
	const most = 60
	if utf8.RuneCountInString(text) > most {
		text = string([]rune(text)[:most]) + "..."
	}
	return strconv.Quote(text)
}
