package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// mcpCaller is an MCP client with a key that speaks JSON-RPC by hand, in the protocol of
// 2026-07-28, or in a session of that of 2025-11-25.
type mcpCaller struct {
	base, key string
	modern    bool
	session   string
}

// ask makes a request. Its params are members of an object, without the braces; name is
// what the request is about, where it is about something.
func (c *mcpCaller) ask(ctx context.Context, method, name, params string) (result, fault json.RawMessage, err error) {
	if !c.modern && c.session == "" {
		const hello = `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}`
		if _, fault, err := c.send(ctx, "initialize", "", hello); err != nil || fault != nil {
			return nil, fault, err
		}
	}
	if c.modern {
		if params != "" {
			params += ","
		}
		params += `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}`
	}
	return c.send(ctx, method, name, fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":{%s}}`, method, params))
}

// send sends a message, and gives what it was answered.
func (c *mcpCaller) send(ctx context.Context, method, name, message string) (result, fault json.RawMessage, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/mcp", strings.NewReader(message))
	if err != nil {
		return nil, nil, err
	}
	h := request.Header
	h.Set("Authorization", "Bearer "+c.key)
	h.Set("Content-Type", "application/json")
	h.Set("Accept", "application/json, text/event-stream")
	switch {
	case c.modern:
		h.Set("Mcp-Protocol-Version", "2026-07-28")
		h.Set("Mcp-Method", method)
		if name != "" {
			h.Set("Mcp-Name", name)
		}
	case c.session != "":
		h.Set("Mcp-Session-Id", c.session)
		h.Set("Mcp-Protocol-Version", "2025-11-25")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if id := response.Header.Get("Mcp-Session-Id"); id != "" {
		c.session = id
	}
	raw, err := io.ReadAll(response.Body)
	text := string(raw)
	if strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream") {
		_, text, _ = strings.Cut(text, "data: ")
		text, _, _ = strings.Cut(text, "\n\n")
	}
	var answer struct{ Result, Error json.RawMessage }
	if err == nil {
		err = json.Unmarshal([]byte(text), &answer)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s was answered %s %q: %w", method, response.Status, raw, err)
	}
	return answer.Result, answer.Error, nil
}
