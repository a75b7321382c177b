package shoptest

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/shop"
)

func searchOrders(s *suite) {
	may := func(day int) time.Time { return time.Date(2025, 5, day, 12, 0, 0, 0, time.UTC) }
	s.Place(Order{Name: "#1", Email: "ada@example.com", Created: may(1), Lines: []Line{{Title: "Teapot", Quantity: 1, PriceMinor: 100}}})
	s.Place(Order{Name: "#2", Email: "ben@example.com", Created: may(2), Unpaid: true, Lines: []Line{{Title: `Cup "x" AND y`, Quantity: 1, PriceMinor: 100}}})
	s.Place(Order{Name: "#3", Email: "ada@example.com", Created: may(3), Lines: []Line{{Title: "Cup", Quantity: 1, PriceMinor: 100}}})
	for _, test := range []struct {
		in   args
		want string
	}{
		{args{}, "[#3 #2 #1]"}, {args{"customer": "ada@example.com"}, "[#3 #1]"}, {args{"status": "pending"}, "[#2]"}, {args{"fulfilment_status": "fulfilled"}, "[]"},
		{args{"fulfilment_status": "unfulfilled", "q": "teapot"}, "[#1]"}, {args{"q": `CUP "X"`}, "[#2]"},
		{args{"created_after": "2025-05-02T12:00:00Z"}, "[#3 #2]"}, {args{"created_before": "2025-05-02T12:00:00Z"}, "[#1]"},
	} {
		names := []string{}
		for _, o := range do[shop.SearchOrdersOutput](s, shop.ToolSearchOrders, test.in).Orders {
			names = append(names, o.Name)
		}
		if got := fmt.Sprint(names); got != test.want {
			s.Errorf("%v finds %s, want %s", test.in, got, test.want)
		}
	}
	var names []string
	in := args{"limit": 1}
	for range 4 {
		page := do[shop.SearchOrdersOutput](s, shop.ToolSearchOrders, in)
		for _, o := range page.Orders {
			names = append(names, o.Name)
		}
		if in["cursor"] = page.NextCursor; page.NextCursor == "" {
			break
		}
	}
	if got := fmt.Sprint(names); got != "[#3 #2 #1]" {
		s.Errorf("in pages of one: %s", got)
	}
}

func getOrder(s *suite) {
	id := s.teapots()
	for _, reference := range []string{id, "#1001", "1001"} {
		got := details(s, reference)
		if got.ID != id || got.Status != shop.Paid || got.Total.Display != "EUR 25.00" || got.LeftToRefund.AmountMinor != 2500 || got.Refunded.AmountMinor != 0 || len(got.Lines) != 2 ||
			got.Lines[0].ToShip != 2 || got.Lines[0].UnitPrice.AmountMinor != 1000 || got.Customer.Email != "ada@example.com" || !got.CancelledAt.IsZero() {
			s.Errorf("%s is %+v", reference, got)
		}
	}
	s.refused(tools.NotFound, shop.ToolGetOrder, args{"order": "#999"}, "#999")
	s.refused(tools.NotFound, shop.ToolGetOrder, args{"order": `#1001" OR name:*`}, "there is no order")
}

func updateOrder(s *suite) {
	id := s.teapots()
	got := do[shop.Order](s, shop.ToolUpdateOrder, args{"order": "#1001", "note": "Gift.", "add_tags": []string{"vip", "late"}})
	if got.Note != "Gift." || !slices.Equal(got.Tags, []string{"vip", "late"}) {
		s.Errorf("changed: %+v", got)
	}
	if got = do[shop.Order](s, shop.ToolUpdateOrder, args{"order": id, "remove_tags": []string{"LATE", "none"}}); got.Note != "Gift." || !slices.Equal(got.Tags, []string{"vip"}) {
		s.Errorf("changed again: %+v", got)
	}
}

func cancelOrder(s *suite) {
	id := s.teapots()
	if got := do[shop.Order](s, shop.ToolCancelOrder, args{"order": id, "reason": "customer", "restock": true}); got.CancelledAt.IsZero() || got.LeftToRefund.AmountMinor != 2500 {
		s.Errorf("cancelled: %+v", got)
	}
	s.refused(tools.Conflict, shop.ToolCancelOrder, args{"order": id, "reason": "customer", "restock": true}, "cancelled already")
	shipped := s.teapots()
	do[shop.Fulfilled](s, shop.ToolCreateFulfilment, args{"order": shipped})
	s.refused(tools.Conflict, shop.ToolCancelOrder, args{"order": shipped, "reason": "other", "restock": false}, "was shipped")
}

func fulfil(s *suite) {
	id := s.teapots()
	pot := details(s, id).Lines[0].ID
	in := args{"order": id, "lines": []args{{"line_id": pot, "quantity": 1}}, "tracking_number": "JJD1", "tracking_company": "DHL"}
	got := do[shop.Fulfilled](s, shop.ToolCreateFulfilment, in)
	if len(got.Lines) != 1 || got.Lines[0].Quantity != 1 || len(got.Tracking) != 1 || got.Tracking[0].Number != "JJD1" || got.OrderName != "#1001" {
		s.Errorf("shipped: %+v", got)
	}
	now := do[shop.Shipping](s, shop.ToolListFulfilments, args{"order": id})
	if len(now.Fulfilments) != 1 || len(now.Waiting) != 1 || len(now.Waiting[0].Lines) != 2 || details(s, id).Shipped != shop.PartiallyFulfilled {
		s.Errorf("now: %+v", now)
	}
	s.refused(tools.Conflict, shop.ToolCreateFulfilment, in, "JJD1")
	s.refused(tools.Invalid, shop.ToolCreateFulfilment, args{"order": id, "lines": []args{{"line_id": pot, "quantity": 2}}}, "only 1 can be shipped")
	do[shop.Fulfilled](s, shop.ToolShipAndNotify, args{"order": id})
	s.refused(tools.Conflict, shop.ToolCreateFulfilment, args{"order": id}, "nothing of #1001 is left")
	tool, _ := s.catalog.Lookup(shop.ToolCreateFulfilment)
	if look := tool.LookUp; look != nil {
		shown, _ := json.Marshal(now)
		for number, want := range map[string]bool{"JJD1": true, "JJD2": false} {
			call, _ := json.Marshal(args{"order": id, "tracking_number": number})
			if found, err := look.Found(tools.MadeCall{Arguments: call}, string(shown)); err != nil || found != want {
				s.Errorf("a look-up of %s tells %t, %v", number, found, err)
			}
		}
		if _, err := look.Found(tools.MadeCall{Arguments: json.RawMessage(`{"order":"#1001"}`)}, string(shown)); err == nil {
			s.Error("a look-up without a number tells something")
		}
	}
}

func twoPlaces(s *suite) {
	id := s.Place(Order{Name: "#7", Email: "a@example.com", Lines: []Line{{Title: "A", Quantity: 1, PriceMinor: 1, Location: "Here"}, {Title: "B", Quantity: 1, PriceMinor: 1, Location: "Elsewhere"}}})
	s.refused(tools.Conflict, shop.ToolCreateFulfilment, args{"order": id}, "more than one place")
	for _, line := range details(s, id).Lines {
		do[shop.Fulfilled](s, shop.ToolCreateFulfilment, args{"order": id, "lines": []args{{"line_id": line.ID, "quantity": 1}}})
	}
	if got := details(s, id).Shipped; got != shop.FullyFulfilled {
		s.Errorf("it is %s", got)
	}
}

func stock(s *suite) {
	id := s.Stock("Teapot", "teapot", "TP", map[string]int{"Here": 10, "Elsewhere": 3})
	s.Stock("Cup", "cup", "CUP", map[string]int{"Here": 1})
	if found := do[shop.SearchProductsOutput](s, shop.ToolSearchProducts, args{"sku": "TP"}).Products; len(found) != 1 || found[0].ID != id || found[0].Stock != 13 {
		s.Errorf("found %+v", found)
	}
	product := do[shop.ProductDetails](s, shop.ToolGetProduct, args{"product": "teapot"})
	if product.ID != id || len(product.Variants) != 1 {
		s.Fatalf("the product is %+v", product)
	}
	for _, item := range []string{"TP", product.Variants[0].ID, product.Variants[0].ItemID} {
		if levels := do[shop.GetStockOutput](s, shop.ToolGetStock, args{"item": item}).Levels; len(levels) != 2 {
			s.Errorf("%s is kept at %+v", item, levels)
		}
	}
	s.refused(tools.Invalid, shop.ToolAdjustStock, args{"item": "TP", "delta": 1, "reason": "received"}, "location")
	if got := do[shop.Level](s, shop.ToolAdjustStock, args{"item": "TP", "location": "Here", "delta": -2, "reason": "damaged"}); got.Available != 8 {
		s.Errorf("adjusted: %+v", got)
	}
	s.refused(tools.Conflict, shop.ToolAdjustStock, args{"item": "TP", "location": "Here", "delta": 1, "expected_quantity": 10, "reason": "received"}, "8 of")
	s.refused(tools.Conflict, shop.ToolSetStock, args{"item": "TP", "location": "Here", "quantity": 5, "expected_quantity": 10, "reason": "correction"}, "8 of")
	if got := do[shop.Level](s, shop.ToolSetStock, args{"item": "TP", "location": "Here", "quantity": 5, "expected_quantity": 8, "reason": "correction"}); got.Available != 5 {
		s.Errorf("set: %+v", got)
	}
	s.refused(tools.NotFound, shop.ToolGetStock, args{"item": "NONE"}, "NONE")
}

func refunds(s *suite) {
	id := s.teapots()
	got := do[shop.Refunded](s, shop.ToolCreateRefund, args{"order": "#1001", "amount_minor": 900, "currency": "eur", "note": "Broken."})
	if got.Amount.AmountMinor != 900 || got.Note != "Broken." || got.OrderID != id || got.OrderStatus != shop.PartiallyRefunded || got.LeftToRefund.AmountMinor != 1600 || got.Status != shop.RefundSucceeded {
		s.Errorf("refunded: %+v", got)
	}
	s.refused(tools.Invalid, shop.ToolCreateRefund, args{"order": id, "amount_minor": 1601}, "1600 left")
	if got = do[shop.Refunded](s, shop.ToolCreateRefund, args{"order": id}); got.Amount.AmountMinor != 1600 || got.LeftToRefund.AmountMinor != 0 || got.OrderStatus != shop.FullyRefunded {
		s.Errorf("the rest: %+v", got)
	}
	if after := details(s, id); len(after.Refunds) != 2 || after.Refunded.AmountMinor != 2500 || after.Refunds[0].Note != "Broken." {
		s.Errorf("afterwards: %+v", after)
	}
	s.refused(tools.Conflict, shop.ToolCreateRefund, args{"order": id, "amount_minor": 1}, "is refunded")
}

func refundLines(s *suite) {
	id := s.teapots()
	lines := []args{{"line_id": details(s, id).Lines[0].ID, "quantity": 1}}
	if got := do[shop.Suggestion](s, shop.ToolSuggestRefund, args{"order": id, "lines": lines}); got.Amount.AmountMinor != 1000 || got.Most.AmountMinor != 2500 {
		s.Errorf("suggested: %+v", got)
	}
	if got := do[shop.Suggestion](s, shop.ToolSuggestRefund, args{"order": id}); got.Amount.AmountMinor != 2500 {
		s.Errorf("suggested of all: %+v", got)
	}
	if got := do[shop.Refunded](s, shop.ToolCreateRefund, args{"order": id, "lines": lines}); got.Amount.AmountMinor != 1000 || len(got.Lines) != 1 {
		s.Errorf("refunded: %+v", got)
	}
	if after := details(s, id); after.Lines[0].Current != 1 || after.Lines[0].ToShip != 1 {
		s.Errorf("afterwards: %+v", after.Lines)
	}
}

func refundRefusals(s *suite) {
	id := s.teapots()
	s.refused(tools.Invalid, shop.ToolCreateRefund, args{"order": id, "amount_minor": 0}, "amount_minor: 0")
	s.refused(tools.Invalid, shop.ToolCreateRefund, args{"order": id, "amount_minor": 1, "currency": "USD"}, "paid in EUR")
	s.refused(tools.Invalid, shop.ToolCreateRefund, args{"order": id, "include_shipping": true}, "include_shipping")
	s.refused(tools.NotFound, shop.ToolCreateRefund, args{"order": "#404"}, "#404")
	unpaid := s.Place(Order{Name: "#2", Unpaid: true, Lines: []Line{{Title: "A", Quantity: 1, PriceMinor: 100}}})
	s.refused(tools.Conflict, shop.ToolCreateRefund, args{"order": unpaid}, "is pending")
	disputed := s.Place(Order{Name: "#3", Disputed: true, Lines: []Line{{Title: "A", Quantity: 1, PriceMinor: 100}}})
	s.refused(tools.Conflict, shop.ToolCreateRefund, args{"order": disputed, "amount_minor": 1}, "is disputed")
}

// repeats holds a backend to the keys that it promises.
func repeats(s *suite) {
	id := s.teapots()
	s.Stock("Cup", "cup", "CUP", map[string]int{"Here": 1})
	for tool, in := range map[string]args{
		shop.ToolUpdateOrder:  {"order": id, "note": "x", "add_tags": []string{"a"}},
		shop.ToolSetStock:     {"item": "CUP", "quantity": 4, "expected_quantity": 1, "reason": "correction"},
		shop.ToolCreateRefund: {"order": id, "amount_minor": 100},
	} {
		if !slices.Contains(s.Driver().Traits().Keyed, tool) {
			continue
		}
		ctx := tools.WithKey(s.Context(), "key of "+tool)
		var first json.RawMessage
		for i := range 3 {
			got, err := attempt[json.RawMessage](ctx, s, tool, in)
			if err != nil {
				s.Fatalf("%s, time %d: %v", tool, i, err)
			}
			if first == nil {
				first = got
			}
			if string(got) != string(first) {
				s.Errorf("%s repeated gives %s, not %s", tool, got, first)
			}
		}
	}
	if n := len(details(s, id).Refunds); n > 1 {
		s.Errorf("one key made %d refunds", n)
	}
}

func cursors(s *suite) {
	for _, cursor := range []string{"x", "!!", "bnVsbA", "e30", "W10", "MTc"} {
		s.refused(tools.Invalid, shop.ToolSearchOrders, args{"cursor": cursor}, "cursor:")
		s.refused(tools.Invalid, shop.ToolSearchProducts, args{"cursor": cursor}, "cursor:")
	}
}

func arguments(s *suite) {
	id := s.teapots()
	for _, test := range []struct {
		tool string
		in   args
		says string
	}{
		{shop.ToolGetOrder, args{"order": " "}, "order: is empty"}, {shop.ToolSearchOrders, args{"customer": "Ada"}, "customer:"}, {shop.ToolSearchOrders, args{"status": "done"}, "status:"},
		{shop.ToolSearchOrders, args{"created_after": "today"}, "created_after:"}, {shop.ToolUpdateOrder, args{"order": id}, "nothing is to be changed"},
		{shop.ToolUpdateOrder, args{"order": id, "add_tags": []string{"a,b"}}, "add_tags:"}, {shop.ToolUpdateOrder, args{"order": id, "add_tags": []string{"a"}, "remove_tags": []string{"A"}}, "remove_tags:"},
		{shop.ToolCancelOrder, args{"order": id, "reason": "whim", "restock": true}, "reason:"}, {shop.ToolCreateFulfilment, args{"order": id, "tracking_url": "javascript:x"}, "tracking_url:"},
		{shop.ToolCreateFulfilment, args{"order": id, "lines": []args{{"line_id": "l", "quantity": 0}}}, "lines:"}, {shop.ToolAdjustStock, args{"item": "x", "delta": 0, "reason": "other"}, "delta:"},
		{shop.ToolSetStock, args{"item": "x", "quantity": -1, "expected_quantity": 1, "reason": "other"}, "quantity:"}, {shop.ToolSearchProducts, args{"status": "sold"}, "status:"},
	} {
		s.refused(tools.Invalid, test.tool, test.in, test.says)
	}
}
