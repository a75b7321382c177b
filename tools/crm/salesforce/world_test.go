package salesforce_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/crm"
	"drawbridge/tools/crm/salesforce"
	"drawbridge/tools/crm/salesforce/salesforcefake"
)

// began is when the clock of all that is here stands.
var began = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// org is a backend over a fake organization.
type org struct {
	*salesforce.Backend
	fake    *salesforcefake.Org
	catalog *tools.Catalog
}

const (
	clientID = "3MVG9.drawbridge"
	secret   = "0123456789ABCDEF"
)

// open gives an organization as Salesforce sets it up, with one currency. None of the waits
// takes any time, and the clock stands still.
func open(t testing.TB, change func(*salesforce.Settings, *salesforcefake.Org)) org {
	t.Helper()
	return openWith(t, salesforcefake.New(t, func() time.Time { return began }, false), change)
}

func openWith(t testing.TB, fake *salesforcefake.Org, change func(*salesforce.Settings, *salesforcefake.Org)) org {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	fake.Connect(clientID, secret)
	settings := salesforce.Settings{
		URL: fake.URL, ClientID: clientID, ClientSecret: secret, Currency: "EUR", PerSecond: 1_000_000, Client: &http.Client{Transport: transport},
		Now: func() time.Time { return began }, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
	if change != nil {
		change(&settings, fake)
	}
	b, err := salesforce.New(settings)
	if err != nil {
		t.Fatal(err)
	}
	return org{b, fake, tools.NewCatalog(crm.Tools(crm.New(b)))}
}

// keyFields are the fields that keep the keys of calls.
var keyFields = map[string]string{"Contact": "Drawbridge_Key__c", "Case": "Drawbridge_Key__c", "Opportunity": "Drawbridge_Key__c", "Task": "Drawbridge_Key__c"}

func withKeys(s *salesforce.Settings, fake *salesforcefake.Org) {
	s.ExternalID = keyFields
	for object, name := range keyFields {
		fake.AddField(object, salesforcefake.Field{Name: name, Kind: salesforcefake.Text, Length: 255, External: true})
	}
}

// call calls a tool as a model would, under a key.
func (o org) call(ctx context.Context, key, name string, in any) (map[string]any, *tools.Error) {
	raw, err := json.Marshal(in)
	if err != nil {
		panic(err)
	}
	tool, ok := o.catalog.Lookup(name)
	if !ok {
		return nil, tools.Errorf(tools.NotFound, "no tool %s", name)
	}
	out, err := tool.Call(tools.WithKey(ctx, key), raw)
	if err != nil {
		return nil, tools.AsError(err)
	}
	var result map[string]any
	if err := json.Unmarshal(out, &result); err != nil {
		panic(err)
	}
	return result, nil
}

// must calls a tool that must succeed.
func (o org) must(t testing.TB, name string, in any) map[string]any {
	t.Helper()
	out, err := o.call(t.Context(), "", name, in)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return out
}

// ada is a customer.
func (o org) ada(t testing.TB) string {
	t.Helper()
	return o.must(t, crm.CreateCustomerTool, map[string]any{"name": "Ada Lindqvist", "email": "ada@example.com"})["id"].(string)
}
