package callback

import (
	"net/http"
	"strings"
	"testing"
)

func TestMetadataAndLinkLocalAddressesAreDeniedAtTheDial(t *testing.T) {
	for address, denied := range map[string]bool{
		"169.254.169.254:80":          true,
		"169.254.170.2:80":            true,
		"169.253.255.255:80":          false,
		"169.255.0.0:80":              false,
		"[::ffff:169.254.169.254]:80": true,
		"[fd00:ec2::254]:80":          true,
		"100.100.100.200:443":         true,
		"[::ffff:100.100.100.200]:80": true,
		"[fe80::1]:443":               true,
		"[fe80::1%eth0]:443":          true,
		"93.184.216.34:443":           false,
		"[2606:2800:220:1::1]:443":    false,
		"no address":                  true,
	} {
		err := rule(outside).control("tcp", address, nil)
		if (err != nil) != denied {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestPlainHTTPReachesThisHostOnly(t *testing.T) {
	for address, denied := range map[string]bool{
		"127.0.0.1:80":          false,
		"127.9.9.9:80":          false,
		"[::1]:80":              false,
		"[::ffff:127.0.0.1]:80": false,
		"10.0.0.1:80":           true,
		"93.184.216.34:80":      true,
		"0.0.0.0:80":            true,
	} {
		err := rule(loopback).control("tcp", address, nil)
		if (err != nil) != denied {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestDEL15_OnlyHTTPSAndThisHostAreCalled(t *testing.T) {
	const token = "s3cr3t-token"
	for address, refused := range map[string]bool{
		"https://example.com/hook?token=" + token:   false,
		"http://localhost:8080/hook":                false,
		"http://127.0.0.1/hook":                     false,
		"http://[::1]:80/hook":                      false,
		"http://example.com/" + token:               true,
		"http://localhost.example.com/" + token:     true,
		"http://10.0.0.1/" + token:                  true,
		"http://0.0.0.0/" + token:                   true,
		"http://2130706433/" + token:                true, // 127.0.0.1 to some resolvers
		"https://user:" + token + "@example.com/":   true,
		"https:///" + token:                         true,
		"https://:443/" + token:                     true,
		"ftp://example.com/" + token:                true,
		"file:///etc/passwd?" + token:               true,
		"//example.com/" + token:                    true,
		"https://example.com/\x7f" + token:          true,
		"http://[fe80::1%25en0]:namedport/" + token: true,
		"": true,
	} {
		_, err := checkURL(address)
		if (err != nil) != refused {
			t.Errorf("%s: %v", address, err)
		}
		if err != nil && strings.Contains(err.Error(), token) {
			t.Errorf("the error shows the address: %v", err)
		}
	}
}

// TestNoProxyIsTakenFromTheEnvironment looks inside: Go never sends loopback
// traffic through a proxy, so a test on this host would always pass.
func TestNoProxyIsTakenFromTheEnvironment(t *testing.T) {
	s := NewSender(Options{})
	for _, client := range []*http.Client{s.tls, s.plain} {
		if client.Transport.(*http.Transport).Proxy != nil {
			t.Error("a proxy would connect behind the rule's back")
		}
	}
}
