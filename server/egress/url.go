package egress

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// NamesLoopback reports whether a host is this one by a literal name. Any other name
// may come to mean something else.
func NamesLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && addr.Unmap().IsLoopback()
}

// CheckURL checks what can be told of a URL before its name is resolved. Its errors
// show the host at most: the rest may hold a token.
func (r *Rules) CheckURL(raw string, reach Reach) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("the address is not a URL") // the cause would repeat it
	}
	return u, r.checkURL(u, reach)
}

func (r *Rules) checkURL(u *url.URL, reach Reach) error {
	host := u.Hostname()
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("scheme %q is neither http nor https", u.Scheme)
	case host == "":
		return errors.New("the address names no host")
	case u.User != nil:
		return errors.New("the address holds a user name; its password would end up in logs")
	case isNumber(host):
		return fmt.Errorf("host %q is a number and no address; write an IPv4 address as four decimal numbers", host)
	}
	t := r.target(reach, host, portOf(u))
	if err := t.checkPort(); err != nil {
		return err
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return t.check(addr)
	}
	return nil
}

// Probe resolves the URL's host and judges what it finds, as a courtesy: what counts
// is the connection. A name that does not resolve now is no reason to refuse it.
func (r *Rules) Probe(ctx context.Context, u *url.URL, reach Reach) error {
	host := u.Hostname()
	if r.settings.Proxy != nil && !NamesLoopback(host) {
		return nil // the proxy resolves
	}
	found, err := r.resolve(ctx, host)
	if err != nil {
		return nil
	}
	t := r.target(reach, host, portOf(u))
	for _, addr := range found {
		if err := t.check(addr); err != nil {
			return err
		}
	}
	return nil
}

// isNumber reports whether some resolvers would take a host for an address in a
// notation of old (2130706433, 0x7f.1, 0177.0.0.1): its last part is a number (WHATWG
// URL, "ends in a number checker"), and it is no address as we write them.
func isNumber(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return false
	}
	host = strings.TrimSuffix(host, ".")
	last := host[strings.LastIndexByte(host, '.')+1:]
	if digits, hex := strings.CutPrefix(strings.ToLower(last), "0x"); hex {
		_, err := strconv.ParseUint("0"+digits, 16, 64)
		return err == nil || errors.Is(err, strconv.ErrRange)
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}

func portOf(u *url.URL) string {
	if port := u.Port(); port != "" {
		return port
	}
	if u.Scheme == "http" {
		return "80"
	}
	return "443"
}
