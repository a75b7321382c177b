package hubspot

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"drawbridge/tools"
	"drawbridge/tools/crm"
)

const orderStage = "hs_pipeline_stage"

func (b *Backend) orderProperties() []string {
	return b.withPlaces([]string{orderStage, "hs_total_price", "hs_currency_code", "hs_order_note", "hs_external_created_date", "hs_createdate", "hs_lastmodifieddate"},
		PlaceOrderNumber, PlaceDelayed, PlaceExpected, PlaceReview)
}

func (b *Backend) orderStatus(r row) crm.OrderStatus {
	return crm.OrderStatus(cmp.Or(b.mapping.Orders.status(r.is(orderStage)), string(crm.OrderPending)))
}

func (b *Backend) orderOf(r row) crm.Order {
	currency := cmp.Or(r.is("hs_currency_code"), b.mapping.Currency)
	o := crm.Order{ID: r.ID, Number: cmp.Or(r.is(b.place(PlaceOrderNumber)), r.ID), CustomerID: r.contact, Status: b.orderStatus(r),
		Delayed: r.is(b.place(PlaceDelayed)) == "true", ExpectedAt: r.time(b.place(PlaceExpected)), ReviewReason: r.is(b.place(PlaceReview)),
		AmountMinor: minor(r.is("hs_total_price"), currency), Currency: currency, Note: r.is("hs_order_note"), PlacedAt: r.time("hs_external_created_date"), UpdatedAt: r.updated()}
	o.FlaggedForReview = o.ReviewReason != ""
	if o.PlacedAt.IsZero() {
		o.PlacedAt = r.created()
	}
	return o
}

// order finds an order by its id or number. Of several with one number it is the one that
// HubSpot got to know last.
func (b *Backend) order(ctx context.Context, ref string) (row, error) {
	if numeric(ref) {
		found, err := b.one(ctx, orders, ref, b.orderProperties(), "order", crm.SearchOrdersTool)
		if !missing(err) {
			return found, err
		}
	}
	number := b.place(PlaceOrderNumber)
	l := listing[row]{
		name: "order", sources: []source{{object: orders, properties: b.orderProperties(), sort: "hs_createdate", groups: [][]filter{{{Property: number, Operator: "EQ", Value: ref}}}, exact: true}},
		look: b.whose(false),
		fits: func(r row) bool { return strings.EqualFold(r.is(number), ref) },
		show: func(_ context.Context, rows []row) ([]row, error) { return rows, nil },
	}
	l.page.Limit = 1
	found, _, err := l.run(ctx, b)
	if err != nil {
		return row{}, err
	}
	if len(found) == 0 {
		return row{}, noSuch("order", ref, crm.SearchOrdersTool)
	}
	return found[0], nil
}

// Order finds one, with its lines.
func (b *Backend) Order(ctx context.Context, ref string) (crm.OrderDetails, error) {
	found, err := b.order(ctx, ref)
	if err != nil {
		return crm.OrderDetails{}, err
	}
	ids, _, err := b.associated(ctx, orders, found.ID, lineItems)
	if err != nil {
		return crm.OrderDetails{}, err
	}
	lines, err := b.batchRead(ctx, lineItems, ids, []string{"hs_product_id", "hs_sku", "name", "quantity", "price"})
	if err != nil {
		return crm.OrderDetails{}, err
	}
	slices.SortFunc(lines, func(x, y record) int { return byID(x.ID, y.ID) })
	details := crm.OrderDetails{Order: b.orderOf(found), Lines: []crm.OrderLine{}}
	for _, line := range lines {
		quantity, _ := strconv.ParseFloat(line.is("quantity"), 64)
		details.Lines = append(details.Lines, crm.OrderLine{ProductID: line.is("hs_product_id"), SKU: line.is("hs_sku"), Name: line.is("name"),
			Quantity: int64(quantity), UnitPriceMinor: minor(line.is("price"), details.Currency)})
	}
	return details, nil
}

// UpdateOrder changes an order's record.
func (b *Backend) UpdateOrder(ctx context.Context, in crm.OrderUpdate) (crm.Order, error) {
	before, err := b.order(ctx, in.Order)
	if err != nil {
		return crm.Order{}, err
	}
	written, err := b.orderChanges(before, in)
	if err != nil {
		return crm.Order{}, err
	}
	if len(written) == 0 {
		return b.orderOf(before), nil
	}
	changed, err := b.update(ctx, orders, before.ID, written)
	if err != nil {
		return crm.Order{}, err
	}
	after := before
	after.record = merged(changed, before.values(), written)
	return b.orderOf(after), nil
}

func (b *Backend) orderChanges(before row, in crm.OrderUpdate) (map[string]string, error) {
	written := map[string]string{}
	put := func(field, what, value string) error {
		name, err := b.placeFor(field, what)
		written[name] = value
		return err
	}
	var err error
	if in.Status != nil && *in.Status != b.orderStatus(before) {
		if written[orderStage], err = b.mapping.Orders.stage("status", string(*in.Status), "orders"); err != nil {
			return nil, err
		}
	}
	if in.Delayed != nil {
		err = put("delayed", PlaceDelayed, strconv.FormatBool(*in.Delayed))
	}
	if in.ExpectedAt != nil && err == nil {
		err = put("expected_at", PlaceExpected, stamp(*in.ExpectedAt))
	}
	if in.FlaggedForReview != nil && err == nil {
		err = put("flagged_for_review", PlaceReview, given(in.ReviewReason))
	}
	return written, err
}

// SearchOrders finds orders, the newest first: the one first that HubSpot got to know last.
func (b *Backend) SearchOrders(ctx context.Context, in crm.OrderSearch) (crm.OrderPage, error) {
	if err := b.known(in); err != nil {
		return crm.OrderPage{}, err
	}
	customer, err := b.personID(ctx, in.Customer)
	if err != nil {
		return crm.OrderPage{}, err
	}
	l := listing[crm.Order]{
		name: "orders", page: in.Page, contact: customer, look: b.whose(in.Query != ""),
		sources: []source{{object: orders, properties: b.orderProperties(), sort: "hs_createdate", groups: b.orderConditions(in), exact: in.Query == ""}},
		fits: func(r row) bool {
			o := b.orderOf(r)
			return (in.Status == "" || o.Status == in.Status) && (!in.Delayed || o.Delayed) && (!in.FlaggedForReview || o.FlaggedForReview) &&
				(in.Since.IsZero() || !o.PlacedAt.Before(in.Since)) && (in.Until.IsZero() || o.PlacedAt.Before(in.Until))
		},
		says: func(r row) bool {
			o := b.orderOf(r)
			return holds(in.Query, o.Number, o.Note, o.ReviewReason, nameOf(r.person), r.person.is("email"), r.person.is("company"))
		},
		show: func(_ context.Context, rows []row) ([]crm.Order, error) {
			list := []crm.Order{}
			for _, r := range rows {
				list = append(list, b.orderOf(r))
			}
			return list, nil
		},
	}
	list, next, err := l.run(ctx, b)
	return crm.OrderPage{Orders: list, NextCursor: next}, err
}

// orderConditions are what HubSpot is asked for. An order says when it was placed in a
// property of its own; where it does not, what counts is when HubSpot got to know it.
func (b *Backend) orderConditions(in crm.OrderSearch) [][]filter {
	var all []filter
	if in.Status != "" {
		all = b.mapping.Orders.among(orderStage, string(crm.OrderPending), string(in.Status))
	}
	if in.Delayed {
		all = append(all, filter{Property: b.place(PlaceDelayed), Operator: "EQ", Value: "true"})
	}
	if in.FlaggedForReview {
		all = append(all, filter{Property: b.place(PlaceReview), Operator: "HAS_PROPERTY"})
	}
	if in.Since.IsZero() && in.Until.IsZero() {
		if len(all) == 0 {
			return nil
		}
		return [][]filter{all}
	}
	const said = "hs_external_created_date"
	groups := [][]filter{slices.Clone(all), append(slices.Clone(all), filter{Property: said, Operator: "NOT_HAS_PROPERTY"})}
	for i, property := range []string{said, "hs_createdate"} {
		if !in.Since.IsZero() {
			groups[i] = append(groups[i], filter{Property: property, Operator: "GTE", Value: milliseconds(in.Since)})
		}
		if !in.Until.IsZero() {
			groups[i] = append(groups[i], filter{Property: property, Operator: "LTE", Value: milliseconds(in.Until)})
		}
	}
	return groups
}

// known refuses a question about what the account keeps nowhere: an empty list would read
// as if no order were late.
func (b *Backend) known(in crm.OrderSearch) error {
	if in.Delayed {
		if _, err := b.placeFor("delayed", PlaceDelayed); err != nil {
			return err
		}
	}
	if in.FlaggedForReview {
		if _, err := b.placeFor("flagged_for_review", PlaceReview); err != nil {
			return err
		}
	}
	return nil
}

// OrderTotals adds up a customer's orders.
func (b *Backend) OrderTotals(ctx context.Context, customerID string) ([]crm.Total, error) {
	sums := map[string]crm.Total{}
	add := func(o crm.Order) {
		if o.Status != crm.OrderCancelled && o.Status != crm.OrderRefunded {
			sum := sums[o.Currency]
			sums[o.Currency] = crm.Total{Currency: o.Currency, Orders: sum.Orders + 1, AmountMinor: sum.AmountMinor + o.AmountMinor}
		}
	}
	ids, more, err := b.associated(ctx, contacts, customerID, orders)
	if err != nil {
		return nil, err
	}
	if more {
		err = b.eachOrder(ctx, customerID, add)
	} else {
		var found []record
		found, err = b.batchRead(ctx, orders, ids, b.orderProperties())
		for _, r := range found {
			add(b.orderOf(row{record: r}))
		}
	}
	totals := []crm.Total{}
	for _, currency := range slices.Sorted(maps.Keys(sums)) {
		totals = append(totals, sums[currency])
	}
	return totals, err
}

// eachOrder goes through the orders of a customer who has very many.
func (b *Backend) eachOrder(ctx context.Context, customerID string, add func(crm.Order)) error {
	in := crm.OrderSearch{Customer: customerID, Page: tools.Page{Limit: batch}}
	for {
		page, err := b.SearchOrders(ctx, in)
		if err != nil {
			return err
		}
		for _, o := range page.Orders {
			add(o)
		}
		if in.Cursor = page.NextCursor; in.Cursor == "" {
			return nil
		}
	}
}
