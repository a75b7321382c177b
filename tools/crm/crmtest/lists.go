package crmtest

import (
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"drawbridge/tools"
	"drawbridge/tools/crm"
)

// listing is one of the family's lists, seen only as ids in an order.
type listing struct {
	tool string
	// with is the tool that rows are made with, "" if it is the harness.
	with string
	// add makes the nth row. Sort keys repeat, so that pages end among equals.
	add func(b *bench, owner crm.Customer, n int)
	// ids reads one page.
	ids func(b *bench, p tools.Page) (ids []string, next string, err error)
}

var listings = []listing{
	{
		crm.SearchCustomersTool, crm.CreateCustomerTool,
		func(b *bench, _ crm.Customer, n int) {
			b.customer(crm.CustomerDraft{Name: fmt.Sprintf("Customer %d", n)})
		},
		ids(crm.SearchCustomersTool, func(p tools.Page) any { return crm.CustomerSearch{Page: p} },
			func(p crm.CustomerPage) ([]string, string) {
				return pick(p.Customers, func(c crm.Customer) string { return c.ID }), p.NextCursor
			}),
	},
	{
		crm.ListInteractionsTool, crm.LogInteractionTool,
		func(b *bench, owner crm.Customer, n int) {
			call[crm.Interaction](b, crm.LogInteractionTool, crm.InteractionDraft{
				Customer: owner.ID, Kind: crm.Call, Summary: "Called", OccurredAt: day.AddDate(0, 0, n%3),
			})
		},
		ids(crm.ListInteractionsTool, func(p tools.Page) any { return crm.InteractionQuery{Page: p} },
			func(p crm.InteractionPage) ([]string, string) {
				return pick(p.Interactions, func(i crm.Interaction) string { return i.ID }), p.NextCursor
			}),
	},
	{
		crm.ListTasksTool, crm.CreateTaskTool,
		func(b *bench, _ crm.Customer, n int) {
			draft := crm.TaskDraft{Title: "Call", DueAt: day.AddDate(0, 0, n%3)}
			if n%4 == 0 {
				draft = crm.TaskDraft{Title: "Call some time"}
			}
			b.task(draft)
		},
		ids(crm.ListTasksTool, func(p tools.Page) any { return crm.TaskQuery{Page: p} },
			func(p crm.TaskPage) ([]string, string) {
				return pick(p.Tasks, func(t crm.Task) string { return t.ID }), p.NextCursor
			}),
	},
	{
		crm.SearchOrdersTool, "",
		func(b *bench, owner crm.Customer, n int) {
			b.order(owner, n, func(o *crm.OrderDetails) { o.PlacedAt = day.AddDate(0, 0, n%3) })
		},
		ids(crm.SearchOrdersTool, func(p tools.Page) any { return crm.OrderSearch{Page: p} },
			func(p crm.OrderPage) ([]string, string) {
				return pick(p.Orders, func(o crm.Order) string { return o.ID }), p.NextCursor
			}),
	},
	{
		crm.SearchTicketsTool, crm.CreateTicketTool,
		func(b *bench, owner crm.Customer, n int) { b.ticket(owner, "Late") },
		ids(crm.SearchTicketsTool, func(p tools.Page) any { return crm.TicketSearch{Page: p} },
			func(p crm.TicketPage) ([]string, string) {
				return pick(p.Tickets, func(t crm.Ticket) string { return t.ID }), p.NextCursor
			}),
	},
	{
		crm.SearchProductsTool, "",
		func(b *bench, _ crm.Customer, n int) { b.product(fmt.Sprintf("SKU-%d", n), 1, 0) },
		ids(crm.SearchProductsTool, func(p tools.Page) any { return crm.ProductSearch{Page: p} },
			func(p crm.ProductPage) ([]string, string) {
				return pick(p.Products, func(p crm.Product) string { return p.ID }), p.NextCursor
			}),
	},
	{
		crm.SearchDealsTool, crm.CreateDealTool,
		func(b *bench, owner crm.Customer, n int) {
			b.deal(crm.DealDraft{Customer: owner.ID, Title: "Plates", Currency: "EUR"})
		},
		ids(crm.SearchDealsTool, func(p tools.Page) any { return crm.DealSearch{Page: p} },
			func(p crm.DealPage) ([]string, string) {
				return pick(p.Deals, func(d crm.Deal) string { return d.ID }), p.NextCursor
			}),
	},
}

func ids[Page any](tool string, in func(tools.Page) any, out func(Page) ([]string, string)) func(*bench, tools.Page) ([]string, string, error) {
	return func(b *bench, p tools.Page) ([]string, string, error) {
		b.Helper()
		page, err := try[Page](b, b.Context(), tool, in(p))
		ids, next := out(page)
		return ids, next, err
	}
}

// listings are those of the backend's lists that it can be given rows of.
func (b *bench) listings() []listing {
	return slices.DeleteFunc(slices.Clone(listings), func(l listing) bool {
		without := !b.offers(l.tool) || l.with != "" && !b.offers(l.with)
		if without {
			b.Logf("left out: this backend does not offer %s, or nothing to fill it with", l.tool)
		}
		return without
	})
}

var listCases = map[string]func(*bench){
	"pages of any size add up to the whole list": func(b *bench) {
		whole := map[string][]string{}
		b.eachListing(11, func(l listing, _ func()) {
			whole[l.tool] = b.walk(l, func() int { return tools.MaxLimit }, nil)
		})
		limits, listings := rapid.IntRange(1, 13), b.listings()
		rapid.Check(b.T, func(t *rapid.T) {
			l := listings[rapid.IntRange(0, len(listings)-1).Draw(t, "list")]
			got := b.walk(l, func() int { return limits.Draw(t, "limit") }, nil)
			if !slices.Equal(got, whole[l.tool]) {
				t.Fatalf("%s: pages give %q, the whole list is %q", l.tool, got, whole[l.tool])
			}
		})
	},
	"rows inserted between two pages neither repeat nor hide others": func(b *bench) {
		b.eachListing(7, func(l listing, add func()) {
			for limit := 1; limit <= 4; limit++ {
				before := b.walk(l, func() int { return tools.MaxLimit }, nil)
				got := b.walk(l, func() int { return limit }, add)
				if unique := slices.Compact(slices.Sorted(slices.Values(got))); len(unique) != len(got) {
					b.Errorf("%s with limit %d: a row came twice: %q", l.tool, limit, got)
				}
				for _, id := range before {
					if !slices.Contains(got, id) {
						b.Errorf("%s with limit %d: %s was there all along and is missing", l.tool, limit, id)
					}
				}
			}
		})
	},
	"a list without a limit gives twenty": func(b *bench) {
		b.eachListing(21, func(l listing, _ func()) {
			got, next, err := l.ids(b, tools.Page{})
			if err != nil || len(got) != tools.DefaultLimit || next == "" {
				b.Errorf("%s: got %d rows, cursor %q, error %v; want 20 and a cursor", l.tool, len(got), next, err)
			}
		})
	},
	"the last page has no cursor, even when it is full": func(b *bench) {
		b.eachListing(4, func(l listing, _ func()) {
			whole := b.walk(l, func() int { return tools.MaxLimit }, nil)
			if _, next, err := l.ids(b, tools.Page{Limit: len(whole)}); next != "" || err != nil {
				b.Errorf("%s: got cursor %q, error %v", l.tool, next, err)
			}
		})
	},
	"an empty list is a list": func(b *bench) {
		// The call itself holds the result against the schema, in which null is no array.
		for _, l := range b.listings() {
			got, next, err := l.ids(b, tools.Page{})
			if err != nil || len(got) != 0 || next != "" {
				b.Errorf("%s: got %q, cursor %q, error %v", l.tool, got, next, err)
			}
		}
	},
	"a cursor nobody gave out is invalid": func(b *bench) {
		for _, l := range b.listings() {
			for _, cursor := range []string{"x", "%%%", "e30", "bnVsbA", "WzFd", tools.EncodeCursor("2026"), strings.Repeat("A", 400)} {
				if _, _, err := l.ids(b, tools.Page{Cursor: cursor}); tools.CodeOf(err) != tools.Invalid {
					b.Errorf("%s with cursor %q: got error %v, want invalid", l.tool, cursor, err)
				}
			}
		}
	},
	"a cursor of another list is invalid": func(b *bench) {
		cursors := map[string]string{}
		b.eachListing(3, func(l listing, _ func()) {
			_, cursors[l.tool], _ = l.ids(b, tools.Page{Limit: 1})
		})
		for _, l := range b.listings() {
			for from, cursor := range cursors {
				if from == l.tool {
					continue
				}
				if _, _, err := l.ids(b, tools.Page{Cursor: cursor}); tools.CodeOf(err) != tools.Invalid {
					b.Errorf("%s with a cursor of %s: got error %v, want invalid", l.tool, from, err)
				}
			}
		}
	},
}

// eachListing fills every list with a number of rows and visits it. add makes
// one more row.
func (b *bench) eachListing(rows int, visit func(l listing, add func())) {
	b.Helper()
	owner := b.ada()
	for _, l := range b.listings() {
		n := 0
		add := func() { n++; l.add(b, owner, n) }
		for range rows {
			add()
		}
		visit(l, add)
	}
}

// walk reads a list to its end, with a limit asked for each page, and calls
// between after each page but the last.
func (b *bench) walk(l listing, limit func() int, between func()) []string {
	b.Helper()
	var all []string
	for cursor := ""; ; {
		got, next, err := l.ids(b, tools.Page{Limit: limit(), Cursor: cursor})
		if err != nil {
			b.Fatalf("%s: %v", l.tool, err)
		}
		all = append(all, got...)
		switch {
		case next == "":
			return all
		case len(got) == 0 || len(all) > 10_000:
			b.Fatalf("%s: %d rows and no end", l.tool, len(all))
		case between != nil && len(all) < 40:
			between() // not for ever: a row may well be inserted ahead of the reader
		}
		cursor = next
	}
}
