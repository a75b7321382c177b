package shopify

import (
	"context"
	"strings"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/money"
	"drawbridge/tools/shop"
)

type refund struct {
	ID      string    `json:"id"`
	Note    string    `json:"note"`
	Created time.Time `json:"createdAt"`
	Total   bag       `json:"totalRefundedSet"`
	Lines   list[struct {
		Quantity int `json:"quantity"`
		Line     ref `json:"lineItem"`
	}] `json:"refundLineItems"`
	Transactions list[transaction] `json:"transactions"`
	Order        *order            `json:"order"`
}

func (r refund) shown() (shop.Refund, error) {
	note, _ := unmarked(r.Note)
	out := shop.Refund{ID: r.ID, Note: note, Status: shop.RefundSucceeded, Lines: []shop.LineQuantity{}, CreatedAt: r.Created.UTC()}
	for _, t := range r.Transactions.Nodes {
		switch t.Status {
		case "SUCCESS":
		case "FAILURE", "ERROR":
			out.Status = shop.RefundFailed
		default:
			if out.Status == shop.RefundSucceeded {
				out.Status = shop.RefundPending
			}
		}
	}
	for _, l := range r.Lines.Nodes {
		out.Lines = append(out.Lines, shop.LineQuantity{LineID: l.Line.ID, Quantity: l.Quantity})
	}
	sum, err := r.Total.sum()
	out.Amount = sum.Shown()
	return out, err
}

// result is a refund with how it leaves its order.
func (r refund) result() (shop.Refunded, error) {
	shown, err := r.shown()
	if err != nil || r.Order == nil {
		return shop.Refunded{}, unknown("the refund was made, and cannot be read at the moment. Look at the order before doing anything again.")
	}
	after, err := r.Order.shown()
	if err != nil {
		return shop.Refunded{}, unknown("the refund was made, and its order cannot be read at the moment. Look at it before doing anything again.")
	}
	return shop.Refunded{Refund: shown, OrderID: after.ID, OrderName: after.Name, OrderStatus: after.Status, LeftToRefund: after.LeftToRefund}, nil
}

// mark is what stands behind a refund's note, so that it is known by its call's key after
// Shopify has forgotten that.
func mark(key string) string { return "[drawbridge " + hash(key)[:20] + "]" }

// unmarked gives a note without the mark, and the mark.
func unmarked(note string) (rest, mark string) {
	if at := strings.LastIndex(note, "[drawbridge "); at >= 0 && strings.HasSuffix(note, "]") {
		return strings.TrimSpace(note[:at]), note[at:]
	}
	return note, ""
}

type transaction struct {
	ID      string `json:"id"`
	Kind    string `json:"kind"`
	Status  string `json:"status"`
	Gateway string `json:"gateway"`
	Amount  bag    `json:"amountSet"`
	Parent  ref    `json:"parentTransaction"`
}

// basis is what a refund is decided on.
type basis struct {
	order
	Currency     string        `json:"presentmentCurrencyCode"`
	Refunds      []noted       `json:"refunds"`
	Transactions []transaction `json:"transactions"`
}

type noted struct {
	ID   string `json:"id"`
	Note string `json:"note"`
}

// SuggestRefund asks Shopify what a refund comes to.
func (b *Backend) SuggestRefund(ctx context.Context, request shop.SuggestionRequest) (shop.Suggestion, error) {
	type suggested struct {
		order
		Suggested *struct {
			Amount   bag `json:"amountSet"`
			Goods    bag `json:"subtotalSet"`
			Tax      bag `json:"totalTaxSet"`
			Shipping struct {
				Amount bag `json:"amountSet"`
			} `json:"shipping"`
		} `json:"suggestedRefund"`
	}
	found, err := about[suggested](ctx, b, refundSuggested, request.Order, variables{"lines": takenOff(request.Lines), "shipping": request.Shipping || request.Whole, "whole": request.Whole})
	if err != nil {
		return shop.Suggestion{}, err
	}
	now, err := found.shown()
	if err != nil {
		return shop.Suggestion{}, err
	}
	out := shop.Suggestion{OrderID: now.ID, OrderName: now.Name, Most: now.LeftToRefund}
	if found.Suggested == nil {
		none := money.Money{Currency: now.Total.Currency}.Shown()
		out.Amount, out.Goods, out.Tax, out.Shipping = none, none, none, none
		return out, nil
	}
	s := found.Suggested
	all, err := sums(s.Amount, s.Goods, s.Tax, s.Shipping.Amount)
	if err != nil {
		return out, err
	}
	out.Amount, out.Goods, out.Tax, out.Shipping = all[0].Shown(), all[1].Shown(), all[2].Shown(), all[3].Shown()
	return out, nil
}

// takenOff are lines as a refund names them. Nothing goes back into stock by it.
func takenOff(lines []shop.LineQuantity) []variables {
	list := []variables{}
	for _, l := range lines {
		list = append(list, variables{"lineItemId": l.LineID, "quantity": l.Quantity, "restockType": "NO_RESTOCK"})
	}
	return list
}

// CreateRefund gives money back by the way it was paid. That an order is not refunded beyond
// what was paid is Shopify's to decide, at the moment of the refund; here it is looked at
// first, so that most refusals need no write and burn no key.
func (b *Backend) CreateRefund(ctx context.Context, request shop.RefundRequest) (shop.Refunded, error) {
	key := callKey(ctx)
	now, before, err := b.basis(ctx, request.Order, key)
	if err != nil || before != nil {
		return earlier(before, err)
	}
	current, err := now.shown()
	if err != nil {
		return shop.Refunded{}, err
	}
	var suggested money.Money
	if request.AmountMinor == 0 && len(request.Lines) > 0 {
		s, err := b.SuggestRefund(ctx, shop.SuggestionRequest{Order: now.ID, Lines: request.Lines, Shipping: request.Shipping})
		if err != nil {
			return shop.Refunded{}, err
		}
		suggested = s.Amount.Money
	}
	amount, err := shop.CheckRefund(current, request, suggested)
	if err != nil {
		return shop.Refunded{}, err
	}
	input, err := now.input(amount, request)
	if err != nil {
		return shop.Refunded{}, err
	}
	input["note"] = strings.TrimSpace(request.Note + " " + mark(key))
	var out struct {
		Create struct {
			Refund *refund     `json:"refund"`
			Errors []userError `json:"userErrors"`
		} `json:"refundCreate"`
	}
	if err := b.mutate(ctx, refundMade, variables{"input": input, "key": key}, &out, func() []userError { return out.Create.Errors }); err != nil {
		return b.insteadOf(ctx, now.ID, key, request, suggested, err)
	}
	if out.Create.Refund == nil {
		return shop.Refunded{}, b.unread(refundMade)
	}
	return out.Create.Refund.result()
}

// insteadOf answers a refund that Shopify refused: it may be that this very call was made
// before, or that another was faster.
func (b *Backend) insteadOf(ctx context.Context, id, key string, request shop.RefundRequest, suggested money.Money, refused error) (shop.Refunded, error) {
	var made *refund
	err := overtaken(refused, func() error {
		now, before, err := b.basis(ctx, id, key)
		if made = before; err != nil || before != nil {
			return err
		}
		current, err := now.shown()
		if err == nil {
			_, err = shop.CheckRefund(current, request, suggested)
		}
		return err
	})
	if made != nil {
		return made.result()
	}
	return shop.Refunded{}, err
}

func earlier(made *refund, err error) (shop.Refunded, error) {
	if err != nil {
		return shop.Refunded{}, err
	}
	return made.result()
}

// basis reads what a refund is decided on, or the refund that this very call made before.
func (b *Backend) basis(ctx context.Context, reference, key string) (*basis, *refund, error) {
	now, err := about[basis](ctx, b, refundBasis, reference, nil)
	if err != nil {
		return nil, nil, err
	}
	for _, r := range now.Refunds {
		if _, marked := unmarked(r.Note); marked != mark(key) {
			continue
		}
		var out struct {
			Refund *refund `json:"refund"`
		}
		if err := b.run(ctx, refundAlone, variables{"id": r.ID}, &out); err != nil {
			return nil, nil, err
		}
		if out.Refund != nil {
			return nil, out.Refund, nil
		}
	}
	return now, nil, nil
}

// input is a refund as Shopify wants it: the sum is spread over what was paid, in its order.
func (o *basis) input(amount money.Money, request shop.RefundRequest) (variables, error) {
	left := map[string]int64{}
	var paid []transaction
	for _, t := range o.Transactions {
		sum, err := t.Amount.sum()
		if err != nil {
			return nil, err
		}
		switch {
		case (t.Kind == "SALE" || t.Kind == "CAPTURE") && t.Status == "SUCCESS":
			left[t.ID] += sum.AmountMinor
			paid = append(paid, t)
		case t.Kind == "REFUND" && (t.Status == "SUCCESS" || t.Status == "PENDING"):
			left[t.Parent.ID] -= sum.AmountMinor
		}
	}
	rest := amount.AmountMinor
	var back []variables
	for _, t := range paid {
		part := min(rest, left[t.ID])
		if part <= 0 {
			continue
		}
		rest -= part
		back = append(back, variables{"orderId": o.ID, "parentId": t.ID, "kind": "REFUND", "gateway": t.Gateway,
			"amount": money.Money{AmountMinor: part, Currency: amount.Currency}.Decimal()})
	}
	if rest > 0 {
		return nil, tools.Errorf(tools.Conflict, "amount_minor: of %s only %s can be given back now by the way it was paid.", o.Name,
			money.Money{AmountMinor: amount.AmountMinor - rest, Currency: amount.Currency})
	}
	input := variables{"orderId": o.ID, "currency": o.Currency, "notify": false, "transactions": back, "refundLineItems": takenOff(request.Lines)}
	if request.Shipping {
		input["shipping"] = variables{"fullRefund": true}
	}
	return input, nil
}
