package salesforce

import (
	"context"
	"slices"
	"strings"

	"drawbridge/tools"
	"drawbridge/tools/crm"
)

func (b *Backend) orderFields() []string {
	return selecting(b.withCurrency([]string{"Id", "OrderNumber", "OrderReferenceNumber", "BillToContactId", "AccountId", "Status", "StatusCode",
		b.field("order_placed_at", "EffectiveDate"), b.field("order_amount", "TotalAmount"), b.field("order_note", "Description"),
		b.fields["order_delayed"], b.fields["order_expected_at"], b.fields["order_flagged"], b.fields["order_review_reason"], "LastModifiedDate"})...)
}

func (b *Backend) order(r record) crm.Order {
	o := crm.Order{
		ID: r.text("Id"), Number: r.text("OrderReferenceNumber"), CustomerID: customerID(r, "BillToContactId"), Status: crm.OrderPaid,
		Delayed: r.flag(b.fields["order_delayed"]), ExpectedAt: r.moment(b.fields["order_expected_at"]),
		FlaggedForReview: r.flag(b.fields["order_flagged"]), ReviewReason: r.text(b.fields["order_review_reason"]),
		Currency: b.currencyOf(r), AmountMinor: r.minor(b.field("order_amount", "TotalAmount"), b.currencyOf(r)), Note: r.text(b.field("order_note", "Description")),
		PlacedAt: r.moment(b.field("order_placed_at", "EffectiveDate")), UpdatedAt: r.moment("LastModifiedDate"),
	}
	if o.Number == "" {
		o.Number = r.text("OrderNumber")
	}
	if meant := b.meant(orderStatus, r.text("Status")); meant != "" {
		o.Status = crm.OrderStatus(meant)
	} else if status, known := statusOfCategory[r.text("StatusCode")]; known {
		o.Status = status
	}
	return o
}

// statusOfCategory is what an order's status is worth that the settings do not know: each
// belongs to one of Salesforce's categories.
var statusOfCategory = map[string]crm.OrderStatus{"Draft": crm.OrderPending, "Activated": crm.OrderPaid, "Canceled": crm.OrderCancelled, "Expired": crm.OrderCancelled}

func (b *Backend) inOrderStatus(status crm.OrderStatus) string {
	named := ""
	if all := b.values[orderStatus][string(status)]; len(all) > 0 {
		named = oneOf("Status", all)
	}
	var categories []string
	for category, is := range statusOfCategory {
		if is == status {
			categories = append(categories, category)
		}
	}
	slices.Sort(categories)
	unknown := noneOf("Status", b.known(orderStatus))
	switch {
	case status == crm.OrderPaid: // and whatever category is new
		return either(named, both(noneOf("StatusCode", []string{"Canceled", "Draft", "Expired"}), unknown))
	case len(categories) > 0:
		return either(named, both(oneOf("StatusCode", categories), unknown))
	case named == "":
		return "Id = null"
	}
	return named
}

// SearchOrders finds orders, newest first.
func (b *Backend) SearchOrders(ctx context.Context, in crm.OrderSearch) (crm.OrderPage, error) {
	var where conditions
	// A note in Salesforce's own field is too long for it to search.
	if err := where.words(in.Query, "OrderNumber", "OrderReferenceNumber", b.fields["order_note"], b.fields["order_review_reason"], "BillToContact.Name", "BillToContact.Email", "Account.Name"); err != nil {
		return crm.OrderPage{}, err
	}
	if err := b.ofCustomer(ctx, &where, in.Customer, "BillToContactId", "AccountId"); err != nil {
		return crm.OrderPage{}, err
	}
	if in.Status != "" {
		where.and(b.inOrderStatus(in.Status))
	}
	for of, asked := range map[string]bool{"order_delayed": in.Delayed, "order_flagged": in.FlaggedForReview} {
		switch field := b.fields[of]; {
		case !asked:
		case field == "":
			return crm.OrderPage{}, noField(map[string]string{"order_delayed": "delayed", "order_flagged": "flagged_for_review"}[of], of)
		default:
			where.and(field + " = true")
		}
	}
	at := b.timeOf("order_placed_at", "EffectiveDate")
	at.during(&where, in.Since, in.Until)
	list := listing[crm.Order]{name: "orders", object: "Order", fields: b.orderFields(), key: at.name, kind: at.kind(), newest: true, absent: true, scan: b.order}
	found, next, err := list.page(ctx, b, where, in.Page)
	return crm.OrderPage{Orders: found, NextCursor: next}, err
}

// find gives the order that a reference means, with more fields if wanted.
func (b *Backend) findOrder(ctx context.Context, ref string, more ...string) (record, error) {
	id := ""
	if isID(ref, ofOrder) {
		id = idIs(ref)
	}
	found, err := b.query(ctx, one("Order", append(b.orderFields(), more...), either(id, "OrderReferenceNumber = "+quote(ref), "OrderNumber = "+quote(ref)))+" ORDER BY CreatedDate, Id LIMIT 20")
	if err != nil {
		return nil, err
	}
	for _, same := range []func(r record) bool{
		func(r record) bool { return id != "" && strings.HasPrefix(r.text("Id"), ref[:15]) },
		func(r record) bool { return strings.EqualFold(r.text("OrderReferenceNumber"), ref) },
		func(r record) bool { return strings.EqualFold(r.text("OrderNumber"), ref) },
	} {
		var fits []record
		for _, r := range found {
			if same(r) {
				fits = append(fits, r)
			}
		}
		if len(fits) > 1 {
			return nil, tools.Errorf(tools.Conflict, "order: %q is the number of several orders; name one by the id: find it with %s", ref, crm.SearchOrdersTool)
		}
		if len(fits) == 1 {
			return fits[0], nil
		}
	}
	return nil, missing("order", ref, crm.SearchOrdersTool)
}

// Order finds an order by id or number, with its lines.
func (b *Backend) Order(ctx context.Context, ref string) (crm.OrderDetails, error) {
	sku := "Product2." + b.field("product_sku", "ProductCode")
	found, err := b.findOrder(ctx, ref, "(SELECT Product2Id, "+sku+", Product2.Name, Quantity, UnitPrice FROM OrderItems ORDER BY OrderItemNumber, Id)")
	if err != nil {
		return crm.OrderDetails{}, err
	}
	lines, err := b.rest(ctx, found.list("OrderItems"))
	if err != nil {
		return crm.OrderDetails{}, err
	}
	out := crm.OrderDetails{Order: b.order(found), Lines: []crm.OrderLine{}}
	for _, r := range lines {
		out.Lines = append(out.Lines, crm.OrderLine{ProductID: r.text("Product2Id"), SKU: r.text(sku), Name: r.text("Product2.Name"),
			Quantity: r.whole("Quantity"), UnitPriceMinor: r.minor("UnitPrice", out.Currency)})
	}
	return out, nil
}

// UpdateOrder changes the given fields of an order.
func (b *Backend) UpdateOrder(ctx context.Context, in crm.OrderUpdate) (crm.Order, error) {
	found, err := b.findOrder(ctx, in.Order)
	if err != nil {
		return crm.Order{}, err
	}
	body := map[string]any{}
	if in.Status != nil {
		if body["Status"], err = b.picked(orderStatus, "status", string(*in.Status)); err != nil {
			return crm.Order{}, err
		}
	}
	var lacking error
	set := func(argument, of string, value any) {
		if field := b.fields[of]; field != "" {
			body[field] = value
		} else if lacking == nil {
			lacking = noField(argument, of)
		}
	}
	if in.Delayed != nil {
		set("delayed", "order_delayed", *in.Delayed)
	}
	if in.ExpectedAt != nil {
		set("expected_at", "order_expected_at", b.timeOf("order_expected_at", "").written(*in.ExpectedAt))
	}
	if in.FlaggedForReview != nil {
		set("flagged_for_review", "order_flagged", *in.FlaggedForReview)
		set("review_reason", "order_review_reason", orNull(given(in.ReviewReason)))
	}
	if lacking != nil {
		return crm.Order{}, lacking
	}
	changed, err := b.update(ctx, "Order", found.text("Id"), nil, body, b.orderFields())
	return shown(changed, err, b.order)
}

// OrderTotals adds up a customer's orders. Salesforce would add amounts of several
// currencies up in the organization's own, so the rows are added up here.
func (b *Backend) OrderTotals(ctx context.Context, customerID string) ([]crm.Total, error) {
	var where conditions
	if err := b.ofCustomer(ctx, &where, customerID, "BillToContactId", "AccountId"); err != nil {
		return nil, err
	}
	where.and("(NOT " + either(b.inOrderStatus(crm.OrderCancelled), b.inOrderStatus(crm.OrderRefunded)) + ")")
	amount := b.field("order_amount", "TotalAmount")
	found, err := b.query(ctx, "SELECT "+strings.Join(b.withCurrency([]string{amount}), ", ")+" FROM Order"+where.where())
	if err != nil {
		return nil, err
	}
	sums := map[string]*crm.Total{}
	for _, r := range found {
		code := b.currencyOf(r)
		if sums[code] == nil {
			sums[code] = &crm.Total{Currency: code}
		}
		sums[code].Orders++
		sums[code].AmountMinor += r.minor(amount, code)
	}
	totals := []crm.Total{}
	for _, sum := range sums {
		totals = append(totals, *sum)
	}
	slices.SortFunc(totals, func(x, y crm.Total) int { return strings.Compare(x.Currency, y.Currency) })
	return totals, nil
}
