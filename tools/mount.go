package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
)

var mountedNameRule = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,128}$`)

// Mounted makes a tool of somebody else's definition: that of another MCP server.
// t.Input is the schema as that server sent it, of any draft and perhaps not
// valid; t.Output too, or nil. The title and the description may be empty. The
// effect is the mount's to decide, not the server's.
//
// The name is 1 to 128 characters of [A-Za-z0-9_.-] (MCP 2025-11-25, tools, tool
// names), see [Catalog.Mount] for how it begins.
//
// call returns the whole CallToolResult of that server as JSON, which the doors
// pass on as it is. If that result says isError, call returns an *Error with the
// code Failed instead.
//
// A bad name, effect or policy is the programmer's mistake: Mounted panics.
func Mounted(t Tool, call func(ctx context.Context, arguments json.RawMessage) (json.RawMessage, error)) Tool {
	switch {
	case !mountedNameRule.MatchString(t.Name):
		panic(fmt.Sprintf("tools: mounted name %q is not 1 to 128 characters of [A-Za-z0-9_.-]", t.Name))
	case !t.Effect.Valid():
		panic(fmt.Sprintf("tools: %s has no valid effect: %q", t.Name, t.Effect))
	case !sound(t.Unknown, t.LookUp):
		panic(fmt.Sprintf("tools: %s says %q about unknown outcomes, and how to look up does not go with it", t.Name, t.Unknown))
	case call == nil:
		panic(fmt.Sprintf("tools: %s cannot be called", t.Name))
	}
	t.Idempotent = t.Idempotent || t.Effect == Read
	t.Mounted = true
	t.call = call
	return t
}
