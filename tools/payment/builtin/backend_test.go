package builtin_test

import (
	"encoding/json"
	"regexp"
	"sync/atomic"
	"testing"
	"time"

	"drawbridge/store/postgres/postgrestest"
	"drawbridge/tools/payment"
	"drawbridge/tools/payment/builtin"
	"drawbridge/tools/payment/paymenttest"
	"drawbridge/tools/sqldb"
	"drawbridge/tools/sqldb/sqldbtest"
)

// clock is a time that moves only when it is told to.
type clock struct{ ms atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.ms.Store(time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC).UnixMilli())
	return c
}

func (c *clock) now() time.Time           { return time.UnixMilli(c.ms.Load()) }
func (c *clock) advance(by time.Duration) { c.ms.Add(by.Milliseconds()) }

// sandbox is a backend that is its own harness.
type sandbox struct {
	*builtin.Backend
	db    sqldb.DB
	clock *clock
}

func (s sandbox) Driver() payment.Driver { return s.Backend }

func open(t *testing.T) sandbox {
	t.Helper()
	return openOn(sqldbtest.Open(t, builtin.Schema))
}

func openOn(db sqldb.DB) sandbox {
	clock := newClock()
	return sandbox{Backend: builtin.New(db, clock.now), db: db, clock: clock}
}

func TestConformance(t *testing.T) {
	paymenttest.Run(t, func(t *testing.T) paymenttest.Harness { return open(t) }).Keep(t, "builtin")
}

func TestConformanceOnPostgres(t *testing.T) {
	paymenttest.Run(t, func(t *testing.T) paymenttest.Harness { return openOn(postgrestest.Open(t, builtin.Schema)) })
}

var idForm = regexp.MustCompile(`^(pay|ref|inv|plink|sub|dsp)_[0-9a-f]{32}$`)

func TestWritesSayThatNothingIsRealAndMakeIDsOfTheirKind(t *testing.T) {
	s := open(t)
	if err := s.Seed(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, tool := range payment.Tools(payment.New(s)) {
		in, ok := map[string]string{
			payment.ToolCreateRefund:      `{"payment_id": "pi_demo_1001", "reason": "other"}`,
			payment.ToolCreateInvoice:     `{"customer": "cus_demo_ada", "currency": "EUR", "lines": [{"description": "Work", "quantity": 1, "unit_amount_minor": 1}]}`,
			payment.ToolCreatePaymentLink: `{"amount_minor": 1, "currency": "EUR", "description": "Order"}`,
		}[tool.Name]
		if !ok {
			continue
		}
		raw, err := tool.Call(t.Context(), json.RawMessage(in))
		if err != nil {
			t.Fatal(err)
		}
		var out struct {
			ID      string
			Sandbox bool
		}
		if err := json.Unmarshal(raw, &out); err != nil || !out.Sandbox || !idForm.MatchString(out.ID) {
			t.Errorf("%s answers %s", tool.Name, raw)
		}
	}
}
