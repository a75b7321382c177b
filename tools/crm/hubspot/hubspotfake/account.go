package hubspotfake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// property is what a record can hold.
type property struct {
	kind   string // text, number, truth, time
	oneOf  []string
	unique bool
	fixed  bool // HubSpot's own to set
}

// object is one record.
type object struct {
	id               string
	values           map[string]string
	created, updated time.Time
}

// tie is one association.
type tie struct{ from, id, to, other string }

type owner struct{ id, email, first, last, kind string }

// standard are the properties of a new account, of those that are used here.
func standard() map[string]map[string]property {
	text, number, moment, own := property{kind: "text"}, property{kind: "number"}, property{kind: "time"}, property{kind: "text", fixed: true}
	choice := func(of ...string) property { return property{kind: "text", oneOf: of} }
	all := map[string]map[string]property{
		"contacts": {"firstname": text, "lastname": text, "email": {kind: "text", unique: true}, "phone": text, "company": text, "associatedcompanyid": own, "hubspot_owner_id": text,
			"lifecyclestage": choice("subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer", "evangelist", "other", "former_customer")},
		"companies": {"name": text, "domain": text},
		"deals": {"dealname": text, "amount": number, "deal_currency_code": choice("EUR", "USD", "JPY", "GBP"), "pipeline": choice("default"), "hubspot_owner_id": text, "closedate": moment,
			"hs_is_closed": {kind: "truth", fixed: true}, "hs_is_closed_won": {kind: "truth", fixed: true},
			"dealstage": choice("appointmentscheduled", "qualifiedtobuy", "presentationscheduled", "decisionmakerboughtin", "contractsent", "closedwon", "closedlost", "delivered_and_paid")},
		"tickets": {"subject": text, "content": text, "hs_pipeline": choice("0"), "hs_pipeline_stage": choice("1", "2", "3", "4", "5"), "hs_ticket_priority": choice("LOW", "MEDIUM", "HIGH", "URGENT"), "hubspot_owner_id": text},
		"orders": {"hs_order_name": text, "hs_external_order_id": text, "hs_total_price": number, "hs_currency_code": text, "hs_order_note": text, "hs_external_created_date": moment, "hs_pipeline": text,
			"hs_pipeline_stage": choice("4b27b500-f031-4927-9811-68a0b525cbae", "937ea84d-0a4f-4dcf-9028-3f9c2aafbf03", "aa99e8d0-c1d5-4071-b915-d240bbb1aed9", "3725360f-519b-4b18-a593-494d60a29c9f", "3c85a297-e9ce-400b-b42e-9f16853d69d6", "refunded")},
		"line_items": {"hs_product_id": text, "hs_sku": text, "name": text, "quantity": number, "price": number},
		"products":   {"hs_sku": text, "name": text, "description": text, "price": number, "hs_price_eur": number},
		"tasks": {"hs_task_subject": text, "hs_task_body": text, "hs_task_status": choice("NOT_STARTED", "IN_PROGRESS", "WAITING", "DEFERRED", "COMPLETED"), "hs_timestamp": moment, "hs_task_priority": choice("LOW", "MEDIUM", "HIGH"),
			"hubspot_owner_id": text, "hs_task_completion_date": {kind: "time", fixed: true}},
		"notes":    {"hs_note_body": text, "hs_timestamp": moment, "hubspot_owner_id": text},
		"calls":    {"hs_call_title": text, "hs_call_body": text, "hs_timestamp": moment},
		"emails":   {"hs_email_subject": text, "hs_email_text": text, "hs_timestamp": moment, "hs_email_direction": text},
		"meetings": {"hs_meeting_title": text, "hs_meeting_body": text, "hs_timestamp": moment},
	}
	for kind, properties := range all {
		properties["hs_object_id"] = property{kind: "number", fixed: true}
		created, updated := stamps(kind)
		properties[created], properties[updated] = property{kind: "time", fixed: true}, property{kind: "time", fixed: true}
	}
	return all
}

// stamps are the properties that say when a record was made and changed.
func stamps(kind string) (created, updated string) {
	switch kind {
	case "contacts":
		return "createdate", "lastmodifieddate"
	case "companies", "deals", "tickets", "products", "line_items":
		return "createdate", "hs_lastmodifieddate"
	}
	return "hs_createdate", "hs_lastmodifieddate"
}

// needed are the properties without which nothing is made.
var needed = map[string][]string{
	"notes": {"hs_timestamp"}, "calls": {"hs_timestamp"}, "emails": {"hs_timestamp"}, "meetings": {"hs_timestamp"}, "tasks": {"hs_timestamp"},
	"tickets": {"subject", "hs_pipeline_stage"}, "deals": {"dealname", "dealstage"},
}

// numbers are those of HubSpot's associations, from and to.
var numbers = map[[2]string]int{
	{"tickets", "contacts"}: 16, {"contacts", "tickets"}: 15, {"deals", "contacts"}: 3, {"contacts", "deals"}: 4, {"tasks", "contacts"}: 204, {"contacts", "tasks"}: 203,
	{"notes", "contacts"}: 202, {"contacts", "notes"}: 201, {"calls", "contacts"}: 194, {"contacts", "calls"}: 193, {"emails", "contacts"}: 198, {"contacts", "emails"}: 197,
	{"meetings", "contacts"}: 200, {"contacts", "meetings"}: 199, {"orders", "contacts"}: 507, {"contacts", "orders"}: 508, {"orders", "line_items"}: 513, {"line_items", "orders"}: 514,
}

// Define makes a property of the account's own: of kind text, number, truth or time.
func (s *Server) Define(object, name, kind string, unique bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.defined[object][name] = property{kind: kind, unique: unique}
}

// Hire adds a user to whom records can be assigned, or a queue if there is no address.
func (s *Server) Hire(email, first, last string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	kind := "PERSON"
	if email == "" {
		kind = "QUEUE"
	}
	o := owner{id: s.next(), email: email, first: first, last: last, kind: kind}
	s.owners = append(s.owners, o)
	return o.id
}

// Add makes a record, as somebody else in the account would; the search knows it at once.
func (s *Server) Add(kind string, values map[string]string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	made, refused := s.make(kind, values)
	if refused != nil {
		panic(fmt.Sprint("hubspotfake: ", refused.body))
	}
	s.show(kind, *made)
	return made.id
}

// Tie associates two records.
func (s *Server) Tie(kind, id, with, other string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tie(kind, id, with, other)
}

func (s *Server) tie(kind, id, with, other string) {
	s.ties[tie{kind, id, with, other}] = numbers[[2]string{kind, with}]
	s.ties[tie{with, other, kind, id}] = numbers[[2]string{with, kind}]
}

// Employ associates a contact with a company, as its first.
func (s *Server) Employ(contact, company string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tables["contacts"][contact].values["associatedcompanyid"] = company
	s.show("contacts", *s.tables["contacts"][contact])
}

// Count says how many records of a type there are.
func (s *Server) Count(kind string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.tables[kind])
}

// Value is a property of a record.
func (s *Server) Value(kind, id, name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tables[kind][id].values[name]
}

// Updated is when a record changed last.
func (s *Server) Updated(kind, id string) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tables[kind][id].updated
}

func (s *Server) next() string {
	s.last++
	return strconv.Itoa(s.last)
}

func (s *Server) make(kind string, values map[string]string) (*object, *reply) {
	for _, name := range needed[kind] {
		if values[name] == "" {
			r := refuse(http.StatusBadRequest, "VALIDATION_ERROR", "Error creating %s. Some required properties were not set: [%s]", kind, name)
			return nil, &r
		}
	}
	if refused := s.check(kind, "", values); refused != nil {
		return nil, refused
	}
	at := s.now().UTC().Truncate(time.Millisecond)
	o := &object{id: s.next(), values: map[string]string{}, created: at, updated: at}
	if s.tables[kind] == nil {
		s.tables[kind] = map[string]*object{}
	}
	s.tables[kind][o.id] = o
	s.set(kind, o, values)
	return o, nil
}

func (s *Server) set(kind string, o *object, values map[string]string) {
	before := o.values["hs_task_status"]
	for name, value := range values {
		if s.defined[kind][name].kind == "time" && value != "" {
			value = instant(value).UTC().Format("2006-01-02T15:04:05.000Z")
		}
		if name == "email" {
			value = strings.ToLower(value)
		}
		if o.values[name] = value; value == "" {
			delete(o.values, name)
		}
	}
	created, updated := stamps(kind)
	o.values["hs_object_id"], o.values[created], o.values[updated] = o.id, o.created.Format("2006-01-02T15:04:05.000Z"), o.updated.Format("2006-01-02T15:04:05.000Z")
	switch kind {
	case "deals":
		won := o.values["dealstage"] == "closedwon" || o.values["dealstage"] == "delivered_and_paid"
		o.values["hs_is_closed_won"], o.values["hs_is_closed"] = strconv.FormatBool(won), strconv.FormatBool(won || o.values["dealstage"] == "closedlost")
	case "tasks":
		if o.values["hs_task_status"] == "COMPLETED" && before != "COMPLETED" {
			o.values["hs_task_completion_date"] = s.now().UTC().Format("2006-01-02T15:04:05.000Z")
		}
	}
}

// check holds values against the properties of the account.
func (s *Server) check(kind, id string, values map[string]string) *reply {
	for name, value := range values {
		p, known := s.defined[kind][name]
		var wrong string
		switch {
		case !known:
			wrong = fmt.Sprintf("Property %q does not exist", name)
		case p.fixed:
			wrong = fmt.Sprintf("%q is a read only property; its value cannot be set", name)
		case value == "":
		case p.kind == "number" && !isNumber(value):
			wrong = fmt.Sprintf("%q was not a valid number", value)
		case p.kind == "truth" && value != "true" && value != "false":
			wrong = fmt.Sprintf("%q was not one of the allowed options: [true, false]", value)
		case p.kind == "time" && instant(value).IsZero():
			wrong = fmt.Sprintf("%q was not a valid long", value)
		case p.oneOf != nil && !slices.Contains(p.oneOf, value):
			wrong = fmt.Sprintf("%q was not one of the allowed options", value)
		case name == "hubspot_owner_id" && !slices.ContainsFunc(s.owners, func(o owner) bool { return o.id == value }):
			wrong = fmt.Sprintf("Owner %s does not exist", value)
		case len(value) > 65536:
			wrong = fmt.Sprintf("%q is too long", name)
		}
		if wrong != "" {
			r := refuse(http.StatusBadRequest, "VALIDATION_ERROR", "Property values were not valid: [%s]", wrong)
			return &r
		}
		if other := s.holder(kind, name, value); p.unique && value != "" && other != nil && other.id != id {
			r := refuse(http.StatusConflict, "CONFLICT", "Contact already exists. Existing ID: %s", other.id)
			if name != "email" || id != "" {
				r = refuse(http.StatusBadRequest, "VALIDATION_ERROR", "Property values were not valid: [%s must be unique]", name)
			}
			return &r
		}
	}
	return nil
}

// holder is the record that has a value.
func (s *Server) holder(kind, name, value string) *object {
	for _, o := range s.tables[kind] {
		if o.values[name] == value || name == "email" && strings.EqualFold(o.values[name], value) {
			return o
		}
	}
	return nil
}

func isNumber(text string) bool {
	var number json.Number
	return json.Unmarshal([]byte(text), &number) == nil
}

func instant(text string) time.Time {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at
	}
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.UnixMilli(ms)
	}
	return time.Time{}
}
