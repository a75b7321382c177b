package builtin

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/crm"
	"drawbridge/tools/sqldb"
)

const selectCustomers = `SELECT id, name, COALESCE(email, ''), phone, company, COALESCE(external_id, ''), stage, note, created_at, updated_at FROM crm_customers`

var customerList = list[crm.Customer, int64]{
	name:   "customers",
	query:  selectCustomers,
	key:    "created_at",
	newest: true,
	scan:   scanCustomer,
	at:     func(c crm.Customer) (int64, string) { return millis(c.CreatedAt), c.ID },
}

func scanCustomer(row scanner) (c crm.Customer, err error) {
	var created, updated sql.NullInt64
	err = row.Scan(&c.ID, &c.Name, &c.Email, &c.Phone, &c.Company, &c.ExternalID, &c.Stage, &c.Note, &created, &updated)
	c.CreatedAt, c.UpdatedAt = moment(created), moment(updated)
	return c, err
}

// SearchCustomers finds customers, newest first.
func (b *Backend) SearchCustomers(ctx context.Context, in crm.CustomerSearch) (crm.CustomerPage, error) {
	var where filter
	where.words(in.Query, false)
	equal(&where, "stage", in.Stage)
	rows, next, err := customerList.page(ctx, b.db.Read(), where, in.Page)
	return crm.CustomerPage{Customers: rows, NextCursor: next}, err
}

// Customer finds a customer by id, email address or external id.
func (b *Backend) Customer(ctx context.Context, ref string) (crm.Customer, error) {
	return customer(ctx, b.db.Read(), ref)
}

// customer prefers an id to an email address, and that to an external id: what
// another system calls its customers must not stand in front of our records.
func customer(ctx context.Context, db sqldb.Querier, ref string) (crm.Customer, error) {
	email := strings.ToLower(ref)
	row := db.QueryRowContext(ctx, selectCustomers+` WHERE id = ? OR email = ? OR external_id = ?
		ORDER BY CASE WHEN id = ? THEN 0 WHEN email = ? THEN 1 ELSE 2 END LIMIT 1`,
		ref, email, ref, ref, email)
	return one(row, scanCustomer, tools.Errorf(tools.NotFound, "no customer %q; search with %s", ref, crm.SearchCustomersTool))
}

// customerID resolves a reference that may be absent.
func customerID(ctx context.Context, db sqldb.Querier, ref string) (string, error) {
	if ref == "" {
		return "", nil
	}
	found, err := customer(ctx, db, ref)
	return found.ID, err
}

// ofCustomer lets through what belongs to the customer referred to, if there is
// a reference. One that fits nobody is an error: an empty list would read as if
// the customer had nothing.
func (f *filter) ofCustomer(ctx context.Context, db sqldb.Querier, ref string) error {
	id, err := customerID(ctx, db, ref)
	equal(f, "customer_id", id)
	return err
}

// CreateCustomer makes a record.
func (b *Backend) CreateCustomer(ctx context.Context, in crm.CustomerDraft) (crm.Customer, error) {
	return once(ctx, b, crm.CreateCustomerTool, func(tx sqldb.Tx, at time.Time) (crm.Customer, error) {
		id, err := newID("cus")
		if err != nil {
			return crm.Customer{}, err
		}
		c := crm.Customer{
			ID: id, Name: in.Name, Email: in.Email, Phone: in.Phone, Company: in.Company, ExternalID: in.ExternalID,
			Stage: in.Stage, Note: in.Note, CreatedAt: at, UpdatedAt: at,
		}
		if err := handlesFree(ctx, tx, c); err != nil {
			return crm.Customer{}, err
		}
		return c, insertCustomer(ctx, tx, c, "")
	})
}

// insertCustomer takes a clause such as onImport, or "".
func insertCustomer(ctx context.Context, tx sqldb.Tx, c crm.Customer, onConflict string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO crm_customers
		(id, name, email, phone, company, external_id, stage, note, search_text, created_at, updated_at, idempotency_key)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`+onConflict,
		c.ID, c.Name, orNull(c.Email), c.Phone, c.Company, orNull(c.ExternalID), string(c.Stage), c.Note,
		customerText(c), millis(c.CreatedAt), millis(c.UpdatedAt), orNull(tools.Key(ctx)))
	return err
}

// UpdateCustomer changes the given fields.
func (b *Backend) UpdateCustomer(ctx context.Context, in crm.CustomerUpdate) (crm.Customer, error) {
	return once(ctx, b, crm.UpdateCustomerTool, func(tx sqldb.Tx, at time.Time) (crm.Customer, error) {
		c, err := customer(ctx, tx, in.Customer)
		if err != nil {
			return c, err
		}
		set(&c.Name, in.Name)
		set(&c.Email, in.Email)
		set(&c.Phone, in.Phone)
		set(&c.Company, in.Company)
		set(&c.ExternalID, in.ExternalID)
		set(&c.Stage, in.Stage)
		set(&c.Note, in.Note)
		c.UpdatedAt = at
		if err := handlesFree(ctx, tx, c); err != nil {
			return c, err
		}
		_, err = tx.ExecContext(ctx, `UPDATE crm_customers
			SET name = ?, email = ?, phone = ?, company = ?, external_id = ?, stage = ?, note = ?, search_text = ?, updated_at = ? WHERE id = ?`,
			c.Name, orNull(c.Email), c.Phone, c.Company, orNull(c.ExternalID), string(c.Stage), c.Note,
			customerText(c), millis(at), c.ID)
		return c, err
	})
}

func customerText(c crm.Customer) string {
	return searchable(c.Name, c.Email, c.Phone, c.Company, c.ExternalID)
}

// handlesFree refuses an email or external id that another customer has, naming
// that customer: this is what a model needs to go on.
func handlesFree(ctx context.Context, tx sqldb.Tx, c crm.Customer) error {
	for _, handle := range []struct{ field, query, value string }{
		{"email", `SELECT id FROM crm_customers WHERE email = ? AND id <> ?`, c.Email},
		{"external_id", `SELECT id FROM crm_customers WHERE external_id = ? AND id <> ?`, c.ExternalID},
	} {
		if handle.value == "" {
			continue
		}
		var owner string
		err := tx.QueryRowContext(ctx, handle.query, handle.value, c.ID).Scan(&owner)
		switch {
		case err == nil:
			return tools.Errorf(tools.Conflict, "%s: %q belongs to customer %s; see it with %s, change it with %s",
				handle.field, handle.value, owner, crm.GetCustomerTool, crm.UpdateCustomerTool)
		case !errors.Is(err, sql.ErrNoRows):
			return fmt.Errorf("looking for the owner of %s: %w", handle.field, err)
		}
	}
	return nil
}
