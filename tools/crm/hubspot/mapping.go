package hubspot

import (
	"maps"
	"slices"

	"drawbridge/tools"
	"drawbridge/tools/crm"
)

// Mapping says how an account calls what the family knows. Accounts differ in their
// pipelines, and in the properties that they made themselves.
type Mapping struct {
	// Which stages of the pipeline stand for which of our
	// stages and statuses. The first of several is the one that is set. What is not there
	// is as in a new account.
	Customers Pipeline // the stages of contacts' life cycle
	Deals     Pipeline
	Tickets   Pipeline
	Orders    Pipeline
	// Currency is the account's own, in which sums are that name none.
	Currency string
	// Properties are the names of the account's own properties, by what they hold (see
	// Places). What has none cannot be kept.
	Properties map[string]string
}

// Pipeline is one pipeline of records.
type Pipeline struct {
	// ID is the pipeline that new records go into.
	ID     string
	Stages map[string][]string
}

// Places are what the family keeps and a new account has no property for.
const (
	PlaceExternalID   = "customer_external_id" // a text, unique
	PlaceCustomerNote = "customer_note"        // a text of several lines
	PlaceDelayed      = "order_delayed"        // true or false
	PlaceExpected     = "order_expected_at"    // a date and time
	PlaceReview       = "order_review_reason"  // a text; empty where nobody is to look
	PlaceStock        = "product_stock"        // a number
	PlaceReorder      = "product_reorder_at"   // a number
	PlaceOrderNumber  = "order_number"         // a text; hs_order_name if not set
)

// Places lists them all.
var Places = []string{PlaceExternalID, PlaceCustomerNote, PlaceDelayed, PlaceExpected, PlaceReview, PlaceStock, PlaceReorder, PlaceOrderNumber}

// The pipelines of a new account, as HubSpot documents them.
var (
	newCustomers = Pipeline{Stages: map[string][]string{
		string(crm.Lead):   {"lead", "subscriber", "marketingqualifiedlead", "salesqualifiedlead", "opportunity"},
		string(crm.Active): {"customer", "evangelist"},
	}}
	newDeals = Pipeline{ID: "default", Stages: map[string][]string{
		string(crm.DealLead):        {"appointmentscheduled"},
		string(crm.DealQualified):   {"qualifiedtobuy"},
		string(crm.DealProposal):    {"presentationscheduled", "decisionmakerboughtin"},
		string(crm.DealNegotiation): {"contractsent"},
		string(crm.DealWon):         {"closedwon"},
		string(crm.DealLost):        {"closedlost"},
	}}
	newTickets = Pipeline{ID: "0", Stages: map[string][]string{
		string(crm.TicketOpen):    {"1", "3"}, // new; waiting for us
		string(crm.TicketPending): {"2"},      // waiting for the contact
		string(crm.TicketClosed):  {"4"},
	}}
	newOrders = Pipeline{Stages: map[string][]string{
		string(crm.OrderPending):   {"4b27b500-f031-4927-9811-68a0b525cbae"}, // open
		string(crm.OrderPaid):      {"937ea84d-0a4f-4dcf-9028-3f9c2aafbf03"}, // processed
		string(crm.OrderShipped):   {"aa99e8d0-c1d5-4071-b915-d240bbb1aed9"},
		string(crm.OrderDelivered): {"3725360f-519b-4b18-a593-494d60a29c9f"},
		string(crm.OrderCancelled): {"3c85a297-e9ce-400b-b42e-9f16853d69d6"},
	}}
)

// filled gives the mapping with a new account's where nothing is said.
func (m Mapping) filled() Mapping {
	m.Customers, m.Deals, m.Tickets, m.Orders = m.Customers.over(newCustomers), m.Deals.over(newDeals), m.Tickets.over(newTickets), m.Orders.over(newOrders)
	m.Properties = maps.Clone(m.Properties)
	if m.Properties == nil {
		m.Properties = map[string]string{}
	}
	if m.Properties[PlaceOrderNumber] == "" {
		m.Properties[PlaceOrderNumber] = "hs_order_name"
	}
	return m
}

func (p Pipeline) over(usual Pipeline) Pipeline {
	if p.ID == "" {
		p.ID = usual.ID
	}
	if len(p.Stages) == 0 {
		p.Stages = usual.Stages
	}
	return p
}

// stage is the one that is set for a status.
func (p Pipeline) stage(field, status, setting string) (string, error) {
	if stages := p.Stages[status]; len(stages) > 0 {
		return stages[0], nil
	}
	return "", tools.Errorf(tools.Invalid, "%s: this HubSpot account has no stage for %q; it has some for %q. A person can name one in the settings (tools.crm.hubspot.%s.stages).", field, status, slices.Sorted(maps.Keys(p.Stages)), setting)
}

// status is what a stage stands for, "" if the mapping does not say.
func (p Pipeline) status(stage string) string {
	for _, status := range slices.Sorted(maps.Keys(p.Stages)) {
		if slices.Contains(p.Stages[status], stage) {
			return status
		}
	}
	return ""
}

// among is the condition under which a record has one of some statuses. A stage that the
// mapping does not name counts as the status that things begin with.
func (p Pipeline) among(property, begin string, statuses ...string) []filter {
	if len(statuses) == 0 {
		return nil
	}
	var stages []string
	for status, names := range p.Stages {
		if slices.Contains(statuses, status) != slices.Contains(statuses, begin) {
			stages = append(stages, names...)
		}
	}
	slices.Sort(stages)
	operator := "IN"
	if slices.Contains(statuses, begin) {
		operator = "NOT_IN" // the others
	}
	if len(stages) == 0 {
		return nil // all, or none: which of it is judged here
	}
	return []filter{{Property: property, Operator: operator, Values: stages}}
}

// place is the property that holds something, "" if the account has none.
func (b *Backend) place(what string) string { return b.mapping.Properties[what] }

// placeFor is the property that is to hold what a call gives.
func (b *Backend) placeFor(field, what string) (string, error) {
	if name := b.place(what); name != "" {
		return name, nil
	}
	return "", tools.Errorf(tools.Invalid, "%s: this HubSpot account has no property for it, so it cannot be kept; leave it out. A person can name one in the settings (tools.crm.hubspot.properties.%s).", field, what)
}

// withPlaces adds the properties that hold some things, as far as there are any.
func (b *Backend) withPlaces(properties []string, places ...string) []string {
	all := slices.Clone(properties)
	for _, what := range places {
		if name := b.place(what); name != "" {
			all = append(all, name)
		}
	}
	return all
}
