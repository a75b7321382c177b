package stripefake

import (
	"fmt"
	"slices"
	"time"
)

// Subscription is one that a customer has.
type Subscription struct {
	Customer, Status, Product string
	Amount                    int64
	Currency, Interval        string
	Created, PeriodEnd        time.Time
}

// Subscribe makes a subscription and returns its id.
func (s *Server) Subscribe(sub Subscription) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	product := s.put("products", object{"id": s.id("prod"), "object": "product", "name": sub.Product})
	item := object{"id": s.id("si"), "object": "subscription_item", "quantity": 1, "current_period_end": sub.PeriodEnd.Unix(),
		"price": object{"id": s.id("price"), "object": "price", "currency": sub.Currency, "unit_amount": sub.Amount, "product": product["id"], "recurring": object{"interval": sub.Interval, "interval_count": 1}}}
	return s.put("subscriptions", object{"id": s.id("sub"), "object": "subscription", "customer": sub.Customer, "status": sub.Status, "currency": sub.Currency, "created": unix(sub.Created, s.now()),
		"cancel_at_period_end": false, "cancellation_details": object{}, "metadata": object{}, "items": object{"object": "list", "has_more": false, "data": []object{item}}})["id"].(string)
}

func (s *Server) listSubscriptions(_ string, p *params) (object, *problem) {
	fits, status := s.listed(p, "customer", "status"), p.text("status")
	return s.list("/v1/subscriptions", p, s.newest("subscriptions", func(o object) bool {
		return fits(o) && (status == "all" || status == o["status"] || status == "" && o["status"] != "canceled")
	}))
}

// details sets what is said about a cancellation.
func details(o object, p *params) {
	said := object{}
	for name, value := range o["cancellation_details"].(object) {
		said[name] = value
	}
	p.merge(said, "cancellation_details")
	o["cancellation_details"] = said
}

func (s *Server) updateSubscription(id string, p *params) (object, *problem) {
	p.only("cancel_at_period_end", "cancellation_details", "metadata")
	o, wrong := s.find("subscription", id)
	switch {
	case p.problem != nil || wrong != nil:
	case o["status"] == "canceled" && p.text("cancel_at_period_end") != "":
		return nil, stateOf("", "A canceled subscription can only update its cancellation_details and metadata.")
	default:
		if p.truth("cancel_at_period_end") {
			o["cancel_at_period_end"], o["canceled_at"] = true, s.now().Unix()
		}
		details(o, p)
		p.merge(o["metadata"].(object), "metadata")
	}
	return s.shown(o, wrong)(p)
}

func (s *Server) cancelSubscription(id string, p *params) (object, *problem) {
	p.only("cancellation_details")
	o, wrong := s.find("subscription", id)
	switch {
	case p.problem != nil || wrong != nil:
	case o["status"] == "canceled":
		return nil, noSuch("subscription", "id", id)
	default:
		o["status"], o["canceled_at"], o["ended_at"] = "canceled", s.now().Unix(), s.now().Unix()
		details(o, p)
	}
	return s.shown(o, wrong)(p)
}

// Dispute is one that a bank opens about all that is left of a payment.
type Dispute struct {
	Payment        string // id of its PaymentIntent
	Reason, Status string
	RespondBy      time.Time
	Created        time.Time
}

// OpenDispute opens a dispute and returns its id.
func (s *Server) OpenDispute(d Dispute) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	pi, wrong := s.find("payment_intent", d.Payment)
	if wrong != nil {
		return "", fmt.Errorf("stripefake: there is no payment %s", d.Payment)
	}
	ch := s.byID[pi["latest_charge"].(string)]
	ch["disputed"] = true
	due := object{"has_evidence": false, "past_due": false, "submission_count": 0}
	if !d.RespondBy.IsZero() {
		due["due_by"] = d.RespondBy.Unix()
	}
	return s.put("disputes", object{"id": s.id("dp"), "object": "dispute", "amount": number(ch["amount"]) - number(ch["amount_refunded"]), "currency": ch["currency"], "charge": ch["id"],
		"payment_intent": pi["id"], "reason": d.Reason, "status": d.Status, "created": unix(d.Created, s.now()), "evidence": object{}, "evidence_details": due, "metadata": object{}})["id"].(string), nil
}

func (s *Server) listDisputes(_ string, p *params) (object, *problem) {
	p.only(slices.Concat(paging, []string{"charge", "payment_intent"})...)
	return s.list("/v1/disputes", p, s.newest("disputes", func(o object) bool {
		return (p.text("charge") == "" || o["charge"] == p.text("charge")) && (p.text("payment_intent") == "" || o["payment_intent"] == p.text("payment_intent"))
	}))
}

var evidenceParts = []string{
	"access_activity_log", "billing_address", "cancellation_policy_disclosure", "cancellation_rebuttal", "customer_email_address", "customer_name", "duplicate_charge_explanation",
	"duplicate_charge_id", "product_description", "refund_policy_disclosure", "refund_refusal_explanation", "service_date", "shipping_address", "shipping_carrier", "shipping_date",
	"shipping_tracking_number", "uncategorized_text",
}

func (s *Server) updateDispute(id string, p *params) (object, *problem) {
	p.only("evidence", "submit", "metadata")
	given, _ := p.tree["evidence"].(object)
	for name := range given {
		if !slices.Contains(evidenceParts, name) && p.problem == nil {
			p.problem = invalid("evidence", "Received unknown parameter: evidence["+name+"]")
		}
	}
	o, wrong := s.find("dispute", id)
	switch {
	case p.problem != nil || wrong != nil:
	case o["status"] != "needs_response" && o["status"] != "warning_needs_response":
		return nil, stateOf("", "This dispute is already closed, or its evidence was submitted.")
	default:
		kept, more := object{}, o["evidence_details"].(object)
		for name, value := range o["evidence"].(object) {
			kept[name] = value
		}
		p.merge(kept, "evidence")
		o["evidence"] = kept
		due := object{"has_evidence": len(kept) > 0, "past_due": false, "submission_count": more["submission_count"]}
		if more["due_by"] != nil {
			due["due_by"] = more["due_by"]
		}
		if p.text("submit") != "false" { // submitted is what it is unless it says otherwise
			o["status"], due["submission_count"] = "under_review", number(more["submission_count"])+1
		}
		o["evidence_details"] = due
		p.merge(o["metadata"].(object), "metadata")
	}
	return s.shown(o, wrong)(p)
}

// Count is how many things there are in a table: refunds, invoices, lines, links or
// customers.
func (s *Server) Count(table string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.tables[table])
}
