package dispatch

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"strings"
)

// errUnparsed: the body is of no form that conditions and prompts can look into.
var errUnparsed = errors.New("the body is neither JSON nor a form, nor multipart nor XML")

// parsePayload reads a body for conditions and templates. Numbers become int64
// where they are written whole and fit, else float64, or text where that does not
// hold them; forms become a map of strings, of each name the first value, and so does
// multipart (parseMultipart); XML becomes maps and lists (parseXML). A body that is
// JSON is read as such whatever it is called: curl calls everything a form.
func parsePayload(contentType string, body []byte) (any, error) {
	value, err := parseJSON(body)
	if err == nil {
		return value, nil
	}
	kind, params, bad := mime.ParseMediaType(contentType)
	switch {
	case bad != nil:
		return nil, err
	case kind == "application/x-www-form-urlencoded":
		return parseForm(body)
	case kind == "multipart/form-data":
		return parseMultipart(params["boundary"], body)
	case kind == "text/xml", kind == "application/xml", strings.HasSuffix(kind, "+xml"):
		return parseXML(body)
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

// maxFormParts bounds the parts of a multipart body.
const maxFormParts = 1000

// parseMultipart reads a form with files in it (RFC 7578). A field is its text. Of a
// file there is its name, its type and its size in bytes: {filename, content_type,
// bytes}; what is in it stays in the event's body.
func parseMultipart(boundary string, body []byte) (any, error) {
	reader := multipart.NewReader(bytes.NewReader(body), boundary)
	form := map[string]any{}
	for n := 0; ; n++ {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return form, nil
		}
		if err != nil || n == maxFormParts {
			return nil, fmt.Errorf("%w: broken multipart, or more than %d parts", errUnparsed, maxFormParts)
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errUnparsed, err)
		}
		name := part.FormName()
		if _, taken := form[name]; taken || name == "" {
			continue
		}
		if file := part.FileName(); file != "" {
			form[name] = map[string]any{"filename": file, "content_type": part.Header.Get("Content-Type"), "bytes": int64(len(content))}
		} else {
			form[name] = string(content)
		}
	}
}

// maxXMLDepth bounds how deep elements may be nested.
const maxXMLDepth = 64

// parseXML reads XML into {name of the root: value}. Names are without their
// namespaces. An element with neither attributes nor elements in it is its text; any
// other one is a map of its elements by name, a list where a name is there more than
// once, of its attributes as "@name", and of its text, if it has any, as "#text".
//
// Nothing is expanded but XML's own five entities, and a document type is refused, so
// that no body grows or refers to anything outside of it.
func parseXML(body []byte) (any, error) {
	decoder := xml.NewDecoder(bytes.NewReader(body))
	var root map[string]any
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) && root != nil {
			return root, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errUnparsed, err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			if root != nil {
				return nil, fmt.Errorf("%w: more than one root element", errUnparsed)
			}
			value, err := xmlValue(decoder, t, 1)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", errUnparsed, err)
			}
			root = map[string]any{t.Name.Local: value}
		case xml.Directive:
			return nil, fmt.Errorf("%w: a document type declaration", errUnparsed)
		}
	}
}

func xmlValue(decoder *xml.Decoder, start xml.StartElement, depth int) (any, error) {
	if depth > maxXMLDepth {
		return nil, fmt.Errorf("nested deeper than %d elements", maxXMLDepth)
	}
	members, text := map[string]any{}, strings.Builder{}
	for _, attribute := range start.Attr {
		if attribute.Name.Space != "xmlns" && attribute.Name.Local != "xmlns" {
			members["@"+attribute.Name.Local] = attribute.Value
		}
	}
	for {
		token, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			value, err := xmlValue(decoder, t, depth+1)
			if err != nil {
				return nil, err
			}
			addMember(members, t.Name.Local, value)
		case xml.CharData:
			text.Write(t)
		case xml.Directive:
			return nil, errors.New("a declaration within an element")
		case xml.EndElement:
			content := strings.TrimSpace(text.String())
			if len(members) == 0 {
				return content, nil
			}
			if content != "" {
				members["#text"] = content
			}
			return members, nil
		}
	}
}

// addMember adds an element. Those of one name become a list: nothing else in XML is
// one.
func addMember(members map[string]any, name string, value any) {
	switch before := members[name].(type) {
	case nil:
		members[name] = value
	case []any:
		members[name] = append(before, value)
	default:
		members[name] = []any{before, value}
	}
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
