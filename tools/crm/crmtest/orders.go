package crmtest

import (
	"drawbridge/tools"
	"drawbridge/tools/crm"
)

var orderCases = map[string]func(*bench){
	"is found by id and by number, with its lines in order": func(b *bench) {
		ada := b.ada()
		plate, mug := b.product("PLATE-27", 1, 0), b.product("MUG-BLUE", 1, 0)
		placed := b.order(ada, 2, func(o *crm.OrderDetails) {
			o.Delayed, o.ExpectedAt, o.Note = true, day, "Leave it with the neighbour."
			o.Lines = []crm.OrderLine{
				{ProductID: plate.ID, SKU: plate.SKU, Name: plate.Name, Quantity: 2, UnitPriceMinor: 300},
				{ProductID: mug.ID, SKU: mug.SKU, Name: mug.Name, Quantity: 1, UnitPriceMinor: 400},
			}
		})
		b.same("by id", b.orderDetails(placed.ID), placed)
		b.same("by number", b.orderDetails("A-1002"), placed)
	},
	"search filters by customer, status, delay, flag and time, newest first": func(b *bench) {
		ada, bruno := b.ada(), b.bruno()
		b.order(ada, 1, nil)
		b.order(bruno, 2, func(o *crm.OrderDetails) { o.Status = crm.OrderShipped })
		b.order(ada, 3, func(o *crm.OrderDetails) { o.Delayed = true })
		b.order(ada, 4, func(o *crm.OrderDetails) { o.FlaggedForReview, o.ReviewReason = true, "Paid twice" })
		for _, c := range []struct {
			search crm.OrderSearch
			want   []string
		}{
			{crm.OrderSearch{}, []string{"A-1004", "A-1003", "A-1002", "A-1001"}},
			{crm.OrderSearch{Customer: "ada@example.com"}, []string{"A-1004", "A-1003", "A-1001"}},
			{crm.OrderSearch{Status: crm.OrderShipped}, []string{"A-1002"}},
			{crm.OrderSearch{Delayed: true}, []string{"A-1003"}},
			{crm.OrderSearch{FlaggedForReview: true}, []string{"A-1004"}},
			{crm.OrderSearch{Since: day.AddDate(0, 0, 2), Until: day.AddDate(0, 0, 4)}, []string{"A-1003", "A-1002"}},
			{crm.OrderSearch{Query: "paid TWICE"}, []string{"A-1004"}},
			{crm.OrderSearch{Query: "okafor"}, []string{"A-1002"}},
		} {
			b.same(string(encode(b, c.search)), numbersOf(call[crm.OrderPage](b, crm.SearchOrdersTool, c.search)), c.want)
		}
	},
	"update changes what is given and leaves the rest": func(b *bench) {
		placed := b.order(b.ada(), 2, nil)
		changed := b.changeOrder(crm.OrderUpdate{Order: "A-1002", Status: new(crm.OrderShipped), Delayed: new(true), ExpectedAt: new(day)})
		placed.Status, placed.Delayed, placed.ExpectedAt, placed.UpdatedAt = crm.OrderShipped, true, day, changed.UpdatedAt
		b.same("changed", changed, placed.Order)
		b.same("read back", b.orderDetails(placed.ID).Order, placed.Order)
		b.same("on time again", b.changeOrder(crm.OrderUpdate{Order: placed.ID, Delayed: new(false)}).Delayed, false)
	},
	"flag goes with a reason, and takes it along": func(b *bench) {
		b.order(b.ada(), 2, nil)
		flagged := b.changeOrder(crm.OrderUpdate{Order: "A-1002", FlaggedForReview: new(true), ReviewReason: new("Paid twice")})
		b.same("flag", flagged.FlaggedForReview, true)
		b.same("reason", flagged.ReviewReason, "Paid twice")
		settled := b.changeOrder(crm.OrderUpdate{Order: "A-1002", FlaggedForReview: new(false)})
		b.same("flag", settled.FlaggedForReview, false)
		b.same("reason", settled.ReviewReason, "")
	},
	"flag without a reason and reason without a flag are refused": func(b *bench) {
		b.order(b.ada(), 2, nil)
		refused(b, crm.UpdateOrderTool, crm.OrderUpdate{Order: "A-1002", FlaggedForReview: new(true)}, tools.Invalid, "review_reason")
		refused(b, crm.UpdateOrderTool, crm.OrderUpdate{Order: "A-1002", ReviewReason: new("Paid twice")}, tools.Invalid, "flagged_for_review")
		refused(b, crm.UpdateOrderTool, crm.OrderUpdate{Order: "A-1002", FlaggedForReview: new(false), ReviewReason: new("x")}, tools.Invalid)
	},
	"update without a change is refused": func(b *bench) {
		b.order(b.ada(), 2, nil)
		refused(b, crm.UpdateOrderTool, crm.OrderUpdate{Order: "A-1002"}, tools.Invalid, "nothing to change")
	},
}

func (b *bench) orderDetails(ref string) crm.OrderDetails {
	b.Helper()
	return call[crm.OrderDetails](b, crm.GetOrderTool, crm.OrderRef{Order: ref})
}

func (b *bench) changeOrder(u crm.OrderUpdate) crm.Order {
	b.Helper()
	return call[crm.Order](b, crm.UpdateOrderTool, u)
}
