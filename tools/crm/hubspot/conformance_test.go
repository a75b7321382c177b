package hubspot_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"drawbridge/tools/crm"
	"drawbridge/tools/crm/crmtest"
	"drawbridge/tools/crm/hubspot"
	"drawbridge/tools/crm/hubspot/hubspotfake"
)

// account is a backend over a fake account, and what people outside do to it.
type account struct {
	*hubspot.Backend
	fake *hubspotfake.Server
}

// places are the properties that the account of the tests made for itself.
var places = map[string]string{
	hubspot.PlaceExternalID: "external_id", hubspot.PlaceCustomerNote: "colleagues_note", hubspot.PlaceDelayed: "delayed",
	hubspot.PlaceExpected: "expected_at", hubspot.PlaceReview: "review_reason",
	hubspot.PlaceStock: "stock", hubspot.PlaceReorder: "reorder_at",
}

func mapping() hubspot.Mapping {
	return hubspot.Mapping{
		Currency: "EUR", Properties: places,
		Customers: hubspot.Pipeline{Stages: map[string][]string{"lead": {"lead"}, "customer": {"customer"}, "former": {"former_customer"}}},
		Tickets:   hubspot.Pipeline{Stages: map[string][]string{"open": {"1", "3"}, "pending": {"2"}, "resolved": {"5"}, "closed": {"4"}}},
		Orders: hubspot.Pipeline{Stages: map[string][]string{"pending": {"4b27b500-f031-4927-9811-68a0b525cbae"}, "paid": {"937ea84d-0a4f-4dcf-9028-3f9c2aafbf03"},
			"shipped": {"aa99e8d0-c1d5-4071-b915-d240bbb1aed9"}, "delivered": {"3725360f-519b-4b18-a593-494d60a29c9f"}, "cancelled": {"3c85a297-e9ce-400b-b42e-9f16853d69d6"}, "refunded": {"refunded"}}},
	}
}

// fakeAccount has the properties and the users that the tests speak of.
func fakeAccount(t testing.TB, now func() time.Time) *hubspotfake.Server {
	t.Helper()
	fake := hubspotfake.New(t, now)
	fake.Define("contacts", "external_id", "text", true)
	fake.Define("contacts", "colleagues_note", "text", false)
	fake.Define("orders", "delayed", "truth", false)
	fake.Define("orders", "expected_at", "time", false)
	fake.Define("orders", "review_reason", "text", false)
	fake.Define("products", "stock", "number", false)
	fake.Define("products", "reorder_at", "number", false)
	fake.Hire("support@example.com", "Sue", "Port")
	fake.Hire("sales@example.com", "Sal", "Es")
	fake.Hire("", "bo", "")
	fake.Hire("", strings.Repeat("é", 200), "")
	return fake
}

// open makes a backend. Nothing is paced.
func open(t testing.TB, change ...func(*hubspot.Settings)) account {
	t.Helper()
	return openAt(t, time.Now, change...)
}

func openAt(t testing.TB, now func() time.Time, change ...func(*hubspot.Settings)) account {
	t.Helper()
	fake := fakeAccount(t, now)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	settings := hubspot.Settings{Token: hubspotfake.Token, URL: fake.URL, PerSecond: 1_000_000, SearchesPerSecond: 1_000_000, Mapping: mapping(), Client: &http.Client{Transport: transport}}
	for _, c := range change {
		c(&settings)
	}
	b, err := hubspot.New(settings)
	if err != nil {
		t.Fatal(err)
	}
	return account{b, fake}
}

func (a account) Driver() crm.Driver { return a.Backend }

func (a account) AddProduct(_ *testing.T, p crm.Product) crm.Product {
	p.ID = a.fake.Add("products", map[string]string{"hs_sku": p.SKU, "name": p.Name, "description": p.Description, "price": euros(p.PriceMinor),
		"stock": strconv.FormatInt(p.Stock, 10), "reorder_at": strconv.FormatInt(p.ReorderAt, 10)})
	p.LowStock = p.Stock <= p.ReorderAt
	return p
}

func (a account) AddOrder(_ *testing.T, o crm.OrderDetails) crm.OrderDetails {
	values := map[string]string{
		"hs_order_name": o.Number, "hs_total_price": euros(o.AmountMinor), "hs_currency_code": o.Currency, "hs_order_note": o.Note,
		"hs_pipeline_stage": mapping().Orders.Stages[string(o.Status)][0], "hs_external_created_date": o.PlacedAt.Format(time.RFC3339), "delayed": strconv.FormatBool(o.Delayed), "review_reason": o.ReviewReason,
	}
	if o.Currency == "JPY" {
		values["hs_total_price"] = strconv.FormatInt(o.AmountMinor, 10)
	}
	if !o.ExpectedAt.IsZero() {
		values["expected_at"] = o.ExpectedAt.Format(time.RFC3339)
	}
	o.ID = a.fake.Add("orders", values)
	a.fake.Tie("orders", o.ID, "contacts", o.CustomerID)
	for _, line := range o.Lines {
		id := a.fake.Add("line_items", map[string]string{"hs_product_id": line.ProductID, "hs_sku": line.SKU, "name": line.Name, "quantity": strconv.FormatInt(line.Quantity, 10), "price": euros(line.UnitPriceMinor)})
		a.fake.Tie("orders", o.ID, "line_items", id)
	}
	o.UpdatedAt = a.fake.Updated("orders", o.ID)
	return o
}

func euros(minor int64) string { return strconv.FormatFloat(float64(minor)/100, 'f', 2, 64) }

func (a account) Records(*testing.T, string) int { panic("HubSpot honours no keys") }

func TestConformance(t *testing.T) {
	var fakes []*hubspotfake.Server
	crmtest.Run(t, func(t *testing.T) crmtest.Harness {
		a := open(t)
		a.fake.Lag(20) // the search shows a write twenty writes later
		fakes = append(fakes, a.fake)
		return a
	}).Keep(t, "hubspot")
	t.Run("EveryRequestIsAsThePublishedDocumentsSay", func(t *testing.T) {
		var requests []hubspotfake.Request
		for _, fake := range fakes {
			requests = append(requests, fake.Requests()...)
		}
		judge(t, requests)
	})
}
