package shop

import (
	"context"
	"strings"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/money"
)

// Customer is who bought, as the shop knows them.
type Customer struct {
	Reference string `json:"reference,omitempty" jsonschema:"The shop's reference of the customer." example:"gid://shopify/Customer/7001"`
	Name      string `json:"name,omitempty" jsonschema:"The customer's name." example:"Ada Example"`
	Email     string `json:"email,omitempty" jsonschema:"The customer's email address, as the order has it." example:"ada@example.com"`
}

// PaidStatus is how the money of an order stands.
type PaidStatus string

// The states of an order's money.
const (
	Pending           PaidStatus = "pending"
	Authorized        PaidStatus = "authorized"
	PartiallyPaid     PaidStatus = "partially_paid"
	Paid              PaidStatus = "paid"
	PartiallyRefunded PaidStatus = "partially_refunded"
	FullyRefunded     PaidStatus = "refunded"
	Voided            PaidStatus = "voided"
	Expired           PaidStatus = "expired"
)

// ShippedStatus is how the goods of an order stand. A backend may have more of them.
type ShippedStatus string

// The states of an order's goods that can be searched for.
const (
	Unfulfilled        ShippedStatus = "unfulfilled"
	PartiallyFulfilled ShippedStatus = "partially_fulfilled"
	FullyFulfilled     ShippedStatus = "fulfilled"
)

// Order is one order. Its sums are in the currency that the customer paid in.
type Order struct {
	ID           string        `json:"id" jsonschema:"The order's id." example:"gid://shopify/Order/5001"`
	Name         string        `json:"name" jsonschema:"The order's name, as customers know it." example:"#1001"`
	Status       PaidStatus    `json:"status" jsonschema:"How its money stands: pending, authorized (held, not taken), partially_paid, paid, partially_refunded, refunded, voided or expired." example:"paid"`
	Shipped      ShippedStatus `json:"fulfilment_status" jsonschema:"How its goods stand: unfulfilled, partially_fulfilled, fulfilled, or another state of the shop's, such as on_hold." example:"unfulfilled"`
	Total        money.Amount  `json:"total" jsonschema:"What it came to when it was ordered."`
	Refunded     money.Amount  `json:"refunded" jsonschema:"What was given back so far."`
	LeftToRefund money.Amount  `json:"left_to_refund" jsonschema:"What was paid and not given back: the most that can be refunded now."`
	Disputed     bool          `json:"disputed" jsonschema:"The customer's bank has taken the money back, for now or for good; such an order cannot be refunded."`
	Customer     Customer      `json:"customer" jsonschema:"Who bought."`
	Note         string        `json:"note,omitempty" jsonschema:"The note on the order; the customer may have written it."`
	Tags         []string      `json:"tags" jsonschema:"Its tags."`
	CreatedAt    time.Time     `json:"created_at" jsonschema:"When it was made. RFC 3339 UTC." format:"date-time"`
	CancelledAt  time.Time     `json:"cancelled_at,omitzero" jsonschema:"When it was cancelled; absent if it was not. RFC 3339 UTC." format:"date-time"`
}

// Settle sets what follows from what was paid and given back: Refunded and LeftToRefund.
func (o *Order) Settle(paid, refunded money.Money) {
	left := max(0, paid.AmountMinor-refunded.AmountMinor)
	if o.Disputed {
		left = 0
	}
	o.Refunded, o.LeftToRefund = refunded.Shown(), money.Money{AmountMinor: left, Currency: paid.Currency}.Shown()
}

// OrderDetails is an order with its lines and refunds.
type OrderDetails struct {
	Order
	Lines   []Line   `json:"lines" jsonschema:"What was ordered."`
	Refunds []Refund `json:"refunds" jsonschema:"Its refunds, oldest first."`
}

// Line is one line of an order.
type Line struct {
	ID        string       `json:"id" jsonschema:"The line's id, for refunds and fulfilments." example:"gid://shopify/LineItem/9001"`
	Title     string       `json:"title" jsonschema:"What it is." example:"Teapot, blue"`
	SKU       string       `json:"sku,omitempty" jsonschema:"Its stock keeping unit." example:"TP-BLUE"`
	VariantID string       `json:"variant_id,omitempty" jsonschema:"The variant that was sold, if there still is one."`
	Quantity  int          `json:"quantity" jsonschema:"How many were ordered."`
	Current   int          `json:"current_quantity" jsonschema:"How many still belong to the order: without those refunded or removed."`
	ToShip    int          `json:"to_ship" jsonschema:"How many are not shipped yet."`
	UnitPrice money.Amount `json:"unit_price" jsonschema:"The price of one, before discounts."`
}

// OrderQuery is a checked search. Zero values do not restrict.
type OrderQuery struct {
	Text    string
	Email   string
	Status  PaidStatus
	Shipped ShippedStatus
	After   time.Time // inclusive
	Before  time.Time // exclusive
	tools.Page
}

// SearchOrdersInput is the input of shop_search_orders.
type SearchOrdersInput struct {
	Text          string        `json:"q,omitempty" jsonschema:"Words to look for: an order's name, a customer's name or address, what was bought." maxLength:"200" example:"teapot"`
	Customer      string        `json:"customer,omitempty" jsonschema:"Only this customer's orders: the exact email address." maxLength:"254" example:"ada@example.com"`
	Status        PaidStatus    `json:"status,omitempty" jsonschema:"Only orders whose money stands so." enum:"pending,authorized,partially_paid,paid,partially_refunded,refunded,voided,expired"`
	Shipped       ShippedStatus `json:"fulfilment_status,omitempty" jsonschema:"Only orders whose goods stand so." enum:"unfulfilled,partially_fulfilled,fulfilled"`
	CreatedAfter  string        `json:"created_after,omitempty" jsonschema:"Only those made at this time or later. RFC 3339." format:"date-time" maxLength:"40" example:"2026-03-01T00:00:00Z"`
	CreatedBefore string        `json:"created_before,omitempty" jsonschema:"Only those made before this time. RFC 3339." format:"date-time" maxLength:"40" example:"2026-04-01T00:00:00Z"`
	tools.Page
}

// SearchOrdersOutput is one page of orders.
type SearchOrdersOutput struct {
	Orders     []Order `json:"orders" jsonschema:"The orders found, newest first."`
	NextCursor string  `json:"next_cursor,omitempty" jsonschema:"Pass as cursor for the next page. Absent on the last page."`
}

// SearchOrders finds orders, newest first.
func (s *Shop) SearchOrders(ctx context.Context, in SearchOrdersInput) (SearchOrdersOutput, error) {
	query, err := in.query()
	if err != nil {
		return SearchOrdersOutput{}, err
	}
	found, err := s.driver.SearchOrders(ctx, query)
	if err != nil {
		return SearchOrdersOutput{}, readError(ToolSearchOrders, err)
	}
	return SearchOrdersOutput{Orders: found.Items, NextCursor: found.Next}, nil
}

func (in SearchOrdersInput) query() (q OrderQuery, err error) {
	q = OrderQuery{Text: strings.TrimSpace(in.Text), Email: strings.TrimSpace(in.Customer), Status: in.Status, Shipped: in.Shipped, Page: in.Page}
	if q.Email != "" && (!strings.Contains(q.Email, "@") || strings.ContainsAny(q.Email, " \t\r\n")) {
		return q, tools.Errorf(tools.Invalid, "customer: %q is not an email address; use q to look for a name.", in.Customer)
	}
	if err := choice("status", in.Status, "", Pending, Authorized, PartiallyPaid, Paid, PartiallyRefunded, FullyRefunded, Voided, Expired); err != nil {
		return q, err
	}
	if err := choice("fulfilment_status", in.Shipped, "", Unfulfilled, PartiallyFulfilled, FullyFulfilled); err != nil {
		return q, err
	}
	if q.After, err = instant("created_after", in.CreatedAfter); err != nil {
		return q, err
	}
	if q.Before, err = instant("created_before", in.CreatedBefore); err != nil {
		return q, err
	}
	if !q.After.IsZero() && !q.Before.IsZero() && !q.After.Before(q.Before) {
		return q, tools.Errorf(tools.Invalid, "created_after: %s is not before created_before %s; nothing could match.", in.CreatedAfter, in.CreatedBefore)
	}
	return q, nil
}

// OrderInput names an order.
type OrderInput struct {
	Order string `json:"order" jsonschema:"The order: its id, or its name such as #1001." minLength:"1" maxLength:"200" example:"#1001"`
}

// GetOrder gives one order with its lines and refunds.
func (s *Shop) GetOrder(ctx context.Context, in OrderInput) (OrderDetails, error) {
	order, err := named("order", in.Order)
	if err != nil {
		return OrderDetails{}, err
	}
	details, err := s.driver.GetOrder(ctx, order)
	if err != nil {
		return OrderDetails{}, readError(ToolGetOrder, err)
	}
	return details, nil
}
