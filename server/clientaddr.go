package server

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// trustedProxies are those in front of us whose word about a client's address counts
// (ING-23).
type trustedProxies []netip.Prefix

// settle makes r.RemoteAddr the address of whoever sent the request, as far as that
// can be known: behind it, everybody reads it there. Without a trusted proxy in
// front it stays as it is, whatever the headers claim.
func (t trustedProxies) settle(r *http.Request) {
	if len(t) == 0 {
		return
	}
	peer, ok := address(r.RemoteAddr)
	if !ok || !t.trust(peer) {
		return
	}
	if client := t.client(peer, r.Header); client != peer {
		r.RemoteAddr = netip.AddrPortFrom(client, 0).String()
	}
}

func (t trustedProxies) trust(a netip.Addr) bool {
	return slices.ContainsFunc(t, func(p netip.Prefix) bool { return p.Contains(a) })
}

// client is who stands behind the trusted proxies. Each of them wrote whom it heard
// from at the end of the header, so only the end is believed: it is read from right
// to left, and the first that is no proxy of ours is the client. What stands further
// left, anybody may have sent.
//
// A proxy writes one of the two headers and passes the other on as it came. So they
// count together only where they say the same; else the peer is all that is known.
func (t trustedProxies) client(peer netip.Addr, h http.Header) netip.Addr {
	chains := [][]string{}
	if lines := h.Values("X-Forwarded-For"); len(lines) > 0 {
		chains = append(chains, split(lines))
	}
	if lines := h.Values("Forwarded"); len(lines) > 0 {
		chains = append(chains, forwardedFor(lines))
	}
	client := peer
	for i, chain := range chains {
		said := t.walk(peer, chain)
		if i > 0 && said != client {
			return peer
		}
		client = said
	}
	return client
}

func (t trustedProxies) walk(peer netip.Addr, chain []string) netip.Addr {
	client := peer
	for _, hop := range slices.Backward(chain) {
		a, ok := address(hop)
		if !ok {
			return peer
		}
		if client = a; !t.trust(a) {
			break
		}
	}
	return client
}

// split gives the items of all lines of a header, in order.
func split(lines []string) []string { return strings.Split(strings.Join(lines, ","), ",") }

// forwardedFor gives the for parameters of the Forwarded header (RFC 7239), "" for a
// hop that names nobody.
func forwardedFor(lines []string) []string {
	hops := split(lines)
	for i, hop := range hops {
		hops[i] = ""
		for pair := range strings.SplitSeq(hop, ";") {
			name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
			if strings.EqualFold(name, "for") {
				hops[i] = strings.Trim(value, `"`)
			}
		}
	}
	return hops
}

// address reads an address with a port or without, in brackets or not. A name, an
// obfuscated identifier and nothing at all are none.
func address(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	if err != nil {
		withPort, err := netip.ParseAddrPort(text)
		if err != nil {
			return netip.Addr{}, false
		}
		a = withPort.Addr()
	}
	return a.Unmap().WithZone(""), true
}
