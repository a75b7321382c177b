package payment

import (
	"strings"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/money"
)

// Filter is what payments and invoices can both be searched by. All that is
// given must hold.
type Filter struct {
	Text           string `json:"q,omitempty" jsonschema:"Words to look for in ids, descriptions and the customer's name and email, in any case." maxLength:"200" example:"ada"`
	Customer       string `json:"customer,omitempty" jsonschema:"Only this customer: the payment provider's customer reference or the exact email address." maxLength:"254" example:"ada@example.com"`
	CreatedAfter   string `json:"created_after,omitempty" jsonschema:"Only those made at this time or later. RFC 3339." format:"date-time" maxLength:"40" example:"2026-03-01T00:00:00Z"`
	CreatedBefore  string `json:"created_before,omitempty" jsonschema:"Only those made before this time. RFC 3339." format:"date-time" maxLength:"40" example:"2026-04-01T00:00:00Z"`
	Currency       string `json:"currency,omitempty" jsonschema:"Only this currency: ISO 4217 code. Needed beside min_amount_minor and max_amount_minor." minLength:"3" maxLength:"3" example:"EUR"`
	MinAmountMinor *int64 `json:"min_amount_minor,omitempty" jsonschema:"Only sums of at least this, in minor units of currency (1250 is EUR 12.50)." minimum:"0" example:"1000"`
	MaxAmountMinor *int64 `json:"max_amount_minor,omitempty" jsonschema:"Only sums of at most this, in minor units of currency (1250 is EUR 12.50)." minimum:"0" example:"5000"`
	tools.Page
}

// Criteria is a checked [Filter]. Zero values do not restrict.
type Criteria struct {
	Text     string
	Customer string    // reference or email
	After    time.Time // inclusive
	Before   time.Time // exclusive
	Currency string
	Min, Max *int64 // minor units, inclusive
	tools.Page
}

func (f Filter) criteria() (c Criteria, err error) {
	c = Criteria{
		Text: strings.TrimSpace(f.Text), Customer: strings.TrimSpace(f.Customer),
		Min: f.MinAmountMinor, Max: f.MaxAmountMinor, Page: f.Page,
	}
	if c.After, err = instant("created_after", f.CreatedAfter); err != nil {
		return c, err
	}
	if c.Before, err = instant("created_before", f.CreatedBefore); err != nil {
		return c, err
	}
	if f.Currency != "" {
		if c.Currency, err = money.Code(f.Currency); err != nil {
			return c, err
		}
	}
	switch {
	case !c.After.IsZero() && !c.Before.IsZero() && !c.After.Before(c.Before):
		return c, tools.Errorf(tools.Invalid, "created_after: %s is not before created_before %s; nothing could match.", f.CreatedAfter, f.CreatedBefore)
	case (c.Min != nil || c.Max != nil) && c.Currency == "":
		return c, tools.Errorf(tools.Invalid, "currency: needed beside min_amount_minor and max_amount_minor, because minor units differ between currencies.")
	case c.Min != nil && c.Max != nil && *c.Min > *c.Max:
		return c, tools.Errorf(tools.Invalid, "min_amount_minor: %d is above max_amount_minor %d; nothing could match.", *c.Min, *c.Max)
	}
	return c, nil
}

// instant reads an RFC 3339 time; "" is the zero time.
func instant(field, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, tools.Errorf(tools.Invalid, "%s: %q is not an RFC 3339 time; write it like 2026-03-01T00:00:00Z.", field, text)
	}
	return at.UTC(), nil
}

// named gives an id without the blanks around it, which must leave something.
func named(field, id string) (string, error) {
	id = strings.TrimSpace(id)
	if id == "" {
		return "", tools.Errorf(tools.Invalid, "%s: is empty; say which one.", field)
	}
	return id, nil
}

// choice checks that value is one of the allowed ones, or "" where that is allowed too.
func choice[T ~string](field string, value T, allowed ...T) error {
	names := make([]string, 0, len(allowed))
	for _, one := range allowed {
		if value == one {
			return nil
		}
		if one != "" {
			names = append(names, string(one))
		}
	}
	return tools.Errorf(tools.Invalid, "%s: %q is not one of %s.", field, value, strings.Join(names, ", "))
}
