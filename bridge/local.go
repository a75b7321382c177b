package bridge

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"drawbridge/bridge/openai"
	"drawbridge/bridge/selection"
)

// The functions that are the bridge's own head every list, so that they never move.
const (
	readResultName = "read_result"
	findToolsName  = selection.FindToolsName
)

var readResult = openai.Function{
	Name: readResultName,
	Description: "Reads on in a result that was too long to show whole. " +
		"The shown part ends with a line that names the handle and the offset to go on from.",
	Parameters: json.RawMessage(`{"type":"object","properties":{` +
		`"handle":{"type":"string","description":"The handle named at the end of the shown part, such as r4.0."},` +
		`"offset":{"type":["integer","null"],"minimum":0,"description":"The byte to start at; null for 0."},` +
		`"length":{"type":["integer","null"],"minimum":1,"description":"How many bytes to read at most; null for as many as can be shown."}},` +
		`"required":["handle","offset","length"],"additionalProperties":false}`),
	Strict: true,
}

// answerOwn answers a call of one of the bridge's own functions.
func (r *run) answerOwn(c *call, result *Result) CallResult {
	if c.asked.Name == findToolsName {
		return r.find(c.intent.Arguments, result)
	}
	return r.history.readOn(c.intent.Arguments)
}

// mostFound is how many functions one search adds to the next request.
const mostFound = 8

// find answers a call of find_tools.
func (r *run) find(arguments json.RawMessage, result *Result) CallResult {
	var in struct {
		Query string `json:"query"`
	}
	if err := json.Unmarshal(arguments, &in); err != nil || strings.TrimSpace(in.Query) == "" {
		return CallResult{Content: findToolsName + " needs a query: say in a few words what the tool should do.", IsError: true}
	}
	hits := r.functions.index.Search(in.Query, mostFound)
	for _, hit := range hits {
		result.Found = append(result.Found, hit.Name)
	}
	return CallResult{Content: r.functions.index.Found(in.Query, hits)}
}

// handle names a call's result in its run, for good.
func handle(answer int64, index int) string { return fmt.Sprintf("r%d.%d", answer, index) }

// readOn answers a call of read_result. It sees this run's journal and nothing else.
func (h *history) readOn(arguments json.RawMessage) CallResult {
	in := struct {
		Handle string `json:"handle"`
		Offset int    `json:"offset"`
		Length int    `json:"length"`
	}{}
	wrong := func(format string, args ...any) CallResult {
		return CallResult{Content: fmt.Sprintf(format, args...), IsError: true}
	}
	if err := json.Unmarshal(arguments, &in); err != nil {
		return wrong("the arguments of %s do not fit: %v. Pass handle (text), offset and length (whole numbers).", readResultName, err)
	}
	whole, ok := h.content(in.Handle)
	switch {
	case !ok:
		return wrong("there is no result with the handle %q. Use a handle named at the end of a result that was cut.", in.Handle)
	case in.Offset < 0 || in.Length < 0:
		return wrong("offset and length must not be negative.")
	case in.Offset >= len(whole):
		return wrong("offset %d is past the end: the result has %d bytes.", in.Offset, len(whole))
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
	return CallResult{Content: whole[start:end] + position(in.Handle, start, end, len(whole))}
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

// cut shortens a result for the model and says how to read on.
func cut(text string, limit int, name string) string {
	if len(text) <= limit {
		return text
	}
	end := boundary(text, limit)
	return text[:end] + position(name, 0, end, len(text))
}

// position is the line below a part of a result.
func position(name string, start, end, size int) string {
	var line strings.Builder
	fmt.Fprintf(&line, "\n[bytes %d to %d of %d of the result %s", start, end, size, name)
	if end < size {
		fmt.Fprintf(&line, "; read on with %s from offset %d", readResultName, end)
	}
	line.WriteString("]")
	return line.String()
}
