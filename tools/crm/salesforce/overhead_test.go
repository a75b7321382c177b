package salesforce_test

import (
	"context"
	"testing"

	"drawbridge/tools/backendtest"
	"drawbridge/tools/crm"
)

// BenchmarkOverAPlainExchange says what a search and a look-up cost beyond the same HTTP
// exchange by a bare client, at the median: one after the other, in turns, so that what else
// the machine does hits both.
func BenchmarkOverAPlainExchange(b *testing.B) {
	o := open(b, nil)
	ada := o.ada(b)
	for range 20 {
		o.must(b, crm.CreateTicketTool, map[string]any{"customer": ada, "subject": "Late", "body": "Where is it?"})
	}
	for _, c := range []struct {
		name string
		do   func(ctx context.Context) error
	}{
		{"Customer", func(ctx context.Context) error { _, err := o.Customer(ctx, ada); return err }},
		{"SearchTickets", func(ctx context.Context) error {
			_, err := o.SearchTickets(ctx, crm.TicketSearch{Query: "late"})
			return err
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			if err := c.do(b.Context()); err != nil {
				b.Fatal(err)
			}
			requests := o.fake.Requests()
			asked := requests[len(requests)-1]
			backendtest.Overhead(b, func() error { return c.do(b.Context()) }, backendtest.Bare(b, backendtest.Exchange{Method: asked.Method, URL: o.fake.URL + asked.Path, Header: asked.Header}))
		})
	}
}
