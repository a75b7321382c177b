package builtin

import (
	"fmt"
	"time"

	"drawbridge/tools/crm"
)

// Demo is a small tableware shop: six customers with orders in three currencies,
// among them a late order, one flagged for review, and products running out. It
// is the same on every call with the same time, which is taken for the present.
func Demo(at time.Time) Sample {
	ago := func(days, hours int) time.Time {
		return stored(at.Add(-time.Duration(24*days+hours) * time.Hour))
	}
	return Sample{
		Customers:    demoCustomers(ago),
		Products:     demoProducts(),
		Orders:       demoOrders(ago),
		Interactions: demoInteractions(ago),
		Tasks:        demoTasks(ago),
		Tickets:      demoTickets(ago),
		Deals:        demoDeals(ago),
	}
}

// past gives the time so many days and hours before the present.
type past func(days, hours int) time.Time

// demoID is an id in the form of a real one.
func demoID(prefix string, n int) string {
	return fmt.Sprintf("%s_0190c0de000070008000%012x", prefix, n)
}

// The customers of the demo, by the number in their ids.
const (
	ada = iota + 1
	bruno
	chiara
	asa
	emi
	farid
)

func demoCustomers(ago past) []crm.Customer {
	person := func(n int, days int, c crm.Customer) crm.Customer {
		c.ID, c.CreatedAt, c.UpdatedAt = demoID("cus", n), ago(days, 0), ago(days, 0)
		return c
	}
	return []crm.Customer{
		person(ada, 410, crm.Customer{Name: "Ada Lindqvist", Email: "ada@example.com", Phone: "+46 8 555 0101", Company: "Café Nordlys", ExternalID: "cus_demo_ada", Stage: crm.Active, Note: "Prefers email. Opens a second café in autumn."}),
		person(bruno, 260, crm.Customer{Name: "Bruno Okafor", Email: "bruno@example.org", Phone: "+234 1 555 0102", Company: "Okafor Hotels", ExternalID: "cus_demo_bruno", Stage: crm.Active}),
		person(chiara, 190, crm.Customer{Name: "Chiara Rossi", Email: "chiara@example.com", Company: "Trattoria Rossi", ExternalID: "cus_demo_chiara", Stage: crm.Active}),
		person(asa, 150, crm.Customer{Name: "Åsa Dahl", Email: "asa@example.org", Phone: "+46 31 555 0104", ExternalID: "cus_demo_asa", Stage: crm.Former}),
		person(emi, 45, crm.Customer{Name: "Emi Tanaka", Email: "emi@example.com", Company: "Tanaka Tea House", ExternalID: "cus_demo_emi", Stage: crm.Active}),
		person(farid, 6, crm.Customer{Name: "Farid Haddad", Email: "farid@example.org", Company: "Haddad Catering", Stage: crm.Lead, Note: "Met at the spring fair."}),
	}
}

// The products of the demo, by the number in their ids.
const (
	mug = iota + 1
	plate
	bowl
	teapot
	pitcher
)

func demoProducts() []crm.Product {
	return []crm.Product{
		{ID: demoID("prd", mug), SKU: "MUG-BLUE", Name: "Blue mug", Description: "Hand-thrown stoneware, 3 dl, dishwasher safe.", PriceMinor: 1450, Currency: "EUR", Stock: 240, ReorderAt: 50},
		{ID: demoID("prd", plate), SKU: "PLATE-27", Name: "Dinner plate 27 cm", Description: "Stoneware with a white glaze.", PriceMinor: 2200, Currency: "EUR", Stock: 12, ReorderAt: 40},
		{ID: demoID("prd", bowl), SKU: "BOWL-M", Name: "Medium bowl", Description: "Stoneware, 6 dl.", PriceMinor: 1800, Currency: "EUR", Stock: 95, ReorderAt: 30},
		{ID: demoID("prd", teapot), SKU: "TEAPOT-1L", Name: "Teapot 1 l", Description: "Cast iron, with a steel strainer.", PriceMinor: 6900, Currency: "EUR", Stock: 0, ReorderAt: 5},
		{ID: demoID("prd", pitcher), SKU: "PITCHER-15", Name: "Pitcher 1.5 l", Description: "Clear glass.", PriceMinor: 3400, Currency: "EUR", Stock: 31, ReorderAt: 10},
	}
}

func demoOrders(ago past) []crm.OrderDetails {
	line := func(product int, quantity, price int64) crm.OrderLine {
		return crm.OrderLine{ProductID: demoID("prd", product), Quantity: quantity, UnitPriceMinor: price}
	}
	order := func(n, customer int, placed time.Time, o crm.Order, lines ...crm.OrderLine) crm.OrderDetails {
		o.ID, o.Number, o.CustomerID = demoID("ord", n), fmt.Sprintf("A-%d", 1000+n), demoID("cus", customer)
		o.PlacedAt, o.UpdatedAt = placed, placed
		return crm.OrderDetails{Order: o, Lines: lines}
	}
	return []crm.OrderDetails{
		order(1, ada, ago(90, 3), crm.Order{Status: crm.OrderDelivered, AmountMinor: 34800, Currency: "EUR"},
			line(mug, 24, 1450)),
		order(2, ada, ago(16, 5), crm.Order{Status: crm.OrderPaid, Delayed: true, ExpectedAt: ago(-3, 0), AmountMinor: 46900, Currency: "EUR", Note: "Please deliver before ten, the café is closed in the afternoon."},
			line(plate, 20, 2200), line(bowl, 1, 1800)),
		order(3, bruno, ago(9, 2), crm.Order{Status: crm.OrderPaid, FlaggedForReview: true, ReviewReason: "Paid twice", AmountMinor: 68000, Currency: "EUR"},
			line(pitcher, 20, 3400)),
		order(4, chiara, ago(5, 7), crm.Order{Status: crm.OrderShipped, ExpectedAt: ago(-1, 0), AmountMinor: 18000, Currency: "EUR"},
			line(bowl, 10, 1800)),
		order(5, emi, ago(4, 1), crm.Order{Status: crm.OrderPaid, Delayed: true, AmountMinor: 33000, Currency: "JPY", Note: "A present: no invoice in the box, please."},
			line(teapot, 3, 11000)),
		order(6, asa, ago(60, 0), crm.Order{Status: crm.OrderCancelled, AmountMinor: 4400, Currency: "EUR"},
			line(plate, 2, 2200)),
		order(7, ada, ago(2, 4), crm.Order{Status: crm.OrderPending, AmountMinor: 7900, Currency: "USD"},
			line(teapot, 1, 7900)),
	}
}

func demoInteractions(ago past) []crm.Interaction {
	said := func(n, customer int, at time.Time, i crm.Interaction) crm.Interaction {
		i.ID, i.CustomerID, i.OccurredAt, i.CreatedAt = demoID("int", n), demoID("cus", customer), at, at
		return i
	}
	return []crm.Interaction{
		said(1, ada, ago(88, 2), crm.Interaction{Kind: crm.Review, Sentiment: crm.Positive, Summary: "Five stars for the blue mugs", Body: "Two dozen mugs, not one chipped, and our guests ask where they are from."}),
		said(2, ada, ago(3, 6), crm.Interaction{Kind: crm.Email, Sentiment: crm.Negative, Summary: "Asked where order A-1002 is", Body: "Hello, I was promised the plates for last Monday. When will they be here?"}),
		said(3, chiara, ago(20, 0), crm.Interaction{Kind: crm.Meeting, Sentiment: crm.Neutral, Summary: "Went through the autumn menu and what it needs"}),
		said(4, asa, ago(61, 0), crm.Interaction{Kind: crm.Call, Sentiment: crm.Negative, Summary: "Cancelled order A-1006, moved to another supplier"}),
		said(5, farid, ago(6, 0), crm.Interaction{Kind: crm.Note, Summary: "Took a catalogue at the fair, wants prices for 200 plates"}),
	}
}

func demoTasks(ago past) []crm.Task {
	return []crm.Task{
		{ID: demoID("tsk", 1), CustomerID: demoID("cus", ada), Title: "Tell Ada when order A-1002 will arrive", Assignee: "support@example.com", Status: crm.OpenTask, DueAt: ago(-1, 0), CreatedAt: ago(3, 0)},
		{ID: demoID("tsk", 2), Title: "Reorder plates and teapots", Detail: "PLATE-27 and TEAPOT-1L are below their reorder levels.", Assignee: "stock@example.com", Status: crm.OpenTask, CreatedAt: ago(2, 0)},
		{ID: demoID("tsk", 3), CustomerID: demoID("cus", farid), Title: "Send Farid the price list", Assignee: "sales@example.com", Status: crm.DoneTask, DueAt: ago(4, 0), Outcome: "Sent, he will answer by Friday.", CreatedAt: ago(6, 0), CompletedAt: ago(5, 0)},
	}
}

func demoTickets(ago past) []crm.Ticket {
	ticket := func(n, customer int, at time.Time, t crm.Ticket) crm.Ticket {
		t.ID, t.CustomerID, t.CreatedAt, t.UpdatedAt = demoID("tck", n), demoID("cus", customer), at, at
		return t
	}
	return []crm.Ticket{
		ticket(1, ada, ago(3, 5), crm.Ticket{Subject: "Order A-1002 has not arrived", Body: "I was promised the plates for last Monday. When will they be here?", Status: crm.TicketOpen, Priority: crm.High, Assignee: "support@example.com"}),
		ticket(2, bruno, ago(8, 0), crm.Ticket{Subject: "Charged twice for order A-1003", Body: "My statement shows the payment two times. Please send one back.", Status: crm.TicketPending, Priority: crm.Urgent, Assignee: "billing@example.com"}),
		ticket(3, chiara, ago(30, 0), crm.Ticket{Subject: "Are the bowls safe in an oven?", Body: "Up to which temperature?", Status: crm.TicketResolved, Priority: crm.Low}),
	}
}

func demoDeals(ago past) []crm.Deal {
	deal := func(n, customer int, at time.Time, d crm.Deal) crm.Deal {
		d.ID, d.CustomerID, d.CreatedAt, d.UpdatedAt = demoID("deal", n), demoID("cus", customer), at, at
		return d
	}
	return []crm.Deal{
		deal(1, ada, ago(25, 0), crm.Deal{Title: "Tableware for the second café", AmountMinor: 480000, Currency: "EUR", Stage: crm.DealProposal, Owner: "sales@example.com", CloseBy: ago(-40, 0)}),
		deal(2, farid, ago(5, 0), crm.Deal{Title: "200 dinner plates", AmountMinor: 396000, Currency: "EUR", Stage: crm.DealQualified, Owner: "sales@example.com"}),
		deal(3, bruno, ago(120, 0), crm.Deal{Title: "Pitchers for all rooms", AmountMinor: 68000, Currency: "EUR", Stage: crm.DealWon, Owner: "sales@example.com"}),
	}
}
