package config

import (
	"strings"
	"testing"
)

func TestEgressIsReadAndExplained(t *testing.T) {
	const text = `
egress:
  allow_hosts: [crm.corp.example, "*.lan.example:8443"]
  allow_cidrs: [10.20.0.0/16]
  ports: [8443]
  proxy: http://us:hunter2@proxy.example.com:3128
`
	c, err := Parse("f", []byte(text), lookupIn(nil))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Egress.Prefixes()) != 1 || c.Egress.Prefixes()[0].String() != "10.20.0.0/16" || c.Egress.ProxyURL().Host != "proxy.example.com:3128" {
		t.Errorf("read %+v", c.Egress)
	}
	got := explain(c)
	for _, want := range []string{
		"May call hosts inside: crm.corp.example, *.lan.example:8443, 10.20.0.0/16.\n",
		"May call ports 8443 besides 80 and 443.\n",
		"by way of http://proxy.example.com:3128,",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in:\n%s", want, got)
		}
	}
	if strings.Contains(got, "hunter2") {
		t.Error("the explanation shows the proxy's password")
	}
	if strings.Contains(explain(Default()), "May call") {
		t.Error("the defaults explain what is not set")
	}
}

func TestSSRF06_EnvironmentsProxyIsWarnedOfUnlessTheFileSpeaks(t *testing.T) {
	env := lookupIn(map[string]string{"HTTPS_PROXY": "http://hunter2@proxy.example.com:3128"})
	warned := func(text string) string {
		c, err := Parse("f", []byte(text), env)
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Warnings()) == 0 {
			return ""
		}
		return c.Warnings().Error()
	}
	if got := warned(""); !strings.Contains(got, "HTTPS_PROXY is set in the environment and not used") || strings.Contains(got, "hunter2") {
		t.Errorf("got %q", got)
	}
	for _, text := range []string{`egress: {proxy: "${HTTPS_PROXY}"}`, `egress: {proxy: ""}`} {
		if got := warned(text); got != "" {
			t.Errorf("%s: %s", text, got)
		}
	}
}

func TestDEL15_CallbackGoesByHTTPSOrToThisMachine(t *testing.T) {
	for address, accepted := range map[string]bool{
		"https://example.com/done": true, "https://10.0.0.1/done": true, // whether that may be called is for egress to say
		"http://127.0.0.1:9000/done": true, "http://localhost/done": true, "http://[::1]:9000/done": true,
		"http://example.com/done": false, "http://10.0.0.1/done": false, "http://127.0.0.1.example.com/done": false, "ftp://example.com/": false, "example.com/done": false,
	} {
		c := callingBack(address)
		if err := c.Validate(); (err == nil) != accepted {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// callingBack is accepted with a callback to an address.
func callingBack(address string) *Config {
	c := accepted()
	c.Webhooks["stripe"].Callback.URL = address
	return c
}
