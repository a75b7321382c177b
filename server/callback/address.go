package callback

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"drawbridge/server/egress"
)

// Origin says who chose an address, and so how far it is trusted.
type Origin int

const (
	// Requested: whoever sent a request. All rules of egress hold.
	Requested Origin = iota
	// Configured: the operator. This host is allowed too, by its literal names.
	Configured
)

func (o Origin) reach(connect time.Duration) egress.Reach {
	return egress.Reach{Loopback: o == Configured, Connect: connect}
}

// checkURL refuses addresses that are never called, whatever their name resolves to:
// what egress refuses, and anything but https, or http to this host itself (DEL-15).
func checkURL(rules *egress.Rules, raw string, origin Origin) (*url.URL, error) {
	u, err := rules.CheckURL(raw, origin.reach(0))
	if err != nil {
		return nil, err
	}
	if u.Scheme != "https" && !egress.NamesLoopback(u.Hostname()) {
		return nil, fmt.Errorf("scheme %q is neither https nor http to this host", u.Scheme)
	}
	return u, nil
}

// CheckRequested says why an address that a request names would not be called; nil if
// it would. A name is looked up, as a courtesy to whoever asks: each attempt looks
// again, and what counts is the connection.
func (s *Sender) CheckRequested(ctx context.Context, raw string) error {
	u, err := checkURL(s.rules, raw, Requested)
	if err != nil {
		return err
	}
	return s.rules.Probe(ctx, u, Requested.reach(0))
}

// newClient makes a client that calls one host and no other: no redirect, and what
// egress allows. Each attempt connects anew and is checked anew; callbacks are too
// rare to gain by reuse.
func newClient(rules *egress.Rules, origin Origin, connect time.Duration, roots *x509.CertPool) *http.Client {
	return &http.Client{
		Transport: rules.Guard(&http.Transport{
			TLSHandshakeTimeout:    connect,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
			MaxResponseHeaderBytes: maxRead,
			DisableKeepAlives:      true,
			DisableCompression:     true, // an excerpt is of what came, and no small answer unpacks to a large one
		}, origin.reach(connect)),
		CheckRedirect: egress.NoRedirects,
	}
}

// PublicPart is an address without what may be a token in it: its scheme and host.
func PublicPart(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "an address that is no URL"
	}
	return u.Scheme + "://" + u.Host
}
