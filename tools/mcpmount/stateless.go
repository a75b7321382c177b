package mcpmount

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/mark3labs/mcp-go/mcp"
)

// protocolMeta is what each message of the stateless protocol says (MCP 2026-07-28,
// basic, per-request metadata).
func (c *conn) protocolMeta() object {
	version, modern := c.agreed()
	if !modern {
		return object{}
	}
	return object{
		mcp.MetaKeyProtocolVersion:    version,
		mcp.MetaKeyClientInfo:         ourInfo,
		mcp.MetaKeyClientCapabilities: ourCapabilities,
	}
}

// header is what a request of the stateless protocol repeats in HTTP headers.
func (c *conn) header(r request, params json.RawMessage) http.Header {
	version, modern := c.agreed()
	if !modern {
		return nil
	}
	header := http.Header{}
	for name, value := range mcp.StandardHeaders(version, mcp.MCPMethod(r.method), params) {
		header.Set(name, value)
	}
	if r.tool != nil {
		for name, value := range mcp.GenerateParamHeaders(headerTool(*r.tool), params) {
			header.Set(name, value)
		}
	}
	return header
}

// headerTool is a definition as far as mcp-go needs it to mirror arguments into
// headers (x-mcp-header).
func headerTool(t listed) *mcp.Tool {
	return &mcp.Tool{Name: t.name, RawInputSchema: t.input}
}

// attend begins to listen for what belongs to no request, where the wire does not
// bring that by itself.
func (c *conn) attend() {
	if _, modern := c.agreed(); modern {
		c.begin(c.listen)
		return
	}
	if w, ok := c.wire.(*httpWire); ok {
		w.listen(func() { c.notice(message{Method: methodListChanged}) })
	}
}

// listen follows the list of a stateless server, which tells nothing unasked, until
// the connection ends. Each time it begins anew something may have been missed.
func (c *conn) listen() {
	for failures := 1; c.ctx.Err() == nil; failures++ {
		_, err := c.ask(c.ctx, request{method: methodListen, params: object{"notifications": object{"toolsListChanged": true}}})
		var said *rpcError
		if errors.As(err, &said) {
			return // it does not offer that
		}
		if !sleep(c.ctx, c.time.retryIn(failures)) {
			return
		}
		c.notice(message{Method: methodListChanged})
	}
}
