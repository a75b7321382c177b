package mcpmount

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/mark3labs/mcp-go/mcp"
)

// Bounds of a server's list, against one that never ends.
const (
	maxPages     = 1000
	maxTools     = 5000
	maxListBytes = 64 << 20
)

// list reads the server's tools, page by page, as they are on the wire. An entry
// that cannot be read is left out and spoils nothing else.
func (c *conn) list(ctx context.Context) (list []listed, leftOut []LeftOut, err error) {
	cursor, size, entries := "", 0, 0
	for range maxPages {
		params := object{}
		if cursor != "" {
			params["cursor"] = cursor
		}
		raw, err := c.ask(ctx, request{method: methodList, params: params})
		var said *rpcError
		if errors.As(err, &said) && said.Code == codeMethodNotFound && entries == 0 {
			return nil, nil, nil // a server without tools
		}
		if err != nil {
			return nil, nil, fmt.Errorf("listing tools: %w", err)
		}
		var page struct {
			Tools      []json.RawMessage `json:"tools"`
			NextCursor string            `json:"nextCursor"`
		}
		if err := json.Unmarshal(raw, &page); err != nil {
			return nil, nil, errors.New("listing tools: the server's answer is no list of tools")
		}
		size, entries = size+len(raw), entries+len(page.Tools)
		if entries > maxTools || size > maxListBytes {
			return nil, nil, fmt.Errorf("listing tools: the server has more than %d, or more than %d bytes of definitions", maxTools, maxListBytes)
		}
		for i, entry := range page.Tools {
			t, err := c.readTool(entry)
			if err != nil {
				leftOut = append(leftOut, LeftOut{Tool: c.nameFor(t, entries-len(page.Tools)+i), Why: err.Error()})
				continue
			}
			list = append(list, t)
		}
		if page.NextCursor == "" {
			return list, leftOut, nil
		}
		if page.NextCursor == cursor {
			return nil, nil, errors.New("listing tools: the server's next page is the one before")
		}
		cursor = page.NextCursor
	}
	return nil, nil, fmt.Errorf("listing tools: more than %d pages", maxPages)
}

func (c *conn) nameFor(t listed, place int) string {
	if t.name == "" {
		return fmt.Sprintf("number %d of the list", place+1)
	}
	return c.clean.line(t.name, maxToolName)
}

// readTool also refuses a tool whose arguments could not be mirrored into headers
// as it wants (MCP 2026-07-28, x-mcp-header).
func (c *conn) readTool(entry json.RawMessage) (listed, error) {
	t, err := readTool(entry)
	if _, modern := c.agreed(); err != nil || !modern || !bytes.Contains(t.input, []byte(`"x-mcp-header"`)) {
		return t, err
	}
	if err := mcp.ValidateParamHeaderAnnotations(headerTool(t)); err != nil {
		return t, fmt.Errorf("its x-mcp-header is not usable: %s", c.clean.line(err.Error(), 200))
	}
	return t, nil
}
