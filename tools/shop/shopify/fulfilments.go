package shopify

import (
	"context"
	"strings"
	"time"

	"drawbridge/tools/shop"
)

type soldLine struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	SKU  string `json:"sku"`
}

type fulfilment struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	Status   string    `json:"status"`
	Created  time.Time `json:"createdAt"`
	Tracking []struct {
		Company string `json:"company"`
		Number  string `json:"number"`
		URL     string `json:"url"`
	} `json:"trackingInfo"`
	Lines list[struct {
		Quantity int      `json:"quantity"`
		Line     soldLine `json:"lineItem"`
	}] `json:"fulfillmentLineItems"`
}

func (f fulfilment) shown() shop.Fulfilment {
	out := shop.Fulfilment{ID: f.ID, Name: f.Name, Status: strings.ToLower(f.Status), Tracking: []shop.Tracking{}, Lines: []shop.ShippedLine{}, CreatedAt: f.Created.UTC()}
	for _, t := range f.Tracking {
		out.Tracking = append(out.Tracking, shop.Tracking(t))
	}
	for _, l := range f.Lines.Nodes {
		out.Lines = append(out.Lines, shop.ShippedLine{LineID: l.Line.ID, Title: l.Line.Name, SKU: l.Line.SKU, Quantity: l.Quantity})
	}
	return out
}

type waitingLines = list[struct {
	ID   string   `json:"id"`
	Left int      `json:"remainingQuantity"`
	Line soldLine `json:"lineItem"`
}]

// waiting is a fulfillment order, as Shopify calls it.
type waiting struct {
	ID     string `json:"id"`
	Status string `json:"status"`
	From   struct {
		Name     string `json:"name"`
		Location ref    `json:"location"`
	} `json:"assignedLocation"`
	Lines waitingLines `json:"lineItems"`
}

// ListFulfilments gives what was shipped of an order, and what is left.
func (b *Backend) ListFulfilments(ctx context.Context, reference string) (shop.Shipping, error) {
	type shipping struct {
		ID          string        `json:"id"`
		Name        string        `json:"name"`
		Fulfilments []fulfilment  `json:"fulfillments"`
		Waiting     list[waiting] `json:"fulfillmentOrders"`
	}
	found, err := about[shipping](ctx, b, shippingOf, reference, nil)
	if err != nil {
		return shop.Shipping{}, err
	}
	out := shop.Shipping{OrderID: found.ID, OrderName: found.Name, Fulfilments: []shop.Fulfilment{}, Waiting: []shop.Waiting{}}
	for _, f := range found.Fulfilments {
		out.Fulfilments = append(out.Fulfilments, f.shown())
	}
	for _, w := range found.Waiting.Nodes {
		one, err := b.waiting(ctx, w)
		if err != nil {
			return out, err
		}
		if len(one.Lines) > 0 {
			out.Waiting = append(out.Waiting, one)
		}
	}
	return out, nil
}

// waiting is what is left of a fulfillment order, with all its lines.
func (b *Backend) waiting(ctx context.Context, w waiting) (shop.Waiting, error) {
	out := shop.Waiting{ID: w.ID, Status: strings.ToLower(w.Status), Location: w.From.Name, LocationID: w.From.Location.ID, Lines: []shop.WaitingLine{}}
	if out.Status == "closed" || out.Status == "cancelled" || out.Status == "incomplete" {
		return out, nil
	}
	for lines := w.Lines; ; {
		for _, l := range lines.Nodes {
			if l.Left > 0 {
				out.Lines = append(out.Lines, shop.WaitingLine{ID: l.ID, ShippedLine: shop.ShippedLine{LineID: l.Line.ID, Title: l.Line.Name, SKU: l.Line.SKU, Quantity: l.Left}})
			}
		}
		if !lines.Page.More {
			return out, nil
		}
		var more struct {
			Waiting waiting `json:"fulfillmentOrder"`
		}
		if err := b.run(ctx, moreWaiting, variables{"id": w.ID, "after": lines.Page.End}, &more); err != nil {
			return out, err
		}
		lines = more.Waiting.Lines
	}
}

// CreateFulfilment marks goods as shipped. Shopify takes no key for it: what of an order is
// left to be shipped, and its tracking number, tell whether it was done before.
func (b *Backend) CreateFulfilment(ctx context.Context, request shop.FulfilmentRequest) (shop.Fulfilled, error) {
	now, err := b.ListFulfilments(ctx, request.Order)
	if err != nil {
		return shop.Fulfilled{}, err
	}
	parts, err := shop.CheckFulfilment(now, request)
	if err != nil {
		return shop.Fulfilled{}, err
	}
	var groups []variables
	for _, part := range parts {
		var lines []variables
		for _, line := range part.Lines {
			lines = append(lines, variables{"id": line.LineID, "quantity": line.Quantity})
		}
		groups = append(groups, variables{"fulfillmentOrderId": part.Waiting, "fulfillmentOrderLineItems": lines})
	}
	input := variables{"lineItemsByFulfillmentOrder": groups, "notifyCustomer": request.Notify}
	tracking := variables{}
	for name, value := range map[string]string{"number": request.Tracking.Number, "company": request.Tracking.Company, "url": request.Tracking.URL} {
		if value != "" {
			tracking[name] = value
		}
	}
	if len(tracking) > 0 {
		input["trackingInfo"] = tracking
	}
	var out struct {
		Create struct {
			Fulfilment *fulfilment `json:"fulfillment"`
			Errors     []userError `json:"userErrors"`
		} `json:"fulfillmentCreate"`
	}
	if err := b.mutate(ctx, fulfilmentMade, variables{"fulfillment": input}, &out, func() []userError { return out.Create.Errors }); err != nil {
		return shop.Fulfilled{}, overtaken(err, func() error {
			now, err := b.ListFulfilments(ctx, now.OrderID)
			if err == nil {
				_, err = shop.CheckFulfilment(now, request)
			}
			return err
		})
	}
	if out.Create.Fulfilment == nil {
		return shop.Fulfilled{}, b.unread(fulfilmentMade)
	}
	return shop.Fulfilled{Fulfilment: out.Create.Fulfilment.shown(), OrderID: now.OrderID, OrderName: now.OrderName}, nil
}
