package stripe

import (
	"context"

	stripe "github.com/stripe/stripe-go/v85"

	"drawbridge/tools/payment"
)

// referenceMark is the metadata that holds our own reference, on the link and on what is
// paid by it.
const referenceMark = "drawbridge_reference"

// CreateLink makes a payment link, with a price and a product of its own.
func (b *Backend) CreateLink(ctx context.Context, request payment.LinkRequest) (payment.Link, error) {
	price, err := units("amount_minor", request.Amount)
	if err != nil {
		return payment.Link{}, err
	}
	made, err := b.linkOfThisCall(ctx)
	if made == nil && err == nil {
		params := &stripe.PaymentLinkCreateParams{
			LineItems: []*stripe.PaymentLinkCreateLineItemParams{{
				Quantity: stripe.Int64(1),
				PriceData: &stripe.PaymentLinkCreateLineItemPriceDataParams{
					Currency: code(request.Amount.Currency), UnitAmount: stripe.Int64(price),
					ProductData: &stripe.PaymentLinkCreateLineItemPriceDataProductDataParams{Name: stripe.String(request.Description)},
				},
			}},
			PaymentIntentData: &stripe.PaymentLinkCreatePaymentIntentDataParams{Description: stripe.String(request.Description)},
			Metadata:          marked(ctx, map[string]string{referenceMark: request.Reference}),
			Expand:            expand("line_items"),
		}
		if request.Reference != "" {
			params.PaymentIntentData.Metadata = map[string]string{referenceMark: request.Reference}
		}
		if !request.Reusable {
			params.Restrictions = &stripe.PaymentLinkCreateRestrictionsParams{CompletedSessions: &stripe.PaymentLinkCreateRestrictionsCompletedSessionsParams{Limit: stripe.Int64(1)}}
		}
		made, err = write(ctx, b, "", &params.Params, func(ctx context.Context) (*stripe.PaymentLink, error) {
			return b.api.V1PaymentLinks.Create(ctx, params)
		})
	}
	if err != nil {
		return payment.Link{}, err
	}
	link := payment.Link{ID: made.ID, URL: made.URL, Amount: request.Amount.Shown(), Description: request.Description, Reference: request.Reference, Reusable: request.Reusable}
	// A link has no time of its own; its price was made with it.
	if made.LineItems != nil && len(made.LineItems.Data) > 0 && made.LineItems.Data[0].Price != nil {
		link.CreatedAt = moment(made.LineItems.Data[0].Price.Created)
	}
	return link, nil
}

// linkOfThisCall is the link that the call under way has made before, among the newest of
// the account; nil if there is none.
func (b *Backend) linkOfThisCall(ctx context.Context) (*stripe.PaymentLink, error) {
	if callKey(ctx) == "" {
		return nil, nil
	}
	newest, err := read(ctx, b, func(ctx context.Context) (*stripe.V1List[*stripe.PaymentLink], error) {
		found := b.api.V1PaymentLinks.List(ctx, &stripe.PaymentLinkListParams{ListParams: stripe.ListParams{Limit: stripe.Int64(scanPage), Single: true}, Expand: expand("data.line_items")})
		return found, found.Err()
	})
	if err != nil {
		return nil, err
	}
	for _, link := range newest.Data() {
		if ours(ctx, link.Metadata) {
			return link, nil
		}
	}
	return nil, nil
}
