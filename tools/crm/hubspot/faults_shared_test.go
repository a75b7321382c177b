package hubspot_test

import (
	"net/http"
	"testing"
	"time"

	"drawbridge/tools/backendtest"
	"drawbridge/tools/crm"
	"drawbridge/tools/crm/hubspot"
	"drawbridge/tools/crm/hubspot/hubspotfake"
)

// What happens to every backend sooner or later, over a fake account that knows no keys.
func TestFaultsOfEveryBackend(t *testing.T) {
	backendtest.Faults(t, func(t *testing.T, line *backendtest.Line) backendtest.Account {
		now := time.Now()
		a := open(t, func(s *hubspot.Settings) {
			s.Client, s.Now = &http.Client{Transport: line}, func() time.Time { return now }
		})
		everything := func() map[string]any { return map[string]any{} }
		calls := []backendtest.Call{
			{Tool: crm.GetCustomerTool, Arrange: func() map[string]any { return map[string]any{"customer": a.ada()} }, At: backendtest.At(http.MethodGet, "/contacts/")},
			{Tool: crm.SearchCustomersTool, Arrange: everything, At: backendtest.At(http.MethodPost, "/contacts/search")},
			{Tool: crm.SearchTicketsTool, Arrange: func() map[string]any { return map[string]any{"customer": a.ada()} }, At: backendtest.At(http.MethodGet, "/associations/tickets")},
			{Tool: crm.SearchProductsTool, Arrange: everything, At: backendtest.At(http.MethodPost, "/products/search")},
		}
		for _, d := range deeds {
			calls = append(calls, backendtest.Call{
				Tool: d.tool, Arrange: func() map[string]any { return d.arrange(a) },
				At:      func(r *http.Request) bool { return d.is(r.Method, r.URL.Path) },
				Effects: func() int { return d.effects(a, false) },
			})
		}
		return backendtest.Account{
			Tools: crm.Tools(crm.New(a.Backend)), Calls: calls, Pass: func(d time.Duration) { now = now.Add(d) }, Secret: hubspotfake.Token,
			TooMany: backendtest.Answer{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"7"}},
				Body: `{"status":"error","message":"You have reached your ten_secondly_rolling limit.","errorType":"RATE_LIMIT","policyName":"TEN_SECONDLY_ROLLING"}`},
			Expired: backendtest.Answer{Status: http.StatusUnauthorized, Body: `{"status":"error","category":"EXPIRED_AUTHENTICATION","message":"The token ` + hubspotfake.Token + ` expired 3 second(s) ago"}`},
		}
	})
}
