package auth_test

import (
	"context"
	"net"
	"net/http"
	"testing"

	"drawbridge/server/auth"
)

func TestPagesOfOtherOriginsAreKnown(t *testing.T) {
	loopback := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}
	public := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7)}
	for name, test := range map[string]struct {
		local   net.Addr
		host    string
		headers []string
		page    bool
	}{
		"a program":                 {loopback, "127.0.0.1:8080", nil, false},
		"a program, by name":        {loopback, "localhost:8080", nil, false},
		"a program, IPv6":           {loopback, "[::1]:8080", nil, false},
		"through a proxy":           {loopback, "Agents.example.com", nil, false},
		"its own page":              {loopback, "localhost:8080", []string{"Origin", "http://localhost:8080", "Sec-Fetch-Site", "same-origin"}, false},
		"a page on this machine":    {loopback, "localhost:8080", []string{"Origin", "http://127.0.0.1:3000", "Sec-Fetch-Site", "cross-site"}, false},
		"another site":              {loopback, "localhost:8080", []string{"Origin", "https://localhost.example.com", "Sec-Fetch-Site", "cross-site"}, true},
		"another site, unnamed":     {loopback, "localhost:8080", []string{"Sec-Fetch-Site", "cross-site"}, true},
		"an origin of no page":      {loopback, "localhost:8080", []string{"Origin", "null"}, true},
		"a name that rebinds":       {loopback, "evil.example.com:8080", nil, true},
		"any name, not on loopback": {public, "evil.example.com:8080", nil, false},
	} {
		r := request(test.headers...)
		r.Host = test.host
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, test.local))
		if why := auth.FromPage(r, []string{"agents.example.com"}); (why != "") != test.page {
			t.Errorf("%s: %q", name, why)
		}
	}
}
