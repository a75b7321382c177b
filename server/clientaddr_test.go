package server_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"drawbridge/server"
)

func TestING23_ForwardedAddressesCountOnlyFromTrustedProxies(t *testing.T) {
	const peer = "10.0.0.9:4711"
	for name, c := range map[string]struct {
		peer    string
		headers [][2]string
		want    string
	}{
		"no header":                      {peer, nil, peer},
		"one hop":                        {peer, [][2]string{{"X-Forwarded-For", "198.51.100.7"}}, "198.51.100.7:0"},
		"an untrusted peer":              {"203.0.113.1:99", [][2]string{{"X-Forwarded-For", "198.51.100.7"}}, "203.0.113.1:99"},
		"a spoofed leftmost":             {peer, [][2]string{{"X-Forwarded-For", "1.2.3.4, 198.51.100.7"}}, "198.51.100.7:0"},
		"trusted hops are passed":        {peer, [][2]string{{"X-Forwarded-For", "1.2.3.4, 198.51.100.7, 10.1.1.1, 10.2.2.2"}}, "198.51.100.7:0"},
		"two lines are one list":         {peer, [][2]string{{"X-Forwarded-For", "1.2.3.4"}, {"X-Forwarded-For", "198.51.100.7"}}, "198.51.100.7:0"},
		"two lines, the other way":       {peer, [][2]string{{"X-Forwarded-For", "198.51.100.7"}, {"X-Forwarded-For", "10.3.3.3"}}, "198.51.100.7:0"},
		"all of them trusted":            {peer, [][2]string{{"X-Forwarded-For", "10.5.5.5, 10.1.1.1"}}, "10.5.5.5:0"},
		"IPv6":                           {peer, [][2]string{{"X-Forwarded-For", "2001:db8::7"}}, "[2001:db8::7]:0"},
		"IPv6 with a port":               {peer, [][2]string{{"X-Forwarded-For", "[2001:db8::7]:8080"}}, "[2001:db8::7]:0"},
		"IPv6 in brackets":               {peer, [][2]string{{"X-Forwarded-For", "[2001:db8::7]"}}, "[2001:db8::7]:0"},
		"IPv4 with a port":               {peer, [][2]string{{"X-Forwarded-For", "198.51.100.7:8080"}}, "198.51.100.7:0"},
		"v4-mapped":                      {peer, [][2]string{{"X-Forwarded-For", "::ffff:198.51.100.7"}}, "198.51.100.7:0"},
		"a v4-mapped proxy":              {peer, [][2]string{{"X-Forwarded-For", "198.51.100.7, ::ffff:10.1.1.1"}}, "198.51.100.7:0"},
		"a v4-mapped peer":               {"[::ffff:10.0.0.9]:4711", [][2]string{{"X-Forwarded-For", "198.51.100.7"}}, "198.51.100.7:0"},
		"empty":                          {peer, [][2]string{{"X-Forwarded-For", ""}}, peer},
		"an empty entry at the end":      {peer, [][2]string{{"X-Forwarded-For", "198.51.100.7,"}}, peer},
		"a bad entry on the way":         {peer, [][2]string{{"X-Forwarded-For", "198.51.100.7, unknown, 10.1.1.1"}}, peer},
		"a bad entry left of the client": {peer, [][2]string{{"X-Forwarded-For", "<script>, 198.51.100.7"}}, "198.51.100.7:0"},
		"Forwarded":                      {peer, [][2]string{{"Forwarded", `for=1.2.3.4, for=198.51.100.7;proto=https;by=10.0.0.9`}}, "198.51.100.7:0"},
		"Forwarded with IPv6":            {peer, [][2]string{{"Forwarded", `For="[2001:db8::7]:4711"`}}, "[2001:db8::7]:0"},
		"Forwarded in two lines":         {peer, [][2]string{{"Forwarded", `for=198.51.100.7`}, {"Forwarded", `proto=http; for=10.1.1.1`}}, "198.51.100.7:0"},
		"Forwarded by somebody hidden":   {peer, [][2]string{{"Forwarded", `for=_secret`}}, peer},
		"Forwarded for nobody":           {peer, [][2]string{{"Forwarded", `proto=https`}}, peer},
		"both, and they agree":           {peer, [][2]string{{"X-Forwarded-For", "198.51.100.7"}, {"Forwarded", "for=198.51.100.7"}}, "198.51.100.7:0"},
		"both, and one is the client's":  {peer, [][2]string{{"X-Forwarded-For", "198.51.100.7"}, {"Forwarded", "for=1.2.3.4"}}, peer},
	} {
		t.Run(name, func(t *testing.T) {
			if got := seenFrom(t, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, c.peer, c.headers); got != c.want {
				t.Errorf("the client is %s, want %s", got, c.want)
			}
			if got := seenFrom(t, nil, c.peer, c.headers); got != c.peer {
				t.Errorf("without trusted proxies the client is %s, want the peer", got)
			}
		})
	}
}

// seenFrom is the address that a door of the server sees.
func seenFrom(t *testing.T, trusted []netip.Prefix, peer string, headers [][2]string) string {
	t.Helper()
	show := func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.RemoteAddr) }
	s := server.New(server.Options{TrustedProxies: trusted, Routes: []server.Route{open("/webhooks/", show), open("/other", show)}})
	var seen []string
	for _, path := range []string{"/webhooks/shop", "/other"} {
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader("{}"))
		r.RemoteAddr = peer
		for _, h := range headers {
			r.Header.Add(h[0], h[1])
		}
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		seen = append(seen, w.Body.String())
	}
	if seen[0] != seen[1] {
		t.Errorf("one door sees %s, another %s", seen[0], seen[1])
	}
	return seen[0]
}
