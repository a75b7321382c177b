package stripe_test

import (
	"net/http"
	"testing"

	"drawbridge/tools/backendtest"
)

// BenchmarkOverAPlainExchange says what looking a payment up costs beyond the same HTTP
// exchange by a bare client, at the median: one after the other, in turns, so that what
// else the machine does hits both.
func BenchmarkOverAPlainExchange(b *testing.B) {
	a := open(b)
	id := a.paid()
	ours := func() error { _, err := a.GetPayment(b.Context(), id); return err }
	if err := ours(); err != nil {
		b.Fatal(err)
	}
	bare := backendtest.Bare(b, backendtest.Exchange{Method: http.MethodGet, Header: a.fake.Requests()[0].Header,
		URL: a.fake.URL + "/v1/payment_intents/" + id + "?expand[]=latest_charge.refunds&expand[]=customer"})
	backendtest.Overhead(b, ours, bare)
}
