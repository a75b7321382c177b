package config

import (
	"fmt"
	"io"
	"strings"
)

// explainRoutes says what becomes of the events of a source.
func (c *Config) explainRoutes(w io.Writer, name string, hook Webhook) {
	say := func(format string, args ...any) { fmt.Fprintf(w, "    "+format+"\n", args...) }
	if len(hook.Schema) > 0 {
		say("%s", misfitting(hook.Validate))
	}
	if hook.Concurrency > 0 {
		say("has at most %s at once", runs(hook.Concurrency))
	}
	if hook.WakesBatches() {
		say("continues batches that are over; nothing comes of other events")
		return
	}
	if hook.Scheme == openAI {
		say("continues batches that are over")
	}
	if hook.Fetch {
		say("has the response fetched that an event tells of, with the key of model")
	}
	if len(hook.Routes) == 0 {
		c.explainRoute(say, c.RoutesOf(name)[0])
		return
	}
	if hook.Match == MatchAll {
		say("becomes a run of each of these routes that takes the event")
	} else {
		say("becomes a run of the first of these routes that takes the event")
	}
	for i, route := range c.RoutesOf(name) {
		say("%d. %s", i+1, route.Name)
		c.explainRoute(func(format string, args ...any) { say("   "+format, args...) }, route)
	}
}

func (c *Config) explainRoute(say func(format string, args ...any), r PlacedRoute) {
	if r.When != "" {
		say("counts when %s", c.asWritten(r.Path+".when", r.When))
	}
	handled := "is handled by agent " + r.Agent
	if r.Priority != PriorityNormal {
		handled += ", with " + r.Priority + " priority"
	}
	say("%s", handled)
	if r.OrderBy != "" {
		say("goes one run at a time, in order of arrival, for each %s", c.asWritten(r.Path+".order_by", r.OrderBy))
	}
	if r.Delay > 0 {
		say("begins %s after the event", r.Delay)
	}
	if r.Debounce > 0 {
		say("waits until no other event came for %s (at most %s), and handles the last one only", r.Debounce, 10*r.Debounce)
	}
	if r.Concurrency > 0 {
		say("has at most %s at once", runs(r.Concurrency))
	}
	if override := overridden(r.Budget); override != "" {
		say("may use %s, in place of what its agent may", override)
	}
	if r.Callback != nil {
		say("tells the outcome to %s, in up to %d attempts%s", c.publicPartAt(r.Path+".callback.url", r.Callback.URL), len(r.Callback.Schedule), r.Callback.order())
	}
}

func misfitting(validate string) string {
	switch validate {
	case ValidateOff:
		return "is not held against its schema (validate: off)"
	case ValidateQuarantine:
		return "is set aside, for somebody to look at, if it does not fit the schema"
	case ValidateReject:
		return "is answered and kept, and nothing comes of it, if it does not fit the schema"
	}
	return "is handled even if it does not fit the schema, with a note that says what does not"
}

func runs(n int) string {
	if n == 1 {
		return "1 run"
	}
	return fmt.Sprintf("%d runs", n)
}

// overridden names the members of a budget that are given.
func overridden(b Budget) string {
	var parts []string
	for _, count := range []struct {
		n    int
		noun string
	}{{b.Turns, "turns"}, {b.Calls, "calls"}, {b.Tokens, "tokens"}} {
		if count.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count.n, count.noun))
		}
	}
	if b.Wall > 0 {
		parts = append(parts, b.Wall.String())
	}
	if b.Cost != (Money{}) {
		parts = append(parts, b.Cost.String())
	}
	return strings.Join(parts, ", ")
}
