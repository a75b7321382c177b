package stripefake

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

func (s *Server) listInvoices(_ string, p *params) (object, *problem) {
	fits, due := s.listed(p, "customer", "created", "due_date", "status"), p.created("due_date")
	return s.list("/v1/invoices", p, s.newest("invoices", func(o object) bool {
		return fits(o) && due(o) && (p.text("status") == "" || o["status"] == p.text("status"))
	}))
}

// searchInvoices knows one query: number:"...".
func (s *Server) searchInvoices(_ string, p *params) (object, *problem) {
	p.only("query", "limit", "page")
	text, quoted := strings.CutPrefix(p.need("query"), `number:"`)
	if !quoted && p.problem == nil {
		p.problem = invalid("query", "We were unable to parse your search query.")
	}
	number := strings.TrimSuffix(text, `"`)
	out, wrong := s.list("/v1/invoices/search", p, s.newest("invoices", func(o object) bool { return o["number"] != nil && strings.EqualFold(o["number"].(string), number) }))
	if wrong == nil {
		out["object"] = "search_result"
	}
	return out, wrong
}

func (s *Server) createInvoice(_ string, p *params) (object, *problem) {
	p.only("customer", "currency", "collection_method", "days_until_due", "auto_advance", "pending_invoice_items_behavior", "description", "metadata")
	customer, wrong := s.find("customer", p.need("customer"))
	days := p.whole("days_until_due")
	if p.problem != nil || wrong != nil {
		return s.shown(customer, wrong)(p)
	}
	in := s.put("invoices", object{"id": s.id("in"), "object": "invoice", "status": "draft", "customer": customer["id"], "customer_name": customer["name"], "customer_email": customer["email"],
		"currency": p.text("currency"), "description": p.text("description"), "total": int64(0), "metadata": p.metadata(), "collection_method": p.text("collection_method"),
		"status_transitions": object{}, "_days": days})
	in["due_date"] = number(in["created"]) + days*86400
	in["_payments"] = func(rest []string) object {
		return object{"object": "list", "has_more": false, "data": s.paymentsOf(in)}
	}
	s.reckon(in)
	return s.shown(in, nil)(p)
}

func (s *Server) paymentsOf(in object) []object {
	paid := []object{}
	if pi, ok := in["_paid"].(string); ok {
		paid = append(paid, object{"object": "invoice_payment", "status": "paid", "payment": object{"type": "payment_intent", "payment_intent": pi}})
	}
	return paid
}

// reckon sets an invoice's first lines and its total.
func (s *Server) reckon(in object) {
	lines := s.linesOf(in)
	total := int64(0)
	for _, line := range lines {
		total += number(line["amount"])
	}
	in["total"], in["lines"] = total, s.firstTen(lines, nil)
}

// linesOf are an invoice's lines, oldest first.
func (s *Server) linesOf(in object) []object {
	lines := s.newest("lines", func(o object) bool { return o["invoice"] == in["id"] })
	slices.Reverse(lines)
	return lines
}

func (s *Server) listLines(id string, p *params) (object, *problem) {
	p.only(paging...)
	in, wrong := s.find("invoice", id)
	if wrong != nil {
		return nil, wrong
	}
	return s.list("/v1/invoices/"+id+"/lines", p, s.linesOf(in))
}

func (s *Server) createItem(_ string, p *params) (object, *problem) {
	p.only("customer", "invoice", "currency", "description", "quantity", "unit_amount_decimal", "metadata")
	in, wrong := s.find("invoice", p.need("invoice"))
	quantity, unit := p.whole("quantity"), p.decimal("unit_amount_decimal")
	switch {
	case p.problem != nil || wrong != nil:
		return s.shown(in, wrong)(p)
	case in["status"] != "draft":
		return nil, stateOf("invoice_not_editable", "This invoice is no longer editable.")
	case in["customer"] != p.text("customer") || in["currency"] != p.text("currency"):
		return nil, invalid("invoice", "The invoice is of another customer or currency.")
	}
	line := s.put("lines", object{"id": s.id("il"), "object": "line_item", "invoice": in["id"], "currency": p.text("currency"), "description": p.text("description"),
		"quantity": quantity, "amount": quantity * unit, "metadata": p.metadata(), "pricing": object{"type": "price_details", "unit_amount_decimal": fmt.Sprint(unit)}})
	s.reckon(in)
	return s.shown(object{"id": line["id"], "object": "invoiceitem", "invoice": in["id"]}, nil)(p)
}

func (s *Server) finalize(id string, p *params) (object, *problem) {
	p.only("auto_advance")
	in, wrong := s.find("invoice", id)
	switch {
	case p.problem != nil || wrong != nil:
	case in["status"] != "draft":
		return nil, stateOf("invoice_not_editable", "This invoice is already finalized, you can't re-finalize a non-draft invoice.")
	default:
		s.n++
		now := s.now().Unix()
		in["status"], in["number"], in["due_date"] = "open", fmt.Sprintf("FAKE%04d-%04d", s.n, 1), now+number(in["_days"])*86400
		in["status_transitions"] = object{"finalized_at": now}
	}
	return s.shown(in, wrong)(p)
}

// send mails an open invoice, each time that it is asked to.
func (s *Server) send(id string, p *params) (object, *problem) {
	p.only()
	in, wrong := s.find("invoice", id)
	switch {
	case p.problem != nil || wrong != nil:
	case in["status"] != "open":
		return nil, stateOf("", "You can only send open invoices.")
	default:
		in["_mailed"] = number(in["_mailed"]) + 1
	}
	return s.shown(in, wrong)(p)
}

// Mailed is how often an invoice was mailed to its customer.
func (s *Server) Mailed(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int(number(s.byID[id]["_mailed"]))
}

func (s *Server) void(id string, p *params) (object, *problem) {
	p.only()
	in, wrong := s.find("invoice", id)
	switch {
	case p.problem != nil || wrong != nil:
	case in["status"] != "open":
		return nil, stateOf("", fmt.Sprintf("You can only void open invoices; this one is %s.", in["status"]))
	default:
		in["status"] = "void"
	}
	return s.shown(in, wrong)(p)
}

// PayInvoice pays an open invoice and returns the id of the PaymentIntent.
func (s *Server) PayInvoice(id string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in, wrong := s.find("invoice", id)
	if wrong != nil || in["status"] != "open" {
		return "", fmt.Errorf("stripefake: there is no open invoice %s", id)
	}
	pi := s.take(Payment{Customer: in["customer"].(string), Amount: number(in["total"]), Currency: in["currency"].(string), Status: "succeeded", Description: "Payment for Invoice", Created: time.Time{}})
	in["status"], in["_paid"] = "paid", pi
	return pi, nil
}

// WriteOff marks an open invoice uncollectible.
func (s *Server) WriteOff(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byID[id]["status"] = "uncollectible"
}
