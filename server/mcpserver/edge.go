package mcpserver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"

	"drawbridge/server/auth"
)

// edge is what every HTTP request at a door passes before mcp-go sees it: the host
// it names, the web page it comes from, and the size of its body.
func (s *Server) edge(door string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !s.hostAllowed(r):
			refuse(w, http.StatusForbidden, fmt.Sprintf("the host %q is not served here; if a proxy serves it, set server.public_url to its address", r.Host))
		case !s.originAllowed(r):
			refuse(w, http.StatusForbidden, fmt.Sprintf("pages from %q may not send requests here", r.Header.Get("Origin")))
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
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(mcp.NewJSONRPCError(mcp.NewRequestId(nil), mcp.INVALID_REQUEST, message, nil))
}

// hostAllowed stops DNS rebinding: over loopback only a loopback name, or one of
// the proxy's, may be asked for. It takes the place of mcp-go's check, which knows
// no proxies.
func (s *Server) hostAllowed(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok || !local.IP.IsLoopback() {
		return true
	}
	host := hostOnly(r.Host)
	return isLoopback(host) || slices.ContainsFunc(s.options.Hosts, func(h string) bool { return strings.EqualFold(h, host) })
}

// originAllowed admits requests that no web page sent, and those of pages from
// loopback, from this very host, or from an allowed origin (MCP 2025-11-25,
// transports, security warning). Reading our answers is another matter: no origin
// is granted that, there are no CORS headers.
func (s *Server) originAllowed(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	if slices.ContainsFunc(s.options.Origins, func(o string) bool { return strings.EqualFold(o, origin) }) {
		return true
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false // "null" among them
	}
	return isLoopback(u.Hostname()) || strings.EqualFold(u.Host, r.Host)
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

func hostOnly(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return strings.Trim(hostport, "[]")
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback()
}
