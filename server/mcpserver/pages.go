package mcpserver

import (
	"context"
	"encoding/base64"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// DefaultPageSize is how many tools a page of tools/list has. It is large on purpose:
// many a client reads the first page only, as that of the TypeScript SDK does unless it
// is told otherwise, and would never see the rest.
const DefaultPageSize = 2000

// addPages cuts lists into pages (MCP 2025-11-25, pagination), after those who keep
// things from a principal have had their turn: mcp-go's own pages would come before, so
// that a page might be short or empty, and its cursor name a tool that is kept secret.
// The lists are in the order of the names, and mcp-go begins behind the one that the
// cursor names, whether it is still there or not.
func (s *Server) addPages(hooks *server.Hooks) {
	hooks.AddAfterListTools(func(_ context.Context, _ any, _ *mcp.ListToolsRequest, result *mcp.ListToolsResult) {
		result.Tools, result.NextCursor = page(result.Tools, s.options.PageSize)
	})
	hooks.AddAfterListPrompts(func(_ context.Context, _ any, _ *mcp.ListPromptsRequest, result *mcp.ListPromptsResult) {
		result.Prompts, result.NextCursor = page(result.Prompts, s.options.PageSize)
	})
}

// page is the first of a list that goes on behind it if there is a cursor.
func page[T mcp.Named](all []T, size int) ([]T, mcp.Cursor) {
	if len(all) <= size {
		return all, ""
	}
	last := all[size-1].GetName()
	return all[:size], mcp.Cursor(base64.StdEncoding.EncodeToString([]byte(last)))
}
