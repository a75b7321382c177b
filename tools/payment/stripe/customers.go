package stripe

import (
	"context"
	"slices"
	"strings"

	stripe "github.com/stripe/stripe-go/v85"

	"drawbridge/tools/payment"
)

// person is a customer as the family knows them.
func person(c *stripe.Customer) payment.Customer {
	if c == nil {
		return payment.Customer{}
	}
	return payment.Customer{Reference: c.ID, Name: c.Name, Email: c.Email}
}

// customersOf are the customers with an email address, newest first. Stripe compares
// addresses exactly, so that one is looked for as it is written and in lower case.
func (b *Backend) customersOf(ctx context.Context, email string) ([]*stripe.Customer, error) {
	spellings := []string{strings.ToLower(email), email}
	var found []*stripe.Customer
	for _, spelling := range slices.Compact(spellings) {
		some, err := all(ctx, b, func(c *stripe.Customer) string { return c.ID }, func(ctx context.Context, params stripe.ListParams) *stripe.V1List[*stripe.Customer] {
			return b.api.V1Customers.List(ctx, &stripe.CustomerListParams{ListParams: params, Email: stripe.String(spelling)})
		})
		if err != nil {
			return nil, err
		}
		found = append(found, some...)
	}
	return found, nil
}

// customer finds a customer by reference or email. Of several with one address it is the
// newest.
func (b *Backend) customer(ctx context.Context, ref string) (*stripe.Customer, error) {
	if strings.Contains(ref, "@") {
		found, err := b.customersOf(ctx, ref)
		switch {
		case err != nil:
			return nil, err
		case len(found) == 0:
			return nil, payment.NoSuchCustomer(ref)
		}
		return found[0], nil
	}
	c, err := read(ctx, b, func(ctx context.Context) (*stripe.Customer, error) {
		return b.api.V1Customers.Retrieve(ctx, ref, nil)
	})
	if missing(err) || err == nil && c.Deleted {
		return nil, payment.NoSuchCustomer(ref)
	}
	return c, err
}

// among is a search's customer: one that the request can name, or several of one address.
type among struct {
	param *string
	ids   []string // of which a record has to have one; nil for any
	none  bool     // there is no such customer, and so nothing to find
}

func (b *Backend) among(ctx context.Context, ref string) (among, error) {
	switch {
	case ref == "":
		return among{}, nil
	case !strings.Contains(ref, "@"):
		_, err := b.customer(ctx, ref)
		return among{param: stripe.String(ref), none: missing(err)}, unlessMissing(err)
	}
	found, err := b.customersOf(ctx, ref)
	if err != nil {
		return among{}, err
	}
	switch len(found) {
	case 0:
		return among{none: true}, nil
	case 1:
		return among{param: stripe.String(found[0].ID)}, nil
	}
	a := among{}
	for _, c := range found {
		a.ids = append(a.ids, c.ID)
	}
	return a, nil
}

func unlessMissing(err error) error {
	if missing(err) {
		return nil
	}
	return err
}

func (a among) has(id string) bool { return a.ids == nil || slices.Contains(a.ids, id) }

// customerFor finds the customer of an invoice. An address that nobody has makes a new one.
func (b *Backend) customerFor(ctx context.Context, ref, name string) (*stripe.Customer, error) {
	c, err := b.customer(ctx, ref)
	if !missing(err) || !strings.Contains(ref, "@") {
		return c, err
	}
	if err := payment.CheckEmail("customer", ref); err != nil {
		return nil, err
	}
	params := &stripe.CustomerCreateParams{Email: stripe.String(strings.ToLower(ref)), Metadata: marked(ctx, nil)}
	if name != "" {
		params.Name = stripe.String(name)
	}
	return write(ctx, b, "customer", &params.Params, func(ctx context.Context) (*stripe.Customer, error) {
		return b.api.V1Customers.Create(ctx, params)
	})
}

// UpdateCustomer changes a customer's name or email.
func (b *Backend) UpdateCustomer(ctx context.Context, change payment.CustomerChange) (payment.Customer, error) {
	c, err := b.customer(ctx, change.Customer)
	if missing(err) && change.Email != "" && strings.Contains(change.Customer, "@") {
		// Perhaps it is this call, made again, that gave them another address.
		if changed, found := b.customer(ctx, change.Email); found == nil && ours(ctx, changed.Metadata) {
			return person(changed), nil
		}
	}
	if err != nil {
		return payment.Customer{}, err
	}
	params := &stripe.CustomerUpdateParams{Metadata: marked(ctx, nil)}
	if change.Name != "" {
		params.Name = stripe.String(change.Name)
	}
	if change.Email != "" {
		params.Email = stripe.String(change.Email)
	}
	c, err = write(ctx, b, "", &params.Params, func(ctx context.Context) (*stripe.Customer, error) {
		return b.api.V1Customers.Update(ctx, c.ID, params)
	})
	return person(c), err
}
