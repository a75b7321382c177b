// Package shoptest is the conformance suite of the shop family: what every backend must do,
// tested at the tool door, JSON in and JSON out.
package shoptest

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/backendtest"
	"drawbridge/tools/shop"
)

// Order is one that a customer made and paid, in EUR.
type Order struct {
	Name, Email string
	Created     time.Time
	Unpaid      bool
	Disputed    bool
	Lines       []Line
}

// Line is one line of it.
type Line struct {
	Title, Location string
	Quantity        int
	PriceMinor      int64
}

// Harness is a backend over an empty shop, with the means to do what people outside would.
type Harness interface {
	Driver() shop.Driver
	// Place makes an order, and gives its id.
	Place(order Order) string
	// Stock makes a product of one variant that is kept at places, and gives its id.
	Stock(title, handle, sku string, stock map[string]int) string
}

// Run runs the suite. open is called once a test. The record is for the test of the backend to
// keep.
func Run(t *testing.T, open func(t *testing.T) Harness) *backendtest.Record {
	driver := open(t).Driver()
	record := backendtest.NewRecord(t, "shop", driver, shop.Tools(shop.New(driver)))
	for name, test := range map[string]func(*suite){
		"OrdersAreFoundByWhatIsKnown":      searchOrders,
		"OrderIsKnownByIDAndName":          getOrder,
		"NoteAndTagsChange":                updateOrder,
		"UnshippedOrderIsCancelled":        cancelOrder,
		"PartOfAnOrderIsShipped":           fulfil,
		"GoodsOfTwoPlacesAreTwoParcels":    twoPlaces,
		"ProductsAndStock":                 stock,
		"RefundsStayBelowWhatIsLeft":       refunds,
		"RefundOfLinesIsWhatIsSuggested":   refundLines,
		"RefundsThatMustNotBeAreRefused":   refundRefusals,
		"RepeatedKeyActsOnce":              repeats,
		"CursorNobodyGaveOutIsInvalid":     cursors,
		"WhatTheArgumentsLackIsSaidByName": arguments,
	} {
		record.Case(t, name, func(t *testing.T) {
			h := open(t)
			test(&suite{T: t, Harness: h, record: record, catalog: tools.NewCatalog(shop.Tools(shop.New(h.Driver())))})
		})
	}
	return record
}

type suite struct {
	*testing.T
	Harness
	catalog *tools.Catalog
	record  *backendtest.Record
}

type args = map[string]any

func attempt[Out any](ctx context.Context, s *suite, name string, in args) (Out, error) {
	s.Helper()
	return backendtest.Try[Out](ctx, s, s.catalog, s.record, name, in)
}

func do[Out any](s *suite, name string, in args) Out {
	s.Helper()
	out, err := attempt[Out](s.Context(), s, name, in)
	if err != nil {
		s.Fatalf("%s %v: %v", name, in, err)
	}
	return out
}

func (s *suite) refused(code tools.Code, name string, in args, texts ...string) {
	s.Helper()
	_, err := attempt[json.RawMessage](s.Context(), s, name, in)
	backendtest.Refused(s, err, code, name, in, texts...)
}

// teapots is a paid order of two teapots at EUR 10.00 and a cup at EUR 5.00.
func (s *suite) teapots() string {
	return s.Place(Order{Name: "#1001", Email: "ada@example.com", Lines: []Line{{Title: "Teapot", Quantity: 2, PriceMinor: 1000}, {Title: "Cup", Quantity: 1, PriceMinor: 500}}})
}

func details(s *suite, order string) shop.OrderDetails {
	s.Helper()
	return do[shop.OrderDetails](s, shop.ToolGetOrder, args{"order": order})
}
