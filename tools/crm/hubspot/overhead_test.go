package hubspot_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

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
	ours := func() {
		if page, err := a.SearchTickets(b.Context(), in); err != nil || len(page.Tickets) != 20 {
			b.Fatal(len(page.Tickets), err)
		}
	}
	ours()
	before := len(a.fake.Requests())
	ours()
	same := a.fake.Requests()[before:]
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	bare := func() {
		for _, r := range same {
			request, err := http.NewRequestWithContext(context.Background(), r.Method, a.fake.URL+r.Path+"?"+r.Query, bytes.NewReader(r.Body))
			if err != nil {
				b.Fatal(err)
			}
			request.Header = r.Header
			response, err := client.Do(request)
			if err != nil {
				b.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
		}
	}
	bare()
	var mine, plain []time.Duration
	for b.Loop() {
		start := time.Now()
		ours()
		middle := time.Now()
		bare()
		mine, plain = append(mine, middle.Sub(start)), append(plain, time.Since(middle))
	}
	slices.Sort(mine)
	slices.Sort(plain)
	b.ReportMetric(float64(len(same)), "requests")
	b.ReportMetric(float64(mine[len(mine)/2].Microseconds()), "µs-driver-p50")
	b.ReportMetric(float64(plain[len(plain)/2].Microseconds()), "µs-bare-p50")
	b.ReportMetric(float64((mine[len(mine)/2] - plain[len(plain)/2]).Microseconds()), "µs-more-p50")
}
