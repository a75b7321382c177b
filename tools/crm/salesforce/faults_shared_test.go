package salesforce_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"drawbridge/tools/backendtest"
	"drawbridge/tools/crm"
	"drawbridge/tools/crm/salesforce"
	"drawbridge/tools/crm/salesforce/salesforcefake"
)

// composed is the request of a composite one that has a part in it.
func composed(part string) func(r *http.Request) bool {
	return func(r *http.Request) bool {
		if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/composite") || r.GetBody == nil {
			return false
		}
		body, err := r.GetBody()
		if err != nil {
			return false
		}
		text, err := io.ReadAll(body)
		return err == nil && strings.Contains(string(text), part)
	}
}

// What happens to every backend sooner or later: with the keys of calls kept, and without.
func TestFaultsOfEveryBackend(t *testing.T) {
	for name, keys := range map[string]bool{"with keys": true, "without keys": false} {
		t.Run(name, func(t *testing.T) {
			backendtest.Faults(t, func(t *testing.T, line *backendtest.Line) backendtest.Account { return account(t, line, keys) })
		})
	}
}

func account(t *testing.T, line *backendtest.Line, keys bool) backendtest.Account {
	now := began
	o := open(t, func(s *salesforce.Settings, fake *salesforcefake.Org) {
		s.Client, s.Now = &http.Client{Transport: line}, func() time.Time { return now }
		if keys {
			withKeys(s, fake)
		}
	})
	calls := []backendtest.Call{
		{Tool: crm.SearchTicketsTool, Arrange: func() map[string]any { return map[string]any{"q": "late"} }, At: backendtest.At(http.MethodGet, "/query")},
		{Tool: crm.GetCustomerTool, Arrange: func() map[string]any { return map[string]any{"customer": o.ada(t)} }, At: backendtest.At(http.MethodGet, "/query")},
	}
	for _, d := range deeds() {
		calls = append(calls, backendtest.Call{
			Tool: d.tool, Arrange: func() map[string]any { return d.arrange(t, o) }, At: composed(d.part), Effects: func() int { return d.effects(o) },
		})
	}
	return backendtest.Account{
		Tools: crm.Tools(crm.New(o.Backend)), Calls: calls, Pass: func(d time.Duration) { now = now.Add(d) }, Refreshes: true, Secret: secret,
		TooMany: backendtest.Answer{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"7"}},
			Body: `[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]`},
		Expired: backendtest.Answer{Status: http.StatusUnauthorized, Body: `[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]`},
	}
}
