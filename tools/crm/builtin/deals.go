package builtin

import (
	"context"
	"database/sql"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/crm"
	"drawbridge/tools/sqldb"
)

const selectDeals = `SELECT id, customer_id, title, amount_minor, currency, stage, owner, close_by, created_at, updated_at FROM crm_deals`

var dealList = list[crm.Deal, int64]{
	name:   "deals",
	query:  selectDeals,
	key:    "created_at",
	newest: true,
	scan:   scanDeal,
	at:     func(d crm.Deal) (int64, string) { return millis(d.CreatedAt), d.ID },
}

func scanDeal(row scanner) (d crm.Deal, err error) {
	var closeBy, created, updated sql.NullInt64
	err = row.Scan(&d.ID, &d.CustomerID, &d.Title, &d.AmountMinor, &d.Currency, &d.Stage, &d.Owner, &closeBy, &created, &updated)
	d.CloseBy, d.CreatedAt, d.UpdatedAt = moment(closeBy), moment(created), moment(updated)
	return d, err
}

// CreateDeal records a deal.
func (b *Backend) CreateDeal(ctx context.Context, in crm.DealDraft) (crm.Deal, error) {
	return once(ctx, b, crm.CreateDealTool, func(tx sqldb.Tx, at time.Time) (crm.Deal, error) {
		owner, err := customer(ctx, tx, in.Customer)
		if err != nil {
			return crm.Deal{}, err
		}
		id, err := newID("deal")
		if err != nil {
			return crm.Deal{}, err
		}
		d := crm.Deal{
			ID: id, CustomerID: owner.ID, Title: in.Title, AmountMinor: in.AmountMinor, Currency: in.Currency,
			Stage: in.Stage, Owner: in.Owner, CloseBy: stored(in.CloseBy), CreatedAt: at, UpdatedAt: at,
		}
		return d, insertDeal(ctx, tx, d, "")
	})
}

func insertDeal(ctx context.Context, tx sqldb.Tx, d crm.Deal, onConflict string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO crm_deals
		(id, customer_id, title, amount_minor, currency, stage, owner, close_by, search_text, created_at, updated_at, idempotency_key)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`+onConflict,
		d.ID, d.CustomerID, d.Title, d.AmountMinor, d.Currency, string(d.Stage), d.Owner, orNull(millis(d.CloseBy)),
		searchable(d.Title), millis(d.CreatedAt), millis(d.UpdatedAt), orNull(tools.Key(ctx)))
	return err
}

// UpdateDeal changes the given fields.
func (b *Backend) UpdateDeal(ctx context.Context, in crm.DealUpdate) (crm.Deal, error) {
	return once(ctx, b, crm.UpdateDealTool, func(tx sqldb.Tx, at time.Time) (crm.Deal, error) {
		d, err := one(tx.QueryRowContext(ctx, selectDeals+` WHERE id = ?`, in.Deal), scanDeal,
			tools.Errorf(tools.NotFound, "no deal %q; search with %s", in.Deal, crm.SearchDealsTool))
		if err != nil {
			return d, err
		}
		set(&d.Title, in.Title)
		set(&d.AmountMinor, in.AmountMinor)
		set(&d.Currency, in.Currency)
		set(&d.Stage, in.Stage)
		set(&d.Owner, in.Owner)
		if in.CloseBy != nil {
			d.CloseBy = stored(*in.CloseBy)
		}
		d.UpdatedAt = at
		_, err = tx.ExecContext(ctx, `UPDATE crm_deals
			SET title = ?, amount_minor = ?, currency = ?, stage = ?, owner = ?, close_by = ?, search_text = ?, updated_at = ? WHERE id = ?`,
			d.Title, d.AmountMinor, d.Currency, string(d.Stage), d.Owner, orNull(millis(d.CloseBy)), searchable(d.Title), millis(at), d.ID)
		return d, err
	})
}

// SearchDeals finds deals, newest first.
func (b *Backend) SearchDeals(ctx context.Context, in crm.DealSearch) (crm.DealPage, error) {
	var where filter
	if err := where.ofCustomer(ctx, b.db.Read(), in.Customer); err != nil {
		return crm.DealPage{}, err
	}
	where.words(in.Query, true)
	equal(&where, "stage", in.Stage)
	equal(&where, "owner", in.Owner)
	rows, next, err := dealList.page(ctx, b.db.Read(), where, in.Page)
	return crm.DealPage{Deals: rows, NextCursor: next}, err
}
