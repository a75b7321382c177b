package shop

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"drawbridge/tools"
)

// Tracking is where a parcel can be followed.
type Tracking struct {
	Company string `json:"company,omitempty" jsonschema:"The carrier." example:"DHL"`
	Number  string `json:"number,omitempty" jsonschema:"The tracking number." example:"JJD0001"`
	URL     string `json:"url,omitempty" jsonschema:"The page on which the parcel is followed."`
}

// Fulfilment is goods that were shipped.
type Fulfilment struct {
	ID        string        `json:"id" jsonschema:"The fulfilment's id." example:"gid://shopify/Fulfillment/6001"`
	Name      string        `json:"name,omitempty" jsonschema:"Its name." example:"#1001-F1"`
	Status    string        `json:"status" jsonschema:"How it stands: success, cancelled, error, failure, or another state of the shop's." example:"success"`
	Tracking  []Tracking    `json:"tracking" jsonschema:"Where its parcels are followed."`
	Lines     []ShippedLine `json:"lines" jsonschema:"What is in it."`
	CreatedAt time.Time     `json:"created_at" jsonschema:"When it was made. RFC 3339 UTC." format:"date-time"`
}

// ShippedLine is a part of an order's line.
type ShippedLine struct {
	LineID   string `json:"line_id" jsonschema:"The order's line." example:"gid://shopify/LineItem/9001"`
	Title    string `json:"title" jsonschema:"What it is."`
	SKU      string `json:"sku,omitempty" jsonschema:"Its stock keeping unit."`
	Quantity int    `json:"quantity" jsonschema:"How many."`
}

// Waiting is what is still to be shipped from one place.
type Waiting struct {
	ID         string        `json:"id" jsonschema:"The id that the shop has for it." example:"gid://shopify/FulfillmentOrder/8001"`
	Status     string        `json:"status" jsonschema:"How it stands: open and in_progress can be shipped; scheduled and on_hold not yet." example:"open"`
	LocationID string        `json:"location_id,omitempty" jsonschema:"The place it is shipped from."`
	Location   string        `json:"location" jsonschema:"That place's name." example:"Main warehouse"`
	Lines      []WaitingLine `json:"lines" jsonschema:"What of it is left to be shipped."`
}

// WaitingLine is what is left of an order's line.
type WaitingLine struct {
	ID string `json:"id" jsonschema:"The id that the shop has for it."`
	ShippedLine
}

// Open reports whether it can be shipped now.
func (w Waiting) Open() bool { return w.Status == "open" || w.Status == "in_progress" }

// Shipping is what was shipped of an order, and what is left.
type Shipping struct {
	OrderID     string       `json:"order_id" jsonschema:"The order's id."`
	OrderName   string       `json:"order_name" jsonschema:"The order's name." example:"#1001"`
	Fulfilments []Fulfilment `json:"fulfilments" jsonschema:"What was shipped, oldest first."`
	Waiting     []Waiting    `json:"waiting" jsonschema:"What is still to be shipped, by place."`
}

// tracked is the fulfilment that has a tracking number.
func (s Shipping) tracked(number string) (Fulfilment, bool) {
	for _, f := range s.Fulfilments {
		if number != "" && f.Status != "cancelled" && slices.ContainsFunc(f.Tracking, func(t Tracking) bool { return t.Number == number }) {
			return f, true
		}
	}
	return Fulfilment{}, false
}

// ListFulfilments gives what was shipped of an order, and what is left.
func (s *Shop) ListFulfilments(ctx context.Context, in OrderInput) (Shipping, error) {
	order, err := named("order", in.Order)
	if err != nil {
		return Shipping{}, err
	}
	found, err := s.driver.ListFulfilments(ctx, order)
	if err != nil {
		return Shipping{}, readError(ToolListFulfilments, err)
	}
	return found, nil
}

// LineQuantity is so many of an order's line.
type LineQuantity struct {
	LineID   string `json:"line_id" jsonschema:"The order's line, as shop_get_order shows it." minLength:"1" maxLength:"200" example:"gid://shopify/LineItem/9001"`
	Quantity int    `json:"quantity" jsonschema:"How many of it." minimum:"1" maximum:"100000" example:"1"`
}

// lines checks what a call names of an order.
func lines(given []LineQuantity) error {
	seen := map[string]bool{}
	for _, line := range given {
		switch {
		case strings.TrimSpace(line.LineID) == "":
			return tools.Errorf(tools.Invalid, "lines: a line_id is empty; say which line.")
		case line.Quantity < 1 || line.Quantity > 100_000:
			return tools.Errorf(tools.Invalid, "lines: %d of %s is no quantity; want 1 to 100000.", line.Quantity, line.LineID)
		case seen[line.LineID]:
			return tools.Errorf(tools.Invalid, "lines: %s is named twice; add its quantities up.", line.LineID)
		}
		seen[line.LineID] = true
	}
	return nil
}

// FulfilmentRequest asks to mark goods as shipped. No lines are all that is left.
type FulfilmentRequest struct {
	Order    string
	Lines    []LineQuantity
	Tracking Tracking
	Notify   bool // the customer is told
}

// Fulfilled is a fulfilment of an order.
type Fulfilled struct {
	Fulfilment
	OrderID   string `json:"order_id" jsonschema:"The order's id."`
	OrderName string `json:"order_name" jsonschema:"The order's name." example:"#1001"`
}

// Part is what a fulfilment takes of one Waiting: so many of its lines, by their ids there.
type Part struct {
	Waiting string
	Lines   []LineQuantity
}

// CheckFulfilment decides what a request ships of an order as it is now: all that is left,
// or the lines asked for. All of it has to lie at one place. A tracking number that the
// order has already is refused, so that by its number it can be told whether a call took
// effect.
func CheckFulfilment(now Shipping, request FulfilmentRequest) ([]Part, error) {
	if f, there := now.tracked(request.Tracking.Number); there {
		return nil, tools.Errorf(tools.Conflict, "tracking_number: %s is that of fulfilment %s of this order already. If this is another parcel, give its own number.", request.Tracking.Number, f.ID)
	}
	want := map[string]int{}
	for _, line := range request.Lines {
		want[line.LineID] = line.Quantity
	}
	var parts []Part
	place, held := "", ""
	for _, w := range now.Waiting {
		if !w.Open() {
			held = w.Status
			continue
		}
		part := Part{Waiting: w.ID}
		for _, line := range w.Lines {
			quantity := line.Quantity
			if len(request.Lines) > 0 {
				quantity = min(quantity, want[line.LineID])
				want[line.LineID] -= quantity
			}
			if quantity > 0 {
				part.Lines = append(part.Lines, LineQuantity{line.ID, quantity})
			}
		}
		if len(part.Lines) == 0 {
			continue
		}
		if place != "" && place != w.LocationID+w.Location {
			return nil, tools.Errorf(tools.Conflict, "lines: what is to be shipped lies at more than one place (see %s); name the lines of one place, and make a fulfilment for each.", ToolListFulfilments)
		}
		place = w.LocationID + w.Location
		parts = append(parts, part)
	}
	for _, line := range request.Lines {
		if missing := want[line.LineID]; missing > 0 {
			return nil, tools.Errorf(tools.Invalid, "lines: of %s only %d can be shipped now, not %d; see %s.", line.LineID, line.Quantity-missing, line.Quantity, ToolListFulfilments)
		}
	}
	switch {
	case len(parts) > 0:
		return parts, nil
	case held != "":
		return nil, tools.Errorf(tools.Conflict, "order: what is left of %s is %s, and cannot be shipped now.", now.OrderName, held)
	}
	return nil, tools.Errorf(tools.Conflict, "order: nothing of %s is left to be shipped.", now.OrderName)
}

// CreateFulfilmentInput is the input of shop_create_fulfilment and shop_ship_and_notify.
type CreateFulfilmentInput struct {
	OrderInput
	Lines   []LineQuantity `json:"lines,omitempty" jsonschema:"Which lines, and how many of each. Leave out for all that is left." maxItems:"100"`
	Number  string         `json:"tracking_number,omitempty" jsonschema:"The parcel's tracking number." maxLength:"100" example:"JJD0001"`
	Company string         `json:"tracking_company,omitempty" jsonschema:"The carrier, such as DHL or UPS: the shop makes the address of the parcel's page of it." maxLength:"100" example:"DHL"`
	URL     string         `json:"tracking_url,omitempty" jsonschema:"The parcel's page, for a carrier that the shop does not know. http or https." format:"uri" maxLength:"2000"`
}

// CreateFulfilment marks goods as shipped, and tells nobody.
func (s *Shop) CreateFulfilment(ctx context.Context, in CreateFulfilmentInput) (Fulfilled, error) {
	return s.fulfil(ctx, ToolCreateFulfilment, in, false)
}

// ShipAndNotify marks goods as shipped, and the shop writes to the customer.
func (s *Shop) ShipAndNotify(ctx context.Context, in CreateFulfilmentInput) (Fulfilled, error) {
	return s.fulfil(ctx, ToolShipAndNotify, in, true)
}

func (s *Shop) fulfil(ctx context.Context, tool string, in CreateFulfilmentInput, notify bool) (Fulfilled, error) {
	request := FulfilmentRequest{Lines: in.Lines, Notify: notify,
		Tracking: Tracking{Company: strings.TrimSpace(in.Company), Number: strings.TrimSpace(in.Number), URL: strings.TrimSpace(in.URL)}}
	var err error
	if request.Order, err = named("order", in.Order); err != nil {
		return Fulfilled{}, err
	}
	if err := lines(in.Lines); err != nil {
		return Fulfilled{}, err
	}
	if page := request.Tracking.URL; page != "" {
		if u, err := url.Parse(page); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return Fulfilled{}, tools.Errorf(tools.Invalid, "tracking_url: %q is no http or https address.", page)
		}
	}
	made, err := s.driver.CreateFulfilment(ctx, request)
	if err != nil {
		return Fulfilled{}, s.writeError(ctx, tool, err)
	}
	return made, nil
}
