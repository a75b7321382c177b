package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/config"
	"drawbridge/server/auth"
	"drawbridge/server/guard"
	"drawbridge/tools/crm/salesforce"
	"drawbridge/tools/crm/salesforce/salesforcefake"
)

// withSalesforce is a program whose CRM is at a fake of Salesforce's.
func withSalesforce(t *testing.T, keys map[string]string) (*app, *salesforcefake.Org) {
	t.Helper()
	fake := salesforcefake.New(t, time.Now, false)
	fake.Connect("3MVG9", "secret-secret-1")
	for object, name := range keys {
		fake.AddField(object, salesforcefake.Field{Name: name, Kind: salesforcefake.Text, Length: 255, External: true})
	}
	cfg := config.Default()
	cfg.Tools.CRM = config.CRMBackend{Backend: "salesforce", Salesforce: &config.Salesforce{
		URL: fake.URL, ClientID: "3MVG9", ClientSecret: "secret-secret-1", Currency: "EUR", ExternalID: keys, RequestsPerSecond: 500,
	}}
	a, err := newToolApp(t.Context(), temporary(t, cfg), appOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Stop(t.Context()) })
	return a, fake
}

func TestSettingsOfSalesforceAreThoseOfTheBackend(t *testing.T) {
	sorted := func(list []string) []string { return slices.Sorted(slices.Values(list)) }
	if diff := cmp.Diff(sorted(salesforce.FieldNames), sorted(config.SalesforceFields)); diff != "" {
		t.Errorf("fields (-backend +settings):\n%s", diff)
	}
	if diff := cmp.Diff(sorted(salesforce.KeyedObjects), sorted(config.SalesforceObjects)); diff != "" {
		t.Errorf("objects (-backend +settings):\n%s", diff)
	}
	if diff := cmp.Diff(salesforce.ValueNames(), config.SalesforceValues); diff != "" {
		t.Errorf("values (-backend +settings):\n%s", diff)
	}
}

func salesforceDesk(tool, arguments, key string) guard.Call {
	return guard.Call{Principal: auth.Principal{Kind: auth.Key, Name: "desk", Tools: []string{"*"}, Effects: everyEffect}, Door: auth.DoorHTTP,
		Tool: tool, Key: key, Arguments: json.RawMessage(arguments)}
}

func TestToolsOfSalesforceAreNotTakenForTheStoresOwn(t *testing.T) {
	a, _ := withSalesforce(t, nil)
	for _, tool := range a.catalog.All() {
		if strings.HasPrefix(tool.Name, "crm_") && tool.Inward {
			t.Errorf("%s is inward", tool.Name)
		}
	}
}
