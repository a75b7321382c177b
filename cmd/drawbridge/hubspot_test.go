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
	"drawbridge/tools/crm/hubspot"
	"drawbridge/tools/crm/hubspot/hubspotfake"
)

// withHubSpot is a program whose CRM is a fake account at HubSpot, by settings as a person
// writes them.
func withHubSpot(t *testing.T) (*app, *hubspotfake.Server) {
	t.Helper()
	fake := hubspotfake.New(t, time.Now)
	cfg, err := config.Parse("drawbridge.yaml", []byte(`
tools:
  crm:
    backend: hubspot
    hubspot: {token: "${HUBSPOT_TOKEN}", currency: EUR, base_url: "`+fake.URL+`", requests_per_second: 25}
`), func(name string) (string, bool) { return hubspotfake.Token, name == "HUBSPOT_TOKEN" })
	if err != nil {
		t.Fatal(err)
	}
	a, err := newToolApp(t.Context(), temporary(t, cfg), appOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Stop(t.Context()) })
	return a, fake
}

// A ticket whose answer was lost is not opened again by whoever asks again under the same
// key: HubSpot knows no keys, and the guard has noted that the call was begun.
func TestTicketAtHubSpotWhoseAnswerWasLostIsOpenedOnce(t *testing.T) {
	a, fake := withHubSpot(t)
	fake.Add("contacts", map[string]string{"firstname": "Ada", "email": "ada@example.com"})
	desk := auth.Principal{Kind: auth.Key, Name: "desk", Tools: []string{"*"}, Effects: everyEffect}
	call := guard.Call{Principal: desk, Door: auth.DoorHTTP, Tool: crm.CreateTicketTool, Key: "ticket-of-order-1001",
		Arguments: json.RawMessage(`{"customer": "ada@example.com", "subject": "Late"}`)}
	fake.Disturb(http.MethodPost, "/objects/2026-03/tickets", hubspotfake.Disturbance{Effect: true, Status: http.StatusBadGateway, Body: "<html>"})
	for range 2 {
		if lost := a.guard.Call(t.Context(), call); lost.Err == nil || lost.Err.Code != tools.OutcomeUnknown || lost.Err.Retryable {
			t.Fatalf("the call whose answer was lost: %+v", lost.Err)
		}
	}
	if n := fake.Count("tickets"); n != 1 {
		t.Errorf("the account has %d tickets", n)
	}
	found := a.guard.Call(t.Context(), guard.Call{Principal: desk, Door: auth.DoorHTTP, Tool: crm.GetCustomerTool, Arguments: json.RawMessage(`{"customer": "ada@example.com"}`)})
	if found.Err != nil || !strings.Contains(string(found.Output), `"subject":"Late"`) {
		t.Errorf("whoever looks finds %s, %v", found.Output, found.Err)
	}
}

func TestToolsOfHubSpotSayWhatHubSpotCanDo(t *testing.T) {
	a, _ := withHubSpot(t)
	for _, tool := range a.catalog.All() {
		if strings.HasPrefix(tool.Name, "crm_") && (tool.Inward || tool.Idempotent && tool.Effect == tools.Write) {
			t.Errorf("%s: inward %t, honours keys %t", tool.Name, tool.Inward, tool.Idempotent)
		}
		if strings.HasPrefix(tool.Name, "crm_") && tool.Effect == tools.Write && tool.WhenUnknown() != tools.AskPerson {
			t.Errorf("%s: of an outcome that nobody knows, %s", tool.Name, tool.WhenUnknown())
		}
	}
}

func TestSettingsOfHubSpotAreThoseOfTheBackend(t *testing.T) {
	sorted := func(list []string) []string { return slices.Sorted(slices.Values(list)) }
	if diff := cmp.Diff(sorted(hubspot.Places), sorted(config.HubSpotProperties)); diff != "" {
		t.Errorf("properties (-backend +settings):\n%s", diff)
	}
	texts := func(statuses any) (list []string) {
		raw, _ := json.Marshal(statuses)
		_ = json.Unmarshal(raw, &list)
		return list
	}
	want := map[string][]string{"customers": texts(crm.Stages), "deals": texts(crm.DealStages), "tickets": texts(crm.TicketStatuses), "orders": texts(crm.OrderStatuses)}
	if diff := cmp.Diff(want, config.HubSpotStatuses); diff != "" {
		t.Errorf("statuses (-family +settings):\n%s", diff)
	}
}
