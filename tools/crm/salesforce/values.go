package salesforce

import (
	"fmt"
	"maps"
	"slices"

	"drawbridge/tools"
	"drawbridge/tools/crm"
)

// Values says which values of a picklist stand for which of the family's, by kind: of
// several the first is written, and each is read.
type Values map[string]map[string][]string

// Kinds of picklists.
const (
	ticketStatus   = "ticket_status"
	ticketPriority = "ticket_priority"
	dealStage      = "deal_stage"
	orderStatus    = "order_status"
	customerStage  = "customer_stage"
	interaction    = "interaction_kind"
	sentiment      = "interaction_sentiment"
	taskStatus     = "task_status"
)

// defaultValues are those of an organization as Salesforce sets it up. Where that has no
// word for one of the family's there is none here: nothing is invented in somebody's CRM.
var defaultValues = Values{
	ticketStatus:   {"open": {"New", "Working", "Escalated"}, "pending": {"On Hold"}, "closed": {"Closed"}},
	ticketPriority: {"low": {"Low"}, "normal": {"Medium"}, "high": {"High"}},
	dealStage: {"lead": {"Prospecting"}, "qualified": {"Qualification", "Needs Analysis", "Value Proposition", "Id. Decision Makers", "Perception Analysis"},
		"proposal": {"Proposal/Price Quote"}, "negotiation": {"Negotiation/Review"}, "won": {"Closed Won"}, "lost": {"Closed Lost"}},
	orderStatus:   {"pending": {"Draft"}, "paid": {"Activated"}, "cancelled": {"Cancelled", "Canceled"}},
	customerStage: own(crm.Stages),
	interaction:   {"call": {"Call"}, "email": {"Email"}, "meeting": {"Meeting"}, "note": {"Other"}},
	sentiment:     own(crm.Sentiments),
	taskStatus:    {"open": {"Not Started", "In Progress", "Waiting on someone else", "Deferred"}, "done": {"Completed"}},
}

// own are picklists of fields that were made for this: the family's own words.
func own[T ~string](values []T) map[string][]string {
	all := map[string][]string{}
	for _, v := range values {
		all[string(v)] = []string{string(v)}
	}
	return all
}

// ValueNames are the kinds of picklists, each with the family's values.
func ValueNames() map[string][]string {
	return map[string][]string{
		ticketStatus: words(crm.TicketStatuses), ticketPriority: words(crm.Priorities), dealStage: words(crm.DealStages), orderStatus: words(crm.OrderStatuses),
		taskStatus: {string(crm.OpenTask), string(crm.DoneTask)}, customerStage: words(crm.Stages), interaction: words(crm.Kinds), sentiment: words(crm.Sentiments),
	}
}

func words[T ~string](values []T) []string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = string(v)
	}
	return all
}

// withDefaults fills in the kinds, and the values of a kind, that are not set.
func (v Values) withDefaults() (Values, error) {
	all := Values{}
	for kind, standard := range defaultValues {
		all[kind] = maps.Clone(standard)
		maps.Copy(all[kind], v[kind])
	}
	names := ValueNames()
	for kind, given := range v {
		if names[kind] == nil {
			return nil, fmt.Errorf("salesforce: there are no values of %q", kind)
		}
		for value := range given {
			if !slices.Contains(names[kind], value) {
				return nil, fmt.Errorf("salesforce: %s has no value %q", kind, value)
			}
		}
	}
	return all, nil
}

// picked is what stands for one of the family's values.
func (b *Backend) picked(kind, field string, value string) (string, error) {
	if stored := b.values[kind][value]; len(stored) > 0 {
		return stored[0], nil
	}
	return "", tools.Errorf(tools.Invalid, "%s: this Salesforce has no value for %q (a person can name one in tools.crm.salesforce.values.%s); it has %q", field, value, kind, b.offered(kind))
}

// offered are the family's values that something stands for.
func (b *Backend) offered(kind string) []string {
	var all []string
	for _, value := range ValueNames()[kind] {
		if len(b.values[kind][value]) > 0 {
			all = append(all, value)
		}
	}
	return all
}

// meant is the family's value that a picklist's stands for, "" if it is none that we know.
func (b *Backend) meant(kind, stored string) string {
	for value, all := range b.values[kind] {
		if slices.Contains(all, stored) {
			return value
		}
	}
	return ""
}

// known are all of a picklist's values that stand for one of the family's, but for those
// that stand for one of these.
func (b *Backend) known(kind string, but ...string) []string {
	var all []string
	for _, value := range ValueNames()[kind] {
		if !slices.Contains(but, value) {
			all = append(all, b.values[kind][value]...)
		}
	}
	return all
}
