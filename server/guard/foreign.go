package guard

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/tools"
)

// foreign is a CallToolResult of another MCP server, in the parts that have to be
// looked at. The blocks of its content are passed on as they are, of whatever type.
type foreign struct {
	Content    []json.RawMessage          `json:"content"`
	Structured json.RawMessage            `json:"structuredContent,omitempty"`
	IsError    bool                       `json:"isError,omitempty"`
	Meta       map[string]json.RawMessage `json:"_meta,omitempty"`
}

var emptyResult = json.RawMessage(`{"content":[]}`)

// mountedResult reads what a mounted tool returned, or the ledger kept of it. A
// failure, of which only the ledger has any, becomes the error again that it was.
func mountedResult(raw json.RawMessage) Result {
	if isAbsent(raw) {
		raw = emptyResult // an empty result would give the call's claim up
	}
	raw = tools.WellFormed(raw)
	var parsed foreign
	if err := json.Unmarshal(raw, &parsed); err != nil {
		return Result{Err: tools.Errorf(tools.Failed, "the tool's server answered with something that is no tool result. "+
			"Do not call it again before you have looked up what it did.")}
	}
	if parsed.IsError {
		return Result{Err: tools.Errorf(tools.Failed, "%s", parsed.text())}
	}
	return Result{Output: raw}
}

// failure is an error of a mounted tool as the ledger keeps it: a result that
// mountedResult makes the same error of.
func failure(err *tools.Error) json.RawMessage {
	text, _ := json.Marshal(mcp.NewTextContent(err.Message)) // strings always encode
	raw, _ := json.Marshal(foreign{Content: []json.RawMessage{text}, IsError: true})
	return raw
}

// text is what the result says in words.
func (f foreign) text() string {
	var text bytes.Buffer
	for _, raw := range f.Content {
		var block struct {
			Text string `json:"text"`
		}
		if json.Unmarshal(raw, &block) != nil || block.Text == "" {
			continue
		}
		if text.Len() > 0 {
			text.WriteByte('\n')
		}
		text.WriteString(block.Text)
	}
	return text.String()
}

// ownMeta begins the keys of _meta that are for us alone to set.
const ownMeta = "drawbridge/"

// passOn gives a foreign result as it is: content, structured content and _meta,
// except for what would speak in our name.
func passOn(r Result) *mcp.CallToolResult {
	var parsed foreign
	_ = json.Unmarshal(r.Output, &parsed) // mountedResult has read it before
	result := &mcp.CallToolResult{Content: make([]mcp.Content, len(parsed.Content)), RawStructuredContent: parsed.Structured}
	for i, raw := range parsed.Content {
		result.Content[i] = block{raw: raw}
	}
	for key, value := range parsed.Meta {
		if key != mcp.MetaKeyServerInfo && !strings.HasPrefix(key, ownMeta) {
			result.EnsureResultMeta().SetMetaField(key, value)
		}
	}
	return remarked(result, r)
}

// block is content of any type, byte for byte. mcp-go lets nobody add a type of
// content; the one within only lends its name.
type block struct {
	mcp.TextContent
	raw json.RawMessage
}

// MarshalJSON gives the block as it came.
func (b block) MarshalJSON() ([]byte, error) { return b.raw, nil }
