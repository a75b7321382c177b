package egress

import (
	"context"
	"net"
	"net/http"
	"net/url"
)

// Guard gives a copy of a transport that goes nowhere but where the rules and the reach
// allow: its pool, timeouts and TLS settings stay, its dialer and proxy do not. Each
// request is checked, and so is each connection when it is made; a redirect is a request
// like any other to it, and whether one is followed is up to the client.
func (r *Rules) Guard(base *http.Transport, reach Reach) http.RoundTripper {
	t := base.Clone()
	t.Proxy = r.proxyFor
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		return r.dial(ctx, reach, network, address)
	}
	t.DialTLSContext = nil
	return &guarded{rules: r, reach: reach, Transport: t}
}

// proxyFor is never that of the environment, behind which no address would be checked.
func (r *Rules) proxyFor(request *http.Request) (*url.URL, error) {
	if NamesLoopback(request.URL.Hostname()) {
		return nil, nil
	}
	return r.settings.Proxy, nil
}

type guarded struct {
	rules *Rules
	reach Reach
	*http.Transport
}

func (g *guarded) RoundTrip(request *http.Request) (*http.Response, error) {
	if err := g.rules.checkURL(request.URL, g.reach); err != nil {
		if request.Body != nil {
			_ = request.Body.Close() // as RoundTripper demands
		}
		return nil, err
	}
	if check := g.rules.o.Fence(request.Context()); check != nil {
		return g.fencedTrip(request, check)
	}
	return g.Transport.RoundTrip(request)
}

// NoRedirects is a client's CheckRedirect: what an address answers is the answer.
func NoRedirects(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
