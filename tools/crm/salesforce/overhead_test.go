package salesforce_test

import (
	"context"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

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
			transport := &http.Transport{}
			defer transport.CloseIdleConnections()
			client := &http.Client{Transport: transport}
			bare := func() {
				request, err := http.NewRequestWithContext(context.Background(), asked.Method, o.fake.URL+asked.Path, nil)
				if err != nil {
					b.Fatal(err)
				}
				request.Header = asked.Header
				response, err := client.Do(request)
				if err != nil {
					b.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
			}
			bare()
			var ours, plain []time.Duration
			for b.Loop() {
				start := time.Now()
				if err := c.do(b.Context()); err != nil {
					b.Fatal(err)
				}
				middle := time.Now()
				bare()
				ours, plain = append(ours, middle.Sub(start)), append(plain, time.Since(middle))
			}
			slices.Sort(ours)
			slices.Sort(plain)
			b.ReportMetric(float64(ours[len(ours)/2].Microseconds()), "µs-driver-p50")
			b.ReportMetric(float64(plain[len(plain)/2].Microseconds()), "µs-bare-p50")
			b.ReportMetric(float64((ours[len(ours)/2] - plain[len(plain)/2]).Microseconds()), "µs-more-p50")
		})
	}
}
