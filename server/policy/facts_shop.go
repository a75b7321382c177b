package policy

import "strings"

// ofShop reports whether the call is about an order of the shop, which stands in the place
// of a payment then: what was paid for it, and is left to refund.
func (v *view) ofShop() bool {
	return strings.HasPrefix(v.q.Tool.Name, "shop_") && !v.q.Tool.Mounted
}

// order is the one that the call names, as a payment.
func (v *view) order() (p payment, err error) {
	return once(v, "order", func() (p payment, err error) {
		id := member(v.q.Arguments, "order")
		if id == "" {
			return p, &factError{"facts.payment", "the call names no order"}
		}
		found := struct {
			payment
			Total money `json:"total"`
		}{}
		if err := v.ask(getOrder, map[string]any{"order": id}, &found); err != nil {
			return p, &factError{"facts.payment", err.Error()}
		}
		p = found.payment
		p.Amount = found.Total
		p.Customer.Reference = "" // it is the shop's own, which nobody else knows
		return p, nil
	})
}
