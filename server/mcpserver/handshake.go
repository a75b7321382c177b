package mcpserver

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// hasHandshake refuses a message of an older client that names no session and does not
// begin one, with 400 (MCP 2025-11-25, transports, session management); mcp-go says 404,
// which means that a session has ended. What cannot be read, and what says that it is of
// the newer protocol, is mcp-go's to answer.
func (s *Server) hasHandshake(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodPost || r.Header.Get(server.HeaderKeySessionID) != "" {
		return true
	}
	body, err := io.ReadAll(r.Body) // within the limit: edge has seen to that
	r.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil {
		return true
	}
	var m struct {
		ID     json.RawMessage `json:"id"`
		Method string          `json:"method"`
		Params struct {
			Meta map[string]json.RawMessage `json:"_meta"`
		} `json:"params"`
	}
	if json.Unmarshal(body, &m) != nil || m.Method == string(mcp.MethodInitialize) || m.Params.Meta[mcp.MetaKeyProtocolVersion] != nil {
		return true
	}
	var id any
	if json.Unmarshal(m.ID, &id) != nil {
		id = nil
	}
	refuseRequest(w, id, http.StatusBadRequest, "the header "+server.HeaderKeySessionID+" is missing: initialize first")
	return false
}
