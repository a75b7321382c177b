// Package paymenttest is the conformance suite of the payment family: what every
// backend must do, tested at the tool door, JSON in and JSON out.
//
//	func TestConformance(t *testing.T) {
//		paymenttest.Run(t, func(t *testing.T) paymenttest.Harness { ... })
//	}
package paymenttest

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/backendtest"
	"drawbridge/tools/payment"
)

// Harness is a backend over an empty account, with the means to do what people
// outside would do. The records given to it carry what the tools will show; a
// zero CreatedAt is now. Each method returns the id of what it made.
type Harness interface {
	Driver() payment.Driver
	// TakePayment makes a payment that is pending, authorized, succeeded or failed. Its
	// ExternalID, if there is one, is a second name that the backend is to know it by.
	TakePayment(ctx context.Context, charge payment.Charge) (string, error)
	// PayInvoice pays an open invoice and returns the payment's id.
	PayInvoice(ctx context.Context, invoiceID string) (string, error)
	Subscribe(ctx context.Context, subscription payment.Subscription) (string, error)
	// OpenDispute disputes what is left of a payment.
	OpenDispute(ctx context.Context, dispute payment.Dispute) (string, error)
}

// Run runs the suite. open is called once a test. The record is for the test of the backend to
// keep.
func Run(t *testing.T, open func(t *testing.T) Harness) *backendtest.Record {
	driver := open(t).Driver()
	record := backendtest.NewRecord(t, "payment", driver, payment.Tools(payment.New(driver)))
	run := func(t *testing.T, tests map[string]func(*suite)) {
		for name, test := range tests {
			record.Case(t, name, func(t *testing.T) { test(newSuite(t, open(t), record)) })
		}
	}
	for _, group := range []map[string]func(*suite){paymentTests, refundTests, invoiceTests, otherTests, endingTests, everyToolTests} {
		run(t, group)
	}
	if !driver.Traits().Idempotent {
		t.Log("left out: the backend promises nothing about keys, so there is nothing to hold it to")
		return record
	}
	record.Case(t, "RepeatedKeys", func(t *testing.T) { run(t, keyTests) })
	return record
}

type suite struct {
	*testing.T
	Harness
	catalog *tools.Catalog
	record  *backendtest.Record
}

func newSuite(t *testing.T, harness Harness, record *backendtest.Record) *suite {
	return &suite{T: t, Harness: harness, record: record, catalog: tools.NewCatalog(payment.Tools(payment.New(harness.Driver())))}
}

// args are arguments as a model writes them.
type args = map[string]any

// keyed is a context with an idempotency key.
func (s *suite) keyed(key string) context.Context { return tools.WithKey(s.Context(), key) }

// attempt calls a tool and checks a result against the tool's output schema.
func attempt[Out any](ctx context.Context, s *suite, name string, in args) (Out, error) {
	s.Helper()
	return backendtest.Try[Out](ctx, s, s.catalog, s.record, name, in)
}

// do calls a tool that must succeed.
func do[Out any](s *suite, name string, in args) Out {
	s.Helper()
	return doAs[Out](s.Context(), s, name, in)
}

func doAs[Out any](ctx context.Context, s *suite, name string, in args) Out {
	s.Helper()
	out, err := attempt[Out](ctx, s, name, in)
	if err != nil {
		s.Fatalf("%s %v: %v", name, in, err)
	}
	return out
}

// refused calls a tool that must answer with a code and a message that holds
// each of the texts.
func (s *suite) refused(code tools.Code, name string, in args, texts ...string) {
	s.Helper()
	_, err := attempt[json.RawMessage](s.Context(), s, name, in)
	backendtest.Refused(s, err, code, name, in, texts...)
}

// The customers of the tests.
var (
	ada = payment.Customer{Reference: "cus_test_ada", Name: "Ada Test", Email: "ada@example.com"}
	ben = payment.Customer{Reference: "cus_test_ben", Name: "Ben Test", Email: "ben@example.com"}
)

// money reads a sum for a test.
func (s *suite) money(text string) payment.Amount {
	s.Helper()
	sum, err := payment.ParseMoney(text)
	if err != nil {
		s.Fatal(err)
	}
	return sum.Shown()
}

// must unwraps what a harness method returned.
func (s *suite) must(id string, err error) string {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
	return id
}

// paid makes a payment of Ada's that succeeded.
func (s *suite) paid(sum string) string {
	s.Helper()
	return s.must(s.TakePayment(s.Context(), payment.Charge{Customer: ada, Amount: s.money(sum), Status: payment.ChargeSucceeded, Description: "Order"}))
}

// may is a day of May 2025, which is past for every backend.
func may(day int) time.Time { return time.Date(2025, 5, day, 12, 0, 0, 0, time.UTC) }
