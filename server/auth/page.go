package auth

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// FromPage reports why a request may be the doing of a web page that has no business
// here, "" if it cannot be: any page that a person on this machine opens can send
// requests to a loopback address, and without keys there is nothing it would have to
// know. hosts are the names that a proxy in front of us has.
//
// A page of another origin is known by the headers that browsers add; one that had its
// own name resolve to loopback (DNS rebinding) by the host it asks for. Pages on
// loopback and on the very host that is asked are let through. That is about sending:
// no page may read our answers, as there are no CORS headers.
func FromPage(r *http.Request, hosts []string) string {
	switch {
	case !hostAllowed(r, hosts):
		return fmt.Sprintf("the host %q is not served here; if a proxy serves it, set server.public_url to its address", r.Host)
	case !originAllowed(r):
		return fmt.Sprintf("pages from %q may not send requests here", r.Header.Get("Origin"))
	case crossSite(r):
		return "pages of other sites may not send requests here"
	}
	return ""
}

// hostAllowed reports whether the request asks for a host that is ours: over loopback
// only a loopback name, or one of the proxy's.
func hostAllowed(r *http.Request, hosts []string) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok || !local.IP.IsLoopback() {
		return true
	}
	host := hostOnly(r.Host)
	return isLoopback(host) || slices.ContainsFunc(hosts, func(h string) bool { return strings.EqualFold(h, host) })
}

// originAllowed admits requests that no web page sent, and those of pages from
// loopback or from this very host (MCP 2025-11-25, transports, security warning).
func originAllowed(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false // "null" among them
	}
	return isLoopback(u.Hostname()) || strings.EqualFold(u.Host, r.Host)
}

// crossSite reports whether a browser says that another site is behind the request,
// where it does not say which.
func crossSite(r *http.Request) bool {
	return r.Header.Get("Origin") == "" && crossOrigin.Check(r) != nil
}

var crossOrigin = http.NewCrossOriginProtection()

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
