package config

// Route says what becomes of a source's events. In the file a source has a list of
// them, or is one itself.
type Route struct {
	// Name tells the route from others of its source; that of its agent if "".
	Name string `yaml:"name"`
	// When is a CEL condition on the event, "" for every event.
	When   string `yaml:"when"`
	Agent  string `yaml:"agent"`
	Prompt string `yaml:"prompt"` // text/template over the event
	// OrderBy is a CEL key of the event: runs of one key are carried one at a time, in the
	// order in which their events arrived. "" keeps no order.
	OrderBy string `yaml:"order_by"`
	// Debounce has the last of a row of events speak for all of them, once none has come
	// for this long, and after ten times this long at the latest; zero does not wait.
	Debounce Duration `yaml:"debounce"`
	// Delay is how long after the event a run begins at the earliest.
	Delay Duration `yaml:"delay"`
	// Priority is high, normal or low: what is due goes in this order.
	Priority string `yaml:"priority"`
	// Budget bounds the route's runs, where it is given, in place of the agent's.
	Budget Budget `yaml:"budget"`
	// Callback is told the outcome of each run. nil: nobody is.
	Callback *Callback `yaml:"callback"`
	// Concurrency is how many of the route's runs may have begun and not ended; zero is
	// without a bound.
	Concurrency int `yaml:"concurrency"`
}

// The priorities of a [Route].
const (
	PriorityHigh   = "high"
	PriorityNormal = "normal"
	PriorityLow    = "low"
)

// Which routes of a source make a run of an event.
const (
	MatchFirst = "first" // the first that takes it
	MatchAll   = "all"   // each that takes it
)

// What becomes of an event that does not fit its source's schema.
const (
	ValidateOff        = "off"
	ValidateWarn       = "warn"       // it is handled, with a note
	ValidateQuarantine = "quarantine" // it is kept for a person to look at
	ValidateReject     = "reject"     // it is kept, and not wanted
)

// PlacedRoute is a route with where its settings stand, and the name of its callback.
type PlacedRoute struct {
	Route
	// Path is that of its settings: "webhooks.shop", or "webhooks.shop.routes[1]".
	Path string
	// Target names its callback: the source, or source/route.
	Target string
}

// RoutesOf are the routes of a source, in their order, each with a name.
func (c *Config) RoutesOf(name string) []PlacedRoute {
	hook := c.Webhooks[name]
	switch {
	case hook.WakesBatches():
		return nil
	case len(hook.Routes) == 0:
		return []PlacedRoute{{hook.short(), child("webhooks", name), name}}
	}
	routes := make([]PlacedRoute, len(hook.Routes))
	for i, route := range hook.Routes {
		if route.Name == "" {
			route.Name = route.Agent
		}
		routes[i] = PlacedRoute{route, item(child("webhooks", name)+".routes", i), name + "/" + route.Name}
	}
	return routes
}

// WakesBatches reports whether the source is there for nothing but what OpenAI tells of
// batches, which needs no route.
func (w Webhook) WakesBatches() bool {
	bare := Webhook{Priority: w.Priority}.short()
	bare.Callback = w.Callback
	return w.Scheme == openAI && len(w.Routes) == 0 && w.Callback == nil && w.short() == bare
}

// short is the route that a source is itself. What Concurrency bounds there are all
// runs of the source.
func (w Webhook) short() Route {
	return Route{Name: w.Agent, When: w.When, Agent: w.Agent, Prompt: w.Prompt, OrderBy: w.OrderBy, Debounce: w.Debounce, Delay: w.Delay,
		Priority: w.Priority, Budget: w.Budget, Callback: w.Callback}
}
