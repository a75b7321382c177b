package crmtest

import (
	"slices"
	"strings"

	"pgregory.net/rapid"

	"drawbridge/tools/crm"
)

var searchCases = map[string]func(*bench){
	"all words must occur, in any column, order and case": func(b *bench) {
		b.ada()
		b.bruno()
		b.customer(crm.CustomerDraft{Name: "Åsa Dahl", Email: "asa@example.org"})
		for query, want := range map[string][]string{
			"LINDQVIST ada":   {"Ada Lindqvist"},
			"nordlys":         {"Ada Lindqvist"},
			"555 0101":        {"Ada Lindqvist"},
			"cus_demo_ada":    {"Ada Lindqvist"},
			"åSA":             {"Åsa Dahl"},
			"ÅSA dahl":        {"Åsa Dahl"},
			"CAFÉ":            {"Ada Lindqvist"},
			"ada okafor":      {},
			"example.org":     {"Åsa Dahl", "Bruno Okafor"},
			"  bruno \n oka ": {"Bruno Okafor"},
		} {
			found := call[crm.CustomerPage](b, crm.SearchCustomersTool, crm.CustomerSearch{Query: query})
			b.same(query, namesOf(found), want)
		}
	},
	"wildcards and quotes are taken literally": func(b *bench) {
		b.customer(crm.CustomerDraft{Name: "100% O'Brien_Sons \\ Co"})
		b.customer(crm.CustomerDraft{Name: "1000 OBrienXSons"})
		for query, found := range map[string]int{
			"%": 1, "0%": 1, "_": 1, "brien_sons": 1, `\`: 1, "o'brien": 1, "%%": 0, "'": 1, "' OR 1=1 --": 0, "10": 2,
		} {
			page := call[crm.CustomerPage](b, crm.SearchCustomersTool, crm.CustomerSearch{Query: query})
			b.same(query, len(page.Customers), found)
		}
	},
	"whatever a customer is called, each part of the name finds them": func(b *bench) {
		rapid.Check(b.T, func(t *rapid.T) {
			name := rapid.StringOfN(rapid.RuneFrom([]rune(`aZ09%_\'"*?[-ÅßЖ漢😀 `)), 1, 30, -1).Filter(func(s string) bool {
				return strings.TrimSpace(s) != ""
			}).Draw(t, "name")
			made := b.customer(crm.CustomerDraft{Name: name})
			for _, word := range append(strings.Fields(name), name, strings.ToLower(name)) {
				page := call[crm.CustomerPage](b, crm.SearchCustomersTool, crm.CustomerSearch{Query: word})
				if !slices.ContainsFunc(page.Customers, func(c crm.Customer) bool { return c.ID == made.ID }) {
					t.Fatalf("%q is not found by %q", name, word)
				}
			}
		})
	},
	"a word does not match across two columns": func(b *bench) {
		b.customer(crm.CustomerDraft{Name: "Ada", Email: "bo@example.com"})
		page := call[crm.CustomerPage](b, crm.SearchCustomersTool, crm.CustomerSearch{Query: "adabo"})
		b.same("found", len(page.Customers), 0)
	},
	"tickets are found by their customer too": func(b *bench) {
		ada, bruno := b.ada(), b.bruno()
		b.ticket(ada, "Late plates")
		b.ticket(bruno, "Late pitchers")
		b.same("tickets", subjectsOf(b.tickets(crm.TicketSearch{Query: "nordlys late"})), []string{"Late plates"})
	},
	"orders are found by their customer too": func(b *bench) {
		b.order(b.ada(), 2, func(o *crm.OrderDetails) { o.Note = "For the neighbour." })
		b.same("orders", numbersOf(call[crm.OrderPage](b, crm.SearchOrdersTool, crm.OrderSearch{Query: "ada neighbour"})), []string{"A-1002"})
	},
}
