package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

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
	if a.cfg.Webhooks[event.Source].FromMail() {
		return subjectOfMail(event.Body, event.ReceivedAt), nil
	}
	return policy.Subject{Customers: customersIn(event.Body), Since: event.ReceivedAt}, nil
}

// subjectOfMail is whom a mail is about: who wrote it, and nobody else. That is what it says
// of itself, and can be forged, as can all else in it; so nothing is to follow from it but
// that the CRM's customer of that address may be written to, at that address. Whom the mail
// wants answered (Reply-To), who else got it, and whoever is named in it are nobody. Nor is
// the writer of a mail that a program sent: an answer would be answered by it.
//
// A customer has to have been one before the mail came: before we saw it, and, by the mail
// server's clock, before it lay there.
func subjectOfMail(body []byte, accepted time.Time) policy.Subject {
	var mail struct {
		Type string `json:"type"`
		From struct {
			Address string `json:"address"`
		} `json:"from"`
		ReceivedAt time.Time `json:"received_at"`
		Automatic  bool      `json:"automatic"`
	}
	s := policy.Subject{Since: accepted}
	if err := json.Unmarshal(body, &mail); err != nil || mail.Type != "mail.received" || mail.Automatic || !strings.Contains(mail.From.Address, "@") {
		return s
	}
	// Its clock is read in whole seconds.
	if came := mail.ReceivedAt.Add(time.Second); !mail.ReceivedAt.IsZero() && came.Before(accepted) {
		s.Since = came
	}
	s.Customers = []string{mail.From.Address}
	return s
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
