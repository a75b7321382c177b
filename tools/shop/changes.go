package shop

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"drawbridge/tools"
)

// OrderChange is a checked change of an order. A nil note stays as it is.
type OrderChange struct {
	Order      string
	Note       *string
	AddTags    []string
	RemoveTags []string
}

// UpdateOrderInput is the input of shop_update_order.
type UpdateOrderInput struct {
	OrderInput
	Note       *string  `json:"note,omitempty" jsonschema:"The note that the order is to have instead of the present one; empty to have none. Leave out to keep it." maxLength:"5000" example:"Customer asked for a gift box."`
	AddTags    []string `json:"add_tags,omitempty" jsonschema:"Tags to add; those it has already stay." maxItems:"25" maxLength:"40" example:"\"vip\""`
	RemoveTags []string `json:"remove_tags,omitempty" jsonschema:"Tags to take away; those it does not have are no matter." maxItems:"25" maxLength:"40" example:"\"late\""`
}

// UpdateOrder changes an order's note and tags.
func (s *Shop) UpdateOrder(ctx context.Context, in UpdateOrderInput) (Order, error) {
	change, err := in.change()
	if err != nil {
		return Order{}, err
	}
	order, err := s.driver.UpdateOrder(ctx, change)
	if err != nil {
		return Order{}, s.writeError(ctx, ToolUpdateOrder, err)
	}
	return order, nil
}

func (in UpdateOrderInput) change() (c OrderChange, err error) {
	c = OrderChange{Note: in.Note}
	if c.Order, err = named("order", in.Order); err != nil {
		return c, err
	}
	if c.AddTags, err = tags("add_tags", in.AddTags); err != nil {
		return c, err
	}
	if c.RemoveTags, err = tags("remove_tags", in.RemoveTags); err != nil {
		return c, err
	}
	switch {
	case c.Note == nil && len(c.AddTags)+len(c.RemoveTags) == 0:
		return c, tools.Errorf(tools.Invalid, "note: nothing is to be changed; give note, add_tags or remove_tags.")
	case c.Note != nil && utf8.RuneCountInString(*c.Note) > 5000:
		return c, tools.Errorf(tools.Invalid, "note: has more than 5000 characters.")
	}
	for _, tag := range c.AddTags {
		if slices.ContainsFunc(c.RemoveTags, func(other string) bool { return strings.EqualFold(tag, other) }) {
			return c, tools.Errorf(tools.Invalid, "remove_tags: %q is to be added and taken away; say which.", tag)
		}
	}
	return c, nil
}

func tags(field string, given []string) (list []string, err error) {
	for _, tag := range given {
		tag = strings.TrimSpace(tag)
		switch {
		case tag == "" || strings.Contains(tag, ","):
			return nil, tools.Errorf(tools.Invalid, "%s: %q is no tag; a tag has at least a character and no comma.", field, tag)
		case utf8.RuneCountInString(tag) > 40:
			return nil, tools.Errorf(tools.Invalid, "%s: %q has more than 40 characters.", field, tag)
		}
		list = append(list, tag)
	}
	return list, nil
}

// CancelReason is why an order is cancelled.
type CancelReason string

// The reasons to cancel.
const (
	CancelCustomer  CancelReason = "customer"
	CancelDeclined  CancelReason = "declined"
	CancelFraud     CancelReason = "fraud"
	CancelInventory CancelReason = "inventory"
	CancelStaff     CancelReason = "staff"
	CancelOther     CancelReason = "other"
)

// CancelRequest asks to cancel an order.
type CancelRequest struct {
	Order   string
	Reason  CancelReason
	Restock bool
	Note    string // for colleagues
}

// CheckCancel refuses to cancel what cannot be cancelled.
func CheckCancel(order Order) error {
	switch {
	case !order.CancelledAt.IsZero():
		return tools.Errorf(tools.Conflict, "order: %s was cancelled already, at %s.", order.Name, order.CancelledAt.Format("2006-01-02 15:04 MST"))
	case order.Shipped == FullyFulfilled || order.Shipped == PartiallyFulfilled:
		return tools.Errorf(tools.Conflict, "order: %s is %s: what was shipped cannot be cancelled. Refund it with %s instead.", order.Name, order.Shipped, ToolCreateRefund)
	}
	return nil
}

// CancelOrderInput is the input of shop_cancel_order.
type CancelOrderInput struct {
	OrderInput
	Reason  CancelReason `json:"reason" jsonschema:"Why it is cancelled." enum:"customer,declined,fraud,inventory,staff,other"`
	Restock bool         `json:"restock" jsonschema:"Whether its goods go back into stock."`
	Note    string       `json:"note,omitempty" jsonschema:"A sentence for colleagues. The customer does not see it." maxLength:"255" example:"Ordered twice by mistake."`
}

// CancelOrder cancels an order that was not shipped.
func (s *Shop) CancelOrder(ctx context.Context, in CancelOrderInput) (Order, error) {
	request := CancelRequest{Reason: in.Reason, Restock: in.Restock, Note: strings.TrimSpace(in.Note)}
	var err error
	if request.Order, err = named("order", in.Order); err != nil {
		return Order{}, err
	}
	if err := choice("reason", in.Reason, CancelCustomer, CancelDeclined, CancelFraud, CancelInventory, CancelStaff, CancelOther); err != nil {
		return Order{}, err
	}
	if utf8.RuneCountInString(request.Note) > 255 {
		return Order{}, tools.Errorf(tools.Invalid, "note: has more than 255 characters.")
	}
	order, err := s.driver.CancelOrder(ctx, request)
	if err != nil {
		return Order{}, s.writeError(ctx, ToolCancelOrder, err)
	}
	return order, nil
}
