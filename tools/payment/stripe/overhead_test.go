package stripe_test

import (
	"context"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"
)

// BenchmarkOverAPlainExchange says what looking a payment up costs beyond the same HTTP
// exchange by a bare client, at the median: one after the other, in turns, so that what
// else the machine does hits both.
func BenchmarkOverAPlainExchange(b *testing.B) {
	a := open(b)
	id := a.paid()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	bare := func() {
		request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, a.fake.URL+"/v1/payment_intents/"+id+"?expand[]=latest_charge.refunds&expand[]=customer", nil)
		if err != nil {
			b.Fatal(err)
		}
		request.Header = a.fake.Requests()[0].Header
		response, err := client.Do(request)
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
	}
	if _, err := a.GetPayment(b.Context(), id); err != nil {
		b.Fatal(err)
	}
	bare()
	var ours, plain []time.Duration
	for b.Loop() {
		start := time.Now()
		if _, err := a.GetPayment(b.Context(), id); err != nil {
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
}
