package bridge

import (
	"context"
	"encoding/json"

	"github.com/mark3labs/mcp-go/mcp"
)

// direct is a transport to a server in this process that makes a call as it is: to write
// the request, read it, write the result and read it, three times each, costs as much as
// the call. Lists and everything else go the long way.
type direct interface {
	CallTool(ctx context.Context, request mcp.CallToolRequest) (*mcp.CallToolResult, error)
}

func callDirectly(ctx context.Context, d direct, request mcp.CallToolRequest) (CallResult, error) {
	arguments, _ := request.Params.Arguments.(json.RawMessage)
	request.Params.RawArguments = arguments
	result, err := d.CallTool(ctx, request)
	switch {
	case err != nil:
		return CallResult{}, &Refusal{Message: err.Error()}
	case result == nil:
		return CallResult{}, &Refusal{Message: errNoResult.Error()}
	}
	if plain, ok := plainly(result); ok {
		return plain, nil
	}
	raw, err := json.Marshal(result)
	if read, readable := returned(raw); err == nil && readable {
		return read, nil
	}
	return CallResult{}, &Refusal{Message: errNoResult.Error()}
}

// plainly reads a result of the one form that almost all have: a text, with or without
// the structure that says the same.
func plainly(result *mcp.CallToolResult) (CallResult, bool) {
	if len(result.Content) != 1 || result.StructuredContent != nil || result.ResultType != "" || result.IsError && result.Meta != nil {
		return CallResult{}, false // an error may say in _meta that the outcome is not known
	}
	said, ok := result.Content[0].(mcp.TextContent)
	if !ok {
		return CallResult{}, false
	}
	out := CallResult{Content: string(result.RawStructuredContent), IsError: result.IsError}
	if out.Content == "" || out.Content == "null" || out.IsError && said.Text != "" {
		out.Content = said.Text
	}
	return out, true
}
