package stripefake

import (
	"fmt"
	"slices"
	"time"
)

// Payment is one that a customer makes.
type Payment struct {
	// Charge is the id of its charge; one is made up if "".
	Charge   string
	Customer string // id; "" for a guest
	Amount   int64  // in Stripe's units
	Currency string // in lower case
	// Status is a PaymentIntent's: succeeded, requires_capture, processing or
	// requires_payment_method. With the last, Failure is why.
	Status, Failure string
	Description     string
	Created         time.Time // now if zero
	// GuestName and GuestEmail are of a guest.
	GuestName, GuestEmail string
}

// Meet makes a customer known under an id. A known one is left as it is.
func (s *Server) Meet(id, name, email string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID[id] == nil {
		s.put("customers", object{"id": id, "object": "customer", "name": name, "email": email, "metadata": object{}})
	}
}

// TakePayment makes a payment and returns the id of its PaymentIntent.
func (s *Server) TakePayment(pay Payment) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.take(pay)
}

func (s *Server) take(pay Payment) string {
	id, created := s.id("pi"), unix(pay.Created, s.now())
	pi := object{"id": id, "object": "payment_intent", "amount": pay.Amount, "amount_received": int64(0), "amount_capturable": int64(0), "currency": pay.Currency,
		"status": pay.Status, "description": pay.Description, "created": created, "metadata": object{}}
	if pay.Customer != "" {
		pi["customer"] = pay.Customer
	}
	s.put("intents", pi)
	switch pay.Status {
	case "requires_payment_method":
		if pay.Failure != "" {
			pi["last_payment_error"] = object{"type": "card_error", "code": pay.Failure, "message": "The card was refused."}
		}
	case "requires_capture":
		pi["amount_capturable"] = pay.Amount
	case "succeeded":
		pi["amount_received"] = pay.Amount
	}
	if pay.Charge == "" {
		pay.Charge = s.id("ch")
	}
	ch := object{"id": pay.Charge, "object": "charge", "amount": pay.Amount, "amount_captured": pi["amount_received"], "amount_refunded": int64(0), "currency": pay.Currency,
		"payment_intent": id, "created": created, "disputed": false, "refunded": false, "captured": pay.Status == "succeeded", "metadata": object{},
		"billing_details": object{"name": pay.GuestName, "email": pay.GuestEmail}}
	if pay.Customer != "" {
		ch["customer"] = pay.Customer
	}
	ch["_refunds"] = func(rest []string) object { return s.firstTen(s.refundsOf(ch), rest) }
	s.put("charges", ch)
	pi["latest_charge"] = pay.Charge
	return id
}

func unix(at, now time.Time) int64 {
	if at.IsZero() {
		return now.Unix()
	}
	return at.Unix()
}

// firstTen is a list inside another thing.
func (s *Server) firstTen(found []object, rest []string) object {
	more := len(found) > 10
	data := []object{}
	for _, o := range found[:min(len(found), 10)] {
		data = append(data, s.render(o, below("data", rest)))
	}
	return object{"object": "list", "has_more": more, "data": data}
}

func (s *Server) refundsOf(ch object) []object {
	return s.newest("refunds", func(o object) bool { return o["charge"] == ch["id"] })
}

func (s *Server) listIntents(_ string, p *params) (object, *problem) {
	return s.list("/v1/payment_intents", p, s.newest("intents", s.listed(p, "customer", "created")))
}

func (s *Server) capture(id string, p *params) (object, *problem) {
	p.only("amount_to_capture", "metadata")
	amount := p.whole("amount_to_capture")
	pi, wrong := s.find("payment_intent", id)
	switch {
	case p.problem != nil || wrong != nil:
		return s.shown(pi, wrong)(p)
	case pi["status"] != "requires_capture":
		return nil, stateOf("payment_intent_unexpected_state", fmt.Sprintf("This PaymentIntent could not be captured because it has a status of %s.", pi["status"]))
	case amount > number(pi["amount_capturable"]):
		return nil, invalid("amount_to_capture", "The amount to capture is above what is capturable.")
	case amount == 0:
		amount = number(pi["amount_capturable"])
	}
	ch := s.byID[pi["latest_charge"].(string)]
	pi["status"], pi["amount_received"], pi["amount_capturable"] = "succeeded", amount, int64(0)
	// What is released counts among what was given back.
	ch["captured"], ch["amount_captured"], ch["amount_refunded"] = true, amount, number(ch["amount"])-amount
	p.merge(pi["metadata"].(object), "metadata")
	return s.shown(pi, nil)(p)
}

func (s *Server) cancelIntent(id string, p *params) (object, *problem) {
	p.only("cancellation_reason")
	reason := p.text("cancellation_reason")
	if reason != "" && !slices.Contains([]string{"duplicate", "fraudulent", "requested_by_customer", "abandoned"}, reason) && p.problem == nil {
		p.problem = invalid("cancellation_reason", "Invalid cancellation_reason")
	}
	pi, wrong := s.find("payment_intent", id)
	switch {
	case p.problem != nil || wrong != nil:
	case pi["status"] == "succeeded" || pi["status"] == "canceled":
		return nil, stateOf("payment_intent_unexpected_state", fmt.Sprintf("You cannot cancel this PaymentIntent because it has a status of %s.", pi["status"]))
	default:
		pi["status"], pi["canceled_at"], pi["amount_capturable"] = "canceled", s.now().Unix(), int64(0)
		if reason != "" {
			pi["cancellation_reason"] = reason
		}
	}
	return s.shown(pi, wrong)(p)
}

func (s *Server) listRefunds(_ string, p *params) (object, *problem) {
	p.only(slices.Concat(paging, []string{"charge", "payment_intent"})...)
	return s.list("/v1/refunds", p, s.newest("refunds", func(o object) bool {
		return (p.text("charge") == "" || o["charge"] == p.text("charge")) && (p.text("payment_intent") == "" || o["payment_intent"] == p.text("payment_intent"))
	}))
}

func (s *Server) createRefund(_ string, p *params) (object, *problem) {
	p.only("payment_intent", "amount", "reason", "metadata")
	id, amount := p.need("payment_intent"), p.whole("amount")
	if reason := p.text("reason"); reason != "" && !slices.Contains([]string{"duplicate", "fraudulent", "requested_by_customer"}, reason) && p.problem == nil {
		p.problem = invalid("reason", "Invalid reason")
	}
	pi, wrong := s.find("payment_intent", id)
	if p.problem != nil || wrong != nil {
		return s.shown(pi, wrong)(p)
	}
	ch := s.byID[pi["latest_charge"].(string)]
	left := number(ch["amount"]) - number(ch["amount_refunded"])
	switch {
	case pi["status"] != "succeeded":
		return nil, stateOf("", "This PaymentIntent does not have a successful charge to refund.")
	case s.taken(ch) > 0:
		return nil, stateOf("charge_disputed", "The charge has been charged back; cannot issue a refund.")
	case left == 0:
		return nil, stateOf("charge_already_refunded", "Charge "+ch["id"].(string)+" has already been refunded.")
	case amount > left:
		return nil, refuse(400, "invalid_request_error", "", "amount", fmt.Sprintf("Refund amount (%d) is greater than unrefunded amount on charge (%d)", amount, left))
	case amount == 0:
		amount = left
	}
	ch["amount_refunded"] = number(ch["amount_refunded"]) + amount
	ch["refunded"] = ch["amount_refunded"] == ch["amount"]
	refund := s.put("refunds", object{"id": s.id("re"), "object": "refund", "amount": amount, "currency": ch["currency"], "charge": ch["id"], "payment_intent": id,
		"status": "succeeded", "metadata": p.metadata()})
	if reason := p.text("reason"); reason != "" {
		refund["reason"] = reason
	}
	return s.shown(refund, nil)(p)
}

// taken is what disputes took back of a charge.
func (s *Server) taken(ch object) (sum int64) {
	for _, d := range s.tables["disputes"] {
		if d["charge"] == ch["id"] && slices.Contains([]string{"needs_response", "under_review", "lost"}, d["status"].(string)) {
			sum += number(d["amount"])
		}
	}
	return sum
}

// settles is how long a payment's money is pending.
const settles = 2 * 24 * time.Hour

func (s *Server) balance(_ string, p *params) (object, *problem) {
	p.only()
	sums := map[string]map[bool]int64{}
	for _, pi := range s.tables["intents"] {
		if pi["status"] != "succeeded" {
			continue
		}
		ch, code := s.byID[pi["latest_charge"].(string)], pi["currency"].(string)
		if sums[code] == nil {
			sums[code] = map[bool]int64{}
		}
		settled := s.now().Unix()-number(pi["created"]) >= int64(settles/time.Second)
		sums[code][settled] += number(ch["amount"]) - number(ch["amount_refunded"]) - s.taken(ch)
	}
	parts := func(settled bool) []object {
		list := []object{}
		for code, sum := range sums {
			list = append(list, object{"currency": code, "amount": sum[settled], "source_types": object{"card": sum[settled]}})
		}
		return list
	}
	return s.shown(object{"object": "balance", "available": parts(true), "pending": parts(false), "livemode": false}, nil)(p)
}
