package config

import (
	"errors"
	"net/netip"
)

// Network is a block of addresses. In a file it is written 10.0.0.0/8 or
// 2001:db8::/32; an address alone is itself only.
type Network netip.Prefix

// ParseNetwork reads a block or an address.
func ParseNetwork(text string) (Network, error) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		a = a.Unmap()
		return Network(netip.PrefixFrom(a, a.BitLen())), nil
	}
	p, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		return Network{}, errors.New("want an address or a block of them, such as 203.0.113.7, 203.0.113.0/24 or 2001:db8::/32")
	case p.Addr().Is4In6():
		return Network{}, errors.New("want an IPv4 block in its own form, such as 203.0.113.0/24")
	case p != p.Masked():
		return Network{}, errors.New("the address has bits beyond the length of the block; want " + p.Masked().String())
	}
	return Network(p), nil
}

// Prefix is n for the standard library.
func (n Network) Prefix() netip.Prefix { return netip.Prefix(n) }

// String is n in the form that ParseNetwork reads.
func (n Network) String() string {
	if p := n.Prefix(); p.IsSingleIP() {
		return p.Addr().String()
	}
	return n.Prefix().String()
}

// UnmarshalText is ParseNetwork. An error leaves n as it was.
func (n *Network) UnmarshalText(text []byte) error { return keep(n, text, ParseNetwork) }

// MarshalText is String.
func (n Network) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// Prefixes are the networks for the standard library.
func Prefixes(networks []Network) []netip.Prefix {
	var prefixes []netip.Prefix
	for _, n := range networks {
		prefixes = append(prefixes, n.Prefix())
	}
	return prefixes
}
