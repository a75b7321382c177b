package main

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/config"
	"drawbridge/tools"
)

// TestDefinitionsAreThoseOfTheBackends: a replay, and the rules, are held against what
// would really be called.
func TestDefinitionsAreThoseOfTheBackends(t *testing.T) {
	a, err := newToolApp(t.Context(), temporary(t, config.Default()), appOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Stop(context.WithoutCancel(t.Context())) })
	for _, settings := range []string{
		"{}",
		"{payment: {backend: stripe, key: rk_test_0123456789abcdef}}",
		"{crm: {backend: hubspot, hubspot: {token: pat-eu1-0123456789abcdef, currency: EUR}}}",
		"{crm: {backend: salesforce, salesforce: {url: https://kettles.my.salesforce.com, client_id: id, client_secret: secret, currency: EUR}}}",
		"{crm: {backend: salesforce, salesforce: {url: https://kettles.my.salesforce.com, client_id: id, client_secret: secret, currency: EUR, external_id: {Task: Key__c}}}}",
		"{email: {backend: smtp, from: a@example.org, smtp: {address: localhost:25, tls: none}}}",
		"{email: {backend: smtp, from: a@example.org, smtp: {address: localhost:25, tls: none}, imap: {address: localhost:143, tls: none, username: a, password: b}}}",
		"{notify: {backend: slack, token: xoxb-0123456789, external: true}}",
		"{shop: {backend: shopify, store: kettles.myshopify.com, token: shpat_0123456789}}",
	} {
		t.Run(settings, func(t *testing.T) {
			cfg, err := config.Load(settingsFile(t, "tools: "+settings+"\n"), noEnvironment)
			if err != nil {
				t.Fatal(err)
			}
			b, err := newBackends(cfg.Tools, a.store, a.egress, time.Now)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(b.close)
			if diff := cmp.Diff(told(b.catalog().All()), told(definitions(cfg.Tools).All())); diff != "" {
				t.Errorf("of the backends, and by their definitions (-want +got):\n%s", diff)
			}
		})
	}
}

// told is what is known of tools without calling them.
func told(all []tools.Tool) (lines []string) {
	for _, t := range all {
		lines = append(lines, fmt.Sprintf("%s: %s, honours keys %t, %s if unknown, inward %t, destructive %t, taints %t, open %t, clients %t, %s, takes %s, gives %s, %s: %s",
			t.Name, t.Effect, t.Idempotent, t.WhenUnknown(), t.Inward, t.Destructive, t.Taints, t.OpenWorld, t.ForClients, t.Timeout, t.Input, t.Output, t.Title, t.Description))
	}
	return lines
}
