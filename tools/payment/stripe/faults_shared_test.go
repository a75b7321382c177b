package stripe_test

import (
	"net/http"
	"testing"
	"time"

	"drawbridge/tools/backendtest"
	"drawbridge/tools/payment"
	"drawbridge/tools/payment/stripe"
	"drawbridge/tools/payment/stripe/stripefake"
)

// What happens to every backend sooner or later, over a fake that keeps keys as Stripe does.
func TestFaultsOfEveryBackend(t *testing.T) {
	backendtest.Faults(t, func(t *testing.T, line *backendtest.Line) backendtest.Account {
		now := time.Now()
		a := openWith(t, stripefake.New(t, time.Now), func(s *stripe.Settings) {
			s.Client, s.Now = &http.Client{Transport: line}, func() time.Time { return now }
		})
		calls := []backendtest.Call{
			{Tool: payment.ToolGetPayment, Arrange: func() map[string]any { return map[string]any{"payment_id": a.paid()} }, At: backendtest.At(http.MethodGet, "/v1/payment_intents")},
			{Tool: payment.ToolListDisputes, Arrange: func() map[string]any { return map[string]any{} }, At: backendtest.At(http.MethodGet, "/v1/disputes")},
		}
		for _, d := range deeds {
			var in map[string]any
			calls = append(calls, backendtest.Call{
				Tool:    d.tool,
				Arrange: func() map[string]any { in = d.arrange(a); return in },
				At:      backendtest.At(d.method, d.path),
				Effects: func() int {
					if in == nil {
						return 0
					}
					return max(0, d.effects(a, in))
				},
				Midway: d.method == http.MethodDelete || d.path == "/v1/invoices" || d.path == "/v1/invoiceitems" || d.path == "/send",
			})
		}
		return backendtest.Account{
			Tools: payment.Tools(payment.New(a.Backend)), Calls: calls, Pass: func(d time.Duration) { now = now.Add(d) }, Secret: stripefake.Key,
			TooMany: backendtest.Answer{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"7"}},
				Body: `{"error":{"type":"invalid_request_error","code":"rate_limit","message":"Too many requests"}}`},
			Expired: backendtest.Answer{Status: http.StatusUnauthorized, Body: `{"error":{"type":"invalid_request_error","code":"api_key_expired","message":"Expired API Key provided: rk_test_******0000"}}`},
		}
	})
}
