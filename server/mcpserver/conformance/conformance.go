// Package conformance is what the MCP project's conformance suite wants to find on a
// server: tools, resources and prompts of given names, which do given things.
//
// It is test code, and no released binary holds it: only cmd/drawbridge imports it,
// in a file that the build tag "conformance" brings in (.ci/conformance builds that).
// The suite then meets the doors, the guard and the catalog of an ordinary
// `drawbridge serve`, and these names on top.
//
// The names are the reason that the fixture is not an MCP server mounted by settings:
// a mount's tools all carry its name, and the suite's carry none. Apart from that its
// tools are what mounted tools are: they stand in the catalog, and every call of one
// passes the guard and leaves a row in the audit.
//
// Two things are done in front of the guard, for want of a place behind it: a round of
// questions of the fixture's own (see rounds.go; a tool of Drawbridge asks through
// [tools.Ask], and so do those here that can), and an error of the protocol that no
// tool of ours ever needs (see Front).
package conformance

import (
	"context"
	"encoding/json"

	"github.com/mark3labs/mcp-go/server"

	"drawbridge/tools"
)

// Tools are the suite's tools, for the catalog. All of them only read.
func Tools() []tools.Tool {
	var all []tools.Tool
	for _, list := range [][]tools.Tool{contents(), dialogues(), roundTools()} {
		all = append(all, list...)
	}
	return all
}

// Extend adds what is no tool to the server, and declares it.
func Extend(s *server.MCPServer) {
	server.WithResourceCapabilities(true, true)(s)
	server.WithPromptCapabilities(true)(s)
	s.Use(rounds)
	addResources(s)
	addPrompts(s)
}

// tool makes a tool that reads, of any schema and with a whole CallToolResult.
func tool(name, description, input string, call func(ctx context.Context, arguments json.RawMessage) (any, error)) tools.Tool {
	if input == "" {
		input = `{"type":"object","additionalProperties":false}`
	}
	t := tools.Tool{Name: name, Title: name, Description: description, Effect: tools.Read, Input: json.RawMessage(input)}
	return tools.Mounted(t, func(ctx context.Context, arguments json.RawMessage) (json.RawMessage, error) {
		result, err := call(ctx, arguments)
		if err != nil {
			return nil, err
		}
		return json.Marshal(result)
	})
}

// object is a JSON object that is written down here.
type object = map[string]any

// says is a result of one text.
func says(text string) object { return content(object{"type": "text", "text": text}) }

func content(blocks ...object) object { return object{"content": blocks} }
