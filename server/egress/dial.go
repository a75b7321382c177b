package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// stagger is how long one address of a host is waited for before the next is tried
// beside it (RFC 8305, section 5).
const stagger = 250 * time.Millisecond

// dial is an http.Transport's DialContext: it resolves the host, and connects to the
// first of its addresses that may be called and answers.
func (r *Rules) dial(ctx context.Context, reach Reach, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	found, err := r.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, reach.connect())
	defer cancel()
	t := r.target(reach, host, port)
	dialer := &net.Dialer{Control: t.control}
	return race(len(found), func(i int) (net.Conn, error) {
		return dialer.DialContext(ctx, network, net.JoinHostPort(found[i].String(), port))
	})
}

// Dialer connects for what is no HTTP, such as mail, where the rules and the reach allow.
// Nothing of it goes by way of the proxy.
func (r *Rules) Dialer(reach Reach) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		if err := r.target(reach, host, port).checkPort(); err != nil {
			return nil, err
		}
		return r.dial(ctx, reach, network, address)
	}
}

func (r Reach) connect() time.Duration {
	if r.Connect > 0 {
		return r.Connect
	}
	return 30 * time.Second
}

// control applies the rules to the address about to be connected to: after the name
// was resolved, so that no second look-up can bring another in.
func (t target) control(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("reading the resolved address %q: %w", address, err)
	}
	return t.check(at.Addr())
}

// resolve gives the host's addresses, families by turns, so that one that does not
// work delays the other once.
func (r *Rules) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, r.o.DNSTimeout)
	defer cancel()
	found, err := r.o.Resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	var families [2][]netip.Addr // the one that the resolver puts first, and the other
	for _, addr := range found {
		addr = addr.Unmap()
		which := 0
		if addr.Is4() != found[0].Unmap().Is4() {
			which = 1
		}
		families[which] = append(families[which], addr)
	}
	out := make([]netip.Addr, 0, len(found))
	for i := range max(len(families[0]), len(families[1])) {
		for _, family := range families {
			if i < len(family) {
				out = append(out, family[i])
			}
		}
	}
	if len(out) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return out, nil
}

type dialed struct {
	conn net.Conn
	err  error
}

// race tries n addresses, each a little after the one before or as soon as that has
// failed, and gives the first connection. The error is of an address that might have
// been called, if there was one.
func race(n int, dial func(i int) (net.Conn, error)) (net.Conn, error) {
	results := make(chan dialed, n)
	var failed error
	next := time.NewTimer(0)
	defer next.Stop()
	for started, ended := 0, 0; ended < n; {
		var start <-chan time.Time
		if started < n {
			start = next.C
		}
		select {
		case <-start:
			go func(i int) {
				conn, err := dial(i)
				results <- dialed{conn, err}
			}(started)
			started++
			next.Reset(stagger)
		case got := <-results:
			if got.err == nil {
				go closeLate(results, started-ended-1)
				return got.conn, nil
			}
			ended++
			if failed == nil || isDenied(failed) && !isDenied(got.err) {
				failed = got.err
			}
			next.Reset(0)
		}
	}
	return nil, failed
}

// closeLate closes the connections of those who came second.
func closeLate(results <-chan dialed, n int) {
	for range n {
		if late := <-results; late.conn != nil {
			_ = late.conn.Close()
		}
	}
}

func isDenied(err error) bool {
	var d *Denied
	return errors.As(err, &d)
}
