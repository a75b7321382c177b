package hubspot_test

import (
	"fmt"
	"testing"

	"drawbridge/tools/backendtest"
	"drawbridge/tools/crm"
)

// BenchmarkOverAPlainExchange says what opening a page of tickets costs beyond the same HTTP
// exchanges by a bare client, at the median: one after the other, in turns, so that what else
// the machine does hits both.
func BenchmarkOverAPlainExchange(b *testing.B) {
	a := open(b)
	ada := a.ada()
	for range 40 {
		a.fake.Tie("tickets", a.fake.Add("tickets", map[string]string{"subject": "Late", "content": "Where is it?", "hs_pipeline_stage": "1"}), "contacts", ada)
	}
	in := crm.TicketSearch{Unresolved: true}
	in.Limit = 20
	ours := func() error {
		page, err := a.SearchTickets(b.Context(), in)
		if err == nil && len(page.Tickets) != 20 {
			err = fmt.Errorf("found %d tickets", len(page.Tickets))
		}
		return err
	}
	if err := ours(); err != nil {
		b.Fatal(err)
	}
	before := len(a.fake.Requests())
	if err := ours(); err != nil {
		b.Fatal(err)
	}
	var same []backendtest.Exchange
	for _, r := range a.fake.Requests()[before:] {
		same = append(same, backendtest.Exchange{Method: r.Method, URL: a.fake.URL + r.Path + "?" + r.Query, Header: r.Header, Body: string(r.Body)})
	}
	backendtest.Overhead(b, ours, backendtest.Bare(b, same...))
	b.ReportMetric(float64(len(same)), "requests")
}
