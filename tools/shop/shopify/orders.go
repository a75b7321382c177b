package shopify

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/money"
	"drawbridge/tools/shop"
)

// bag is a sum as Shopify gives it, in the currency that the customer pays in.
type bag struct {
	Money struct {
		Amount   string `json:"amount"`
		Currency string `json:"currencyCode"`
	} `json:"presentmentMoney"`
}

func (b bag) sum() (money.Money, error) {
	m, err := money.Decimal(b.Money.Amount, b.Money.Currency)
	if err != nil {
		return m, fmt.Errorf("reading a sum of Shopify's: %v", err) // it is no fault of the caller's
	}
	return m, nil
}

// sums reads several of one kind of thing.
func sums(bags ...bag) ([]money.Money, error) {
	all := make([]money.Money, len(bags))
	var errs []error
	for i, b := range bags {
		m, err := b.sum()
		all[i], errs = m, append(errs, err)
	}
	return all, errors.Join(errs...)
}

type list[T any] struct {
	Nodes []T `json:"nodes"`
	Page  struct {
		More bool   `json:"hasNextPage"`
		End  string `json:"endCursor"`
	} `json:"pageInfo"`
}

type ref struct {
	ID string `json:"id"`
}

type order struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Created   time.Time `json:"createdAt"`
	Cancelled time.Time `json:"cancelledAt"`
	Note      string    `json:"note"`
	Tags      []string  `json:"tags"`
	Email     string    `json:"email"`
	Paid      string    `json:"displayFinancialStatus"`
	Shipped   string    `json:"displayFulfillmentStatus"`
	Customer  struct {
		ID   string `json:"id"`
		Name string `json:"displayName"`
	} `json:"customer"`
	Total    bag `json:"totalPriceSet"`
	Received bag `json:"totalReceivedSet"`
	Refunded bag `json:"totalRefundedSet"`
	Disputes []struct {
		Status string `json:"status"`
		Kind   string `json:"initiatedAs"`
	} `json:"disputes"`
}

// shown is an order as the family knows it.
func (o *order) shown() (shop.Order, error) {
	out := shop.Order{ID: o.ID, Name: o.Name, Status: shop.PaidStatus(strings.ToLower(o.Paid)), Shipped: shop.ShippedStatus(strings.ToLower(o.Shipped)),
		Customer: shop.Customer{Reference: o.Customer.ID, Name: o.Customer.Name, Email: o.Email}, Note: o.Note, Tags: o.Tags, CreatedAt: o.Created.UTC(), CancelledAt: o.Cancelled.UTC()}
	if out.Tags == nil {
		out.Tags = []string{}
	}
	for _, d := range o.Disputes {
		// An inquiry takes no money, and a dispute that was won gives it back.
		if d.Kind != "INQUIRY" && d.Status != "WON" && d.Status != "PREVENTED" {
			out.Disputed = true
		}
	}
	all, err := sums(o.Total, o.Received, o.Refunded)
	if err != nil {
		return out, err
	}
	out.Total = all[0].Shown()
	out.Settle(all[1], all[2])
	return out, nil
}

type line struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	SKU       string `json:"sku"`
	Quantity  int    `json:"quantity"`
	Current   int    `json:"currentQuantity"`
	Unshipped int    `json:"unfulfilledQuantity"`
	Variant   ref    `json:"variant"`
	Price     bag    `json:"originalUnitPriceSet"`
}

func (l line) shown() (shop.Line, error) {
	price, err := l.Price.sum()
	return shop.Line{ID: l.ID, Title: l.Name, SKU: l.SKU, VariantID: l.Variant.ID, Quantity: l.Quantity, Current: l.Current, ToShip: l.Unshipped, UnitPrice: price.Shown()}, err
}

// orderID finds the id of an order by what it is called: by its id, or by its name with or
// without the #.
func (b *Backend) orderID(ctx context.Context, reference string) (string, error) {
	if strings.HasPrefix(reference, "gid://") {
		if kind(reference) != "Order" {
			return "", tools.Errorf(tools.Invalid, "order: %q is the id of something else; want an order's id, or its name such as #1001.", reference)
		}
		return reference, nil
	}
	names := []string{reference}
	if !strings.HasPrefix(reference, "#") {
		names = append(names, "#"+reference)
	}
	for _, name := range names {
		var found struct {
			Orders list[order] `json:"orders"`
		}
		if err := b.run(ctx, orderNamed, variables{"query": "name:" + term(name)}, &found); err != nil {
			return "", err
		}
		id := ""
		for _, o := range found.Orders.Nodes {
			if !strings.EqualFold(strings.TrimPrefix(o.Name, "#"), strings.TrimPrefix(reference, "#")) {
				continue
			}
			if id != "" {
				return "", tools.Errorf(tools.Invalid, "order: there is more than one order %q; give the id of one of %s, %s.", reference, id, o.ID)
			}
			id = o.ID
		}
		if id != "" {
			return id, nil
		}
	}
	return "", shop.NoSuchOrder(reference)
}

// about asks an operation about an order, by its reference. found is where the order is in
// out, and nil if there is none.
func about[T any](ctx context.Context, b *Backend, op operation, reference string, vars variables) (*T, error) {
	id, err := b.orderID(ctx, reference)
	if err != nil {
		return nil, err
	}
	if vars == nil {
		vars = variables{}
	}
	vars["id"] = id
	var out struct {
		Order *T `json:"order"`
	}
	switch err := b.run(ctx, op, vars, &out); {
	case tools.CodeOf(err) == tools.NotFound || err == nil && out.Order == nil:
		return nil, shop.NoSuchOrder(reference)
	case err != nil:
		return nil, err
	}
	return out.Order, nil
}

// order reads one alone.
func (b *Backend) order(ctx context.Context, reference string) (shop.Order, error) {
	o, err := about[order](ctx, b, orderAlone, reference, nil)
	if err != nil {
		return shop.Order{}, err
	}
	return o.shown()
}

// SearchOrders finds orders, newest first. Shopify's index may be some seconds behind.
func (b *Backend) SearchOrders(ctx context.Context, query shop.OrderQuery) (shop.List[shop.Order], error) {
	var terms []string
	for name, value := range map[string]string{"email": query.Email, "financial_status": string(query.Status), "": query.Text} {
		if value != "" {
			terms = append(terms, strings.TrimPrefix(name+":"+term(value), ":"))
		}
	}
	switch query.Shipped {
	case "":
	case shop.PartiallyFulfilled:
		terms = append(terms, "fulfillment_status:partial")
	case shop.FullyFulfilled:
		terms = append(terms, "fulfillment_status:shipped")
	default:
		terms = append(terms, "fulfillment_status:"+term(string(query.Shipped)))
	}
	if !query.After.IsZero() {
		terms = append(terms, "created_at:>="+term(stamp(query.After)))
	}
	if !query.Before.IsZero() {
		terms = append(terms, "created_at:<"+term(stamp(query.Before)))
	}
	return listing[order, shop.Order]{op: ordersFound, root: "orders", page: query.Page, show: func(o *order) (shop.Order, error) { return o.shown() }}.run(ctx, b, terms)
}

func stamp(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05Z") }

// GetOrder gives an order with its lines and refunds.
func (b *Backend) GetOrder(ctx context.Context, reference string) (shop.OrderDetails, error) {
	type full struct {
		order
		Lines   list[line] `json:"lineItems"`
		Refunds []refund   `json:"refunds"`
	}
	found, err := about[full](ctx, b, orderInFull, reference, nil)
	if err != nil {
		return shop.OrderDetails{}, err
	}
	details := shop.OrderDetails{Lines: []shop.Line{}, Refunds: []shop.Refund{}}
	if details.Order, err = found.shown(); err != nil {
		return details, err
	}
	for lines := found.Lines; ; {
		for _, l := range lines.Nodes {
			one, err := l.shown()
			if err != nil {
				return details, err
			}
			details.Lines = append(details.Lines, one)
		}
		if !lines.Page.More {
			break
		}
		more, err := about[full](ctx, b, moreLines, found.ID, variables{"after": lines.Page.End})
		if err != nil {
			return details, err
		}
		lines = more.Lines
	}
	for _, r := range found.Refunds {
		one, err := r.shown()
		if err != nil {
			return details, err
		}
		details.Refunds = append(details.Refunds, one)
	}
	return details, nil
}
