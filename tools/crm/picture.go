package crm

import (
	"context"

	"golang.org/x/sync/errgroup"

	"drawbridge/tools"
)

// How much of each list a whole picture shows. More would crowd out the rest of
// the model's context; Incomplete says what was left out.
const (
	pictureTickets      = 20
	pictureInteractions = 10
	pictureOrders       = 20
)

// CustomerPicture is one customer as a colleague would want to see them before
// picking up the phone.
type CustomerPicture struct {
	Customer           Customer      `json:"customer" jsonschema:"The customer's profile."`
	OpenTickets        []Ticket      `json:"open_tickets" jsonschema:"Tickets that are open or pending, newest first, at most 20."`
	RecentInteractions []Interaction `json:"recent_interactions" jsonschema:"What was said last, newest first, at most 10."`
	Orders             []Order       `json:"orders" jsonschema:"The newest orders, at most 20, without their lines."`
	Totals             []Total       `json:"totals" jsonschema:"All orders added up, one total per currency; cancelled and refunded orders do not count."`
	NotKept            []string      `json:"not_kept,omitempty" jsonschema:"Which of the lists above this CRM does not keep at all: that such a list is empty says nothing about the customer."`
	Incomplete         []string      `json:"incomplete,omitempty" jsonschema:"Which of the lists above hold only the newest part. The rest is had from the search or list tool with this customer."`
}

// picture asks for the parts side by side: to a remote backend each is a round
// trip. The parts are not one snapshot; a ticket closed in between may still show.
func picture(driver Driver, ctx context.Context, in CustomerRef) (CustomerPicture, error) {
	customer, err := driver.Customer(ctx, in.Customer)
	if err != nil {
		return CustomerPicture{}, err
	}
	var (
		tickets      = TicketPage{Tickets: []Ticket{}}
		interactions = InteractionPage{Interactions: []Interaction{}}
		orders       = OrderPage{Orders: []Order{}}
		totals       = []Total{}
		missing      []string
	)
	group, ctx := errgroup.WithContext(ctx)
	ask(group, driver, "open_tickets", &missing, func(part Tickets) (err error) {
		tickets, err = part.SearchTickets(ctx, TicketSearch{Customer: customer.ID, Unresolved: true, Page: tools.Page{Limit: pictureTickets}})
		return err
	})
	ask(group, driver, "recent_interactions", &missing, func(part Interactions) (err error) {
		interactions, err = part.ListInteractions(ctx, InteractionQuery{Customer: customer.ID, Page: tools.Page{Limit: pictureInteractions}})
		return err
	})
	ask(group, driver, "orders", &missing, func(part Orders) (err error) {
		orders, err = part.SearchOrders(ctx, OrderSearch{Customer: customer.ID, Page: tools.Page{Limit: pictureOrders}})
		return err
	})
	ask(group, driver, "totals", &missing, func(part Totals) (err error) {
		totals, err = part.OrderTotals(ctx, customer.ID)
		return err
	})
	if err := group.Wait(); err != nil {
		return CustomerPicture{}, err
	}
	picture := CustomerPicture{
		Customer:           customer,
		OpenTickets:        tickets.Tickets,
		RecentInteractions: interactions.Interactions,
		Orders:             orders.Orders,
		Totals:             totals,
		NotKept:            missing,
	}
	picture.noteCut("open_tickets", tickets.NextCursor)
	picture.noteCut("recent_interactions", interactions.NextCursor)
	picture.noteCut("orders", orders.NextCursor)
	return picture, nil
}

// ask has one part of the driver asked for a list, or notes that it does not keep it.
func ask[Part any](group *errgroup.Group, driver Driver, list string, missing *[]string, do func(Part) error) {
	part, kept := driver.(Part)
	if !kept {
		*missing = append(*missing, list)
		return
	}
	group.Go(func() error { return do(part) })
}

func (p *CustomerPicture) noteCut(list, nextCursor string) {
	if nextCursor != "" {
		p.Incomplete = append(p.Incomplete, list)
	}
}
