package auth

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// FromPage reports why a request without a key may be a web page's doing, "" if it
// cannot be: any page that a person on this machine opens can send requests to a
// loopback address, and without keys there is nothing it would have to know.
//
// A page of another origin is known by the headers that browsers add; one that had its
// own name resolve to loopback (DNS rebinding) by the host it asks for: hosts are the
// names a proxy in front of us has. Requests with keys need no such check, as browsers
// do not add keys by themselves.
func FromPage(r *http.Request, hosts []string) string {
	if err := crossOrigin.Check(r); err != nil {
		return "pages of other origins may not send requests here"
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok || !local.IP.IsLoopback() {
		return ""
	}
	host := hostOnly(r.Host)
	if isLoopback(host) || slices.ContainsFunc(hosts, func(h string) bool { return strings.EqualFold(h, host) }) {
		return ""
	}
	return fmt.Sprintf("the host %q is not served here; if a proxy serves it, set server.public_url to its address", host)
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
