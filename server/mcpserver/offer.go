package mcpserver

import (
	"bytes"
	"log/slog"
	"sync"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"drawbridge/server/guard"
	"drawbridge/tools"
)

// offer keeps what mcp-go lists in step with the catalog.
type offer struct {
	mcp     *server.MCPServer
	guard   *guard.Guard
	catalog *tools.Catalog
	log     *slog.Logger

	mu     sync.Mutex // held during a change; changes may overlap
	listed map[string]offered
}

// offered is a tool and how it is listed.
type offered struct {
	tools.Tool
	entry  server.ServerTool
	usable bool // mcp-go takes it
}

// follow offers what the catalog has now. Clients are told, once, if anything that
// they can see has changed.
func (o *offer) follow() {
	o.mu.Lock()
	defer o.mu.Unlock()
	// At first even an empty list is one: unknown tools have to reach the guard.
	now, changed := map[string]offered{}, o.listed == nil
	list := []server.ServerTool{{
		Tool:    mcp.NewTool(guard.Unlisted, mcp.WithDescription("Answers calls of tools that do not exist.")),
		Handler: o.guard.Handle,
	}}
	for _, tool := range o.catalog.All() {
		as, known := o.listed[tool.Name]
		if !known || !sameDefinition(as.Tool, tool) {
			as, changed = o.list(tool), true
		}
		now[tool.Name] = as
		if as.usable {
			list = append(list, as.entry)
		}
	}
	changed = changed || len(now) != len(o.listed)
	o.listed = now
	if changed {
		o.mcp.SetTools(list...) // one notification, where adding and deleting would send two
	}
}

// list describes a tool. mcp-go panics at a header annotation (MCP 2026-07-28,
// x-mcp-header) that breaks its rules, so those of mounted tools are looked at first.
func (o *offer) list(tool tools.Tool) offered {
	as := offered{Tool: tool, entry: server.ServerTool{Tool: describe(tool), Handler: o.guard.Handle}, usable: true}
	if !tool.Mounted || mcp.ValidateParamHeaderAnnotations(&as.entry.Tool) == nil {
		return as
	}
	// Renamed, it is one more keyword that nobody knows.
	as.entry.Tool.RawInputSchema = bytes.ReplaceAll(as.entry.Tool.RawInputSchema, []byte(`"x-mcp-header"`), []byte(`"x-mcp-header-invalid"`))
	if err := mcp.ValidateParamHeaderAnnotations(&as.entry.Tool); err != nil {
		o.log.Warn("not listing a tool", "tool", tool.Name, "error", err)
		as.usable = false
	}
	return as
}

// sameDefinition reports whether two tools would be listed alike.
func sameDefinition(a, b tools.Tool) bool {
	return a.Title == b.Title && a.Description == b.Description && a.Effect == b.Effect && a.Mounted == b.Mounted &&
		a.Idempotent == b.Idempotent && a.Destructive == b.Destructive && a.Taints == b.Taints && a.OpenWorld == b.OpenWorld && a.WhenUnknown() == b.WhenUnknown() &&
		bytes.Equal(a.Input, b.Input) && bytes.Equal(a.Output, b.Output)
}
