package config

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestNetworksAreReadAndPrinted(t *testing.T) {
	for text, want := range map[string]string{
		"203.0.113.7":        "203.0.113.7",
		"203.0.113.0/24":     "203.0.113.0/24",
		"2001:db8::/32":      "2001:db8::/32",
		"2001:db8::7":        "2001:db8::7",
		"2001:db8::7/128":    "2001:db8::7",
		"::ffff:203.0.113.7": "203.0.113.7", // as a peer's address is looked up
	} {
		n, err := ParseNetwork(text)
		if err != nil || n.String() != want {
			t.Errorf("%q is %v, %v; want %s", text, n, err, want)
		}
	}
	for _, text := range []string{"", "example.com", "10.0.0.1/8", "10.0.0.0/33", "fe80::1%eth0", "1.2.3.4:80"} {
		if n, err := ParseNetwork(text); err == nil {
			t.Errorf("%q is read as %v", text, n)
		}
	}
}

const intake = `
store: {min_free: 1GiB, min_free_percent: 0}
server: {trusted_proxies: [10.0.0.0/8, "::1"]}
agents: {billing: {instructions: Help.}}
webhooks:
  shop:
    scheme: stripe
    secrets: [not-so-secret-secret]
    agent: billing
    prompt: An event.
    allow_ips: [203.0.113.0/24]
    content_types: [application/json, text/xml]
    rate: 5
    dedupe_for: 7d
    rerun_if_failed: true
    answer: {status: 202, body: "ok"}
    disabled: true
`

func TestExplainSaysHowDeliveriesAreTakenIn(t *testing.T) {
	c, err := Parse("x.yaml", []byte(intake), lookupIn(nil))
	if err != nil {
		t.Fatal(err)
	}
	text := explain(c)
	for _, want := range []string{
		"Believes 10.0.0.0/8, ::1 whom they pass requests on for.",
		"Accepts no events while less than 1GiB of its disk is free.",
		"is disabled", "come from 203.0.113.0/24", "be application/json or text/xml", "stored up to 5 times a second",
		"the same event again for 7d", "run again when it comes again", `answered with 202 and "ok"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the explanation does not say %q:\n%s", want, text)
		}
	}
	warnings := c.Warnings()
	if len(warnings) != 1 || !strings.Contains(warnings[0].Message, "7d is less than the 30d") {
		t.Errorf("warnings: %v", warnings)
	}
}

func TestING10_DedupeIsKeptForFiveWeeksByDefault(t *testing.T) {
	if got, want := DefaultWebhook().DedupeFor.Std(), 35*24*time.Hour; got != want {
		t.Errorf("dedupe_for is %v by default, want %v", got, want)
	}
	if diff := cmp.Diff(Answer{Status: 200}, DefaultWebhook().Answer); diff != "" {
		t.Error(diff)
	}
}

func TestING31_AddressThatProvesNothingAndCanBeGuessedIsWarnedOf(t *testing.T) {
	for name, warned := range map[string]bool{
		"salesforce": true, "salesforce-production-events-01": true, "aaaaaaaaaaaaaaaaaaaaaaaaaaaa1234": true,
		"9f86d081884c7d659a2feaa0c55ad015": false, "hooks-9f86d081884c7d659a2feaa0c55ad015": false,
	} {
		for scheme, settings := range map[string]string{
			"unsafe_none": "unsafe_no_verification: true, allow_ips: [10.0.0.0/8]",
			"stripe":      "secrets: [not-so-secret-secret]",
		} {
			text := "agents: {billing: {instructions: Help.}}\nwebhooks:\n  " + name + ": {scheme: " + scheme + ", agent: billing, prompt: An event., " + settings + "}\n"
			c, err := Parse("x.yaml", []byte(text), lookupIn(nil))
			if err != nil {
				t.Fatal(err)
			}
			found := false
			for _, w := range c.Warnings() {
				found = found || strings.Contains(w.Message, "can be guessed")
			}
			if want := warned && scheme == "unsafe_none"; found != want {
				t.Errorf("%s of scheme %s: warned %v, want %v", name, scheme, found, want)
			}
		}
	}
}
