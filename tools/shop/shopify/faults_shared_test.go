package shopify_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"drawbridge/tools/backendtest"
	"drawbridge/tools/shop"
	"drawbridge/tools/shop/shopify"
	"drawbridge/tools/shop/shopify/shopifyfake"
)

// named is a request that carries an operation out. All of them go to one address.
func named(operation string) func(*http.Request) bool {
	return func(r *http.Request) bool {
		body, err := io.ReadAll(r.Body)
		_ = r.Body.Close()
		r.Body = io.NopCloser(bytes.NewReader(body))
		return err == nil && strings.Contains(string(body), `"operationName":"`+operation+`"`)
	}
}

// What happens to every backend sooner or later.
func TestFaultsOfEveryBackend(t *testing.T) {
	backendtest.Faults(t, func(t *testing.T, line *backendtest.Line) backendtest.Account {
		now := time.Now()
		s := openWith(t, func(settings *shopify.Settings) {
			settings.Client, settings.Now = &http.Client{Transport: line}, func() time.Time { return now }
		})
		cups := s.Stock("Cup", "cup", "CUP", map[string]int{"Hamburg": 5})
		everything := func() map[string]any { return map[string]any{} }
		cup := func() map[string]any { return map[string]any{"item": "CUP"} }
		return backendtest.Account{
			Tools: shop.Tools(shop.New(s.Backend)), Pass: func(d time.Duration) { now = now.Add(d) }, Secret: shopifyfake.Token,
			Calls: []backendtest.Call{
				{Tool: shop.ToolGetOrder, Arrange: s.paid, At: named("OrderInFull")},
				{Tool: shop.ToolSearchOrders, Arrange: everything, At: named("OrdersFound")},
				{Tool: shop.ToolListFulfilments, Arrange: s.paid, At: named("ShippingOf")},
				{Tool: shop.ToolSearchProducts, Arrange: everything, At: named("ProductsFound")},
				{Tool: shop.ToolGetProduct, Arrange: func() map[string]any { return map[string]any{"product": cups} }, At: named("ProductInFull")},
				{Tool: shop.ToolGetStock, Arrange: cup, At: named("ItemAlone")},
				{Tool: shop.ToolSuggestRefund, Arrange: s.paid, At: named("RefundSuggested")},
				{Tool: shop.ToolCreateRefund, Arrange: s.paid, At: named("RefundMade"), Effects: func() int { return s.fake.Count().Refunds }},
				{Tool: shop.ToolCreateFulfilment, Arrange: s.paid, At: named("FulfilmentMade"), Effects: func() int { return s.fake.Count().Fulfilments }},
				{Tool: shop.ToolShipAndNotify, Arrange: s.paid, At: named("FulfilmentMade"), Effects: func() int { return s.fake.Count().Notified }},
				{Tool: shop.ToolCancelOrder, Arrange: func() map[string]any {
					in := s.paid()
					in["reason"], in["restock"] = "customer", true
					return in
				}, At: named("OrderCancelled"), Effects: func() int { return s.fake.Count().Cancelled }},
				{Tool: shop.ToolAdjustStock, Arrange: func() map[string]any { return map[string]any{"item": "CUP", "delta": -2, "reason": "damaged"} },
					At: named("StockAdjusted"), Effects: func() int { return (5 - s.fake.Available(cups, "Hamburg")) / 2 }},
				{Tool: shop.ToolSetStock, Arrange: func() map[string]any {
					return map[string]any{"item": "CUP", "quantity": 6, "expected_quantity": 5, "reason": "correction"}
				},
					At: named("StockSet"), Effects: func() int { return s.fake.Available(cups, "Hamburg") - 5 }},
			},
			TooMany: backendtest.Answer{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"7"}}, Body: `{"errors":"Exceeded 2 calls per second for api client."}`},
			Expired: backendtest.Answer{Status: http.StatusUnauthorized, Body: `{"errors":"[API] Invalid API key or access token ` + shopifyfake.Token + `"}`},
		}
	})
}
