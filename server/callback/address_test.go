package callback

import (
	"net/netip"
	"strings"
	"testing"

	"drawbridge/server/egress"
)

func TestDEL15_OnlyHTTPSAndThisHostAreCalled(t *testing.T) {
	const token = "s3cr3t-token"
	rules := egress.New(egress.Settings{}, egress.Options{})
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
		_, err := checkURL(rules, address, Configured)
		if (err != nil) != refused {
			t.Errorf("%s: %v", address, err)
		}
		if err != nil && strings.Contains(err.Error(), token) {
			t.Errorf("the error shows the address: %v", err)
		}
	}
}

func TestDEL15_PlainHTTPNeedsThisHostWhateverIsAllowed(t *testing.T) {
	rules := egress.New(egress.Settings{AllowHosts: []string{"inside.example.com:80"}, AllowCIDRs: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}}, egress.Options{})
	for _, origin := range []Origin{Requested, Configured} {
		for address, refused := range map[string]bool{
			"https://inside.example.com/": false, "http://inside.example.com/": true, "http://10.0.0.1/": true, "http://127.0.0.1/": false,
		} {
			if _, err := checkURL(rules, address, origin); (err != nil) != refused {
				t.Errorf("%d %s: %v", origin, address, err)
			}
		}
	}
}

func TestSSRF05_RequestMayNotNameThisHostThoughTheSettingsMay(t *testing.T) {
	rules := egress.New(egress.Settings{}, egress.Options{})
	for _, address := range []string{"http://127.0.0.1/", "http://[::1]/", "https://127.0.0.1/", "https://[::ffff:127.0.0.1]/"} {
		if _, err := checkURL(rules, address, Configured); err != nil {
			t.Errorf("%s in the settings: %v", address, err)
		}
		if _, err := checkURL(rules, address, Requested); err == nil || !strings.Contains(err.Error(), "egress.allow_cidrs would allow it") {
			t.Errorf("%s in a request: %v", address, err)
		}
	}
}

func TestCheckRequestedResolvesTheName(t *testing.T) {
	s := NewSender(Options{})
	if err := s.CheckRequested(t.Context(), "https://localhost/hook"); err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("got %v, want the rule for what localhost resolves to", err)
	}
	if err := s.CheckRequested(t.Context(), "http://example.com/hook"); err == nil {
		t.Error("http to the outside passed")
	}
}
