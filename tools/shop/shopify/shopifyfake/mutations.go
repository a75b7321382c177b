package shopifyfake

import (
	"fmt"
	"slices"
	"strings"
)

func (s *Server) mutations() object {
	return object{
		"orderUpdate": func(a object) any {
			in := a["input"].(map[string]any)
			o := s.order(in["id"])
			if o == nil {
				return refuse("", []string{"id"}, "Order does not exist.")
			}
			if note, ok := in["note"].(string); ok {
				o.Note = note
			}
			return object{"userErrors": []object{}}
		},
		"tagsAdd":    s.tags(func(tags []string, tag string) []string { return append(without(tags, tag), tag) }),
		"tagsRemove": s.tags(without),
		"orderCancel": func(a object) any {
			o := s.order(a["orderId"])
			switch {
			case o == nil:
				return refuse("NOT_FOUND", []string{"orderId"}, "Order does not exist.")
			case !o.cancelled.IsZero():
				return refuse("INVALID", []string{"orderId"}, "Cannot cancel an order that has already been canceled")
			case len(o.shipped) > 0:
				return refuse("INVALID", []string{"orderId"}, "Cannot cancel an order that has outstanding fulfillments")
			}
			o.cancelled = s.now()
			return object{"job": object{"id": s.id("Job"), "done": false}, "orderCancelUserErrors": []object{}}
		},
		"refundCreate":              func(a object) any { return s.refund(a["input"].(map[string]any)) },
		"fulfillmentCreate":         func(a object) any { return s.fulfil(a["fulfillment"].(map[string]any)) },
		"inventoryAdjustQuantities": func(a object) any { return s.stocked(a["input"].(map[string]any), "changes") },
		"inventorySetQuantities":    func(a object) any { return s.stocked(a["input"].(map[string]any), "quantities") },
	}
}

func without(tags []string, tag string) []string {
	return slices.DeleteFunc(slices.Clone(tags), func(one string) bool { return strings.EqualFold(one, tag) })
}

func (s *Server) tags(change func(tags []string, tag string) []string) func(a object) any {
	return func(a object) any {
		o := s.order(a["id"])
		if o == nil {
			return refuse("", []string{"id"}, "Order does not exist.")
		}
		for _, tag := range a["tags"].([]any) {
			o.Tags = change(o.Tags, tag.(string))
		}
		return object{"userErrors": []object{}}
	}
}

func (s *Server) refund(in object) object {
	o := s.order(in["orderId"])
	if o == nil {
		return refuse("", []string{"orderId"}, "Order does not exist.")
	}
	if in["currency"] != o.Currency {
		return refuse("", []string{"currency"}, "Currency must be the presentment currency of the order")
	}
	r := refund{id: s.id("Refund"), at: s.now(), lines: map[string]int{}}
	r.note, _ = in["note"].(string)
	sum := int64(0)
	given, _ := in["transactions"].([]any)
	for _, one := range given {
		t := one.(map[string]any)
		amount, err := minor(fmt.Sprint(t["amount"]), o.Currency)
		parent := slices.IndexFunc(o.tx, func(paid transaction) bool { return paid.id == t["parentId"] })
		if err != nil || parent < 0 || t["kind"] != "REFUND" || t["orderId"] != o.id {
			return refuse("", []string{"transactions"}, "Transactions require a parent_id associated with the order")
		}
		sum += amount
		r.tx = append(r.tx, transaction{id: s.id("OrderTransaction"), kind: "REFUND", status: "SUCCESS", parent: o.tx[parent].id, amount: amount})
	}
	if left := o.received() - o.refunded(); sum > left {
		return refuse("", nil, fmt.Sprintf("Refund amount $%s is greater than net payment received $%s", decimal(sum, o.Currency), decimal(left, o.Currency)))
	}
	lines, _ := in["refundLineItems"].([]any)
	for _, one := range lines {
		l := o.line(one.(map[string]any)["lineItemId"])
		n := whole(one.(map[string]any)["quantity"])
		if l == nil || n > l.Quantity-l.refunded {
			return refuse("", []string{"refundLineItems"}, "Quantity cannot refund more items than were purchased")
		}
		r.lines[l.id] = n
	}
	for id, n := range r.lines {
		o.line(id).refunded += n
	}
	o.refunds = append(o.refunds, r)
	at := len(o.refunds) - 1
	again := func() object {
		return object{"refund": s.renderRefund(o, at), "order": s.renderOrder(o), "userErrors": []object{}}
	}
	out := again()
	out["_again"] = again
	return out
}

func (s *Server) fulfil(in object) object {
	f := fulfilment{id: s.id("Fulfillment"), at: s.now(), lines: map[string]int{}}
	var of *order
	for _, group := range in["lineItemsByFulfillmentOrder"].([]any) {
		g := group.(map[string]any)
		for _, o := range s.orders {
			for _, w := range s.waiting(o) {
				if w["id"] != g["fulfillmentOrderId"] {
					continue
				}
				if of = o; w["status"] != "OPEN" {
					return refuse("", []string{"fulfillment"}, fmt.Sprintf("Fulfillment order %v has an unfulfillable status= closed.", w["id"]))
				}
			}
		}
		if of == nil {
			return refuse("", []string{"fulfillment"}, "Fulfillment order does not exist.")
		}
		wanted, _ := g["fulfillmentOrderLineItems"].([]any)
		for _, one := range wanted {
			l := of.line(strings.Replace(fmt.Sprint(one.(map[string]any)["id"]), "FulfillmentOrderLineItem", "LineItem", 1))
			n := whole(one.(map[string]any)["quantity"])
			if l == nil || n < 1 || n > l.left() {
				return refuse("", []string{"fulfillment"}, "Invalid fulfillment order line item quantity requested.")
			}
			f.lines[l.id] = n
		}
	}
	for id, n := range f.lines {
		of.line(id).shipped += n
	}
	if tracking, ok := in["trackingInfo"].(map[string]any); ok {
		f.tracking = tracking
	}
	if in["notifyCustomer"] == true {
		s.notified++
	}
	of.shipped = append(of.shipped, f)
	return object{"fulfillment": renderFulfilment(of, len(of.shipped)-1), "userErrors": []object{}}
}

var reasons = []string{"correction", "cycle_count_available", "damaged", "movement_created", "other", "promotion", "quality_control", "received", "restock", "safety_stock", "shrinkage"}

func (s *Server) stocked(in object, list string) object {
	if !slices.Contains(reasons, fmt.Sprint(in["reason"])) {
		return refuse("INVALID_REASON", []string{"input", "reason"}, "The specified reason is invalid.")
	}
	var changes []object
	for i, one := range in[list].([]any) {
		c := one.(map[string]any)
		at := func(name string) []string { return []string{"input", list, fmt.Sprint(i), name} }
		is := func(p *Product) bool { return p.item == c["inventoryItemId"] }
		p := s.product(is)
		if p == nil {
			return refuse("INVALID_INVENTORY_ITEM", at("inventoryItemId"), "The specified inventory item could not be found.")
		}
		place := ""
		for name := range p.Stock {
			if location(name) == c["locationId"] {
				place = name
			}
		}
		if place == "" {
			return refuse("ITEM_NOT_STOCKED_AT_LOCATION", at("locationId"), "The specified inventory item is not stocked at the location.")
		}
		from, given := c["changeFromQuantity"]
		if !given {
			return refuse("CHANGE_FROM_QUANTITY_STALE", at("changeFromQuantity"), "The changeFromQuantity argument has to be given.")
		}
		if from != nil && whole(from) != p.Stock[place] {
			return refuse("CHANGE_FROM_QUANTITY_STALE", at("changeFromQuantity"), "The changeFromQuantity argument no longer matches the persisted quantity.")
		}
		if list == "quantities" {
			p.Stock[place] = whole(c["quantity"])
		} else {
			p.Stock[place] += whole(c["delta"])
		}
		changes = append(changes, object{"name": "available", "item": func(object) any { return s.renderItem(is) }})
	}
	again := func() object {
		return object{"inventoryAdjustmentGroup": object{"id": "gid://shopify/InventoryAdjustmentGroup/1", "changes": changes}, "userErrors": []object{}}
	}
	out := again()
	out["_again"] = again
	return out
}
