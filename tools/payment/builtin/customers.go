package builtin

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"drawbridge/tools"
	"drawbridge/tools/payment"
	"drawbridge/tools/sqldb"
)

// customerFor finds the customer with a reference or an email. An email nobody
// has makes a new customer called name.
func (b *Backend) customerFor(ctx context.Context, tx sqldb.Tx, ref, name string) (payment.Customer, error) {
	c, err := customerBy(ctx, tx, ref)
	if !errors.Is(err, sql.ErrNoRows) {
		return c, err
	}
	if !strings.Contains(ref, "@") {
		return c, payment.NoSuchCustomer(ref)
	}
	if err := payment.CheckEmail("customer", ref); err != nil {
		return c, err
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

// customerBy is the customer with a reference or an email; sql.ErrNoRows if there is none.
func customerBy(ctx context.Context, db sqldb.Querier, ref string) (c payment.Customer, err error) {
	return c, db.QueryRowContext(ctx, `SELECT reference, name, email FROM payment_customers WHERE reference = ? OR email = lower(?)`, ref, ref).
		Scan(&c.Reference, &c.Name, &c.Email)
}

// UpdateCustomer changes a customer's name or email.
func (b *Backend) UpdateCustomer(ctx context.Context, change payment.CustomerChange) (payment.Customer, error) {
	return sqldb.Once(ctx, b.db, b.now, payment.ToolUpdateCustomer, func(tx sqldb.Tx) (payment.Customer, error) {
		return b.change(ctx, tx, change)
	})
}

func (b *Backend) change(ctx context.Context, tx sqldb.Tx, change payment.CustomerChange) (payment.Customer, error) {
	c, err := customerBy(ctx, tx, change.Customer)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return c, payment.NoSuchCustomer(change.Customer)
	case err != nil:
		return c, err
	}
	if change.Email != "" && change.Email != c.Email {
		switch other, err := customerBy(ctx, tx, change.Email); {
		case err == nil:
			return c, tools.Errorf(tools.Conflict, "email: %s is the address of customer %s already.", change.Email, other.Reference)
		case !errors.Is(err, sql.ErrNoRows):
			return c, err
		}
		c.Email = change.Email
	}
	if change.Name != "" {
		c.Name = change.Name
	}
	_, err = tx.ExecContext(ctx, `UPDATE payment_customers SET name = ?, email = ? WHERE reference = ?`, c.Name, c.Email, c.Reference)
	return c, err
}
