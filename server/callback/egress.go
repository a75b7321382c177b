package callback

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// checkURL refuses addresses that are never called, whatever their name resolves
// to: https only, but for http to this host itself.
func checkURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, errors.New("the address is not a URL") // the cause would repeat it, with any token it holds
	case u.Host == "" || u.Hostname() == "":
		return nil, errors.New("the address names no host")
	case u.User != nil:
		return nil, errors.New("the address holds a user name; its password would end up in logs")
	case u.Scheme == "https", u.Scheme == "http" && namesLoopback(u.Hostname()):
		return u, nil
	}
	return nil, fmt.Errorf("scheme %q is neither https nor http to this host", u.Scheme)
}

func namesLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}

// rule says why an address may not be connected to; nil if it may.
type rule func(netip.Addr) error

// metadata are the addresses at which clouds hand out credentials to whoever asks
// from inside: AWS and most others, AWS over IPv6, Alibaba.
var metadata = []netip.Addr{
	netip.MustParseAddr("169.254.169.254"),
	netip.MustParseAddr("fd00:ec2::254"),
	netip.MustParseAddr("100.100.100.200"),
}

// outside denies the metadata addresses and everything link-local, where their
// relatives live (container credentials, for one) and no receiver does.
func outside(addr netip.Addr) error {
	for _, denied := range metadata {
		if addr == denied {
			return fmt.Errorf("%v is a cloud's metadata address", addr)
		}
	}
	if addr.IsLinkLocalUnicast() {
		return fmt.Errorf("%v is link-local", addr)
	}
	return nil
}

// loopback is for plain http: "localhost" is a name like any other, and what it
// resolves to decides.
func loopback(addr netip.Addr) error {
	if !addr.IsLoopback() {
		return fmt.Errorf("%v is not this host, and only this host is called without TLS", addr)
	}
	return nil
}

// control applies a rule to each address about to be connected to, as a
// net.Dialer's Control: after the name was resolved, so no second look-up can
// bring another address in.
func (allowed rule) control(_, address string, _ syscall.RawConn) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("reading the resolved address %q: %w", address, err)
	}
	if err := allowed(target.Addr().Unmap().WithZone("")); err != nil {
		return fmt.Errorf("refusing to connect: %w", err)
	}
	return nil
}

// newClient makes a client that calls one host and no other: no redirect and no
// proxy, which would resolve and connect behind the rule's back. Each attempt
// connects anew and is checked anew; callbacks are too rare to gain by reuse.
func newClient(allowed rule, connect time.Duration, roots *x509.CertPool) *http.Client {
	dialer := &net.Dialer{Timeout: connect, Control: allowed.control}
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  nil,
			DialContext:            dialer.DialContext,
			TLSHandshakeTimeout:    connect,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
			MaxResponseHeaderBytes: maxRead,
			DisableKeepAlives:      true,
			DisableCompression:     true, // an excerpt is of what came, and no small answer unpacks to a large one
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
