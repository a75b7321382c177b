package bridge

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"drawbridge/bridge/openai"
)

const readResultName = "read_result"

var readResult = openai.Function{
	Name: readResultName,
	Description: "Reads on in a result that was too long to show whole. " +
		"The shown part ends with a line that names the handle and the offset to go on from.",
	Parameters: json.RawMessage(`{"type":"object","properties":{` +
		`"handle":{"type":"string","description":"As named at the end of the shown part, such as r4.0."},` +
		`"path":{"type":["string","null"],"description":"The value to read of a JSON result, such as items.0.name; null for all."},` +
		`"offset":{"type":["integer","null"],"minimum":0,"description":"The byte to start at; null for 0."},` +
		`"length":{"type":["integer","null"],"minimum":1,"description":"Bytes to read; null for as many as can be shown."}},` +
		`"required":["handle","path","offset","length"],"additionalProperties":false}`),
	Strict: true,
}

// handle names a call's result in its run, for good.
func handle(answer int64, index int) string { return fmt.Sprintf("r%d.%d", answer, index) }

// readOn answers a call of read_result. It sees this run's journal and nothing else.
func (h *history) readOn(arguments json.RawMessage) CallResult {
	in := struct {
		Handle string `json:"handle"`
		Path   string `json:"path"`
		Offset int    `json:"offset"`
		Length int    `json:"length"`
	}{}
	wrong := func(format string, args ...any) CallResult {
		return CallResult{Content: fmt.Sprintf(format, args...), IsError: true}
	}
	if err := json.Unmarshal(arguments, &in); err != nil {
		return wrong("the arguments of %s do not fit: %v. Pass handle and path (texts), offset and length (whole numbers).", readResultName, err)
	}
	whole, ok := h.content(in.Handle)
	if !ok {
		return wrong("there is no result with the handle %q. Use a handle named at the end of a result that was cut.", opening(in.Handle))
	}
	name := "the result"
	if in.Path != "" {
		value, err := valueAt(whole, in.Path)
		if err != nil {
			return wrong("reading the result %s at the path %q: %v", in.Handle, opening(in.Path), err)
		}
		whole, name = value, fmt.Sprintf("the value at %s in the result", opening(in.Path))
	}
	switch {
	case in.Offset < 0 || in.Length < 0:
		return wrong("offset and length must not be negative.")
	case in.Offset >= len(whole):
		return wrong("offset %d is past the end: %s has %d bytes.", in.Offset, name, len(whole))
	}
	limit := h.brief.ResultLimit
	if in.Length > 0 {
		limit = min(limit, in.Length)
	}
	start := boundary(whole, in.Offset)
	end := boundary(whole, min(start+limit, len(whole)))
	if end == start { // a length shorter than one character: show that one
		_, size := utf8.DecodeRuneInString(whole[start:])
		end = start + size
	}
	onward := ""
	if in.Path != "" {
		onward = " of the same path"
	}
	return CallResult{Content: whole[start:end] + position(name+" "+in.Handle, start, end, len(whole), onward)}
}

// content is the whole text of a result, by handle.
func (h *history) content(name string) (string, bool) {
	for _, t := range h.turns {
		for _, c := range t.calls {
			if c.result != nil && handle(t.seq, c.index) == name {
				return c.result.Content, true
			}
		}
	}
	return "", false
}

// boundary is the start of the character that byte i belongs to.
func boundary(text string, i int) int {
	for i > 0 && i < len(text) && !utf8.RuneStart(text[i]) {
		i--
	}
	return i
}

// cut shortens a result for the model and says how to read on. What there is to
// read on is asked for only then.
func cut(text string, limit int, name string, outline func() string) string {
	if len(text) <= limit {
		return text
	}
	end := boundary(text, limit)
	return text[:end] + position("the result "+name, 0, end, len(text), outline())
}

// position is the line below a part of a result. What is onward stands behind the
// offset to read on from.
func position(name string, start, end, size int, onward string) string {
	var line strings.Builder
	fmt.Fprintf(&line, "\n[bytes %d to %d of %d of %s", start, end, size, name)
	if end < size {
		fmt.Fprintf(&line, "; read on with %s from offset %d%s", readResultName, end, onward)
	}
	line.WriteString("]")
	return line.String()
}

// outlined says what of a result that is JSON can be read by its path. A long
// result is looked through for it once.
func (c *call) outlined() string {
	if c.outline == nil {
		text := outlineOf(c.result.Content)
		c.outline = &text
	}
	return *c.outline
}
