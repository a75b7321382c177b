package shopifyfake

import (
	"fmt"
	"slices"
	"strings"
)

func (s *Server) queries() object {
	return object{
		"shop":  func(object) any { return object{"currencyCode": "EUR", "name": "Fake"} },
		"order": func(a object) any { return s.renderOrder(s.order(a["id"])) },
		"orders": func(a object) any {
			var list []object
			for _, o := range s.found(a) {
				list = append(list, s.renderOrder(o))
			}
			return connection(list)(a)
		},
		"refund": func(a object) any {
			for _, o := range s.orders {
				for i, r := range o.refunds {
					if r.id == a["id"] {
						return s.renderRefund(o, i)
					}
				}
			}
			return nil
		},
		"fulfillmentOrder": func(a object) any {
			for _, o := range s.orders {
				for _, one := range s.waiting(o) {
					if one["id"] == a["id"] {
						return one
					}
				}
			}
			return nil
		},
		"product": func(a object) any { return s.renderProduct(func(p *Product) bool { return p.id == a["id"] }) },
		"products": func(a object) any {
			query, _ := a["query"].(string)
			var list []object
			for _, p := range s.products {
				if fits(query, map[string]string{"sku": p.SKU, "handle": p.Handle, "status": strings.ToLower(p.Status), "": p.Title}, "") {
					list = append(list, s.renderProduct(func(q *Product) bool { return p == q }))
				}
			}
			slices.Reverse(list)
			return connection(list)(a)
		},
		"productVariant": func(a object) any { return s.renderVariant(func(p *Product) bool { return p.variant == a["id"] }) },
		"productVariants": func(a object) any {
			query, _ := a["query"].(string)
			var list []object
			for _, p := range s.products {
				if fits(query, map[string]string{"sku": p.SKU}, "") {
					list = append(list, s.renderVariant(func(q *Product) bool { return p == q }))
				}
			}
			return connection(list)(a)
		},
		"inventoryItem": func(a object) any { return s.renderItem(func(p *Product) bool { return p.item == a["id"] }) },
	}
}

// found are the orders that a search is for.
func (s *Server) found(a object) []*order {
	query, _ := a["query"].(string)
	var list []*order
	for _, o := range s.orders {
		goods := map[string]string{"UNFULFILLED": "unfulfilled", "PARTIALLY_FULFILLED": "partial", "FULFILLED": "shipped"}[o.goods()]
		text := o.Name + " " + o.Customer + " " + o.Email
		for _, l := range o.lines {
			text += " " + l.Title
		}
		if fits(query, map[string]string{"name": o.Name, "email": o.Email, "financial_status": strings.ToLower(o.status()), "fulfillment_status": goods, "": text},
			o.Created.UTC().Format("2006-01-02T15:04:05Z")) {
			list = append(list, o)
		}
	}
	slices.SortStableFunc(list, func(a, b *order) int { return a.Created.Compare(b.Created) })
	if a["reverse"] == true {
		slices.Reverse(list)
	}
	return list
}

// fits reports whether a thing is one that a search is for: terms that are joined by AND,
// each a quoted text, or a field and its value.
func fits(query string, fields map[string]string, created string) bool {
	if query == "" {
		return true
	}
	for _, term := range strings.Split(query, " AND ") {
		field, value := "", term
		if !strings.HasPrefix(term, `"`) {
			field, value, _ = strings.Cut(term, ":")
		}
		op := strings.TrimRight(value[:min(2, len(value))], `"0123456789abcdefghijklmnopqrstuvwxyz#`)
		if field != "created_at" {
			op = ""
		}
		text := strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(value, op), `"`), `"`))
		held, known := fields[field]
		ok := false
		switch {
		case field == "created_at" && op == ">=":
			ok = created >= text
		case field == "created_at" && op == "<":
			ok = created < text
		case !known:
		case field == "":
			ok = strings.Contains(strings.ToLower(held), strings.ToLower(text))
		default:
			ok = strings.EqualFold(held, text)
		}
		if !ok {
			return false
		}
	}
	return true
}

func (s *Server) renderOrder(o *order) object {
	if o == nil {
		return nil
	}
	var lines, refunds, tx, shipped []object
	for _, l := range o.lines {
		lines = append(lines, renderLine(o, l))
	}
	for i := range o.refunds {
		refunds = append(refunds, s.renderRefund(o, i))
	}
	for _, t := range o.tx {
		tx = append(tx, renderTransaction(o, t))
	}
	for _, r := range o.refunds {
		for _, t := range r.tx {
			tx = append(tx, renderTransaction(o, t))
		}
	}
	for i := range o.shipped {
		shipped = append(shipped, renderFulfilment(o, i))
	}
	disputes := []object{}
	if o.Disputed {
		disputes = append(disputes, object{"id": "gid://shopify/ShopifyPaymentsDispute/1", "initiatedAs": "CHARGEBACK", "status": "NEEDS_RESPONSE"})
	}
	out := object{"id": o.id, "name": o.Name, "createdAt": stamp(o.Created), "cancelledAt": stamp(o.cancelled), "note": orNil(o.Note), "tags": append([]string{}, o.Tags...), "email": orNil(o.Email),
		"currencyCode": "CAD", "presentmentCurrencyCode": o.Currency, "displayFinancialStatus": o.status(), "displayFulfillmentStatus": o.goods(),
		"totalPriceSet": bag(o.total(), o.Currency), "totalReceivedSet": bag(o.received(), o.Currency), "totalRefundedSet": bag(o.refunded(), o.Currency), "disputes": disputes,
		"lineItems": connection(lines), "refunds": firstOf(refunds), "transactions": firstOf(tx), "fulfillments": firstOf(shipped), "fulfillmentOrders": connection(s.waiting(o)),
		"suggestedRefund": func(a object) any { return o.suggested(a) }}
	if o.Customer != "" {
		out["customer"] = object{"id": "gid://shopify/Customer/" + fmt.Sprint(len(o.Customer)), "displayName": o.Customer}
	}
	return out
}

// suggested works a refund out. Prices hold no tax here, and there is no shipping.
func (o *order) suggested(a object) any {
	sum := int64(0)
	if a["suggestFullRefund"] == true {
		for _, l := range o.lines {
			sum += l.Price * int64(l.Quantity-l.refunded)
		}
	} else {
		given, _ := a["refundLineItems"].([]any)
		for _, one := range given {
			in := one.(map[string]any)
			if l := o.line(in["lineItemId"]); l != nil {
				sum += l.Price * int64(min(whole(in["quantity"]), l.Quantity-l.refunded))
			}
		}
	}
	sum = min(sum, o.received()-o.refunded())
	return object{"amountSet": bag(sum, o.Currency), "subtotalSet": bag(sum, o.Currency), "totalTaxSet": bag(0, o.Currency), "shipping": object{"amountSet": bag(0, o.Currency)}}
}

func renderLine(o *order, l *line) object {
	return object{"id": l.id, "name": l.Title, "sku": orNil(l.SKU), "quantity": l.Quantity, "currentQuantity": l.Quantity - l.refunded, "unfulfilledQuantity": l.left(),
		"originalUnitPriceSet": bag(l.Price, o.Currency)}
}

func renderTransaction(o *order, t transaction) object {
	out := object{"id": t.id, "kind": t.kind, "status": t.status, "gateway": "bogus", "amountSet": bag(t.amount, o.Currency)}
	if t.parent != "" {
		out["parentTransaction"] = object{"id": t.parent}
	}
	return out
}

func (s *Server) renderRefund(o *order, i int) object {
	r := o.refunds[i]
	var lines, tx []object
	for _, l := range o.lines {
		if n := r.lines[l.id]; n > 0 {
			lines = append(lines, object{"quantity": n, "lineItem": renderLine(o, l)})
		}
	}
	sum := int64(0)
	for _, t := range r.tx {
		sum += t.amount
		tx = append(tx, renderTransaction(o, t))
	}
	return object{"id": r.id, "note": orNil(r.note), "createdAt": stamp(r.at), "totalRefundedSet": bag(sum, o.Currency), "refundLineItems": connection(lines), "transactions": connection(tx),
		"order": func(object) any { return s.renderOrder(o) }}
}

func renderFulfilment(o *order, i int) object {
	f := o.shipped[i]
	var lines []object
	for _, l := range o.lines {
		if n := f.lines[l.id]; n > 0 {
			lines = append(lines, object{"quantity": n, "lineItem": renderLine(o, l)})
		}
	}
	tracking := []object{}
	if f.tracking != nil {
		tracking = append(tracking, f.tracking)
	}
	return object{"id": f.id, "name": fmt.Sprintf("%s-F%d", o.Name, i+1), "status": "SUCCESS", "createdAt": stamp(f.at), "trackingInfo": firstOf(tracking), "fulfillmentLineItems": connection(lines)}
}

// waiting are an order's fulfillment orders: one a place.
func (s *Server) waiting(o *order) (list []object) {
	places, lines := o.byPlace()
	for i, place := range places {
		status, left := "CLOSED", 0
		var shown []object
		for _, l := range lines[place] {
			left += l.left()
			shown = append(shown, object{"id": strings.Replace(l.id, "LineItem", "FulfillmentOrderLineItem", 1), "remainingQuantity": l.left(), "lineItem": renderLine(o, l)})
		}
		if left > 0 && o.cancelled.IsZero() {
			status = "OPEN"
		}
		list = append(list, object{"id": fmt.Sprintf("%s%d", strings.Replace(o.id, "/Order/", "/FulfillmentOrder/", 1), i), "status": status,
			"assignedLocation": object{"name": place, "location": object{"id": location(place), "name": place}}, "lineItems": connection(shown)})
	}
	return list
}

func location(name string) string { return fmt.Sprintf("gid://shopify/Location/%d", len(name)) }

func (s *Server) product(is func(*Product) bool) *Product {
	if i := slices.IndexFunc(s.products, is); i >= 0 {
		return s.products[i]
	}
	return nil
}

func (p *Product) all() (n int) {
	for _, there := range p.Stock {
		n += there
	}
	return n
}

func (s *Server) renderProduct(is func(*Product) bool) object {
	p := s.product(is)
	if p == nil {
		return nil
	}
	return object{"id": p.id, "title": p.Title, "handle": p.Handle, "status": p.Status, "vendor": "", "productType": "", "tags": []string{}, "totalInventory": p.all(), "createdAt": stamp(p.Created),
		"description": "", "variants": connection([]object{s.renderVariant(is)})}
}

func (s *Server) renderVariant(is func(*Product) bool) object {
	p := s.product(is)
	if p == nil {
		return nil
	}
	return object{"id": p.variant, "title": "Default Title", "sku": p.SKU, "price": decimal(p.Price, "EUR"), "inventoryQuantity": p.all(),
		"inventoryItem": func(object) any { return s.renderItem(is) }}
}

func (s *Server) renderItem(is func(*Product) bool) object {
	p := s.product(is)
	if p == nil {
		return nil
	}
	var levels []object
	for place, n := range p.Stock {
		levels = append(levels, object{"location": object{"id": location(place), "name": place}, "_name": place, "quantities": []object{
			{"name": "available", "quantity": n}, {"name": "on_hand", "quantity": n}, {"name": "committed", "quantity": 0}}})
	}
	slices.SortFunc(levels, func(a, b object) int { return strings.Compare(a["_name"].(string), b["_name"].(string)) })
	return object{"id": p.item, "sku": p.SKU, "inventoryLevels": connection(levels), "inventoryLevel": func(a object) any {
		for _, l := range levels {
			if l["location"].(object)["id"] == a["locationId"] {
				return l
			}
		}
		return nil
	}}
}
