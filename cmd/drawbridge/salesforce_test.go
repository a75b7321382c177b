package main

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/config"
	"drawbridge/server/auth"
	"drawbridge/server/guard"
	"drawbridge/tools"
	"drawbridge/tools/crm"
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

// A ticket whose answer was lost: where Salesforce keeps its call's key it is made again by
// whoever asks again under that, and is there once; where not, the guard lets nobody try.
func TestTicketAtSalesforceWhoseAnswerWasLostIsOpenedOnce(t *testing.T) {
	for name, keys := range map[string]map[string]string{"with keys": {"Case": "Drawbridge_Key__c"}, "without": nil} {
		t.Run(name, func(t *testing.T) {
			a, fake := withSalesforce(t, keys)
			fake.Put("Contact", map[string]any{"LastName": "Ada", "Email": "ada@example.com"})
			call := salesforceDesk(crm.CreateTicketTool, `{"customer": "ada@example.com", "subject": "Late"}`, "ticket-of-order-1001")
			fake.Disturb(http.MethodPost, "/sobjects/Case", salesforcefake.Disturbance{Effect: true, Status: http.StatusBadGateway, Body: "<html>"})
			if lost := a.guard.Call(t.Context(), call); lost.Err == nil || lost.Err.Code != tools.OutcomeUnknown || lost.Err.Retryable != (keys != nil) {
				t.Fatalf("the call whose answer was lost: %+v", lost.Err)
			}
			again := a.guard.Call(t.Context(), call)
			if keys != nil && again.Err != nil || keys == nil && (again.Err == nil || again.Err.Code != tools.OutcomeUnknown) {
				t.Errorf("the same call again: %s, %v", again.Output, again.Err)
			}
			if n := len(fake.Records("Case", "", nil)); n != 1 {
				t.Errorf("there are %d cases", n)
			}
		})
	}
}

// What to do about a lost answer follows from the fields that are named.
func TestToolsOfSalesforceSayWhatHoldsOfTheirKeys(t *testing.T) {
	a, _ := withSalesforce(t, map[string]string{"Case": "Drawbridge_Key__c", "Task": "Drawbridge_Key__c"})
	keyed := map[string]bool{crm.CreateTicketTool: true, crm.CreateTaskTool: true, crm.LogInteractionTool: true}
	for _, tool := range a.catalog.All() {
		if !strings.HasPrefix(tool.Name, "crm_") || tool.Effect == tools.Read {
			continue
		}
		want := tools.AskPerson
		if keyed[tool.Name] {
			want = tools.Retry
		}
		if got := tool.WhenUnknown(); got != want {
			t.Errorf("%s: of an outcome that nobody knows, %s, want %s", tool.Name, got, want)
		}
	}
}

// The program itself, started with settings as a person writes them, works on Salesforce.
func TestProgramWithSettingsOfSalesforce(t *testing.T) {
	fake := salesforcefake.New(t, time.Now, false)
	fake.Connect("3MVG9", "secret-secret-1")
	fake.AddField("Case", salesforcefake.Field{Name: "Drawbridge_Key__c", Kind: salesforcefake.Text, Length: 255, External: true})
	fake.Put("Contact", map[string]any{"LastName": "Ada", "Email": "ada@example.com"})
	t.Setenv("SALESFORCE_CLIENT_SECRET", "secret-secret-1")
	a := startAssistant(t, `
tools:
  crm:
    backend: salesforce
    salesforce:
      url: `+fake.URL+`
      client_id: 3MVG9
      client_secret: ${SALESFORCE_CLIENT_SECRET}
      currency: EUR
      external_id: {Case: Drawbridge_Key__c}
`)
	a.say(t, `{"jsonrpc":"2.0","id":"hello","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`+"\n")
	a.hear(t)
	a.say(t, `{"jsonrpc":"2.0","method":"notifications/initialized"}`+"\n")
	answer := func(id, tool, arguments string) string {
		a.say(t, `{"jsonrpc":"2.0","id":"`+id+`","method":"tools/call","params":{"name":"`+tool+`","arguments":`+arguments+`}}`+"\n")
		for {
			if message := a.hear(t); strings.Contains(message, `"id":"`+id+`"`) {
				return message
			}
		}
	}
	if made := answer("1", crm.CreateTicketTool, `{"customer": "ada@example.com", "subject": "Late order"}`); !strings.Contains(made, `"status":"open"`) {
		t.Errorf("a ticket: %s", made)
	}
	if found := answer("2", crm.GetCustomerTool, `{"customer": "ADA@example.com"}`); !strings.Contains(found, `"subject":"Late order"`) {
		t.Errorf("whoever looks finds %s", found)
	}
	_ = a.in.Close()
	a.ends(t)
	cases := fake.Records("Case", "", nil)
	if len(cases) != 1 || !strings.HasPrefix(cases[0]["Drawbridge_Key__c"].(string), crm.CreateTicketTool+":") {
		t.Errorf("Salesforce has %v", cases)
	}
	if strings.Contains(a.said.String(), "secret-secret") {
		t.Errorf("the log shows the secret: %s", a.said)
	}
}
