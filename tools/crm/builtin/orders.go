package builtin

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/crm"
	"drawbridge/tools/sqldb"
)

const selectOrders = `SELECT id, number, customer_id, status, delayed, expected_at, flagged, review_reason, amount_minor, currency, note, placed_at, updated_at FROM crm_orders`

var orderList = list[crm.Order, int64]{
	name:   "orders",
	query:  selectOrders,
	key:    "placed_at",
	newest: true,
	scan:   scanOrder,
	at:     func(o crm.Order) (int64, string) { return millis(o.PlacedAt), o.ID },
}

func scanOrder(row scanner) (o crm.Order, err error) {
	var expected, placed, updated sql.NullInt64
	err = row.Scan(&o.ID, &o.Number, &o.CustomerID, &o.Status, &o.Delayed, &expected, &o.FlaggedForReview, &o.ReviewReason,
		&o.AmountMinor, &o.Currency, &o.Note, &placed, &updated)
	o.ExpectedAt, o.PlacedAt, o.UpdatedAt = moment(expected), moment(placed), moment(updated)
	return o, err
}

// SearchOrders finds orders, newest first.
func (b *Backend) SearchOrders(ctx context.Context, in crm.OrderSearch) (crm.OrderPage, error) {
	var where filter
	if err := where.ofCustomer(ctx, b.db.Read(), in.Customer); err != nil {
		return crm.OrderPage{}, err
	}
	where.words(in.Query, true)
	equal(&where, "status", in.Status)
	if in.Delayed {
		where.and("delayed = 1")
	}
	if in.FlaggedForReview {
		where.and("flagged = 1")
	}
	where.during("placed_at", in.Since, in.Until)
	rows, next, err := orderList.page(ctx, b.db.Read(), where, in.Page)
	return crm.OrderPage{Orders: rows, NextCursor: next}, err
}

// Order finds an order by id or number, with its lines.
func (b *Backend) Order(ctx context.Context, ref string) (crm.OrderDetails, error) {
	found, err := order(ctx, b.db.Read(), ref)
	if err != nil {
		return crm.OrderDetails{}, err
	}
	lines, err := collect(ctx, b.db.Read(), scanLine,
		`SELECT p.id, p.sku, p.name, l.quantity, l.unit_price_minor FROM crm_order_lines l
		JOIN crm_products p ON p.id = l.product_id WHERE l.order_id = ? ORDER BY l.line`, found.ID)
	if err != nil {
		return crm.OrderDetails{}, fmt.Errorf("reading the lines of order %s: %w", found.ID, err)
	}
	return crm.OrderDetails{Order: found, Lines: lines}, nil
}

func scanLine(row scanner) (l crm.OrderLine, err error) {
	err = row.Scan(&l.ProductID, &l.SKU, &l.Name, &l.Quantity, &l.UnitPriceMinor)
	return l, err
}

func order(ctx context.Context, db sqldb.Querier, ref string) (crm.Order, error) {
	row := db.QueryRowContext(ctx, selectOrders+` WHERE id = ? OR number = ? ORDER BY CASE WHEN id = ? THEN 0 ELSE 1 END LIMIT 1`, ref, ref, ref)
	return one(row, scanOrder, tools.Errorf(tools.NotFound, "no order %q; search with %s", ref, crm.SearchOrdersTool))
}

// OrderTotals adds up a customer's orders, currency by currency.
func (b *Backend) OrderTotals(ctx context.Context, customerID string) ([]crm.Total, error) {
	return collect(ctx, b.db.Read(), scanTotal,
		`SELECT currency, COUNT(*), SUM(amount_minor) FROM crm_orders
		WHERE customer_id = ? AND status NOT IN ('cancelled', 'refunded') GROUP BY currency ORDER BY currency`, customerID)
}

func scanTotal(row scanner) (t crm.Total, err error) {
	err = row.Scan(&t.Currency, &t.Orders, &t.AmountMinor)
	return t, err
}

// UpdateOrder changes the given fields.
func (b *Backend) UpdateOrder(ctx context.Context, in crm.OrderUpdate) (crm.Order, error) {
	return once(ctx, b, crm.UpdateOrderTool, func(tx sqldb.Tx, at time.Time) (crm.Order, error) {
		o, err := order(ctx, tx, in.Order)
		if err != nil {
			return o, err
		}
		set(&o.Status, in.Status)
		set(&o.Delayed, in.Delayed)
		if in.ExpectedAt != nil {
			o.ExpectedAt = stored(*in.ExpectedAt)
		}
		if in.FlaggedForReview != nil {
			o.FlaggedForReview, o.ReviewReason = *in.FlaggedForReview, ""
		}
		set(&o.ReviewReason, in.ReviewReason)
		o.UpdatedAt = at
		_, err = tx.ExecContext(ctx, `UPDATE crm_orders
			SET status = ?, delayed = ?, expected_at = ?, flagged = ?, review_reason = ?, search_text = ?, updated_at = ? WHERE id = ?`,
			string(o.Status), flag(o.Delayed), orNull(millis(o.ExpectedAt)), flag(o.FlaggedForReview), o.ReviewReason,
			orderText(o), millis(at), o.ID)
		return o, err
	})
}

func orderText(o crm.Order) string { return searchable(o.Number, o.Note, o.ReviewReason) }
