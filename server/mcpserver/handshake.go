package mcpserver

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// peek reads the message of a POST, as far as it has members in m, and leaves it there. It
// reads as mcp-go does, so that the two cannot take it for different messages. What cannot
// be read is mcp-go's to answer.
func peek(r *http.Request, m any) (readable bool) {
	body, err := io.ReadAll(r.Body) // within the limit: edge has seen to that
	r.Body = io.NopCloser(bytes.NewReader(body))
	return err == nil && json.Unmarshal(body, m) == nil
}

// hasHandshake refuses a message of an older client that names no session and does not
// begin one, with 400 (MCP 2025-11-25, transports, session management); mcp-go says 404,
// which means that a session has ended. What says that it is of the newer protocol is
// mcp-go's to answer.
func (s *Server) hasHandshake(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodPost || r.Header.Get(server.HeaderKeySessionID) != "" {
		return true
	}
	var m struct {
		ID     json.RawMessage `json:"id"`
		Method mcp.MCPMethod   `json:"method"`
		Params struct {
			Meta map[string]json.RawMessage `json:"_meta"`
		} `json:"params"`
	}
	if !peek(r, &m) || m.Method == mcp.MethodInitialize || m.Params.Meta[mcp.MetaKeyProtocolVersion] != nil {
		return true
	}
	var id any
	if json.Unmarshal(m.ID, &id) != nil {
		id = nil
	}
	refuseRequest(w, id, http.StatusBadRequest, "the header "+server.HeaderKeySessionID+" is missing: initialize first")
	return false
}

// cancelsNothing accepts, and does no more about, a notice of protocol 2026-07-28 that a
// request is cancelled. Over HTTP a client of that era closes the stream of its request
// instead. mcp-go would look for the request by its number among those of all clients, since
// they have no sessions: anybody could cancel anybody's.
func cancelsNothing(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodPost {
		return false
	}
	var m struct {
		Method mcp.MCPMethod `json:"method"`
	}
	if !peek(r, &m) || m.Method != mcp.MethodNotificationCancelled {
		return false
	}
	w.WriteHeader(http.StatusAccepted)
	return true
}
