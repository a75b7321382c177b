package egress

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Settings are the operator's word on what may be reached. The zero value allows
// what is public.
type Settings struct {
	// AllowHosts are hosts that may be at any address but the metadata ones: a name, or
	// *.name for all below it. With :port that port is allowed there, and no other.
	AllowHosts []string
	// AllowCIDRs are addresses that any name may be at.
	AllowCIDRs []netip.Prefix
	// Ports are allowed besides 80 and 443.
	Ports []uint16
	// Proxy, if set, carries everything but what is on this host: http or https.
	Proxy *url.URL
}

// Resolver finds the addresses of a name; *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Options have working zero values.
type Options struct {
	Resolver Resolver                     // the system's
	Own      func() ([]netip.Addr, error) // addresses of this host; the system's
	// DNSTimeout bounds a look-up, 5 s by default.
	DNSTimeout time.Duration
	// Fence, if set, gives what is asked right before the bytes of a request go out: if
	// check gives an error, they do not, and that is the request's. Of a request that may
	// go out in any case it gives nil.
	Fence func(ctx context.Context) (check func(context.Context) error)
}

// Rules are the settings, ready to be applied. They are safe for concurrent use.
type Rules struct {
	settings Settings
	hosts    []hostRule
	o        Options
}

// New makes rules. A host that is none is a mistake of whoever checked the settings.
func New(s Settings, o Options) *Rules {
	if o.Resolver == nil {
		o.Resolver = net.DefaultResolver
	}
	if o.Own == nil {
		o.Own = ownAddresses
	}
	if o.DNSTimeout <= 0 {
		o.DNSTimeout = 5 * time.Second
	}
	if o.Fence == nil {
		o.Fence = func(context.Context) func(context.Context) error { return nil }
	}
	r := &Rules{settings: s, o: o}
	for _, text := range s.AllowHosts {
		r.hosts = append(r.hosts, parseHostRule(text))
	}
	return r
}

// Reach is what one part of the program may reach besides what the rules allow
// everybody: hosts that the operator wrote into the settings for that part.
type Reach struct {
	// Named are URLs: the host of each may be anywhere, at the port of the URL.
	Named []string
	// Loopback: this host by its literal names (127.0.0.1, ::1, localhost), at any port.
	Loopback bool
	// Connect bounds connecting, without the look-up; 30 s if zero.
	Connect time.Duration
}

func (r Reach) names(host, port string) bool {
	return slices.ContainsFunc(r.Named, func(raw string) bool {
		u, err := url.Parse(raw)
		return err == nil && strings.EqualFold(u.Hostname(), host) && portOf(u) == port
	})
}

// Denied says that something must not be called, by which rule, and what would allow it.
type Denied struct {
	Host  string
	Addr  netip.Addr // zero where the URL alone was enough
	Rule  string
	Allow string // the setting; "" if there is none
}

func (d *Denied) Error() string {
	text := "refusing to connect to " + d.Host
	if d.Addr.IsValid() && d.Addr.String() != d.Host {
		text += " at " + d.Addr.String()
	}
	text += ": " + d.Rule
	if d.Allow == "" {
		return text + ", which no setting allows"
	}
	return text + "; " + d.Allow + " would allow it"
}

// hostRule is one of Settings.AllowHosts.
type hostRule struct {
	name  string
	below bool   // the names below it, not itself
	port  string // "" for those that are allowed everywhere
}

func parseHostRule(text string) hostRule {
	rule := hostRule{name: text}
	if host, port, err := net.SplitHostPort(text); err == nil {
		rule.name, rule.port = host, port
	}
	rule.name, rule.below = strings.CutPrefix(strings.ToLower(rule.name), "*.")
	return rule
}

func (h hostRule) fits(host, port string) bool {
	if h.port != "" && h.port != port {
		return false
	}
	if h.below {
		return strings.HasSuffix(host, "."+h.name)
	}
	return host == h.name
}

// target is a host and port, and what the operator said of them.
type target struct {
	*Rules
	host, port string
	anywhere   bool // the host may be at any address but the metadata ones
	portToo    bool // and has this port
	onHost     bool // it is this host by a literal name, and that is allowed
}

func (r *Rules) target(reach Reach, host, port string) target {
	host = strings.ToLower(host)
	t := target{Rules: r, host: host, port: port, onHost: reach.Loopback && NamesLoopback(host)}
	named := reach.names(host, port) || r.proxies(host, port)
	t.anywhere, t.portToo = named, named || t.onHost
	for _, rule := range r.hosts {
		if rule.fits(host, port) {
			t.anywhere, t.portToo = true, t.portToo || rule.port != ""
		}
	}
	return t
}

func (r *Rules) proxies(host, port string) bool {
	p := r.settings.Proxy
	return p != nil && strings.EqualFold(p.Hostname(), host) && portOf(p) == port
}

func (t target) checkPort() error {
	n, err := strconv.ParseUint(t.port, 10, 16)
	if err == nil && (t.portToo || n == 80 || n == 443 || slices.Contains(t.settings.Ports, uint16(n))) {
		return nil
	}
	return &Denied{Host: t.host, Rule: "port " + t.port + " is neither 80 nor 443", Allow: "listing it in egress.ports"}
}

// check judges an address that the target's name has resolved to.
func (t target) check(addr netip.Addr) error {
	addr = addr.Unmap().WithZone("")
	for _, meant := range meanings(addr) {
		if slices.Contains(metadata, meant) {
			return &Denied{Host: t.host, Addr: addr, Rule: "it is a cloud's metadata address"}
		}
	}
	switch {
	case NamesLoopback(t.host) && !addr.IsLoopback():
		return &Denied{Host: t.host, Addr: addr, Rule: "a name of this host is somewhere else"}
	case t.anywhere, t.onHost:
		return nil
	}
	for _, meant := range meanings(addr) {
		if err := t.checkRange(addr, meant); err != nil {
			return err
		}
	}
	return nil
}

const allowAddress = "egress.allow_hosts or egress.allow_cidrs"

func (t target) checkRange(addr, meant netip.Addr) error {
	if slices.ContainsFunc(t.settings.AllowCIDRs, func(p netip.Prefix) bool { return p.Contains(meant) }) {
		return nil
	}
	for _, d := range denied {
		if d.prefix.Contains(meant) {
			return &Denied{Host: t.host, Addr: addr, Rule: fmt.Sprintf("%s is %s", d.prefix, d.what), Allow: allowAddress}
		}
	}
	own, err := t.o.Own()
	if err != nil {
		return fmt.Errorf("listing the addresses of this host, which are not to be called: %w", err)
	}
	if slices.Contains(own, meant) {
		return &Denied{Host: t.host, Addr: addr, Rule: "it is an address of this host", Allow: allowAddress}
	}
	return nil
}

// ownAddresses are those of this host's interfaces.
func ownAddresses() ([]netip.Addr, error) {
	interfaces, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	var own []netip.Addr
	for _, a := range interfaces {
		if network, ok := a.(*net.IPNet); ok {
			if addr, ok := netip.AddrFromSlice(network.IP); ok {
				own = append(own, addr.Unmap())
			}
		}
	}
	return own, nil
}
