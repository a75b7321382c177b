package stripe

import (
	"cmp"
	"context"

	stripe "github.com/stripe/stripe-go/v85"

	"drawbridge/tools/payment"
)

// subscribed is a subscription as the family knows it. products are names by id.
func subscribed(s *stripe.Subscription, products map[string]string) payment.Subscription {
	out := payment.Subscription{ID: s.ID, Status: subscriptionStatus(s.Status), Customer: person(s.Customer), CancelAtPeriodEnd: s.CancelAtPeriodEnd,
		CanceledAt: moment(s.CanceledAt), CreatedAt: moment(s.Created), Amount: shown(0, s.Currency), PeriodEnd: moment(s.EndedAt)}
	if out.Status == payment.SubscriptionCanceled {
		out.CancelAtPeriodEnd = false
	}
	if s.CancellationDetails != nil {
		out.CancelReason = s.CancellationDetails.Comment
	}
	if s.Items == nil {
		return out
	}
	sum := int64(0)
	for i, item := range s.Items.Data {
		if item.Price == nil {
			continue
		}
		sum += item.Price.UnitAmount * item.Quantity
		if i > 0 {
			continue
		}
		out.PeriodEnd = moment(item.CurrentPeriodEnd)
		if item.Price.Recurring != nil {
			out.Interval = string(item.Price.Recurring.Interval)
		}
		out.Plan = item.Price.Nickname
		if product := item.Price.Product; product != nil {
			if name := products[product.ID]; name != "" {
				out.Plan = name
			} else if out.Plan == "" {
				out.Plan = product.ID
			}
		}
	}
	out.Amount = shown(sum, s.Currency)
	return out
}

// subscriptionStatus reads Stripe's states: whoever did not pay is past due for us, whatever
// Stripe does about it, and so is one that waits for its first payment, or is paused.
func subscriptionStatus(s stripe.SubscriptionStatus) payment.SubscriptionStatus {
	switch s {
	case stripe.SubscriptionStatusTrialing:
		return payment.SubscriptionTrialing
	case stripe.SubscriptionStatusActive:
		return payment.SubscriptionActive
	case stripe.SubscriptionStatusCanceled, stripe.SubscriptionStatusIncompleteExpired:
		return payment.SubscriptionCanceled
	}
	return payment.SubscriptionPastDue
}

// ListSubscriptions lists subscriptions, newest first.
func (b *Backend) ListSubscriptions(ctx context.Context, query payment.SubscriptionQuery) (payment.List[payment.Subscription], error) {
	customers, err := b.among(ctx, query.Customer)
	if err != nil {
		return payment.List[payment.Subscription]{}, err
	}
	if customers.none {
		return payment.List[payment.Subscription]{Items: []payment.Subscription{}}, nil
	}
	status := "all"
	if query.Status == payment.SubscriptionActive || query.Status == payment.SubscriptionTrialing { // the two that are one state there too
		status = string(query.Status)
	}
	found, err := listing[*stripe.Subscription, *stripe.Subscription]{
		name: "sub", page: query.Page,
		every: customers.ids == nil && (query.Status == "" || status != "all"),
		id:    func(s *stripe.Subscription) string { return s.ID },
		ask: func(ctx context.Context, params stripe.ListParams) *stripe.V1List[*stripe.Subscription] {
			return b.api.V1Subscriptions.List(ctx, &stripe.SubscriptionListParams{ListParams: params, Customer: customers.param, Status: stripe.String(status), Expand: expand("data.customer")})
		},
		keep: func(_ context.Context, s *stripe.Subscription) (*stripe.Subscription, bool, error) {
			return s, customers.has(person(s.Customer).Reference) && (query.Status == "" || subscriptionStatus(s.Status) == query.Status), nil
		},
	}.run(ctx, b)
	if err != nil {
		return payment.List[payment.Subscription]{}, err
	}
	products, err := b.products(ctx, found.Items...)
	list := payment.List[payment.Subscription]{Items: []payment.Subscription{}, Next: found.Next}
	for _, s := range found.Items {
		list.Items = append(list.Items, subscribed(s, products))
	}
	return list, err
}

// products are the names of what is subscribed to. A subscription brings ids alone: names
// lie deeper than Stripe expands.
func (b *Backend) products(ctx context.Context, subscriptions ...*stripe.Subscription) (map[string]string, error) {
	names, ids := map[string]string{}, []*string{}
	for _, s := range subscriptions {
		if s.Items == nil || len(s.Items.Data) == 0 || s.Items.Data[0].Price == nil || s.Items.Data[0].Price.Product == nil {
			continue
		}
		id := s.Items.Data[0].Price.Product.ID
		if _, there := names[id]; !there {
			names[id] = ""
			ids = append(ids, stripe.String(id))
		}
	}
	if len(ids) == 0 {
		return names, nil
	}
	found, err := all(ctx, b, func(p *stripe.Product) string { return p.ID }, func(ctx context.Context, params stripe.ListParams) *stripe.V1List[*stripe.Product] {
		return b.api.V1Products.List(ctx, &stripe.ProductListParams{ListParams: params, IDs: ids})
	})
	for _, product := range found {
		names[product.ID] = product.Name
	}
	return names, err
}

// CancelSubscription ends a subscription, now or when its period is over. Its metadata gets
// the call's key, with the same request or, since Stripe ends a subscription by a request
// that takes no key and no metadata, right before.
func (b *Backend) CancelSubscription(ctx context.Context, request payment.CancelRequest) (payment.Subscription, error) {
	s, err := b.subscription(ctx, request.SubscriptionID)
	if err != nil {
		return payment.Subscription{}, err
	}
	products, err := b.products(ctx, s)
	if err != nil {
		return payment.Subscription{}, err
	}
	if refused := payment.CheckCancel(subscribed(s, products), request.When); refused != nil {
		if ours(ctx, s.Metadata) { // made before, and the answer was lost
			return subscribed(s, products), nil
		}
		return payment.Subscription{}, refused
	}
	if s, err = b.cancel(ctx, s, request); err != nil {
		return payment.Subscription{}, err
	}
	return subscribed(s, products), nil
}

func (b *Backend) cancel(ctx context.Context, s *stripe.Subscription, request payment.CancelRequest) (*stripe.Subscription, error) {
	update := &stripe.SubscriptionUpdateParams{Metadata: marked(ctx, nil), Expand: expand("customer")}
	if request.Reason != "" {
		update.CancellationDetails = &stripe.SubscriptionUpdateCancellationDetailsParams{Comment: stripe.String(request.Reason)}
	}
	mark := func(ctx context.Context) (*stripe.Subscription, error) {
		return b.api.V1Subscriptions.Update(ctx, s.ID, update)
	}
	if request.When == payment.CancelPeriodEnd {
		update.CancelAtPeriodEnd = stripe.Bool(true)
		return write(ctx, b, "", &update.Params, mark)
	}
	if callKey(ctx) != "" {
		if _, err := write(ctx, b, "mark", &update.Params, mark); err != nil {
			return nil, err
		}
	}
	params := &stripe.SubscriptionCancelParams{Expand: expand("customer")}
	if request.Reason != "" {
		params.CancellationDetails = &stripe.SubscriptionCancelCancellationDetailsParams{Comment: stripe.String(request.Reason)}
	}
	ended, err := write(ctx, b, "", &params.Params, func(ctx context.Context) (*stripe.Subscription, error) {
		return b.api.V1Subscriptions.Cancel(ctx, s.ID, params)
	})
	if !missing(err) {
		return ended, err
	}
	// It had ended a moment before: by this very request, if it went out twice, or by
	// somebody else's.
	now, lookErr := b.subscription(ctx, s.ID)
	switch {
	case lookErr != nil:
		return nil, lookErr
	case ours(ctx, now.Metadata) && subscriptionStatus(now.Status) == payment.SubscriptionCanceled:
		return now, nil
	}
	return nil, cmp.Or(payment.CheckCancel(subscribed(now, nil), request.When), err)
}

func (b *Backend) subscription(ctx context.Context, id string) (*stripe.Subscription, error) {
	s, err := read(ctx, b, func(ctx context.Context) (*stripe.Subscription, error) {
		return b.api.V1Subscriptions.Retrieve(ctx, id, &stripe.SubscriptionRetrieveParams{Expand: expand("customer")})
	})
	if missing(err) {
		return nil, payment.NoSuchSubscription(id)
	}
	return s, err
}
