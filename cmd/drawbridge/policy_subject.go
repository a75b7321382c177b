package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"drawbridge/server/policy"
)

// subject is what a run's event is about. A run that no event began is about nothing.
func (a *app) subject(ctx context.Context, run string) (policy.Subject, error) {
	r, err := a.store.Run(ctx, run)
	if err != nil || r.Event == "" {
		return policy.Subject{}, err
	}
	event, err := a.store.Event(ctx, r.Event)
	if err != nil {
		return policy.Subject{}, err
	}
	return policy.Subject{Customers: customersIn(event.Body), Since: event.ReceivedAt}, nil
}

// customerMembers are the members of events that name their customer, of the senders that
// there are schemes for and of the shops and forms that sign by HMAC. What stands in any
// other, a description or a message say, is somebody's text and names nobody.
var customerMembers = []string{"customer", "customer_id", "customerid", "customer_email", "email", "receipt_email", "billing_email", "contact_email", "contact",
	"contact_id", "from", "sender", "buyer", "payer", "user_email"}

// customersIn are the values of such members, each once, in order. A value
// is taken whole: a reference within a text is none.
func customersIn(body []byte) []string {
	var found []string
	note := func(name, value string) {
		value = strings.TrimSpace(value)
		if slices.Contains(customerMembers, strings.ToLower(name)) && value != "" && len(value) <= 254 && !slices.Contains(found, value) {
			found = append(found, value)
		}
	}
	var payload any
	if err := json.Unmarshal(bytes.TrimSpace(body), &payload); err != nil {
		form, err := url.ParseQuery(string(body))
		if err != nil || len(body) > 1<<20 {
			return nil
		}
		for name, values := range form {
			for _, value := range values {
				note(name, value)
			}
		}
		slices.Sort(found)
		return found
	}
	namedIn(payload, "", note)
	slices.Sort(found)
	return found
}

// namedIn gives every text below value, with the member that it is the value of. What a
// customer's object has as its id is one too.
func namedIn(value any, name string, each func(name, value string)) {
	switch v := value.(type) {
	case string:
		each(name, v)
	case []any:
		for _, element := range v {
			namedIn(element, name, each)
		}
	case map[string]any:
		for member, below := range v {
			if member == "id" {
				if id, ok := below.(string); ok {
					each(name, id)
				}
				continue
			}
			namedIn(below, member, each)
		}
	}
}
