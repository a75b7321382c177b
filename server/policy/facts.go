package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"drawbridge/server/guard"
	"drawbridge/tools"
)

// The tools that facts are looked up with, by family: whatever backend serves the family
// serves the facts.
const (
	getPayment     = "payment_get_payment"
	searchPayments = "payment_search_payments"
	getCustomer    = "crm_get_customer"
	getMessage     = "email_get_message"
	getOrder       = "shop_get_order"
)

// lookUp has what the call itself does not say.
func (v *view) lookUp(name string) (any, error) {
	if f, own := v.policy.facts[name]; own {
		return v.own(name, f)
	}
	group, _, _ := strings.Cut(strings.TrimPrefix(name, "facts."), ".")
	switch {
	case name == "run.calls" || name == "run.counts":
		return v.made(name)
	case group == "amount_known" || group == "amount_minor" || group == "currency":
		return v.amount(name)
	case group == "payment":
		return v.payment(name)
	case group == "customer":
		return v.customer(name)
	case group == "recipients":
		return v.recipients()
	case group == "recipients_known":
		return v.recipientsKnown()
	case group == "recipients_of_event":
		return v.recipientsOfEvent()
	case group == "new_addresses":
		return v.newAddresses()
	}
	return nil, nil
}

// once has find find something out that several facts need, and keeps it.
func once[T any](v *view, name string, find func() (T, error)) (T, error) {
	type found struct {
		value T
		err   error
	}
	key := "." + name // no variable begins so
	kept, ok := v.notes[key].(found)
	if !ok {
		value, err := find()
		kept = found{value, err}
		v.notes[key] = kept
	}
	return kept.value, kept.err
}

// ask calls a tool that reads. An error of the tool's is one of errNotFound and errUnread.
func (v *view) ask(tool string, arguments any, out any) error {
	if v.policy.options.Lookup == nil {
		return errUnread
	}
	raw, err := json.Marshal(arguments)
	if err != nil {
		return errUnread
	}
	result, err := v.policy.options.Lookup(v.ctx, tool, raw)
	var known *tools.Error
	switch {
	case errors.As(err, &known) && known.Code == tools.NotFound:
		return errNotFound
	case err != nil:
		return errUnread
	case json.Unmarshal(result, out) != nil:
		return errUnread
	}
	return nil
}

var (
	errNotFound = errors.New("there is no such thing")
	errUnread   = errors.New("it could not be looked up")
)

func (v *view) made(name string) (any, error) {
	counts, err := once(v, "made", func() (map[string]int, error) {
		if v.q.Run == "" || v.policy.options.Totals == nil {
			return map[string]int{}, nil
		}
		return v.policy.options.Totals.Made(v.ctx, v.q.Run)
	})
	if err != nil {
		return nil, &factError{name, "the run's calls cannot be counted"}
	}
	if name == "run.counts" {
		return counts, nil
	}
	all := int64(0)
	for _, n := range counts {
		all += int64(n)
	}
	return all, nil
}

// payment is the one that the call names.
func (v *view) paymentOf() (found payment, err error) {
	return once(v, "payment", func() (p payment, err error) {
		if v.ofShop() {
			return v.order()
		}
		id := member(v.q.Arguments, "payment_id")
		if id == "" {
			return p, &factError{"facts.payment", "the call names no payment_id"}
		}
		if err := v.ask(getPayment, map[string]any{"payment_id": id}, &p); err != nil {
			return p, &factError{"facts.payment", err.Error()}
		}
		return p, nil
	})
}

type payment struct {
	Status       string    `json:"status"`
	Amount       money     `json:"amount"`
	Refunded     money     `json:"refunded"`
	LeftToRefund money     `json:"left_to_refund"`
	Disputed     bool      `json:"disputed"`
	CreatedAt    time.Time `json:"created_at"`
	Customer     struct {
		Reference string `json:"reference"`
		Email     string `json:"email"`
	} `json:"customer"`
}

// taken reports whether the money was taken, even if some was given back since.
func (p payment) taken() bool {
	return p.Status == "succeeded" || p.Status == "partially_refunded" || p.Status == "refunded"
}

// open reports whether what is to be taken is still to be decided.
func (p payment) open() bool { return p.Status == "pending" || p.Status == "authorized" }

type money struct {
	Minor    int64  `json:"amount_minor"`
	Currency string `json:"currency"`
}

func (v *view) payment(name string) (any, error) {
	p, err := v.paymentOf()
	if err != nil {
		return nil, err
	}
	switch name {
	case "facts.payment.amount_minor":
		return p.Amount.Minor, nil
	case "facts.payment.left_minor":
		return p.LeftToRefund.Minor, nil
	case "facts.payment.currency":
		return p.Amount.Currency, nil
	case "facts.payment.status":
		return p.Status, nil
	case "facts.payment.disputed":
		return p.Disputed, nil
	}
	return v.days(p.CreatedAt), nil
}

func (v *view) days(since time.Time) int64 { return int64(v.clock().Sub(since) / (24 * time.Hour)) }

// customer is the one that the call is about: named in it, or who made the payment.
func (v *view) customer(name string) (any, error) {
	reference := member(v.q.Arguments, "customer")
	if reference == "" {
		reference = member(v.q.Arguments, "customer_id")
	}
	if reference == "" {
		p, err := v.paymentOf()
		if err != nil {
			return nil, &factError{name, "the call names no customer"}
		}
		if reference = p.Customer.Reference; reference == "" {
			reference = p.Customer.Email
		}
	}
	if name == "facts.customer.paid" {
		return once(v, "paid", func() (map[string]int64, error) {
			if known, err := v.known(reference); err == nil && known != nil && known.External != "" {
				reference = known.External
			}
			return v.paid(reference)
		})
	}
	known, err := v.known(reference)
	switch {
	case err != nil:
		return nil, &factError{name, err.Error()}
	case name == "facts.customer.known":
		return known != nil, nil
	case known == nil:
		return nil, &factError{name, errNotFound.Error()}
	}
	return v.days(known.CreatedAt), nil
}

// maxPages bounds how many payments of a customer are added up.
const maxPages = 20

// paid adds up what a customer paid.
func (v *view) paid(reference string) (map[string]int64, error) {
	sums, cursor := map[string]int64{}, ""
	for range maxPages {
		var page struct {
			Payments []payment `json:"payments"`
			Next     string    `json:"next_cursor"`
		}
		arguments := map[string]any{"customer": reference, "limit": 100}
		if cursor != "" {
			arguments["cursor"] = cursor
		}
		if err := v.ask(searchPayments, arguments, &page); err != nil && !errors.Is(err, errNotFound) {
			return nil, &factError{"facts.customer.paid", err.Error()}
		}
		for _, p := range page.Payments {
			if p.taken() {
				sums[p.Amount.Currency] += p.Amount.Minor - p.Refunded.Minor
			}
		}
		if cursor = page.Next; cursor == "" {
			return sums, nil
		}
	}
	return nil, &factError{"facts.customer.paid", "there are too many payments to add up"}
}

// customer is one of the CRM's.
type customer struct {
	Email     string    `json:"email"`
	External  string    `json:"external_id"` // what the payment provider calls it
	CreatedAt time.Time `json:"created_at"`
}

// known is the customer of that reference, nil if there is none.
func (v *view) known(reference string) (*customer, error) {
	return once(v, "customer "+reference, func() (*customer, error) {
		var found struct {
			Customer customer `json:"customer"`
		}
		err := v.ask(getCustomer, map[string]any{"customer": reference}, &found)
		if errors.Is(err, errNotFound) {
			return nil, nil
		}
		return &found.Customer, err
	})
}

// fact is one of the operator's own, ready.
type fact struct {
	tool  string
	args  map[string]cel.Program
	value cel.Program
}

func compileFact(env *cel.Env, name string, f Fact) (fact, error) {
	ready := fact{tool: f.Tool, args: map[string]cel.Program{}}
	var mistakes []error
	if f.Tool == "" {
		mistakes = append(mistakes, &RuleError{Rule: -1, Fact: name, Field: "tool", Message: "it needs a tool that reads"})
	}
	for argument, text := range f.Args {
		program, _, err := compile(env, text, cel.DynType, RuleError{Rule: -1, Fact: name, Field: "args." + argument})
		mistakes, ready.args[argument] = append(mistakes, err), program
	}
	env, err := env.Extend(cel.Variable("result", cel.DynType))
	if err != nil {
		return ready, err
	}
	program, _, err := compile(env, f.Value, cel.DynType, RuleError{Rule: -1, Fact: name, Field: "value"})
	ready.value = program
	return ready, errors.Join(append(mistakes, err)...)
}

// own looks a fact of the operator's up. One that is made of itself fails.
func (v *view) own(name string, f fact) (any, error) {
	v.notes[name] = nil
	arguments := map[string]any{}
	for argument, program := range f.args {
		value, _, err := program.Eval(v)
		if err != nil {
			return nil, &factError{name, "an argument of its look-up has no value"}
		}
		if arguments[argument], err = value.ConvertToNative(types.JSONValueType); err != nil {
			return nil, &factError{name, "an argument of its look-up is no JSON"}
		}
	}
	asked := view{ctx: v.ctx, policy: v.policy, q: v.q, notes: guard.Notes{}}
	var raw json.RawMessage
	if err := v.ask(f.tool, arguments, &raw); err != nil {
		return nil, &factError{name, err.Error()}
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var result any
	if err := decoder.Decode(&result); err != nil {
		return nil, &factError{name, errUnread.Error()}
	}
	asked.result = plain(result)
	value, _, err := f.value.Eval(&asked)
	if err != nil {
		return nil, &factError{name, "its value cannot be told from the result"}
	}
	return value, nil
}
