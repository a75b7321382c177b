package shopify

import (
	"context"
	"strings"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/shop"
)

// UpdateOrder changes an order's note and tags. Each of the three says what is to be, so
// that doing it again changes nothing.
func (b *Backend) UpdateOrder(ctx context.Context, change shop.OrderChange) (shop.Order, error) {
	before, err := b.order(ctx, change.Order)
	if err != nil {
		return shop.Order{}, err
	}
	input := variables{"id": before.ID}
	if change.Note != nil {
		input["note"] = *change.Note
	}
	type part struct {
		Errors []userError `json:"userErrors"`
	}
	var out struct {
		Note   part `json:"orderUpdate"`
		Add    part `json:"tagsAdd"`
		Remove part `json:"tagsRemove"`
	}
	err = b.mutate(ctx, orderChanged, variables{"id": before.ID, "input": input, "add": texts(change.AddTags), "remove": texts(change.RemoveTags),
		"noted": change.Note != nil, "adds": len(change.AddTags) > 0, "removes": len(change.RemoveTags) > 0}, &out,
		func() []userError { return append(append(out.Note.Errors, out.Add.Errors...), out.Remove.Errors...) })
	if err != nil {
		return shop.Order{}, err
	}
	return b.afterwards(ctx, before.ID)
}

// afterwards reads an order that was just changed. That it cannot be read does not mean that
// it was not changed.
func (b *Backend) afterwards(ctx context.Context, id string) (shop.Order, error) {
	now, err := b.order(ctx, id)
	if err != nil {
		return now, unknown("the order was changed, and cannot be read at the moment. Look at it before doing anything again.")
	}
	return now, nil
}

// texts is a list that is never nil, which would be null.
func texts(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// cancelling is how long to wait, again and again, until an order that is being cancelled
// shows it: Shopify does it behind its answer.
var cancelling = []time.Duration{0, 200 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 3 * time.Second}

// CancelOrder cancels an order.
func (b *Backend) CancelOrder(ctx context.Context, request shop.CancelRequest) (shop.Order, error) {
	before, err := b.order(ctx, request.Order)
	if err != nil {
		return shop.Order{}, err
	}
	if err := shop.CheckCancel(before); err != nil {
		return shop.Order{}, err
	}
	vars := variables{"id": before.ID, "reason": strings.ToUpper(string(request.Reason)), "restock": request.Restock}
	if request.Note != "" {
		vars["note"] = request.Note
	}
	var out struct {
		Cancel struct {
			Errors []userError `json:"orderCancelUserErrors"`
		} `json:"orderCancel"`
	}
	if err := b.mutate(ctx, orderCancelled, vars, &out, func() []userError { return out.Cancel.Errors }); err != nil {
		return shop.Order{}, overtaken(err, func() error {
			now, err := b.order(ctx, before.ID)
			if err == nil {
				err = shop.CheckCancel(now)
			}
			return err
		})
	}
	for _, wait := range cancelling {
		if b.sleep(ctx, wait) != nil {
			break
		}
		now, err := b.order(ctx, before.ID)
		if err == nil && !now.CancelledAt.IsZero() {
			return now, nil
		}
	}
	return shop.Order{}, unknown("Shopify has begun to cancel the order, and it does not show yet. Look at it in a while before doing it again.")
}

// overtaken says in the family's words why Shopify refused what it would have taken when it
// was looked at: check looks again. Errors of another kind stay what they are.
func overtaken(err error, check func() error) error {
	switch tools.CodeOf(err) {
	case tools.Invalid, tools.Conflict, tools.NotFound:
	default:
		return err
	}
	if now := check(); tools.CodeOf(now) == tools.Invalid || tools.CodeOf(now) == tools.Conflict {
		return now
	}
	return err
}
