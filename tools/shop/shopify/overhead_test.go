package shopify_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"drawbridge/tools"
	"drawbridge/tools/backendtest"
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
	ours := func() error { _, err := tool.Call(b.Context(), order); return err }
	if err := ours(); err != nil {
		b.Fatal(err)
	}
	before := len(s.fake.Requests())
	if err := ours(); err != nil {
		b.Fatal(err)
	}
	if n := len(s.fake.Requests()) - before; n != 1 {
		b.Fatalf("a look-up makes %d requests, and is held against one", n)
	}
	backendtest.Overhead(b, ours, backendtest.Bare(b, backendtest.Exchange{Method: http.MethodPost, URL: ways.url, Header: ways.header, Body: string(ways.body)}))
}
