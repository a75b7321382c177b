package builtin_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"drawbridge/store/postgres/postgrestest"
	"drawbridge/tools"
	"drawbridge/tools/payment"
	"drawbridge/tools/payment/builtin"
	"drawbridge/tools/sqldb"
)

// exec runs one statement in a transaction of its own.
func (s sandbox) exec(ctx context.Context, statement string) error {
	return s.db.Write(ctx, func(tx sqldb.Tx) error {
		_, err := tx.ExecContext(ctx, statement)
		return err
	})
}

// The database holds the line by itself, whatever the code above it does.
func TestTablesRefuseWhatMustNotBe(t *testing.T) { tablesRefuseWhatMustNotBe(t, open(t)) }

// PostgreSQL names the constraints, where SQLite has other words.
var refusals = map[string]string{"FOREIGN KEY": "foreign key", "UNIQUE": "unique", "CHECK": "check", "amount_minor > 0": "amount_minor_check"}

func TestTablesOfPostgresRefuseWhatMustNotBe(t *testing.T) {
	tablesRefuseWhatMustNotBe(t, openOn(postgrestest.Open(t, builtin.Schema)))
}

func tablesRefuseWhatMustNotBe(t *testing.T, s sandbox) {
	t.Helper()
	if err := s.Seed(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ statement, says string }{
		"refunding above the payment": {
			`UPDATE payment_charges SET refunded_minor = amount_minor + 1 WHERE external_id = 'pi_demo_1001'`, "refunded_at_most_what_was_paid"},
		"refunding below nothing": {
			`UPDATE payment_charges SET refunded_minor = -1 WHERE external_id = 'pi_demo_1001'`, "refunded_at_most_what_was_paid"},
		"refunding a failed payment": {
			`UPDATE payment_charges SET refunded_minor = 1 WHERE external_id = 'pi_demo_1007'`, "refunded_only_if_paid"},
		"a refund of no payment": {
			`INSERT INTO payment_refunds (id, payment_id, amount_minor, reason, note, status, created_at) VALUES ('r', 'pay_none', 1, 'other', '', 'succeeded', 0)`, "FOREIGN KEY"},
		"a refund of nothing": {
			`INSERT INTO payment_refunds SELECT 'r', payment_id, 0, reason, note, status, created_at, NULL FROM payment_refunds`, "amount_minor > 0"},
		"an unknown reason": {
			`UPDATE payment_refunds SET reason = 'whim'`, "CHECK"},
		"a payment in no currency": {
			`UPDATE payment_charges SET currency = 'eur'`, "CHECK"},
		"one reference for two payments": {
			`UPDATE payment_charges SET external_id = 'pi_demo_1001'`, "UNIQUE"},
		"two invoices of one number": {
			`UPDATE payment_invoices SET number = 1 WHERE status <> 'draft'`, "UNIQUE"},
		"a draft with a number": {
			`UPDATE payment_invoices SET number = 99 WHERE status = 'draft'`, "sent_means_numbered_and_due"},
		"an invoice sent without a number": {
			`UPDATE payment_invoices SET status = 'open' WHERE status = 'draft'`, "sent_means_numbered_and_due"},
		"an invoice paid with nothing": {
			`UPDATE payment_invoices SET status = 'paid' WHERE status = 'open'`, "paid_means_a_payment"},
		"a paid invoice made void": {
			`UPDATE payment_invoices SET status = 'void' WHERE status = 'paid'`, "paid_means_a_payment"},
		"a line of no invoice": {
			`INSERT INTO payment_invoice_lines VALUES ('inv_none', 1, 'Work', 1, 1)`, "FOREIGN KEY"},
		"a cancellation without a time": {
			`UPDATE payment_subscriptions SET status = 'canceled' WHERE canceled_at IS NULL`, "canceled_means_a_time"},
		"a dispute without an end": {
			`UPDATE payment_disputes SET respond_by = NULL`, "an_answer_awaited_has_an_end"},
		"two customers of one address": {
			`UPDATE payment_customers SET email = 'ada@example.com'`, "UNIQUE"},
		"losing a customer who paid": {
			`DELETE FROM payment_customers`, "FOREIGN KEY"},
	} {
		if err := s.exec(t.Context(), test.statement); err == nil || !strings.Contains(err.Error(), test.says) && (refusals[test.says] == "" || !strings.Contains(err.Error(), refusals[test.says])) {
			t.Errorf("%s: %v, want a refusal that says %q", name, err, test.says)
		}
	}
}

func TestCreatedRowsCarryTheirKeyOnce(t *testing.T) {
	s := open(t)
	if err := s.Seed(t.Context()); err != nil {
		t.Fatal(err)
	}
	for table, create := range map[string]func(context.Context) error{
		"payment_refunds": func(ctx context.Context) error {
			_, err := s.CreateRefund(ctx, payment.RefundRequest{PaymentID: "pi_demo_1001", AmountMinor: 1, Reason: payment.ReasonOther})
			return err
		},
		"payment_invoices": func(ctx context.Context) error {
			price := payment.Money{AmountMinor: 1, Currency: "EUR"}
			_, err := s.CreateInvoice(ctx, payment.InvoiceRequest{Customer: "cus_demo_ada", Total: price, Lines: []payment.InvoiceLine{{Description: "Work", Quantity: 1, UnitAmount: price.Shown(), Amount: price.Shown()}}})
			return err
		},
		"payment_links": func(ctx context.Context) error {
			_, err := s.CreateLink(ctx, payment.LinkRequest{Amount: payment.Money{AmountMinor: 1, Currency: "EUR"}, Description: "Order"})
			return err
		},
	} {
		key := "key of " + table
		ctx := tools.WithKey(t.Context(), key)
		for range 2 {
			if err := create(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if got := s.count(t, table, key); got != 1 {
			t.Errorf("%s has %d rows of one key", table, got)
		}
		// Even if the recorded result is gone, the key makes no second row.
		if err := s.exec(t.Context(), `DELETE FROM tool_effects`); err != nil {
			t.Fatal(err)
		}
		if err := create(ctx); err == nil || s.count(t, table, key) != 1 {
			t.Errorf("%s took a key twice (%v)", table, err)
		}
	}
}

func (s sandbox) count(t *testing.T, table, key string) (n int) {
	t.Helper()
	query := fmt.Sprintf(`SELECT COUNT(*) FROM %s WHERE idempotency_key = ?`, table)
	if err := s.db.Read().QueryRowContext(t.Context(), query, key).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
