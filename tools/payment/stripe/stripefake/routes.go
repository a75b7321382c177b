package stripefake

import (
	"net/http"
	"slices"
	"strings"
)

// route finds what a request is for. The account is locked.
func (s *Server) route(r *http.Request, p *params) (object, *problem) {
	at := path(r)
	id, verb := "", ""
	if len(at) > 1 {
		id = at[1]
	}
	if len(at) > 2 {
		verb = at[2]
	}
	handler, known := map[string]func(id string, p *params) (object, *problem){
		"GET customers":                   s.listCustomers,
		"POST customers":                  s.createCustomer,
		"GET customers/id":                s.get("customer"),
		"POST customers/id":               s.updateCustomer,
		"GET payment_intents":             s.listIntents,
		"GET payment_intents/id":          s.get("payment_intent"),
		"POST payment_intents/id/capture": s.capture,
		"POST payment_intents/id/cancel":  s.cancelIntent,
		"GET charges/id":                  s.get("charge"),
		"GET refunds":                     s.listRefunds,
		"POST refunds":                    s.createRefund,
		"GET invoices":                    s.listInvoices,
		"GET invoices/search":             s.searchInvoices,
		"POST invoices":                   s.createInvoice,
		"GET invoices/id":                 s.get("invoice"),
		"GET invoices/id/lines":           s.listLines,
		"POST invoices/id/finalize":       s.finalize,
		"POST invoices/id/send":           s.send,
		"POST invoices/id/void":           s.void,
		"POST invoiceitems":               s.createItem,
		"GET payment_links":               s.listLinks,
		"POST payment_links":              s.createLink,
		"GET subscriptions":               s.listSubscriptions,
		"GET subscriptions/id":            s.get("subscription"),
		"POST subscriptions/id":           s.updateSubscription,
		"DELETE subscriptions/id":         s.cancelSubscription,
		"GET products":                    s.listProducts,
		"GET disputes":                    s.listDisputes,
		"GET disputes/id":                 s.get("dispute"),
		"POST disputes/id":                s.updateDispute,
		"GET balance":                     s.balance,
	}[r.Method+" "+pattern(at, verb)]
	if !known || len(at) > 3 {
		return nil, refuse(http.StatusNotFound, "invalid_request_error", "", "", "Unrecognized request URL ("+r.Method+": "+r.URL.Path+").")
	}
	return handler(id, p)
}

func pattern(at []string, verb string) string {
	switch {
	case len(at) == 1:
		return at[0]
	case at[0] == "invoices" && at[1] == "search":
		return "invoices/search"
	case verb == "":
		return at[0] + "/id"
	}
	return at[0] + "/id/" + verb
}

// get reads one thing of a kind.
func (s *Server) get(kind string) func(id string, p *params) (object, *problem) {
	return func(id string, p *params) (object, *problem) {
		p.only()
		return s.shown(s.find(kind, id))(p)
	}
}

// shown gives a thing out, unless something was wrong.
func (s *Server) shown(o object, wrong *problem) func(p *params) (object, *problem) {
	return func(p *params) (object, *problem) {
		expansions := p.expansions()
		switch {
		case p.problem != nil:
			return nil, p.problem
		case wrong != nil:
			return nil, wrong
		}
		return s.render(o, expansions), nil
	}
}

var paging = []string{"limit", "starting_after"}

// listed restricts a list to a customer, who has to be there, and to times.
func (s *Server) listed(p *params, names ...string) func(object) bool {
	p.only(slices.Concat(paging, names)...)
	customer := p.text("customer")
	if o := s.byID[customer]; customer != "" && (o == nil || o["object"] != "customer") && p.problem == nil {
		p.problem = noSuch("customer", "customer", customer)
	}
	since := p.created("created")
	return func(o object) bool { return (customer == "" || o["customer"] == customer) && since(o) }
}

func (s *Server) listCustomers(_ string, p *params) (object, *problem) {
	p.only(slices.Concat(paging, []string{"email"})...)
	return s.list("/v1/customers", p, s.newest("customers", func(o object) bool { return p.text("email") == "" || o["email"] == p.text("email") }))
}

func (s *Server) createCustomer(_ string, p *params) (object, *problem) {
	p.only("email", "name", "metadata")
	if p.problem != nil {
		return nil, p.problem
	}
	return s.shown(s.put("customers", object{"id": s.id("cus"), "object": "customer", "email": p.text("email"), "name": p.text("name"), "metadata": p.metadata()}), nil)(p)
}

func (s *Server) updateCustomer(id string, p *params) (object, *problem) {
	p.only("email", "name", "metadata")
	o, wrong := s.find("customer", id)
	if wrong == nil && p.problem == nil {
		for _, name := range []string{"email", "name"} {
			if text := p.text(name); text != "" {
				o[name] = text
			}
		}
		p.merge(o["metadata"].(object), "metadata")
	}
	return s.shown(o, wrong)(p)
}

func (s *Server) listProducts(_ string, p *params) (object, *problem) {
	p.only(slices.Concat(paging, []string{"ids"})...)
	ids, _ := p.tree["ids"].(object)
	return s.list("/v1/products", p, s.newest("products", func(o object) bool {
		for _, id := range ids {
			if o["id"] == id {
				return true
			}
		}
		return len(ids) == 0
	}))
}

func (s *Server) listLinks(_ string, p *params) (object, *problem) {
	p.only(paging...)
	return s.list("/v1/payment_links", p, s.newest("links", nil))
}

func (s *Server) createLink(_ string, p *params) (object, *problem) {
	p.only("line_items", "restrictions", "metadata", "payment_intent_data")
	item := []string{"line_items", "0"}
	price := func(parts ...string) []string { return slices.Concat(item, []string{"price_data"}, parts) }
	currency, name := p.need(price("currency")...), p.need(price("product_data", "name")...)
	amount, quantity := p.whole(price("unit_amount")...), p.whole("line_items", "0", "quantity")
	if p.problem == nil && (amount < 1 || quantity < 1) {
		p.problem = invalid("line_items", "This value must be greater than or equal to 1.")
	}
	if p.problem != nil {
		return nil, p.problem
	}
	link := s.put("links", object{"id": s.id("plink"), "object": "payment_link", "active": true, "currency": strings.ToLower(currency), "metadata": p.metadata()})
	link["url"] = "https://buy.stripe.com/test_" + link["id"].(string)
	created := link["created"]
	delete(link, "created") // a link has none
	if p.text("restrictions", "completed_sessions", "limit") != "" {
		link["restrictions"] = object{"completed_sessions": object{"count": 0, "limit": p.whole("restrictions", "completed_sessions", "limit")}}
	}
	line := object{"id": s.id("li"), "object": "item", "description": name, "quantity": quantity, "amount_total": amount * quantity, "currency": currency,
		"price": object{"id": s.id("price"), "object": "price", "created": created, "currency": currency, "unit_amount": amount}}
	link["_line_items"] = func([]string) object {
		return object{"object": "list", "has_more": false, "data": []object{line}}
	}
	return s.shown(link, nil)(p)
}
