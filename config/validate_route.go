package config

import (
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	// maxDelay and maxDebounce bound how long an event may be put off: until a payment is
	// tried again next week, but not until it is forgotten.
	maxDelay    = Duration(30 * day)
	minDebounce = Duration(100 * time.Millisecond)
	maxDebounce = Duration(day)
	// maxConcurrency bounds what is no bound any more.
	maxConcurrency = 1000
)

// checkRoutes checks what becomes of a source's events.
func (k *checker) checkRoutes(path, name string, w Webhook) {
	k.oneOf(path+".match", w.Match, MatchFirst, MatchAll)
	k.oneOf(path+".validate", w.Validate, ValidateOff, ValidateWarn, ValidateQuarantine, ValidateReject)
	k.checkConcurrency(path+".concurrency", w.Concurrency)
	switch {
	case len(w.Schema) > 0 && w.Schema[0] != '{':
		k.refuse(path+".schema", "want a JSON Schema, a mapping such as {type: object, required: [id]}")
	case len(w.Schema) == 0 && k.source.has(path+".validate"):
		k.refuse(path+".validate", "there is no schema to hold events against; add schema, or leave the key out")
	}
	if w.WakesBatches() && !k.source.has(path+".routes") {
		return
	}
	if k.source.has(path + ".routes") {
		k.checkNoShort(path)
		if len(w.Routes) == 0 {
			k.refuse(path+".routes", "the list is empty; want what is to become of the events, such as [{agent: billing, prompt: ...}]")
			return
		}
	} else if k.source.has(path + ".match") {
		k.refuse(path+".match", "the source is its only route; list several under routes, or leave the key out")
	}
	taken := map[string]int{}
	routes := k.RoutesOf(name)
	for i, route := range routes {
		k.checkRoute(route)
		k.checkBatchRoute(w, route, routes)
		if first, twice := taken[route.Name]; twice && route.Name != "" {
			k.refuse(route.Path+".name", "%s is the name of route %d too (without a name a route has that of its agent); give this one another",
				k.show(route.Path+".name", route.Name), first)
		}
		taken[route.Name] = i + 1
	}
}

// checkNoShort refuses a source that is a route beside having routes.
func (k *checker) checkNoShort(path string) {
	for _, key := range []string{"agent", "prompt", "when", "order_by", "debounce", "delay", "priority", "budget", "callback"} {
		if k.source.has(path + "." + key) {
			k.refuse(path+"."+key, "the source has routes, to which this setting belongs; move it there")
		}
	}
}

func (k *checker) checkRoute(r PlacedRoute) {
	if r.Name != r.Agent {
		k.checkName(r.Path+".name", r.Name)
	}
	k.checkTask(r.Path, r.Agent, r.Prompt)
	k.oneOf(r.Path+".priority", r.Priority, PriorityHigh, PriorityNormal, PriorityLow)
	between(k, r.Path+".delay", r.Delay, 0, maxDelay)
	if k.source.has(r.Path + ".debounce") {
		between(k, r.Path+".debounce", r.Debounce, minDebounce, maxDebounce)
	}
	if strings.HasSuffix(r.Path, "]") { // of the short form it is the source's
		k.checkConcurrency(r.Path+".concurrency", r.Concurrency)
	}
	k.checkOverride(r)
	if r.Callback != nil {
		k.checkCallback(r.Path+".callback", *r.Callback)
	}
}

// checkConcurrency refuses 0, which would hold everything up for ever if it were a
// bound. Without the key there is none.
func (k *checker) checkConcurrency(path string, atOnce int) {
	if k.source.has(path) {
		k.within(path, atOnce, 1, maxConcurrency)
	}
}

// checkTask checks what is to be done about an event.
func (k *checker) checkTask(path, agent, prompt string) {
	if agent == "" {
		k.refuse(path+".agent", "no agent is to handle it; want the name of one under agents")
	} else if _, exists := k.Agents[agent]; !exists {
		names := slices.Sorted(maps.Keys(k.Agents))
		k.refuse(path+".agent", "there is no agent %s; %s", k.show(path+".agent", agent), suggestion(agent, names))
	}
	if strings.TrimSpace(prompt) == "" {
		k.refuse(path+".prompt", "the prompt is empty; want what to tell the agent")
	}
}

// checkOverride checks the members of a route's budget that are given.
func (k *checker) checkOverride(r PlacedRoute) {
	path := r.Path + ".budget"
	for _, count := range []struct {
		key   string
		value int
	}{{"turns", r.Budget.Turns}, {"calls", r.Budget.Calls}, {"tokens", r.Budget.Tokens}} {
		if at := path + "." + count.key; k.source.has(at) {
			k.atLeast(at, count.value, 1)
		}
	}
	if k.source.has(path + ".wall") {
		between(k, path+".wall", r.Budget.Wall, Duration(time.Second), Duration(7*day))
	}
	if k.source.has(path + ".cost") {
		k.checkCost(child("agents", r.Agent), path+".cost", k.Agents[r.Agent], r.Budget.Cost)
	}
}
