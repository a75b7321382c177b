package mcpserver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/server/auth"
)

// edge is what every HTTP request at a door passes before mcp-go sees it: the host
// it names, the web page it comes from (mcp-go's own check of them knows no proxies),
// and the size of its body.
func (s *Server) edge(door string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		why := auth.FromPage(r, s.options.Hosts)
		switch {
		case why != "":
			refuse(w, http.StatusForbidden, why)
		case !s.bound(r):
			s.oversize.warn(auth.WithDoor(r.Context(), door))
			refuse(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the request has more than %d bytes", s.options.BodyLimit))
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// refuse answers before there is a JSON-RPC request to answer, so with no id.
func refuse(w http.ResponseWriter, status int, message string) {
	refuseRequest(w, nil, status, message)
}

// refuseRequest answers the request of that id, nil for none.
func refuseRequest(w http.ResponseWriter, id any, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(mcp.NewJSONRPCError(mcp.NewRequestId(id), mcp.INVALID_REQUEST, message, nil))
}

// bound reports whether the body is within the limit. mcp-go reads all of it into
// memory. A body that does not say how long it is has to be read to know.
func (s *Server) bound(r *http.Request) bool {
	if r.ContentLength >= 0 || r.Body == nil {
		return r.ContentLength <= s.options.BodyLimit
	}
	var read bytes.Buffer
	n, _ := io.CopyN(&read, r.Body, s.options.BodyLimit+1)
	// Whatever ended the body, mcp-go meets it behind what was read.
	r.Body = io.NopCloser(io.MultiReader(&read, r.Body))
	return n <= s.options.BodyLimit
}
