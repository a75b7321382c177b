package shopify_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/shop"
	"drawbridge/tools/shop/shopify"
	"drawbridge/tools/shop/shopify/shopifyfake"
	"drawbridge/tools/shop/shoptest"
)

func (s store) paid() map[string]any {
	return map[string]any{"order": s.Place(shoptest.Order{Name: "#1001", Lines: []shoptest.Line{{Title: "Teapot", Quantity: 2, PriceMinor: 1000}}})}
}

// lost are ways in which an effect took place and nobody heard of it.
var lost = map[string]shopifyfake.Disturbance{
	"cut off":     {Effect: true},
	"malformed":   {Effect: true, Status: 200, Body: "<html>"},
	"empty":       {Effect: true, Status: 200, Body: "{}"},
	"bad gateway": {Effect: true, Status: 502, Body: "<html>"},
	"internal":    {Effect: true, Status: 200, Body: `{"errors":[{"message":"oops","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}`},
	"half denied": {Effect: true, Status: 200, Body: `{"data":{"refundCreate":{"refund":null},"fulfillmentCreate":{"fulfillment":null}},"errors":[{"message":"no","extensions":{"code":"ACCESS_DENIED"}}]}`},
}

// A refund whose answer was lost is doubted, and made again has one effect: a day later too,
// when Shopify has forgotten its key.
func TestRefundWhoseAnswerWasLostIsMadeOnce(t *testing.T) {
	for how, fault := range lost {
		for _, forgotten := range []bool{false, true} {
			t.Run(how, func(t *testing.T) {
				s := open(t)
				in := s.paid()
				s.fake.Disturb("RefundMade", fault)
				if _, err := s.call(t.Context(), "key", shop.ToolCreateRefund, in); err == nil || err.Code != tools.OutcomeUnknown || !err.Retryable {
					t.Fatalf("the call whose answer was lost: %v", err)
				}
				if forgotten {
					s.fake.Forget()
				}
				if out, err := s.call(t.Context(), "key", shop.ToolCreateRefund, in); err != nil || out["order_status"] != "refunded" {
					t.Errorf("made again: %v, %v", out, err)
				}
				if n := s.fake.Count().Refunds; n != 1 {
					t.Errorf("%d refunds were made", n)
				}
			})
		}
	}
}

// What has no key is doubted, and not said to be retryable.
func TestFulfilmentWhoseAnswerWasLostIsNotMadeAgain(t *testing.T) {
	for how, fault := range lost {
		s := open(t)
		in := s.paid()
		in["tracking_number"] = "JJD1"
		s.fake.Disturb("FulfilmentMade", fault)
		if _, err := s.call(t.Context(), "key", shop.ToolCreateFulfilment, in); err == nil || err.Code != tools.OutcomeUnknown || err.Retryable {
			t.Errorf("%s: %v", how, err)
		}
		if _, err := s.call(t.Context(), "key", shop.ToolCreateFulfilment, in); err == nil || err.Code != tools.Conflict {
			t.Errorf("%s, again: %v", how, err)
		}
		if n := s.fake.Count().Fulfilments; n != 1 {
			t.Errorf("%s: %d fulfilments", how, n)
		}
	}
}

func TestWriteThatTimesOutAfterItTookEffectTakesEffectOnce(t *testing.T) {
	s := open(t)
	in := s.paid()
	hung := make(chan struct{})
	s.fake.Disturb("RefundMade", shopifyfake.Disturbance{Effect: true, Hang: true, Hung: hung})
	ctx, giveUp := context.WithCancelCause(t.Context())
	go func() {
		<-hung
		giveUp(context.DeadlineExceeded)
	}()
	if _, err := s.call(ctx, "key", shop.ToolCreateRefund, in); err == nil || err.Code != tools.OutcomeUnknown || !err.Retryable {
		t.Fatalf("the call that was given up: %v", err)
	}
	if _, err := s.call(t.Context(), "key", shop.ToolCreateRefund, in); err != nil || s.fake.Count().Refunds != 1 {
		t.Errorf("again: %v, %d refunds", err, s.fake.Count().Refunds)
	}
}

func TestWhatShopifyDidNotDoIsSaidByItsStatus(t *testing.T) {
	for status, code := range map[int]tools.Code{401: tools.Denied, 402: tools.Denied, 403: tools.Denied, 404: tools.Denied, 423: tools.Unavailable, 430: tools.Denied, 429: tools.RateLimited,
		301: tools.Denied, 400: tools.Invalid} {
		s := open(t)
		in := s.paid()
		s.fake.Disturb("RefundMade", shopifyfake.Disturbance{Status: status, Body: `{"errors":"no"}`})
		if _, err := s.call(t.Context(), "key", shop.ToolCreateRefund, in); err == nil || err.Code != code {
			t.Errorf("%d: %v, want %s", status, err, code)
		}
		if _, err := s.call(t.Context(), "key", shop.ToolCreateRefund, in); err != nil || s.fake.Count().Refunds != 1 {
			t.Errorf("%d, the next try: %v", status, err)
		}
	}
}

func TestReadThatFailsMayBeRepeated(t *testing.T) {
	for how, fault := range lost {
		s := open(t)
		in := s.paid()
		s.fake.Disturb("OrderInFull", fault)
		if _, err := s.call(t.Context(), "", shop.ToolGetOrder, in); err == nil || err.Code != tools.Unavailable && how != "half denied" {
			t.Errorf("%s: %v", how, err)
		}
		if _, err := s.call(t.Context(), "", shop.ToolGetOrder, in); err != nil {
			t.Errorf("%s, again: %v", how, err)
		}
	}
}

// What is throttled was not begun: reads and writes wait as long as it takes to have points.
func TestThrottledOperationIsSentAgainWhenThereArePoints(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var slept time.Duration
	s := openWith(t, func(settings *shopify.Settings) {
		settings.Now = func() time.Time { return now }
		settings.Sleep = func(ctx context.Context, d time.Duration) error {
			now, slept = now.Add(d), slept+d
			return ctx.Err()
		}
	})
	s.fake.Most, s.fake.Restore = 2000, 100
	in := s.paid()
	s.fake.Drain(5)
	if _, err := s.call(t.Context(), "key", shop.ToolCreateRefund, in); err != nil {
		t.Fatal(err)
	}
	if n := s.fake.Count().Refunds; n != 1 || slept < time.Second || slept > 20*time.Second {
		t.Errorf("%d refunds after %s", n, slept)
	}
}

func TestWhileShopifyWantsToHearNothingNothingIsSent(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := openWith(t, func(settings *shopify.Settings) { settings.Now = func() time.Time { return now } })
	in := s.paid()
	s.fake.Disturb("Order", shopifyfake.Disturbance{Status: 429, Header: http.Header{"Retry-After": {"7"}}})
	for range 2 {
		if _, err := s.call(t.Context(), "", shop.ToolGetOrder, in); err == nil || err.Code != tools.RateLimited || err.RetryAfter != 7*time.Second {
			t.Errorf("got %v", err)
		}
	}
	if n := len(s.fake.Requests()); n != 1 {
		t.Errorf("%d requests", n)
	}
	now = now.Add(7 * time.Second)
	if _, err := s.call(t.Context(), "", shop.ToolGetOrder, in); err != nil {
		t.Error(err)
	}
}

// A token that was fetched is fetched again before it ends, and when it is not taken any
// more; a write that met the old one is made once.
func TestTokenOfAClientIsRenewed(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := openWith(t, func(settings *shopify.Settings) {
		settings.Token, settings.ClientID, settings.ClientSecret = "", shopifyfake.Client, shopifyfake.Secret
		settings.Now = func() time.Time { return now }
	})
	in := s.paid()
	if _, err := s.call(t.Context(), "", shop.ToolGetOrder, in); err != nil || s.fake.Granted() != 1 {
		t.Fatalf("%d tokens, %v", s.fake.Granted(), err)
	}
	s.fake.Revoke()
	if _, err := s.call(t.Context(), "key", shop.ToolCreateRefund, in); err != nil || s.fake.Granted() != 2 || s.fake.Count().Refunds != 1 {
		t.Errorf("after it was revoked: %v, %d tokens", err, s.fake.Granted())
	}
	now = now.Add(24*time.Hour - 4*time.Minute)
	if _, err := s.call(t.Context(), "", shop.ToolGetOrder, in); err != nil || s.fake.Granted() != 3 {
		t.Errorf("shortly before its end: %v, %d tokens", err, s.fake.Granted())
	}
}

func TestCustomerIsToldByOneToolOnly(t *testing.T) {
	s := open(t)
	if _, err := s.call(t.Context(), "", shop.ToolCreateFulfilment, s.paid()); err != nil || s.fake.Count().Notified != 0 {
		t.Errorf("%v, %d told", err, s.fake.Count().Notified)
	}
	in := map[string]any{"order": s.Place(shoptest.Order{Name: "#2", Lines: []shoptest.Line{{Title: "Cup", Quantity: 1, PriceMinor: 1}}})}
	if _, err := s.call(t.Context(), "", shop.ToolShipAndNotify, in); err != nil || s.fake.Count().Notified != 1 {
		t.Errorf("%v, %d told", err, s.fake.Count().Notified)
	}
}
