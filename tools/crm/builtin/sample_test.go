package builtin_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/tools"
	"drawbridge/tools/crm"
	"drawbridge/tools/crm/builtin"
)

var present = time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC)

func TestDemoShowsAdaWithHerLateOrder(t *testing.T) {
	h := open(t)
	h.mustImport(t, builtin.Demo(present))
	ada, err := crm.New(h).GetCustomer(t.Context(), crm.CustomerRef{Customer: "cus_demo_ada"})
	if err != nil {
		t.Fatal(err)
	}
	type summary struct {
		Name, Email   string
		Tickets       int
		Last          crm.Kind
		LateOrders    []string
		CurrencyCount int
	}
	got := summary{ada.Customer.Name, ada.Customer.Email, len(ada.OpenTickets), ada.RecentInteractions[0].Kind, nil, len(ada.Totals)}
	for _, order := range ada.Orders {
		if order.Delayed {
			got.LateOrders = append(got.LateOrders, order.Number)
		}
	}
	want := summary{"Ada Lindqvist", "ada@example.com", 1, crm.Email, []string{"A-1002"}, 2}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDemoHasSomethingForEveryTool(t *testing.T) {
	h := open(t)
	h.mustImport(t, builtin.Demo(present))
	c, page := crm.New(h), tools.Page{}
	low, err := c.SearchProducts(t.Context(), crm.ProductSearch{LowStock: true, Page: page})
	if err != nil || len(low.Products) != 2 {
		t.Errorf("low stock: %d products, error %v; want 2", len(low.Products), err)
	}
	flagged, err := c.SearchOrders(t.Context(), crm.OrderSearch{FlaggedForReview: true})
	if err != nil || len(flagged.Orders) != 1 {
		t.Errorf("flagged: %d orders, error %v; want 1", len(flagged.Orders), err)
	}
	urgent, err := c.SearchTickets(t.Context(), crm.TicketSearch{Priority: crm.Urgent})
	if err != nil || len(urgent.Tickets) != 1 {
		t.Errorf("urgent: %d tickets, error %v; want 1", len(urgent.Tickets), err)
	}
	open, err := c.ListTasks(t.Context(), crm.TaskQuery{})
	if err != nil || len(open.Tasks) != 2 {
		t.Errorf("open: %d tasks, error %v; want 2", len(open.Tasks), err)
	}
	deals, err := c.SearchDeals(t.Context(), crm.DealSearch{Customer: "farid@example.org"})
	if err != nil || len(deals.Deals) != 1 {
		t.Errorf("farid: %d deals, error %v; want 1", len(deals.Deals), err)
	}
	details, err := c.GetOrder(t.Context(), crm.OrderRef{Order: "A-1002"})
	if err != nil || len(details.Lines) != 2 || details.Lines[0].SKU != "PLATE-27" {
		t.Errorf("A-1002: lines %+v, error %v", details.Lines, err)
	}
}

func TestDemoKeepsToReservedAddressesAndRealIDs(t *testing.T) {
	demo := builtin.Demo(present)
	id := regexp.MustCompile(`^cus_[0-9a-f]{12}7[0-9a-f]{3}8[0-9a-f]{15}$`)
	for _, c := range demo.Customers {
		if domain := c.Email[strings.Index(c.Email, "@")+1:]; domain != "example.com" && domain != "example.org" {
			t.Errorf("%s has an address outside the reserved domains: %s", c.Name, c.Email)
		}
		if !id.MatchString(c.ID) {
			t.Errorf("%s has the id %q", c.Name, c.ID)
		}
	}
	if diff := cmp.Diff(demo, builtin.Demo(present)); diff != "" {
		t.Errorf("the demo differs between two calls:\n%s", diff)
	}
}

func TestSecondImportChangesNothing(t *testing.T) {
	h := open(t)
	h.mustImport(t, builtin.Demo(present))
	c := crm.New(h)
	if _, err := c.UpdateOrder(t.Context(), crm.OrderUpdate{Order: "A-1002", Status: new(crm.OrderShipped)}); err != nil {
		t.Fatal(err)
	}
	before := contents(t, c)
	h.mustImport(t, builtin.Demo(present.AddDate(1, 0, 0)))
	if diff := cmp.Diff(before, contents(t, c)); diff != "" {
		t.Errorf("after the second import (-before +after):\n%s", diff)
	}
}

func TestImportThatBreaksARuleLeavesNothingBehind(t *testing.T) {
	h := open(t)
	demo := builtin.Demo(present)
	demo.Deals[2].CustomerID = "cus_none"
	if err := h.Import(t.Context(), demo); err == nil || !strings.Contains(err.Error(), "importing deal 3") {
		t.Fatalf("got error %v, want one about deal 3", err)
	}
	if n := h.count(t, `SELECT COUNT(*) FROM crm_customers`); n != 0 {
		t.Errorf("%d customers are left", n)
	}
}

func TestImportUnderAKeyLeavesTheKeyAlone(t *testing.T) {
	h := open(t)
	if err := h.Import(tools.WithKey(t.Context(), "k"), builtin.Demo(present)); err != nil {
		t.Fatal(err)
	}
	if n := h.Records(t, "k"); n != 0 {
		t.Errorf("%d records carry the key", n)
	}
}

// contents is everything a model can list.
func contents(t *testing.T, c *crm.CRM) []any {
	t.Helper()
	page := tools.Page{Limit: tools.MaxLimit}
	var all []any
	add := func(list any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, list)
	}
	customers, err := c.SearchCustomers(t.Context(), crm.CustomerSearch{Page: page})
	add(customers, err)
	interactions, err := c.ListInteractions(t.Context(), crm.InteractionQuery{Page: page})
	add(interactions, err)
	tasks, err := c.ListTasks(t.Context(), crm.TaskQuery{Status: crm.AnyTask, Page: page})
	add(tasks, err)
	tickets, err := c.SearchTickets(t.Context(), crm.TicketSearch{Page: page})
	add(tickets, err)
	products, err := c.SearchProducts(t.Context(), crm.ProductSearch{Page: page})
	add(products, err)
	deals, err := c.SearchDeals(t.Context(), crm.DealSearch{Page: page})
	add(deals, err)
	orders, err := c.SearchOrders(t.Context(), crm.OrderSearch{Page: page})
	add(orders, err)
	for _, order := range orders.Orders {
		details, err := c.GetOrder(t.Context(), crm.OrderRef{Order: order.ID})
		add(details, err)
	}
	return all
}
