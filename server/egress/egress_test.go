package egress

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// answers is a resolver that gives one answer after the other, the last one for ever.
type answers map[string][][]string

func (a answers) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	left := a[host]
	if len(left) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	if len(left) > 1 {
		a[host] = left[1:]
	}
	var found []netip.Addr
	for _, text := range left[0] {
		found = append(found, netip.MustParseAddr(text))
	}
	return found, nil
}

// nowhere is a host without addresses of its own.
func nowhere() ([]netip.Addr, error) { return nil, nil }

func rulesOf(s Settings, resolver Resolver) *Rules {
	return New(s, Options{Resolver: resolver, Own: nowhere})
}

func wantDenied(t *testing.T, err error, parts ...string) {
	t.Helper()
	var denied *Denied
	if !errors.As(err, &denied) {
		t.Errorf("got %v, want a denial", err)
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not tell %q", err, part)
		}
	}
}

// edges are the first and last address of each range that must be denied, and the
// public neighbours of those that have some.
func edges(t *testing.T, prefixes []string, deny func(netip.Addr) bool) {
	t.Helper()
	var all []netip.Prefix
	for _, d := range denied {
		all = append(all, d.prefix)
	}
	special := func(a netip.Addr) bool {
		return slices.ContainsFunc(all, func(p netip.Prefix) bool { return p.Contains(a) })
	}
	neighbours := 0
	for _, text := range prefixes {
		p := netip.MustParsePrefix(text).Masked()
		first, last := p.Addr(), lastOf(p)
		for _, a := range []netip.Addr{first, last, first.Next(), last.Prev()} {
			if p.Contains(a) && !deny(a) {
				t.Errorf("%s: %s is not denied", text, a)
			}
		}
		for _, a := range []netip.Addr{first.Prev(), last.Next()} {
			if a.IsValid() && !special(a) {
				neighbours++
				if deny(a) {
					t.Errorf("%s is denied, beyond %s", a, text)
				}
			}
		}
	}
	if neighbours < len(prefixes)/2 {
		t.Errorf("only %d neighbours were looked at", neighbours)
	}
}

func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for bit := p.Bits(); bit < 8*len(b); bit++ {
		b[bit/8] |= 1 << (7 - bit%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

func denies(r *Rules) func(netip.Addr) bool {
	return func(a netip.Addr) bool {
		t := r.target(Reach{}, "example.com", "443")
		return t.control("tcp", net.JoinHostPort(a.String(), "443"), nil) != nil
	}
}

func TestSSRF02_EveryDeniedIPv4RangeIsDeniedToItsEdges(t *testing.T) {
	edges(t, []string{"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
		"192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
		"255.255.255.255/32"}, denies(rulesOf(Settings{}, nil)))
}

func TestSSRF03_EveryDeniedIPv6RangeIsDeniedToItsEdges(t *testing.T) {
	edges(t, []string{"::/128", "::1/128", "ff00::/8", "fe80::/10", "fc00::/7", "fec0::/10", "2001:db8::/32", "3fff::/20", "100::/64", "2001::/32",
		"2002::/16", "64:ff9b::/96", "64:ff9b:1::/48", "5f00::/16", "::/96", "::ffff:0:0:0/96", "2001:10::/28", "2001:20::/28"}, denies(rulesOf(Settings{}, nil)))
}

func TestSSRF03_MappedAddressIsJudgedAsIPv4(t *testing.T) {
	deny := denies(rulesOf(Settings{}, nil))
	for text, want := range map[string]bool{
		"::ffff:127.0.0.1": true, "::ffff:10.1.2.3": true, "::ffff:169.254.169.254": true, "::ffff:93.184.216.34": false,
		"93.184.216.34": false, "2606:2800:220:1::1": false, "fe80::1%eth0": true,
	} {
		if got := deny(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s denied: %v", text, got)
		}
	}
	if err := (target{Rules: rulesOf(Settings{}, nil)}).control("tcp", "no address", nil); err == nil {
		t.Error("what is no address passed")
	}
}

func TestSSRF04_MetadataIsDeniedWhateverIsAllowed(t *testing.T) {
	everything := Settings{AllowHosts: []string{"meta.example.com"}, AllowCIDRs: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}}
	r := rulesOf(everything, nil)
	reach := Reach{Named: []string{"http://meta.example.com", "http://169.254.169.254"}, Loopback: true}
	for _, text := range []string{"169.254.169.254", "fd00:ec2::254", "100.100.100.200", "169.254.170.2", "168.63.129.16", "::ffff:169.254.169.254",
		"64:ff9b::a9fe:a9fe", "64:ff9b:1::a9fe:a9fe", "64:ff9b:1:a9fe:a9:fe00::", "2002:a9fe:a9fe::1", "2001:0:5ef5:79fd:0:59ed:5601:5601", "2001:0:a9fe:a9fe::1",
		"::a9fe:a9fe", "::ffff:0:a9fe:a9fe"} {
		for _, host := range []string{"meta.example.com", "169.254.169.254"} {
			wantDenied(t, r.target(reach, host, "80").check(netip.MustParseAddr(text)), "metadata", "no setting allows")
		}
	}
	if err := r.target(Reach{}, "meta.example.com", "443").check(netip.MustParseAddr("10.0.0.1")); err != nil {
		t.Errorf("an allowed address: %v", err)
	}
}

func TestSSRF04_OwnAddressesAreDenied(t *testing.T) {
	own := netip.MustParseAddr("93.184.216.34")
	r := New(Settings{}, Options{Own: func() ([]netip.Addr, error) { return []netip.Addr{own}, nil }})
	wantDenied(t, r.target(Reach{}, "example.com", "443").check(own), "93.184.216.34", "an address of this host")
	if err := r.target(Reach{}, "example.com", "443").check(own.Next()); err != nil {
		t.Errorf("its neighbour: %v", err)
	}
	blind := New(Settings{}, Options{Own: func() ([]netip.Addr, error) { return nil, errors.New("not permitted") }})
	if err := blind.target(Reach{}, "example.com", "443").check(own); err == nil {
		t.Error("a host that does not know its addresses calls anything")
	}
	for _, text := range []string{"127.0.0.1", "::1"} {
		found, err := ownAddresses()
		if addr := netip.MustParseAddr(text); err != nil || !slices.Contains(found, addr) && text == "127.0.0.1" {
			t.Errorf("own addresses are %v (%v), without %s", found, err, text)
		}
	}
}

func TestSSRF05_AllowListsAllowWhatTheySayAndNoMore(t *testing.T) {
	r := rulesOf(Settings{AllowHosts: []string{"Crm.corp.example", "*.lan.example", "odd.example:8443"},
		AllowCIDRs: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("64:ff9b::/96")}}, nil)
	for _, c := range []struct {
		host, port, addr string
		denied           bool
	}{
		{"crm.corp.example", "443", "192.168.1.1", false},
		{"CRM.CORP.EXAMPLE", "443", "192.168.1.1", false},
		{"x.crm.corp.example", "443", "192.168.1.1", true},
		{"a.lan.example", "443", "192.168.1.1", false},
		{"a.b.lan.example", "443", "127.0.0.1", false},
		{"lan.example", "443", "192.168.1.1", true},
		{"evillan.example", "443", "192.168.1.1", true},
		{"odd.example", "8443", "192.168.1.1", false},
		{"odd.example", "443", "192.168.1.1", true},
		{"any.example", "443", "10.1.255.255", false},
		{"any.example", "443", "10.2.0.0", true},
		{"any.example", "443", "64:ff9b::5db8:d822", false},
		{"any.example", "443", "64:ff9b::a02:1", true}, // 10.2.0.1 behind the translator
	} {
		err := r.target(Reach{}, c.host, c.port).check(netip.MustParseAddr(c.addr))
		if (err != nil) != c.denied {
			t.Errorf("%s:%s at %s: %v", c.host, c.port, c.addr, err)
		}
	}
}

func TestSSRF05_ErrorNamesHostAddressRuleAndSetting(t *testing.T) {
	err := rulesOf(Settings{}, nil).target(Reach{}, "hooks.example.com", "443").check(netip.MustParseAddr("10.0.0.5"))
	if want := "refusing to connect to hooks.example.com at 10.0.0.5: 10.0.0.0/8 is private; egress.allow_hosts or egress.allow_cidrs would allow it"; err == nil || err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

func TestSSRF05_SettingsNameAHostForItsPortOnly(t *testing.T) {
	r := rulesOf(Settings{}, nil)
	reach := Reach{Named: []string{"http://gpu.inside:11434/v1", "https://models.inside/v1"}}
	for raw, refused := range map[string]bool{
		"http://gpu.inside:11434/v1/chat": false, "http://GPU.inside:11434/": false, "http://gpu.inside:11435/": true,
		"https://models.inside/x": false, "https://models.inside:8443/": true,
	} {
		if _, err := r.CheckURL(raw, reach); (err != nil) != refused {
			t.Errorf("%s: %v", raw, err)
		}
	}
	if err := r.target(reach, "gpu.inside", "11434").check(netip.MustParseAddr("10.0.0.1")); err != nil {
		t.Error(err)
	}
	if err := r.target(reach, "gpu.inside", "80").check(netip.MustParseAddr("10.0.0.1")); err == nil {
		t.Error("the name is allowed at another port")
	}
	if err := r.target(reach, "other.inside", "11434").check(netip.MustParseAddr("10.0.0.1")); err == nil {
		t.Error("another name is allowed at the port")
	}
}

func TestSSRF06_URLFormIsChecked(t *testing.T) {
	r := rulesOf(Settings{Ports: []uint16{8443}}, nil)
	for raw, want := range map[string]string{
		"https://example.com/":          "",
		"http://example.com:80/":        "",
		"https://example.com:8443/":     "",
		"https://93.184.216.34/":        "",
		"https://[2606:2800:220:1::1]/": "",
		"https://1.example.com/":        "",
		"https://0xcafe.example/":       "",
		"https://example.com:8080/":     "egress.ports",
		"https://example.com:0/":        "egress.ports",
		"https://user@example.com/":     "user name",
		"https://u:p@example.com/":      "user name",
		"gopher://example.com/":         "neither http nor https",
		"file:///etc/passwd":            "neither http nor https",
		"https:///x":                    "no host",
		"https://127.0.0.1/":            "loopback",
		"https://[::ffff:127.0.0.1]/":   "loopback",
		"https://[::1]/":                "loopback",
		"https://[fe80::1%25eth0]/":     "link-local",
		"https://[::]/":                 "this host",
		"https://2130706433/":           "a number",
		"https://0x7f000001/":           "a number",
		"https://0X7F.1/":               "a number",
		"https://0177.0.0.1/":           "a number",
		"https://127.1/":                "a number",
		"https://127.0.0.1./":           "a number",
		"https://127.0.0.0x1/":          "a number",
		"https://example.0x/":           "a number",
		"https://1.2.3.4.5/":            "a number",
		"https://256.256.256.256/":      "a number",
		"://":                           "not a URL",
	} {
		_, err := r.CheckURL(raw, Reach{})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", raw, err, want)
		}
	}
}

// No host's spelling gets past both checks: what the URL's check lets through is
// judged again by its address.
func TestSSRF01_NoDeniedAddressPassesBySpelling(t *testing.T) {
	r := rulesOf(Settings{}, nil)
	rapid.Check(t, func(t *rapid.T) {
		d := denied[rapid.IntRange(0, len(denied)-1).Draw(t, "range")]
		b := d.prefix.Addr().AsSlice()
		for bit := d.prefix.Bits(); bit < 8*len(b); bit++ {
			if rapid.Bool().Draw(t, "bit") {
				b[bit/8] |= 1 << (7 - bit%8)
			}
		}
		addr, _ := netip.AddrFromSlice(b)
		if addr.Is4() && rapid.Bool().Draw(t, "mapped") {
			addr = netip.AddrFrom16(addr.As16())
		}
		host := addr.String()
		if addr.Is6() {
			host = "[" + host + "]"
		}
		if _, err := r.CheckURL("https://"+host+"/", Reach{}); err == nil {
			t.Fatalf("%s passed as a URL", host)
		}
		if err := r.target(Reach{}, "example.com", "443").check(addr); err == nil {
			t.Fatalf("%s passed as an address", addr)
		}
	})
}

func parsePort(t *testing.T, port string) uint16 {
	t.Helper()
	at, err := netip.ParseAddrPort("127.0.0.1:" + port)
	if err != nil {
		t.Fatal(err)
	}
	return at.Port()
}
