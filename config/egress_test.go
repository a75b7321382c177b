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
