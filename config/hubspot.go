package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// HubSpot is an account at HubSpot, and how its pipelines and properties are called.
type HubSpot struct {
	// Token is the access token of a private app.
	Token Secret `yaml:"token"`
	// Currency is the account's own (ISO 4217), in which sums are that name none.
	Currency string `yaml:"currency"`
	// BaseURL is where the API is; HubSpot's own address if "".
	BaseURL string `yaml:"base_url"`
	// RequestsPerSecond is how many requests this node makes at most; 0 is 9.
	RequestsPerSecond int `yaml:"requests_per_second"`
	// Properties names properties that the account made itself, by what they hold.
	Properties map[string]string `yaml:"properties"`
	// Which stages stand for which of our stages and statuses, and which pipeline new
	// records go into. What is left out is as in a new account.
	Customers HubSpotStages   `yaml:"customers"`
	Deals     HubSpotPipeline `yaml:"deals"`
	Tickets   HubSpotPipeline `yaml:"tickets"`
	Orders    HubSpotStages   `yaml:"orders"`
}

// HubSpotStages are stages by what they stand for: of several the first is set.
type HubSpotStages struct {
	Stages map[string][]string `yaml:"stages"`
}

// HubSpotPipeline is a pipeline and its stages.
type HubSpotPipeline struct {
	Pipeline string              `yaml:"pipeline"`
	Stages   map[string][]string `yaml:"stages"`
}

// maxHubSpotPace is what HubSpot takes of an app with its limit increased.
const maxHubSpotPace = 25

// HubSpotProperties are what a property of the account's own can hold, HubSpotStatuses what
// a stage can stand for.
var (
	HubSpotProperties = []string{"customer_external_id", "customer_note", "order_number", "order_delayed", "order_expected_at", "order_review_reason", "product_stock", "product_reorder_at"}
	HubSpotStatuses   = map[string][]string{
		"customers": {"lead", "customer", "former"},
		"deals":     {"lead", "qualified", "proposal", "negotiation", "won", "lost"},
		"tickets":   {"open", "pending", "resolved", "closed"},
		"orders":    {"pending", "paid", "shipped", "delivered", "cancelled", "refunded"},
	}
)

var (
	// hubSpotName is the internal name of a property, hubSpotStage the id of a stage or a
	// pipeline.
	hubSpotName  = regexp.MustCompile(`^[a-z][a-z0-9_]{0,99}$`)
	hubSpotStage = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)
	hubSpotToken = regexp.MustCompile(`^[!-~]{16,}$`)
)

func (k *checker) checkHubSpot(at string, h HubSpot) {
	switch token := h.Token.Reveal(); {
	case token == "":
		k.refuse(at+".token", "want the access token of a private app, such as ${HUBSPOT_TOKEN}")
	case !hubSpotToken.MatchString(token):
		k.refuse(at+".token", "this is no access token of a private app; want the one that HubSpot shows for it (pat-...)")
	}
	if !currencyForm.MatchString(h.Currency) {
		k.refuse(at+".currency", "%s is no ISO 4217 code of three capital letters; want the account's own currency, such as EUR", k.show(at+".currency", h.Currency))
	}
	k.within(at+".requests_per_second", h.RequestsPerSecond, 0, maxHubSpotPace)
	if h.BaseURL != "" {
		if u := k.checkBaseURL(at+".base_url", h.BaseURL); u != nil && unencrypted(u) {
			k.refuse(at+".base_url", "want https: the token could be read on the way; http is for this machine alone")
		}
	}
	for _, what := range slices.Sorted(maps.Keys(h.Properties)) {
		path := child(at+".properties", what)
		k.oneOf(path, what, HubSpotProperties...)
		if name := h.Properties[what]; !hubSpotName.MatchString(name) {
			k.refuse(path, "%s is no internal name of a property; want such as drawbridge_external_id", k.show(path, name))
		}
	}
	for of, pipeline := range map[string]string{"deals": h.Deals.Pipeline, "tickets": h.Tickets.Pipeline} {
		if path := at + "." + of + ".pipeline"; pipeline != "" && !hubSpotStage.MatchString(pipeline) {
			k.refuse(path, "%s is no id of a pipeline", k.show(path, pipeline))
		}
	}
	for of, stages := range map[string]map[string][]string{"customers": h.Customers.Stages, "deals": h.Deals.Stages, "tickets": h.Tickets.Stages, "orders": h.Orders.Stages} {
		k.checkHubSpotStages(at+"."+of+".stages", of, stages)
	}
}

// beginning is what each kind of record begins with: it has to have a stage, and a stage
// that is not named counts as one of these.
var beginning = map[string]string{"customers": "lead", "deals": "lead", "tickets": "open"}

func (k *checker) checkHubSpotStages(at, of string, stages map[string][]string) {
	seen := map[string]string{}
	for _, status := range slices.Sorted(maps.Keys(stages)) {
		path := child(at, status)
		k.oneOf(path, status, HubSpotStatuses[of]...)
		if len(stages[status]) == 0 {
			k.refuse(path, "names no stage; leave it out, or list the ids of some")
		}
		for i, stage := range stages[status] {
			switch other, taken := seen[stage]; {
			case !hubSpotStage.MatchString(stage):
				k.refuse(item(path, i), "%s is no id of a stage; HubSpot shows it in the settings of the pipeline", k.show(item(path, i), stage))
			case taken:
				k.refuse(item(path, i), "stage %s stands for %s already", k.show(item(path, i), stage), other)
			}
			seen[stage] = status
		}
	}
	if first := beginning[of]; first != "" && len(stages) > 0 && len(stages[first]) == 0 {
		k.refuse(at, "names no stage for %s, with which they begin", first)
	}
}

// fitHubSpotToken gives a token that was not read the form of one.
func (c *Config) fitHubSpotToken() {
	if h := c.Tools.CRM.HubSpot; h != nil && c.source.marks["tools.crm.hubspot.token"].standIn {
		changed := *h
		changed.Token = "pat-was-not-read"
		c.Tools.CRM.HubSpot = &changed
	}
}

// explainHubSpot says whose account it is, and what it cannot keep.
func (c *Config) explainHubSpot(h HubSpot) string {
	const at = "tools.crm.hubspot."
	text := "a HubSpot account in " + c.asWritten(at+"currency", h.Currency) + "; no idempotency keys: a write whose answer is lost waits for a person"
	var none []string
	for _, what := range HubSpotProperties {
		if h.Properties[what] == "" && what != "order_number" {
			none = append(none, what)
		}
	}
	if len(none) > 0 {
		text += "; no property for " + strings.Join(none, ", ")
	}
	if h.BaseURL != "" {
		text += fmt.Sprintf("; at %s", c.publicPartAt(at+"base_url", h.BaseURL))
	}
	return text
}
