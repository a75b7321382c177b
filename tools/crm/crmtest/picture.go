package crmtest

import (
	"fmt"

	"drawbridge/tools/crm"
)

var pictureCases = map[string]func(*bench){
	"new customer has an empty picture": func(b *bench) {
		bruno := b.bruno()
		b.same("picture", b.picture(bruno.ID), crm.CustomerPicture{
			Customer: bruno, OpenTickets: []crm.Ticket{}, RecentInteractions: []crm.Interaction{}, Orders: []crm.Order{}, Totals: []crm.Total{},
			NotKept: b.notKept(),
		})
	},
	"picture holds all of this customer and nothing of another": func(b *bench) {
		b.sumsUp()
		ada, bruno := b.ada(), b.bruno()
		var want crm.CustomerPicture
		for _, owner := range []crm.Customer{bruno, ada} {
			resolved := b.ticket(owner, "Resolved")
			call[crm.Ticket](b, crm.UpdateTicketTool, crm.TicketUpdate{Ticket: resolved.ID, Status: new(crm.TicketResolved)})
			waiting := b.ticket(owner, "Waiting")
			waiting = call[crm.Ticket](b, crm.UpdateTicketTool, crm.TicketUpdate{Ticket: waiting.ID, Status: new(crm.TicketPending)})
			email := call[crm.Interaction](b, crm.LogInteractionTool, crm.InteractionDraft{Customer: owner.ID, Kind: crm.Email, Summary: "Asked"})
			order := b.order(owner, len(owner.Name), nil)
			want = crm.CustomerPicture{
				Customer: owner, OpenTickets: []crm.Ticket{waiting}, RecentInteractions: []crm.Interaction{email},
				Orders: []crm.Order{order.Order}, Totals: []crm.Total{{Currency: "EUR", Orders: 1, AmountMinor: 1000}},
			}
		}
		b.same("picture", b.picture("ada@example.com"), want)
	},
	"totals stand apart by currency and leave out what was cancelled or refunded": func(b *bench) {
		b.sumsUp()
		ada := b.ada()
		for n, amount := range []struct {
			minor    int64
			currency string
			status   crm.OrderStatus
		}{
			{12900, "EUR", crm.OrderDelivered}, {100, "EUR", crm.OrderPending}, {33000, "JPY", crm.OrderPaid},
			{700, "USD", crm.OrderCancelled}, {5000, "EUR", crm.OrderRefunded},
		} {
			b.order(ada, n, func(o *crm.OrderDetails) {
				o.AmountMinor, o.Currency, o.Status = amount.minor, amount.currency, amount.status
			})
		}
		b.same("totals", b.picture(ada.ID).Totals, []crm.Total{
			{Currency: "EUR", Orders: 2, AmountMinor: 13000},
			{Currency: "JPY", Orders: 1, AmountMinor: 33000},
		})
	},
	"long lists are cut to the newest, and the picture says so": func(b *bench) {
		b.sumsUp()
		ada := b.ada()
		for n := range 11 {
			call[crm.Interaction](b, crm.LogInteractionTool, crm.InteractionDraft{
				Customer: ada.ID, Kind: crm.Call, Summary: fmt.Sprintf("Call %d", n), OccurredAt: day.AddDate(0, 0, n),
			})
		}
		for n := range 21 {
			b.order(ada, n, nil)
		}
		picture := b.picture(ada.ID)
		b.same("cut lists", picture.Incomplete, []string{"recent_interactions", "orders"})
		b.same("interactions", len(picture.RecentInteractions), 10)
		b.same("newest", picture.RecentInteractions[0].Summary, "Call 10")
		b.same("orders", len(picture.Orders), 20)
		b.same("total of all orders", picture.Totals, []crm.Total{{Currency: "EUR", Orders: 21, AmountMinor: 21000}})
	},
}

// sumsUp skips the case where the backend does not add up orders.
func (b *bench) sumsUp() {
	b.Helper()
	if _, ok := b.Driver().(crm.Totals); !ok {
		b.Skip("left out: this backend does not add up orders")
	}
}

// notKept are the lists of a picture that the backend does not keep.
func (b *bench) notKept() (lists []string) {
	driver := b.Driver()
	if _, ok := driver.(crm.Tickets); !ok {
		lists = append(lists, "open_tickets")
	}
	if _, ok := driver.(crm.Interactions); !ok {
		lists = append(lists, "recent_interactions")
	}
	if _, ok := driver.(crm.Orders); !ok {
		lists = append(lists, "orders")
	}
	if _, ok := driver.(crm.Totals); !ok {
		lists = append(lists, "totals")
	}
	return lists
}

func (b *bench) picture(ref string) crm.CustomerPicture {
	b.Helper()
	return call[crm.CustomerPicture](b, crm.GetCustomerTool, crm.CustomerRef{Customer: ref})
}
