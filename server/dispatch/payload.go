package dispatch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/url"
)

// errUnparsed: the body is of no form that conditions and prompts can look into.
var errUnparsed = errors.New("the body is neither JSON nor a form")

// parsePayload reads a body for conditions and templates. Numbers become int64
// where they are written whole and fit, else float64, or text where that does not
// hold them; forms become a map of strings, of each name the first value. A body
// that is JSON is read as such whatever it is called: curl calls everything a form.
func parsePayload(contentType string, body []byte) (any, error) {
	value, err := parseJSON(body)
	if err == nil {
		return value, nil
	}
	if kind, _, bad := mime.ParseMediaType(contentType); bad == nil && kind == "application/x-www-form-urlencoded" {
		return parseForm(body)
	}
	return nil, err
}

func parseForm(body []byte) (any, error) {
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnparsed, err)
	}
	form := make(map[string]any, len(values))
	for name := range values {
		form[name] = values.Get(name)
	}
	return form, nil
}

func parseJSON(body []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, fmt.Errorf("%w: %w", errUnparsed, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: more than one JSON value", errUnparsed)
	}
	return mapLeaves(value, number), nil
}

func number(leaf any) any {
	n, ok := leaf.(json.Number)
	if !ok {
		return leaf
	}
	if i, err := n.Int64(); err == nil {
		return i
	}
	f, err := n.Float64()
	if err != nil {
		return n.String() // beyond float64: an infinity could be neither compared in earnest nor printed as JSON
	}
	return f
}

// mapLeaves copies a decoded JSON value with each leaf replaced.
func mapLeaves(value any, leaf func(any) any) any {
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, item := range v {
			out[key] = mapLeaves(item, leaf)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = mapLeaves(item, leaf)
		}
		return out
	}
	return leaf(value)
}
