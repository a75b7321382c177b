package shop

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"drawbridge/tools"
)

// The names of the tools.
const (
	ToolSearchOrders     = "shop_search_orders"
	ToolGetOrder         = "shop_get_order"
	ToolUpdateOrder      = "shop_update_order"
	ToolCancelOrder      = "shop_cancel_order"
	ToolListFulfilments  = "shop_list_fulfilments"
	ToolCreateFulfilment = "shop_create_fulfilment"
	ToolShipAndNotify    = "shop_ship_and_notify"
	ToolSearchProducts   = "shop_search_products"
	ToolGetProduct       = "shop_get_product"
	ToolGetStock         = "shop_get_stock"
	ToolAdjustStock      = "shop_adjust_stock"
	ToolSetStock         = "shop_set_stock"
	ToolSuggestRefund    = "shop_suggest_refund"
	ToolCreateRefund     = "shop_create_refund"
)

// Tools are the family's tools over s's backend. Those whose results show customers' names
// or notes taint: customers write both. Which of the writes honour an idempotency key is the
// backend's to say; see [Traits].
func Tools(s *Shop) []tools.Tool {
	return slices.Concat(orderTools(s), fulfilmentTools(s), stockTools(s), refundTools(s))
}

func orderTools(s *Shop) []tools.Tool {
	cancel := tools.Spec{
		Name:  ToolCancelOrder,
		Title: "Cancel an order",
		Description: "Cancel an order of which nothing was shipped, for good. Money that is only held for it is released; money that was taken is not given back: " +
			"use shop_create_refund for that. The customer is not told.",
		Effect:      tools.Money,
		Idempotent:  s.keyed(ToolCancelOrder),
		Destructive: true,
		Taints:      true,
	}
	if !cancel.Idempotent {
		cancel.Unknown, cancel.LookUp = tools.Check, cancelled
	}
	return []tools.Tool{
		tools.Define(tools.Spec{
			Name:        ToolSearchOrders,
			Title:       "Search orders",
			Description: "Find orders of the shop by customer, state, time or words. Use it when you have no order name. Newest first.",
			Effect:      tools.Read,
			Taints:      true,
		}, s.SearchOrders),
		tools.Define(tools.Spec{
			Name:        ToolGetOrder,
			Title:       "Get an order",
			Description: "Show one order of the shop with its lines, its refunds and what is left to refund. Takes its id or its name, such as #1001. Use it before a refund.",
			Effect:      tools.Read,
			Taints:      true,
		}, s.GetOrder),
		tools.Define(tools.Spec{
			Name:        ToolUpdateOrder,
			Title:       "Note and tag an order",
			Description: "Change an order's note, and add or take away tags. What you leave out stays as it is. Nobody outside is told.",
			Effect:      tools.Write,
			Idempotent:  s.keyed(ToolUpdateOrder),
			Taints:      true,
		}, s.UpdateOrder),
		tools.Define(cancel, s.CancelOrder),
	}
}

func fulfilmentTools(s *Shop) []tools.Tool {
	ship := tools.Spec{
		Name:  ToolCreateFulfilment,
		Title: "Mark goods as shipped",
		Description: "Mark goods of an order as shipped, all that is left or some lines, with the parcel's tracking number. The customer is not told: " +
			"use shop_ship_and_notify for that. Give the tracking number if there is one: by it a lost answer can be looked up.",
		Effect:     tools.Write,
		Idempotent: s.keyed(ToolCreateFulfilment),
	}
	tell := tools.Spec{
		Name:  ToolShipAndNotify,
		Title: "Mark goods as shipped and tell the customer",
		Description: "Mark goods of an order as shipped, all that is left or some lines, and have the shop write to the customer, with the parcel's tracking number. " +
			"Use shop_create_fulfilment where nobody is to be told.",
		Effect:     tools.Message,
		Idempotent: s.keyed(ToolShipAndNotify),
		OpenWorld:  true,
	}
	for _, spec := range []*tools.Spec{&ship, &tell} {
		if !spec.Idempotent {
			spec.Unknown, spec.LookUp = tools.Check, shipped
		}
	}
	return []tools.Tool{
		tools.Define(tools.Spec{
			Name:        ToolListFulfilments,
			Title:       "List fulfilments",
			Description: "Show what was shipped of an order, with tracking numbers, and what is still to be shipped from where.",
			Effect:      tools.Read,
		}, s.ListFulfilments),
		tools.Define(ship, s.CreateFulfilment),
		tools.Define(tell, s.ShipAndNotify),
	}
}

func stockTools(s *Shop) []tools.Tool {
	return []tools.Tool{
		tools.Define(tools.Spec{
			Name:        ToolSearchProducts,
			Title:       "Search products",
			Description: "Find products of the shop by words, stock keeping unit or state. Newest first.",
			Effect:      tools.Read,
		}, s.SearchProducts),
		tools.Define(tools.Spec{
			Name:        ToolGetProduct,
			Title:       "Get a product",
			Description: "Show one product with its variants, their prices and how many can be sold. Takes its id or its handle.",
			Effect:      tools.Read,
		}, s.GetProduct),
		tools.Define(tools.Spec{
			Name:        ToolGetStock,
			Title:       "Get stock",
			Description: "Show how much there is of an item, place by place. Use it before changing a quantity.",
			Effect:      tools.Read,
		}, s.GetStock),
		tools.Define(tools.Spec{
			Name:  ToolAdjustStock,
			Title: "Adjust stock",
			Description: "Change how many of an item can be sold at a place by a difference, such as -2 for two that broke. " +
				"With expected_quantity it happens only if that many could be sold before.",
			Effect:     tools.Write,
			Idempotent: s.keyed(ToolAdjustStock),
		}, s.AdjustStock),
		tools.Define(tools.Spec{
			Name:  ToolSetStock,
			Title: "Set stock",
			Description: "Set how many of an item can be sold at a place, such as after counting. It happens only if expected_quantity is what there was, " +
				"so that nobody's change is overwritten unseen.",
			Effect:     tools.Write,
			Idempotent: s.keyed(ToolSetStock),
		}, s.SetStock),
	}
}

func refundTools(s *Shop) []tools.Tool {
	return []tools.Tool{
		tools.Define(tools.Spec{
			Name:        ToolSuggestRefund,
			Title:       "Suggest a refund",
			Description: "Work out what a refund of an order comes to: of some lines with their taxes, or of all that can be refunded. Changes nothing.",
			Effect:      tools.Read,
		}, s.SuggestRefund),
		tools.Define(tools.Spec{
			Name:  ToolCreateRefund,
			Title: "Refund an order",
			Description: "Give a customer money of an order back, by the way it was paid: a sum, what some lines come to, or all that is left. Never above what is left. " +
				"It cannot be taken back. Goods do not go back into stock: use shop_adjust_stock for that. The customer is not told.",
			Effect:      tools.Money,
			Idempotent:  s.keyed(ToolCreateRefund),
			Destructive: true,
		}, s.CreateRefund),
	}
}

// settling is how long a shop may take to show what was done to it.
const settling = 15 * time.Second

// cancelled looks up whether an order was cancelled. It was not before the call, or the call
// would have been refused.
var cancelled = &tools.LookUp{
	Tool: ToolGetOrder, After: settling, Arguments: sameOrder,
	Found: func(_ tools.MadeCall, result string) (bool, error) {
		var order Order
		if err := json.Unmarshal([]byte(result), &order); err != nil {
			return false, err
		}
		return !order.CancelledAt.IsZero(), nil
	},
}

// shipped looks up whether a parcel is there, by its tracking number: an order has a number
// once (see [CheckFulfilment]). Without a number it cannot be told.
var shipped = &tools.LookUp{
	Tool: ToolListFulfilments, After: settling, Arguments: sameOrder,
	Found: func(call tools.MadeCall, result string) (bool, error) {
		var in CreateFulfilmentInput
		var now Shipping
		if err := errors.Join(json.Unmarshal(call.Arguments, &in), json.Unmarshal([]byte(result), &now)); err != nil {
			return false, err
		}
		if strings.TrimSpace(in.Number) == "" {
			return false, errors.New("the call had no tracking number to know its fulfilment by")
		}
		_, there := now.tracked(strings.TrimSpace(in.Number))
		return there, nil
	},
}

func sameOrder(call tools.MadeCall) (json.RawMessage, error) {
	var in OrderInput
	if err := json.Unmarshal(call.Arguments, &in); err != nil {
		return nil, err
	}
	return json.Marshal(in)
}
