package shop

import (
	"context"
	"strings"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/money"
)

// RefundStatus is how a refund stands.
type RefundStatus string

// The states of a refund. A pending refund is on its way and cannot be stopped.
const (
	RefundPending   RefundStatus = "pending"
	RefundSucceeded RefundStatus = "succeeded"
	RefundFailed    RefundStatus = "failed"
)

// Refund is money given back.
type Refund struct {
	ID        string         `json:"id" jsonschema:"The refund's id." example:"gid://shopify/Refund/6501"`
	Amount    money.Amount   `json:"amount" jsonschema:"What was given back."`
	Status    RefundStatus   `json:"status" jsonschema:"How it stands: pending (on its way), succeeded or failed." enum:"pending,succeeded,failed"`
	Note      string         `json:"note,omitempty" jsonschema:"What was noted for colleagues."`
	Lines     []LineQuantity `json:"lines" jsonschema:"The lines that were taken off the order with it."`
	CreatedAt time.Time      `json:"created_at" jsonschema:"When it was made. RFC 3339 UTC." format:"date-time"`
}

// SuggestionRequest asks what a refund of lines would come to. Whole is everything that
// can be refunded.
type SuggestionRequest struct {
	Order    string
	Lines    []LineQuantity
	Shipping bool
	Whole    bool
}

// Suggestion is what the shop would give back.
type Suggestion struct {
	OrderID   string       `json:"order_id" jsonschema:"The order's id."`
	OrderName string       `json:"order_name" jsonschema:"The order's name." example:"#1001"`
	Amount    money.Amount `json:"amount" jsonschema:"What the shop suggests to give back: goods, taxes and, if asked for, shipping."`
	Goods     money.Amount `json:"goods" jsonschema:"Of it for goods, without taxes."`
	Tax       money.Amount `json:"tax" jsonschema:"Of it for taxes."`
	Shipping  money.Amount `json:"shipping" jsonschema:"Of it for shipping."`
	Most      money.Amount `json:"most" jsonschema:"The most that can be given back of this order now."`
}

// SuggestRefundInput is the input of shop_suggest_refund.
type SuggestRefundInput struct {
	OrderInput
	Lines    []LineQuantity `json:"lines,omitempty" jsonschema:"Which lines, and how many of each. Leave out for all that can be refunded." maxItems:"100"`
	Shipping bool           `json:"include_shipping,omitempty" jsonschema:"Whether shipping is given back as well; it is, where lines is left out."`
}

// SuggestRefund says what a refund of lines would come to.
func (s *Shop) SuggestRefund(ctx context.Context, in SuggestRefundInput) (Suggestion, error) {
	order, err := named("order", in.Order)
	if err != nil {
		return Suggestion{}, err
	}
	if err := lines(in.Lines); err != nil {
		return Suggestion{}, err
	}
	suggested, err := s.driver.SuggestRefund(ctx, SuggestionRequest{Order: order, Lines: in.Lines, Shipping: in.Shipping, Whole: len(in.Lines) == 0})
	if err != nil {
		return Suggestion{}, readError(ToolSuggestRefund, err)
	}
	return suggested, nil
}

// RefundRequest asks for a refund. AmountMinor 0 stands for what the shop suggests for the
// lines or, without lines, for all that is left.
type RefundRequest struct {
	Order       string
	AmountMinor int64
	Currency    string // "" or the one the amount is meant in
	Lines       []LineQuantity
	Shipping    bool
	Note        string
}

// Refunded is a refund and how it leaves its order.
type Refunded struct {
	Refund
	OrderID      string       `json:"order_id" jsonschema:"The order's id."`
	OrderName    string       `json:"order_name" jsonschema:"The order's name." example:"#1001"`
	OrderStatus  PaidStatus   `json:"order_status" jsonschema:"How the order's money stands after this refund." example:"partially_refunded"`
	LeftToRefund money.Amount `json:"left_to_refund" jsonschema:"What of the order can still be refunded."`
}

// CheckRefund decides what a request refunds of an order as it is now: the part asked for,
// what the shop suggests for its lines, or the whole of what is left. It refuses what must
// not be refunded (Conflict, naming the order's status) and more than is left (Invalid).
func CheckRefund(order Order, request RefundRequest, suggested money.Money) (money.Money, error) {
	left := order.LeftToRefund.Money
	switch {
	case order.Disputed:
		return money.Money{}, tools.Errorf(tools.Conflict, "order: %s is disputed: the customer's bank has taken the money back, and a refund would pay it twice.", order.Name)
	case order.Status == FullyRefunded:
		return money.Money{}, tools.Errorf(tools.Conflict, "order: %s is refunded: all of %s was given back already. Do not refund it again.", order.Name, order.Refunded)
	case left.AmountMinor == 0:
		return money.Money{}, tools.Errorf(tools.Conflict, "order: %s is %s: no money was taken that is not given back, so there is nothing to refund.", order.Name, order.Status)
	case request.Currency != "" && request.Currency != left.Currency:
		return money.Money{}, tools.Errorf(tools.Invalid, "currency: %s was paid in %s, not %s. Give amount_minor in minor units of %s.", order.Name, left.Currency, request.Currency, left.Currency)
	case request.AmountMinor > left.AmountMinor:
		return money.Money{}, tools.Errorf(tools.Invalid, "amount_minor: %d is above the %d left to refund on %s; refund at most %d (%s), or leave amount_minor out.",
			request.AmountMinor, left.AmountMinor, order.Name, left.AmountMinor, left)
	case request.AmountMinor > 0:
		return money.Money{AmountMinor: request.AmountMinor, Currency: left.Currency}, nil
	case len(request.Lines) == 0:
		return left, nil
	case suggested.AmountMinor < 1:
		return money.Money{}, tools.Errorf(tools.Invalid, "lines: nothing is to be given back for these lines of %s; see %s, or give amount_minor.", order.Name, ToolSuggestRefund)
	case suggested.AmountMinor > left.AmountMinor:
		return money.Money{}, tools.Errorf(tools.Invalid, "lines: these lines of %s come to %s, and only %s is left to refund; give amount_minor.", order.Name, suggested, left)
	}
	return suggested, nil
}

// CreateRefundInput is the input of shop_create_refund. AmountMinor is a pointer so that an
// explicit 0 is refused instead of taken for the whole.
type CreateRefundInput struct {
	OrderInput
	AmountMinor *int64         `json:"amount_minor,omitempty" jsonschema:"How much to refund, in minor units of the currency the customer paid in (1250 is EUR 12.50, JPY 1250, KWD 1.250). Leave out for what the shop suggests for lines or, without lines, for all that is left." minimum:"1" maximum:"999999999999" example:"1250"`
	Currency    string         `json:"currency,omitempty" jsonschema:"The currency amount_minor is meant in, as a check: refused if the order was paid in another. ISO 4217 code." minLength:"3" maxLength:"3" example:"EUR"`
	Lines       []LineQuantity `json:"lines,omitempty" jsonschema:"The lines that are taken off the order with it. Leave out to give back money alone." maxItems:"100"`
	Shipping    bool           `json:"include_shipping,omitempty" jsonschema:"Beside lines and without amount_minor: whether shipping is given back as well."`
	Note        string         `json:"note,omitempty" jsonschema:"A sentence for colleagues who look at the refund later." maxLength:"500" example:"The teapot arrived broken."`
}

// CreateRefund gives money of an order back.
func (s *Shop) CreateRefund(ctx context.Context, in CreateRefundInput) (Refunded, error) {
	request := RefundRequest{Lines: in.Lines, Shipping: in.Shipping, Note: strings.TrimSpace(in.Note)}
	var err error
	if request.Order, err = named("order", in.Order); err != nil {
		return Refunded{}, err
	}
	if request.AmountMinor, request.Currency, err = money.Part(in.AmountMinor, in.Currency); err != nil {
		return Refunded{}, err
	}
	if err := lines(in.Lines); err != nil {
		return Refunded{}, err
	}
	if in.Shipping && (len(in.Lines) == 0 || request.AmountMinor > 0) {
		return Refunded{}, tools.Errorf(tools.Invalid, "include_shipping: goes with lines, and without amount_minor; the sum says it otherwise.")
	}
	refunded, err := s.driver.CreateRefund(ctx, request)
	if err != nil {
		return Refunded{}, s.writeError(ctx, ToolCreateRefund, err)
	}
	return refunded, nil
}
