package builtin

import (
	"context"
	"database/sql"
	"errors"
	"net/mail"
	"strings"

	"drawbridge/tools"
	"drawbridge/tools/payment"
	"drawbridge/tools/sqldb"
)

// customerFor finds the customer with a reference or an email. An email nobody
// has makes a new customer called name.
func (b *Backend) customerFor(ctx context.Context, tx sqldb.Tx, ref, name string) (payment.Customer, error) {
	var c payment.Customer
	err := tx.QueryRowContext(ctx, `SELECT reference, name, email FROM payment_customers WHERE reference = ? OR email = lower(?)`, ref, ref).
		Scan(&c.Reference, &c.Name, &c.Email)
	if !errors.Is(err, sql.ErrNoRows) {
		return c, err
	}
	if !strings.Contains(ref, "@") {
		return c, tools.Errorf(tools.NotFound, "customer: there is no customer %q; find one with %s, or give the email address.", ref, payment.ToolSearchPayments)
	}
	if address, err := mail.ParseAddress(ref); err != nil || address.Address != ref {
		return c, tools.Errorf(tools.Invalid, "customer: %q is not a plain email address such as ada@example.com.", ref)
	}
	c = payment.Customer{Name: name, Email: strings.ToLower(ref)}
	if c.Reference, err = newID("cus_"); err != nil {
		return c, err
	}
	return c, b.insertCustomer(ctx, tx, c)
}

func (b *Backend) insertCustomer(ctx context.Context, tx sqldb.Tx, c payment.Customer) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO payment_customers (reference, name, email, created_at) VALUES (?, ?, ?, ?)`,
		c.Reference, c.Name, c.Email, millis(b.now()))
	return err
}
