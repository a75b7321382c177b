package mcpserver

import (
	"bytes"
	"encoding/json"

	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/tools"
)

// Keys of a tool's _meta, from which a runtime that speaks only MCP learns what
// annotations cannot say. Annotations are hints for a person's client.
const (
	MetaEffect     = "drawbridge/effect"     // read, write, message or money
	MetaIdempotent = "drawbridge/idempotent" // the backend honours an idempotency key
	MetaTaints     = "drawbridge/taints"     // the output carries text written by outsiders
	// MetaForeign: the tool is described by somebody whose words are not ours.
	MetaForeign = "drawbridge/foreign"
	// MetaUnknown says what to do about a call whose outcome nobody knows, retry, check or
	// ask, where that does not follow from the rest.
	MetaUnknown = "drawbridge/unknown"
	// MetaClaims: the guard notes a call's key before it makes the call. Under a key that
	// was noted the tool is not called again: the first result is given again, or an error
	// outcome_unknown.
	MetaClaims = "drawbridge/claims"
	// MetaInward: the tool works on the store that keeps the runs, and on nothing else.
	MetaInward = "drawbridge/inward"
	// MetaInput is a mounted tool's input schema as its server sent it, as a text,
	// where the list has had to say it otherwise.
	MetaInput = "drawbridge/input-schema"
)

// describe is the tool as it is listed.
func describe(tool tools.Tool) mcp.Tool {
	listed := mcp.Tool{
		Name:            tool.Name,
		Title:           tool.Title,
		Description:     tool.Description,
		RawInputSchema:  tool.Input,
		RawOutputSchema: tool.Output,
		Annotations:     annotate(tool),
		Meta: mcp.NewMetaFromMap(map[string]any{
			MetaEffect:     string(tool.Effect),
			MetaIdempotent: tool.Idempotent,
			MetaTaints:     tool.Taints,
			MetaClaims:     !tool.Idempotent,
		}),
	}
	if policy := tool.WhenUnknown(); policy != byDefault(tool) {
		listed.Meta.SetMetaField(MetaUnknown, string(policy))
	}
	if tool.Inward {
		listed.Meta.SetMetaField(MetaInward, true)
	}
	if tool.Mounted && tool.Taints { // whose results are not trusted describes it as well
		listed.Meta.SetMetaField(MetaForeign, true)
	}
	if tool.Mounted {
		listed.RawInputSchema = listableInput(tool.Input)
		listed.RawOutputSchema = listableOutput(tool.Output)
		if !bytes.Equal(listed.RawInputSchema, tool.Input) {
			listed.Meta.SetMetaField(MetaInput, string(tools.WellFormed(tool.Input)))
		}
	}
	return listed
}

// Listed is a tool as an item of tools/list, for whoever wants to know what a client would
// be told of it.
func Listed(tool tools.Tool) (json.RawMessage, error) { return json.Marshal(describe(tool)) }

// byDefault is the policy that a runtime takes from effect and idempotence alone.
func byDefault(tool tools.Tool) tools.Policy {
	tool.Unknown, tool.LookUp = "", nil
	return tool.WhenUnknown()
}

// annotate sets all four hints: one that is left out is taken for the worst (MCP
// 2025-11-25, schema, ToolAnnotations).
//
// MCP calls a tool idempotent if repeating a call changes nothing more. Ours means
// something narrower, that it does so under one idempotency key, which a client
// need not send: so only reads get that hint.
func annotate(tool tools.Tool) mcp.ToolAnnotation {
	reads := tool.Effect == tools.Read
	return mcp.ToolAnnotation{
		Title:           tool.Title,
		ReadOnlyHint:    mcp.ToBoolPtr(reads),
		DestructiveHint: mcp.ToBoolPtr(tool.Destructive && !reads),
		IdempotentHint:  mcp.ToBoolPtr(reads),
		OpenWorldHint:   mcp.ToBoolPtr(tool.OpenWorld || tool.Effect == tools.Message),
	}
}
