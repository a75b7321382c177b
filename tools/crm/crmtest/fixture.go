package crmtest

import (
	"fmt"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/tools/crm"
)

// day is a fixed day in the past; records that carry their own time are counted
// from it.
var day = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func (b *bench) customer(draft crm.CustomerDraft) crm.Customer {
	b.Helper()
	return call[crm.Customer](b, crm.CreateCustomerTool, draft)
}

func (b *bench) ada() crm.Customer {
	b.Helper()
	return b.customer(crm.CustomerDraft{
		Name: "Ada Lindqvist", Email: "ada@example.com", Phone: "+46 8 555 0101", Company: "Café Nordlys",
		ExternalID: "cus_demo_ada", Stage: crm.Active, Note: "Prefers email.",
	})
}

func (b *bench) bruno() crm.Customer {
	b.Helper()
	return b.customer(crm.CustomerDraft{Name: "Bruno Okafor", Email: "bruno@example.org"})
}

func (b *bench) product(sku string, stock, reorderAt int64) crm.Product {
	b.Helper()
	b.needs(crm.SearchProductsTool)
	return b.AddProduct(b.T, crm.Product{
		SKU: sku, Name: "Product " + sku, Description: "Stoneware.", PriceMinor: 1450, Currency: "EUR", Stock: stock, ReorderAt: reorderAt,
	})
}

// order places a paid order of 10.00 EUR on the nth day, changed as wanted.
func (b *bench) order(owner crm.Customer, n int, change func(*crm.OrderDetails)) crm.OrderDetails {
	b.Helper()
	b.needs(crm.SearchOrdersTool)
	placed := day.AddDate(0, 0, n)
	order := crm.OrderDetails{Order: crm.Order{
		Number: fmt.Sprintf("A-%d", 1000+n), CustomerID: owner.ID, Status: crm.OrderPaid,
		AmountMinor: 1000, Currency: "EUR", PlacedAt: placed, UpdatedAt: placed,
	}}
	if change != nil {
		change(&order)
	}
	return b.AddOrder(b.T, order)
}

func (b *bench) ticket(owner crm.Customer, subject string) crm.Ticket {
	b.Helper()
	return call[crm.Ticket](b, crm.CreateTicketTool, crm.TicketDraft{Customer: owner.ID, Subject: subject})
}

// same compares two values.
func (b *bench) same(what string, got, want any) {
	b.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		b.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// pick gives one field of every row.
func pick[Row, Field any](rows []Row, field func(Row) Field) []Field {
	all := []Field{}
	for _, row := range rows {
		all = append(all, field(row))
	}
	return all
}

// What the cases know rows by.

func namesOf(p crm.CustomerPage) []string {
	return pick(p.Customers, func(c crm.Customer) string { return c.Name })
}

func saidIn(p crm.InteractionPage) []string {
	return pick(p.Interactions, func(i crm.Interaction) string { return i.Summary })
}

func titlesOf(p crm.TaskPage) []string {
	return pick(p.Tasks, func(t crm.Task) string { return t.Title })
}

func numbersOf(p crm.OrderPage) []string {
	return pick(p.Orders, func(o crm.Order) string { return o.Number })
}

func subjectsOf(p crm.TicketPage) []string {
	return pick(p.Tickets, func(t crm.Ticket) string { return t.Subject })
}

func skusOf(p crm.ProductPage) []string {
	return pick(p.Products, func(p crm.Product) string { return p.SKU })
}

func dealsOf(p crm.DealPage) []string {
	return pick(p.Deals, func(d crm.Deal) string { return d.Title })
}
