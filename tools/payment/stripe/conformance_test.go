package stripe_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"drawbridge/tools/payment"
	"drawbridge/tools/payment/paymenttest"
	"drawbridge/tools/payment/stripe"
	"drawbridge/tools/payment/stripe/stripefake"
)

// account is a backend over a fake account, and what people outside do to it.
type account struct {
	*stripe.Backend
	fake *stripefake.Server
}

// open makes one. None of its waits takes any time.
func open(t testing.TB) account {
	t.Helper()
	return openWith(t, stripefake.New(t, time.Now), nil)
}

func openWith(t testing.TB, fake *stripefake.Server, change func(*stripe.Settings)) account {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	settings := stripe.Settings{
		Key: stripefake.Key, URL: fake.URL, PerSecond: 1_000_000, Client: &http.Client{Transport: transport},
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
	if change != nil {
		change(&settings)
	}
	b, err := stripe.New(settings)
	if err != nil {
		t.Fatal(err)
	}
	return account{b, fake}
}

func (a account) Driver() payment.Driver { return a.Backend }

func (a account) TakePayment(_ context.Context, c payment.Charge) (string, error) {
	a.fake.Meet(c.Customer.Reference, c.Customer.Name, c.Customer.Email)
	status := map[payment.ChargeStatus]string{payment.ChargeSucceeded: "succeeded", payment.ChargePending: "processing",
		payment.ChargeAuthorized: "requires_capture", payment.ChargeFailed: "requires_payment_method"}[c.Status]
	if c.Status == payment.ChargeFailed && c.FailureReason == "" {
		c.FailureReason = "card_declined"
	}
	return a.fake.TakePayment(stripefake.Payment{Charge: c.ExternalID, Customer: c.Customer.Reference, Amount: c.Amount.AmountMinor, Currency: strings.ToLower(c.Amount.Currency),
		Status: status, Failure: c.FailureReason, Description: c.Description, Created: c.CreatedAt}), nil
}

func (a account) PayInvoice(_ context.Context, id string) (string, error) {
	return a.fake.PayInvoice(id)
}

func (a account) Subscribe(_ context.Context, s payment.Subscription) (string, error) {
	a.fake.Meet(s.Customer.Reference, s.Customer.Name, s.Customer.Email)
	return a.fake.Subscribe(stripefake.Subscription{Customer: s.Customer.Reference, Status: string(s.Status), Product: s.Plan, Amount: s.Amount.AmountMinor,
		Currency: strings.ToLower(s.Amount.Currency), Interval: s.Interval, Created: s.CreatedAt, PeriodEnd: s.PeriodEnd}), nil
}

func (a account) OpenDispute(_ context.Context, d payment.Dispute) (string, error) {
	return a.fake.OpenDispute(stripefake.Dispute{Payment: d.PaymentID, Reason: d.Reason, Status: string(d.Status), RespondBy: d.RespondBy, Created: d.CreatedAt})
}

func TestConformance(t *testing.T) {
	var fakes []*stripefake.Server
	record := paymenttest.Run(t, func(t *testing.T) paymenttest.Harness {
		a := open(t)
		fakes = append(fakes, a.fake)
		return a
	})
	record.Keep(t, "stripe")
	t.Run("EveryRequestIsOneThatStripesMockTakes", func(t *testing.T) { judge(t, append(fakes, byNumber(t))) })
}

// byNumber is an account in which an invoice was named by its number.
func byNumber(t *testing.T) *stripefake.Server {
	a := open(t)
	sent, err := a.call(t.Context(), "", payment.ToolSendInvoice, drafted(a))
	if err != nil {
		t.Fatal(err)
	}
	void, err := a.call(t.Context(), "", payment.ToolVoidInvoice, map[string]any{"invoice_id": sent["number"]})
	if err != nil || void["id"] != sent["id"] || void["status"] != "void" {
		t.Errorf("the invoice %v is %v, %v", sent["number"], void, err)
	}
	return a.fake
}
