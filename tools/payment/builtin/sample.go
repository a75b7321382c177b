package builtin

import (
	"context"
	"fmt"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/payment"
	"drawbridge/tools/sqldb"
)

const day = 24 * time.Hour

// The sample customers. The domain is reserved for examples (RFC 2606).
var (
	ada   = payment.Customer{Reference: "cus_demo_ada", Name: "Ada Lindqvist", Email: "ada@example.com"}
	ben   = payment.Customer{Reference: "cus_demo_ben", Name: "Ben Example", Email: "ben@example.com"}
	chiyo = payment.Customer{Reference: "cus_demo_chiyo", Name: "Chiyo Example", Email: "chiyo@example.com"}
	dalal = payment.Customer{Reference: "cus_demo_dalal", Name: "Dalal Example", Email: "dalal@example.com"}
)

// samplePayments are made this long ago, oldest first.
var samplePayments = []struct {
	external, sum, description string
	customer                   payment.Customer
	status                     payment.ChargeStatus
	failure                    string
	ago                        time.Duration
}{
	{"pi_demo_1006", "89.00 EUR", "Order 1006", ben, payment.ChargeSucceeded, "", 40 * day},
	{"pi_demo_1004", "120.00 EUR", "Order 1004", ben, payment.ChargeSucceeded, "", 21 * day},
	{"pi_demo_1003", "24.500 KWD", "Order 1003", dalal, payment.ChargeSucceeded, "", 14 * day},
	{"pi_demo_1002", "12800 JPY", "Order 1002", chiyo, payment.ChargeSucceeded, "", 9 * day},
	{"pi_demo_1001", "49.00 EUR", "Order 1001", ada, payment.ChargeSucceeded, "", 5 * day},
	{"pi_demo_1007", "15.00 EUR", "Order 1007", ada, payment.ChargeFailed, "card_declined", 3 * day},
	{"pi_demo_1008", "65.00 USD", "Order 1008", ben, payment.ChargePending, "", 6 * time.Hour},
	{"pi_demo_1005", "30.00 EUR", "Order 1005", ada, payment.ChargeSucceeded, "", 5 * time.Hour},
}

// Seed adds the sample data: payments that succeeded, failed and are pending, in
// currencies with two, three and no decimals, a refund in part, a dispute,
// subscriptions, and an invoice in every state. It adds all of it or none, and
// nothing if it was added before.
func (b *Backend) Seed(ctx context.Context) error {
	// The sample rows come from no tool call, whatever call ctx belongs to.
	ctx = tools.WithKey(ctx, "")
	err := b.db.Write(ctx, func(tx sqldb.Tx) error {
		_, err := chargeByID(ctx, tx, "pi_demo_1001")
		if tools.CodeOf(err) != tools.NotFound {
			return err
		}
		for _, seed := range []func(context.Context, sqldb.Tx) error{b.seedPayments, b.seedSubscriptions, b.seedInvoices} {
			if err := seed(ctx, tx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("seeding the payment sandbox: %w", err)
	}
	return nil
}

// ago is the same sandbox at an earlier time.
func (b *Backend) ago(d time.Duration) *Backend {
	return &Backend{db: b.db, now: func() time.Time { return b.now().Add(-d) }}
}

func (b *Backend) seedPayments(ctx context.Context, tx sqldb.Tx) error {
	for _, s := range samplePayments {
		sum, err := payment.ParseMoney(s.sum)
		if err != nil {
			return err
		}
		_, err = b.ago(s.ago).take(ctx, tx, payment.Charge{
			ExternalID:    s.external,
			Status:        s.status,
			FailureReason: s.failure,
			Amount:        sum.Shown(),
			Customer:      s.customer,
			Description:   s.description,
		})
		if err != nil {
			return err
		}
	}
	_, err := b.ago(20*day).refund(ctx, tx, payment.RefundRequest{
		PaymentID:   "pi_demo_1004",
		AmountMinor: 4000,
		Reason:      payment.ReasonRequested,
		Note:        "One of three chairs came back.",
	})
	if err != nil {
		return err
	}
	_, err = b.ago(2*day).dispute(ctx, tx, payment.Dispute{
		PaymentID: "pi_demo_1006",
		Reason:    "product_not_received",
		Status:    payment.DisputeNeedsResponse,
		RespondBy: b.now().Add(7 * day),
	})
	return err
}

func (b *Backend) seedSubscriptions(ctx context.Context, tx sqldb.Tx) error {
	for _, s := range []struct {
		customer payment.Customer
		status   payment.SubscriptionStatus
		plan     string
		price    payment.Money
		ends     bool
	}{
		{ada, payment.SubscriptionActive, "Team plan", payment.Money{AmountMinor: 2900, Currency: "EUR"}, false},
		{ben, payment.SubscriptionActive, "Solo plan", payment.Money{AmountMinor: 900, Currency: "EUR"}, true},
		{chiyo, payment.SubscriptionPastDue, "Team plan", payment.Money{AmountMinor: 4500, Currency: "JPY"}, false},
	} {
		id, err := b.ago(50*day).subscribe(ctx, tx, payment.Subscription{
			Customer:  s.customer,
			Status:    s.status,
			Plan:      s.plan,
			Amount:    s.price.Shown(),
			Interval:  "month",
			PeriodEnd: b.now().Add(11 * day),
		})
		if err != nil {
			return err
		}
		if !s.ends {
			continue
		}
		if _, err := b.ago(day).cancel(ctx, tx, payment.CancelRequest{SubscriptionID: id, When: payment.CancelPeriodEnd, Reason: "Closes the business."}); err != nil {
			return err
		}
	}
	return nil
}

// seedInvoices makes one invoice in each state, for a number of hours of work.
func (b *Backend) seedInvoices(ctx context.Context, tx sqldb.Tx) error {
	for _, s := range []struct {
		customer payment.Customer
		hours    int64
		ago      time.Duration
		status   payment.InvoiceStatus
	}{
		{ben, 8, 30 * day, payment.InvoicePaid},
		{dalal, 2, 25 * day, payment.InvoiceVoid},
		{ada, 3, 10 * day, payment.InvoiceOpen},
		{ada, 5, 12 * time.Hour, payment.InvoiceDraft},
	} {
		id, err := b.ago(s.ago).draftHours(ctx, tx, s.customer, s.hours)
		if err == nil && s.status != payment.InvoiceDraft {
			_, err = b.ago(s.ago).send(ctx, tx, id)
		}
		if err == nil && s.status == payment.InvoicePaid {
			_, err = b.ago(s.ago-2*day).pay(ctx, tx, id)
		}
		if err == nil && s.status == payment.InvoiceVoid {
			_, err = b.ago(s.ago).void(ctx, tx, id)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *Backend) draftHours(ctx context.Context, tx sqldb.Tx, customer payment.Customer, hours int64) (string, error) {
	price := payment.Money{AmountMinor: 9500, Currency: "EUR"}
	total, err := price.Times(hours)
	if err != nil {
		return "", err
	}
	draft, err := b.draft(ctx, tx, payment.InvoiceRequest{
		Customer: customer.Reference,
		Lines:    []payment.InvoiceLine{{Description: "Consulting, hours", Quantity: hours, UnitAmount: price.Shown(), Amount: total.Shown()}},
		Total:    total,
		DueDays:  payment.DefaultDueDays,
	})
	return draft.ID, err
}
