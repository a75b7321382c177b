package shopify_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/shop"
	"drawbridge/tools/shop/shopify"
)

// heard notes what the backend sends, so that a bare client can send the same.
type heard struct {
	base   http.RoundTripper
	body   []byte
	header http.Header
	url    string
}

func (h *heard) RoundTrip(r *http.Request) (*http.Response, error) {
	if h.url == "" {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		h.body, h.header, h.url = body, r.Header.Clone(), r.URL.String()
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	return h.base.RoundTrip(r)
}

// BenchmarkOverAPlainExchange says what a look-up of an order costs beyond the same HTTP
// exchange by a bare client, at the median: one after the other, in turns, so that what
// else the machine does hits both.
func BenchmarkOverAPlainExchange(b *testing.B) {
	ways := &heard{base: &http.Transport{}}
	s := openWith(b, func(settings *shopify.Settings) { settings.Client = &http.Client{Transport: ways} })
	order, err := json.Marshal(s.paid())
	if err != nil {
		b.Fatal(err)
	}
	tool, known := tools.NewCatalog(shop.Tools(shop.New(s.Backend))).Lookup(shop.ToolGetOrder)
	if !known {
		b.Fatal("orders cannot be looked up")
	}
	ours := func() {
		if _, err := tool.Call(b.Context(), order); err != nil {
			b.Fatal(err)
		}
	}
	ours()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	bare := func() {
		request, err := http.NewRequestWithContext(b.Context(), http.MethodPost, ways.url, bytes.NewReader(ways.body))
		if err != nil {
			b.Fatal(err)
		}
		request.Header = ways.header.Clone()
		response, err := client.Do(request)
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
	}
	bare()
	before := len(s.fake.Requests())
	ours()
	if n := len(s.fake.Requests()) - before; n != 1 {
		b.Fatalf("a look-up makes %d requests, and is held against one", n)
	}
	var driver, plain []time.Duration
	for b.Loop() {
		start := time.Now()
		ours()
		middle := time.Now()
		bare()
		driver, plain = append(driver, middle.Sub(start)), append(plain, time.Since(middle))
	}
	slices.Sort(driver)
	slices.Sort(plain)
	b.ReportMetric(float64(driver[len(driver)/2].Microseconds()), "µs-driver-p50")
	b.ReportMetric(float64(plain[len(plain)/2].Microseconds()), "µs-bare-p50")
	b.ReportMetric(float64((driver[len(driver)/2] - plain[len(plain)/2]).Microseconds()), "µs-more-p50")
}
