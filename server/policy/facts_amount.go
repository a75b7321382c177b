package policy

import (
	"context"
	"strings"

	"drawbridge/server/guard"
	"drawbridge/tools"
)

// Measure says how much a call does, for the totals: of a call that moves money the sum,
// of one that leaves the company the number of those it goes to. What cannot be told is
// nothing, and rules about it deny.
func (p *Policy) Measure(ctx context.Context, q guard.Question) (m guard.Measure) {
	v := p.view(ctx, q)
	switch q.Tool.Effect {
	case tools.Money:
		if sum, err := v.sum(); err == nil {
			m.Minor, m.Currency = sum.Minor, sum.Currency
		}
	case tools.Message:
		m.Recipients = 1
		if to, err := v.recipients(); err == nil {
			m.Recipients = max(1, len(to))
		}
	}
	return m
}

// sum is what the call moves: what its arguments say, and else of a refund the rest of the
// payment, and of one that is not taken yet (to be captured, or given up) all of it. What ends or sends something without naming a sum has
// none that could be told.
func (v *view) sum() (money, error) {
	return once(v, "sum", func() (money, error) {
		object, _ := v.q.Arguments.(map[string]any)
		var m money
		named := false
		for _, name := range []string{"amount_minor", "amount"} {
			if value, given := object[name]; given && value != nil {
				minor, whole := plain(value).(int64)
				if !whole || minor < 0 || named || name == "amount" && !v.q.Tool.Mounted {
					return m, &factError{"facts.amount_minor", "the amount is no whole number of minor units, or is given twice"}
				}
				m.Minor, named = minor, true
			}
		}
		m.Currency = strings.ToUpper(member(v.q.Arguments, "currency"))
		if named && m.Currency != "" {
			return m, nil
		}
		if v.q.Tool.Name == "shop_cancel_order" {
			return m, &factError{"facts.amount_minor", "what a cancelled order releases is not told"}
		}
		p, err := v.paymentOf()
		switch {
		case err != nil && (member(v.q.Arguments, "payment_id") != "" || v.ofShop()):
			return m, err
		case err != nil:
			return m, &factError{"facts.amount_minor", "the call names no sum and no payment"}
		}
		m.Currency = p.LeftToRefund.Currency
		switch {
		case named:
		case p.open() && !v.ofShop():
			m.Minor = p.Amount.Minor
		default:
			m.Minor = p.LeftToRefund.Minor
		}
		return m, nil
	})
}

func (v *view) amount(name string) (any, error) {
	m, err := v.sum()
	switch {
	case name == "facts.amount_known":
		return err == nil, nil
	case err != nil:
		return nil, err
	case name == "facts.currency":
		return m.Currency, nil
	}
	return m.Minor, nil
}
