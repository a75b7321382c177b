package config

import (
	"net/netip"
	"net/url"
	"strings"
)

// Egress says what may be called besides what is public: by callbacks, models and
// mounted servers. Hosts that the settings name for models and mounted servers need
// no word here, and neither does this machine by a literal name.
type Egress struct {
	// AllowHosts are hosts at private addresses: a name, *.name for all below it,
	// either with :port, or without for ports 80, 443 and Ports.
	AllowHosts []string `yaml:"allow_hosts"`
	// AllowCIDRs are private addresses that any name may be at.
	AllowCIDRs []string `yaml:"allow_cidrs"`
	// Ports are allowed besides 80 and 443.
	Ports []int `yaml:"ports"`
	// Proxy carries everything but what is on this machine; "" is none. It may hold a
	// user name and a password. The environment's HTTPS_PROXY is not looked at.
	Proxy Secret `yaml:"proxy"`
}

// Prefixes are AllowCIDRs, read.
func (e Egress) Prefixes() []netip.Prefix {
	prefixes := make([]netip.Prefix, 0, len(e.AllowCIDRs))
	for _, text := range e.AllowCIDRs {
		if p, err := netip.ParsePrefix(text); err == nil {
			prefixes = append(prefixes, p)
		}
	}
	return prefixes
}

// ProxyURL is Proxy, read; nil if there is none.
func (e Egress) ProxyURL() *url.URL {
	u, err := url.Parse(e.Proxy.Reveal())
	if err != nil || e.Proxy == "" {
		return nil
	}
	return u
}

func (k *checker) checkEgress() {
	for i, host := range k.Egress.AllowHosts {
		k.checkAllowedHost(item("egress.allow_hosts", i), host)
	}
	for i, text := range k.Egress.AllowCIDRs {
		at := item("egress.allow_cidrs", i)
		if p, err := netip.ParsePrefix(text); err != nil {
			k.refuse(at, "%s is no range of addresses; want one such as 10.20.0.0/16, or 10.20.1.5/32 for one address", k.show(at, text))
		} else if p != p.Masked() {
			k.refuse(at, "%s has bits behind its length; want %s", k.show(at, text), p.Masked())
		}
	}
	for i, port := range k.Egress.Ports {
		k.within(item("egress.ports", i), port, 1, 65535)
	}
	if u := k.Egress.ProxyURL(); k.Egress.Proxy != "" && (u == nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "") {
		k.refuse("egress.proxy", "want the address of a proxy, such as http://proxy.example.com:3128")
	}
	if k.source != nil && k.source.proxyVariable != "" && k.Egress.Proxy == "" && !k.source.has("egress.proxy") {
		k.warn("egress.proxy", `%s is set in the environment and not used; set egress.proxy to ${%[1]s} to use it, or to "" to hear no more of it`, k.source.proxyVariable)
	}
}

func (k *checker) checkAllowedHost(at, text string) {
	u, err := url.Parse("//" + strings.TrimPrefix(text, "*."))
	if err != nil || u.Host == "" || u.Hostname() == "" || u.User != nil || u.Host != strings.TrimPrefix(text, "*.") || strings.ContainsAny(u.Hostname(), "*:/ ") {
		k.refuse(at, "%s is no host; want a name such as crm.example.com, *.corp.example.com or crm.example.com:8443", k.show(at, text))
		return
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil {
		k.refuse(at, "%s is an address; list it in egress.allow_cidrs", k.show(at, text))
	}
}

// proxyVariables are what other programs take their proxy from.
var proxyVariables = []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"}

// noteProxy remembers that the environment names a proxy, which is not used.
func (c *Config) noteProxy(lookup func(name string) (string, bool)) {
	for _, name := range proxyVariables {
		if value, _ := lookup(name); value != "" {
			c.source.proxyVariable = name
			return
		}
	}
}
