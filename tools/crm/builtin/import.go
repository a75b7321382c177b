package builtin

import (
	"cmp"
	"context"
	"fmt"

	"drawbridge/tools"
	"drawbridge/tools/crm"
	"drawbridge/tools/sqldb"
)

// Sample is a set of records with ids of their own, such as [Demo].
type Sample struct {
	Customers    []crm.Customer
	Products     []crm.Product
	Orders       []crm.OrderDetails
	Interactions []crm.Interaction
	Tasks        []crm.Task
	Tickets      []crm.Ticket
	Deals        []crm.Deal
}

// onImport leaves a row alone that is there already, whatever became of it.
const onImport = ` ON CONFLICT (id) DO NOTHING`

// Import adds the records of a sample, all or none. A record whose id is known is
// left as it is, so that a second import changes nothing. A record that breaks a
// rule of the tables, such as a taken email address, is an error.
//
// Products and orders have no tool that makes them: this is how they get in.
func (b *Backend) Import(ctx context.Context, s Sample) error {
	ctx = tools.WithKey(ctx, "") // a key belongs to one row, and these are many
	return b.db.Write(ctx, func(tx sqldb.Tx) error {
		// What is referred to goes before what refers to it. All steps are made, the
		// first error is told, and with it nothing stays.
		return cmp.Or(
			importAll(ctx, tx, "customer", s.Customers, insertCustomer),
			importAll(ctx, tx, "product", s.Products, insertProduct),
			importAll(ctx, tx, "order", s.Orders, insertOrder),
			importAll(ctx, tx, "interaction", s.Interactions, insertInteraction),
			importAll(ctx, tx, "task", s.Tasks, insertTask),
			importAll(ctx, tx, "ticket", s.Tickets, insertTicket),
			importAll(ctx, tx, "deal", s.Deals, insertDeal),
		)
	})
}

func importAll[Row any](ctx context.Context, tx sqldb.Tx, what string, rows []Row, insert func(context.Context, sqldb.Tx, Row, string) error) error {
	for i, row := range rows {
		if err := insert(ctx, tx, row, onImport); err != nil {
			return fmt.Errorf("importing %s %d: %w", what, i+1, err)
		}
	}
	return nil
}

func insertOrder(ctx context.Context, tx sqldb.Tx, o crm.OrderDetails, onConflict string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO crm_orders
		(id, number, customer_id, status, delayed, expected_at, flagged, review_reason, amount_minor, currency, note, search_text, placed_at, updated_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`+onConflict,
		o.ID, o.Number, o.CustomerID, string(o.Status), flag(o.Delayed), orNull(millis(o.ExpectedAt)),
		flag(o.FlaggedForReview), o.ReviewReason, o.AmountMinor, o.Currency, o.Note, orderText(o.Order),
		millis(o.PlacedAt), millis(o.UpdatedAt))
	if err != nil {
		return err
	}
	for i, line := range o.Lines {
		_, err := tx.ExecContext(ctx, `INSERT INTO crm_order_lines (order_id, line, product_id, quantity, unit_price_minor)
			VALUES (?, ?, ?, ?, ?) ON CONFLICT (order_id, line) DO NOTHING`,
			o.ID, i+1, line.ProductID, line.Quantity, line.UnitPriceMinor)
		if err != nil {
			return fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	return nil
}
