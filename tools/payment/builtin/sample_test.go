package builtin_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/tools"
	"drawbridge/tools/payment"
	"drawbridge/tools/payment/builtin"
	"drawbridge/tools/sqldb"
)

func seeded(t *testing.T) (sandbox, *payment.Payment) {
	t.Helper()
	s := open(t)
	if err := s.Seed(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s, payment.New(s)
}

func TestSeedShowsEveryStateAndKindOfCurrency(t *testing.T) {
	_, p := seeded(t)
	states, displays := map[payment.ChargeStatus]int{}, map[string]string{}
	charges, err := p.SearchPayments(t.Context(), payment.SearchPaymentsInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, charge := range charges.Payments {
		states[charge.Status]++
		displays[charge.ExternalID] = charge.Amount.Display
	}
	for _, state := range []payment.ChargeStatus{payment.ChargePending, payment.ChargeSucceeded, payment.ChargeFailed, payment.ChargePartiallyRefunded} {
		if states[state] == 0 {
			t.Errorf("no sample payment is %s", state)
		}
	}
	if displays["pi_demo_1002"] != "JPY 12800" || displays["pi_demo_1003"] != "KWD 24.500" {
		t.Errorf("yen and dinar show as %q and %q", displays["pi_demo_1002"], displays["pi_demo_1003"])
	}

	order, err := p.GetPayment(t.Context(), payment.GetPaymentInput{PaymentID: "pi_demo_1001"})
	if err != nil || order.Amount.Money != (payment.Money{AmountMinor: 4900, Currency: "EUR"}) || order.Status != payment.ChargeSucceeded ||
		order.Customer.Reference != "cus_demo_ada" || order.Customer.Email != "ada@example.com" {
		t.Errorf("pi_demo_1001 is %+v, %v", order, err)
	}

	invoices, err := p.SearchInvoices(t.Context(), payment.SearchInvoicesInput{})
	if err != nil {
		t.Fatal(err)
	}
	var got []payment.InvoiceStatus
	for _, invoice := range invoices.Invoices {
		got = append(got, invoice.Status)
	}
	if diff := cmp.Diff([]payment.InvoiceStatus{payment.InvoiceDraft, payment.InvoiceOpen, payment.InvoiceVoid, payment.InvoicePaid}, got); diff != "" {
		t.Errorf("sample invoices (-want +got):\n%s", diff)
	}

	disputes, err := p.ListDisputes(t.Context(), payment.ListDisputesInput{Status: payment.DisputeNeedsResponse})
	if err != nil || len(disputes.Disputes) != 1 {
		t.Errorf("disputes that need a response: %+v, %v", disputes, err)
	}
	ending := 0
	subscriptions, err := p.ListSubscriptions(t.Context(), payment.ListSubscriptionsInput{Status: payment.SubscriptionActive})
	for _, one := range subscriptions.Subscriptions {
		if one.CancelAtPeriodEnd {
			ending++
		}
	}
	if err != nil || ending != 1 || len(subscriptions.Subscriptions) != 2 {
		t.Errorf("active subscriptions: %+v, %v", subscriptions, err)
	}
}

func TestSeedAddsNothingTwice(t *testing.T) {
	s, p := seeded(t)
	before, err := p.SearchPayments(t.Context(), payment.SearchPaymentsInput{})
	if err != nil {
		t.Fatal(err)
	}
	s.clock.advance(time.Hour)
	if err := s.Seed(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, err := p.SearchPayments(t.Context(), payment.SearchPaymentsInput{})
	if diff := cmp.Diff(before, after); diff != "" || err != nil {
		t.Errorf("seeding again (-before +after):\n%s%v", diff, err)
	}
}

func TestSeedAddsAllOrNothing(t *testing.T) {
	s := open(t)
	// Dalal's address belongs to somebody else, which only a later row meets.
	if err := s.exec(t.Context(), `INSERT INTO payment_customers VALUES ('cus_other', 'Other', 'dalal@example.com', 0)`); err != nil {
		t.Fatal(err)
	}
	if err := s.Seed(t.Context()); err == nil {
		t.Fatal("seeding over a taken address succeeded")
	}
	charges, err := payment.New(s).SearchPayments(t.Context(), payment.SearchPaymentsInput{})
	if err != nil || len(charges.Payments) != 0 {
		t.Errorf("a seed that stopped left %+v, %v", charges, err)
	}
}

func TestSeedIsNoEffectOfTheCallItRunsIn(t *testing.T) {
	s := open(t)
	if err := s.Seed(tools.WithKey(t.Context(), "one key")); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"payment_refunds", "payment_invoices", "tool_effects"} {
		if got := s.count(t, table, "one key"); got != 0 {
			t.Errorf("%s has %d rows with the call's key", table, got)
		}
	}
}

func balances(t *testing.T, p *payment.Payment) map[string][2]string {
	t.Helper()
	out, err := p.GetBalance(t.Context(), payment.GetBalanceInput{})
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string][2]string{}
	for _, balance := range out.Balances {
		sums[balance.Currency] = [2]string{balance.Available.Display, balance.Pending.Display}
	}
	return sums
}

func TestBalanceSettlesWithTime(t *testing.T) {
	s, p := seeded(t)
	// EUR available: 49 + (120 - 40 refunded) + (89 - 89 disputed) + 760 of the
	// paid invoice. EUR pending: the 30 of some hours ago. USD is not paid yet.
	want := map[string][2]string{
		"EUR": {"EUR 889.00", "EUR 30.00"},
		"JPY": {"JPY 12800", "JPY 0"},
		"KWD": {"KWD 24.500", "KWD 0.000"},
	}
	if diff := cmp.Diff(want, balances(t, p)); diff != "" {
		t.Errorf("balance (-want +got):\n%s", diff)
	}
	part := int64(500)
	if _, err := p.CreateRefund(t.Context(), payment.CreateRefundInput{PaymentID: "pi_demo_1005", AmountMinor: &part, Reason: payment.ReasonOther}); err != nil {
		t.Fatal(err)
	}
	want["EUR"] = [2]string{"EUR 889.00", "EUR 25.00"}
	if diff := cmp.Diff(want, balances(t, p)); diff != "" {
		t.Errorf("balance after refunding what is pending (-want +got):\n%s", diff)
	}
	s.clock.advance(48 * time.Hour)
	want["EUR"] = [2]string{"EUR 914.00", "EUR 0.00"}
	if diff := cmp.Diff(want, balances(t, p)); diff != "" {
		t.Errorf("balance two days later (-want +got):\n%s", diff)
	}
}

func TestSubscriptionCancelledAtPeriodEndRunsOut(t *testing.T) {
	s, p := seeded(t)
	canceled := func() int {
		out, err := p.ListSubscriptions(t.Context(), payment.ListSubscriptionsInput{Status: payment.SubscriptionCanceled})
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range out.Subscriptions {
			if one.Status != payment.SubscriptionCanceled {
				t.Errorf("listed as canceled: %+v", one)
			}
			_, err := p.CancelSubscription(t.Context(), payment.CancelSubscriptionInput{SubscriptionID: one.ID, When: payment.CancelNow})
			if tools.CodeOf(err) != tools.Conflict {
				t.Errorf("ending an ended subscription: %v, want a conflict", err)
			}
		}
		return len(out.Subscriptions)
	}
	if got := canceled(); got != 0 {
		t.Errorf("%d subscriptions ended before their period did", got)
	}
	s.clock.advance(11 * 24 * time.Hour)
	if got := canceled(); got != 1 {
		t.Errorf("%d subscriptions ended with their period, want 1", got)
	}
	active, err := p.ListSubscriptions(t.Context(), payment.ListSubscriptionsInput{Status: payment.SubscriptionActive})
	if err != nil || len(active.Subscriptions) != 1 {
		t.Errorf("still active: %+v, %v", active, err)
	}
}

func TestOnlyAnOpenInvoiceCanBePaid(t *testing.T) {
	s, p := seeded(t)
	for _, status := range []payment.InvoiceStatus{payment.InvoiceDraft, payment.InvoicePaid, payment.InvoiceVoid} {
		found, err := p.SearchInvoices(t.Context(), payment.SearchInvoicesInput{Status: status})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.PayInvoice(t.Context(), found.Invoices[0].ID); tools.CodeOf(err) != tools.Conflict {
			t.Errorf("paying an invoice that is %s: %v, want a conflict", status, err)
		}
	}
}

func TestNumbersOfSentInvoicesHaveNoGaps(t *testing.T) {
	s, p := seeded(t) // which sent three and left a draft
	price := payment.Money{AmountMinor: 100, Currency: "EUR"}
	for _, want := range []string{"INV-000004", "INV-000005"} {
		draft, err := s.CreateInvoice(t.Context(), payment.InvoiceRequest{
			Customer: "cus_demo_ada", Total: price, Lines: []payment.InvoiceLine{{Description: "Work", Quantity: 1, UnitAmount: price.Shown(), Amount: price.Shown()}},
		})
		if err != nil {
			t.Fatal(err)
		}
		sent, err := p.SendInvoice(t.Context(), payment.InvoiceInput{InvoiceID: draft.ID})
		if err != nil || sent.Number != want {
			t.Errorf("sent as %q, %v; want %q", sent.Number, err, want)
		}
		found, err := p.VoidInvoice(t.Context(), payment.InvoiceInput{InvoiceID: want})
		if err != nil || found.ID != draft.ID {
			t.Errorf("%s is invoice %s, %v; want %s", want, found.ID, err, draft.ID)
		}
	}
}

// between is a database on which something happens after the first read.
type between struct {
	sqldb.DB
	reads  int
	happen func()
}

func (b *between) Read() sqldb.Querier {
	if b.reads++; b.reads == 2 {
		b.happen()
	}
	return b.DB.Read()
}

func TestPaymentAgreesWithItsRefundsEvenIfOneComesBetween(t *testing.T) {
	s, _ := seeded(t)
	db := &between{DB: s.db, happen: func() {
		if _, err := s.CreateRefund(t.Context(), payment.RefundRequest{PaymentID: "pi_demo_1001", AmountMinor: 900, Reason: payment.ReasonOther}); err != nil {
			t.Error(err)
		}
	}}
	got, err := builtin.New(db, s.clock.now).GetPayment(t.Context(), "pi_demo_1001")
	if err != nil || len(got.Refunds) != 1 || got.Refunded.AmountMinor != 900 || got.LeftToRefund.AmountMinor != 4000 || got.Status != payment.ChargePartiallyRefunded {
		t.Errorf("got %+v, %v", got, err)
	}
}
