package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"drawbridge/config"
	"drawbridge/server/auth"
	"drawbridge/server/guard"
	"drawbridge/tools"
	"drawbridge/tools/payment"
	"drawbridge/tools/payment/stripe/stripefake"
)

// withStripe is a program whose payments are at a fake of Stripe's.
func withStripe(t *testing.T) (*app, *stripefake.Server) {
	t.Helper()
	fake := stripefake.New(t, time.Now)
	cfg := config.Default()
	cfg.Tools.Payment = config.PaymentBackend{Backend: "stripe", Key: stripefake.Key, BaseURL: fake.URL, RequestsPerSecond: 1000}
	a, err := newToolApp(t.Context(), temporary(t, cfg), appOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Stop(t.Context()) })
	return a, fake
}

// A refund whose answer was lost is made again by whoever asked, under the same key: the
// guard lets it through, since Stripe honours keys, and the money goes back once.
func TestRefundAtStripeWhoseAnswerWasLostIsMadeOnce(t *testing.T) {
	a, fake := withStripe(t)
	fake.Meet("cus_ada", "Ada", "ada@example.com")
	id := fake.TakePayment(stripefake.Payment{Customer: "cus_ada", Amount: 4900, Currency: "eur", Status: "succeeded"})
	desk := auth.Principal{Kind: auth.Key, Name: "desk", Tools: []string{"*"}, Effects: everyEffect}
	call := guard.Call{Principal: desk, Door: auth.DoorHTTP, Tool: payment.ToolCreateRefund, Key: "refund-of-order-1001",
		Arguments: json.RawMessage(`{"payment_id":"` + id + `","amount_minor":900,"reason":"other"}`)}
	fake.Disturb(http.MethodPost, "/v1/refunds", stripefake.Disturbance{Effect: true, Status: http.StatusBadGateway, Body: "<html>"})
	if lost := a.guard.Call(t.Context(), call); lost.Err == nil || lost.Err.Code != tools.OutcomeUnknown || !lost.Err.Retryable {
		t.Fatalf("the call whose answer was lost: %v", lost.Err)
	}
	again := a.guard.Call(t.Context(), call)
	if again.Err != nil {
		t.Fatal(again.Err)
	}
	var out payment.CreateRefundOutput
	if err := json.Unmarshal(again.Output, &out); err != nil || out.Amount.AmountMinor != 900 || out.LeftToRefund.AmountMinor != 4000 || !out.Sandbox {
		t.Errorf("made again: %s, %v", again.Output, err)
	}
	if n := fake.Count("refunds"); n != 1 {
		t.Errorf("the account has %d refunds", n)
	}
	var keys []string
	for _, request := range fake.Requests() {
		if request.Method == http.MethodPost {
			keys = append(keys, request.Header.Get("Idempotency-Key"))
		}
	}
	if len(keys) != 1 || !strings.HasPrefix(keys[0], "db_") || !strings.Contains(fake.Requests()[0].Header.Get("Stripe-Version"), ".dahlia") {
		t.Errorf("writes went out under %q", keys)
	}
}

func TestPaymentToolsOfStripeAreNotTakenForTheStoresOwn(t *testing.T) {
	a, _ := withStripe(t)
	for _, tool := range a.catalog.All() {
		if strings.HasPrefix(tool.Name, "payment_") && (tool.Inward || !tool.Idempotent) {
			t.Errorf("%s: inward %t, honours keys %t", tool.Name, tool.Inward, tool.Idempotent)
		}
	}
}
