package restmount_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"drawbridge/tools/backendtest"
	"drawbridge/tools/mcpmount"
	"drawbridge/tools/restmount"
)

// BenchmarkOverAPlainExchange says what a call of an operation costs beyond the same HTTP
// exchange by a bare client, at the median: one after the other, in turns, so that what
// else the machine does hits both. The answer is of 8 KB, and shown by a list of fields.
func BenchmarkOverAPlainExchange(b *testing.B) {
	line := `{"sku":"MUG-BLUE","quantity":24,"price":{"amount":1450,"currency":"EUR"},"note":"` + strings.Repeat("x", 100) + `"}`
	answer := `{"id":"ord_1","status":"paid","lines":[` + strings.Repeat(line+",", 39) + line + `]}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, answer)
	}))
	b.Cleanup(server.Close)
	transport := &http.Transport{}
	b.Cleanup(transport.CloseIdleConnections)
	s := restmount.Settings{Name: "shop", Spec: "testdata/shop.yaml", BaseURL: server.URL + "/v1",
		Fields: map[string][]string{"getOrder": {"id", "status", "lines.sku", "lines.price"}}}
	s.Auth.Bearer = "a-secret-token"
	api, err := restmount.New(s, restmount.Options{Reach: func(...string) http.RoundTripper { return transport }})
	if err != nil {
		b.Fatal(err)
	}
	list, _, err := api.List(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	at := slices.IndexFunc(list, func(one mcpmount.SourceTool) bool { return strings.Contains(string(one.JSON), `"name":"getOrder"`) })
	if at < 0 {
		b.Fatal("orders cannot be looked up")
	}
	ours := func() error { _, err := list[at].Call(b.Context(), json.RawMessage(`{"id":"ord_1"}`)); return err }
	backendtest.Overhead(b, ours, backendtest.Bare(b, backendtest.Exchange{Method: http.MethodGet, URL: server.URL + "/v1/orders/ord_1",
		Header: http.Header{"Authorization": {"Bearer a-secret-token"}}}))
}
