package config

import (
	"fmt"
	"io"
	"strings"
)

// explainGuard says what holds for tool calls, whoever makes them.
func (c *Config) explainGuard(w io.Writer) {
	g := c.Guard
	fmt.Fprintln(w, "\nTool calls")
	if g.RepeatWindow == 0 || len(g.RepeatEffects) == 0 {
		fmt.Fprintln(w, "  One that a client sends again without an idempotency key is made again.")
	} else {
		fmt.Fprintf(w, "  One (%s) that a client sends again within %s, without an idempotency key, gets the first result.\n",
			strings.Join(g.RepeatEffects, ", "), g.RepeatWindow)
	}
	for _, l := range g.Limits {
		fmt.Fprintf(w, "  Limit %s: %s.\n", l.Name, l.words())
	}
	if len(g.Redact.Shapes) > 0 {
		whose := "what outsiders wrote"
		if g.Redact.Of == RedactAll {
			whose = "every result"
		}
		fmt.Fprintf(w, "  Taken out of %s: what looks like one of %s.\n", whose, strings.Join(g.Redact.Shapes, ", "))
	}
	c.explainCache(w)
}

// words say whom a limit holds for, and what it bounds.
func (l Limit) words() string {
	what := l.Tool
	if l.Effect != "" {
		what += " (" + l.Effect + ")"
	}
	whose := "of each " + l.Principal
	if l.Per == PerAll {
		whose = "of all together"
	}
	var parts []string
	add := func(is bool, format string, args ...any) {
		if is {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	add(l.Rate.Times > 0, "%s, %d at once after a pause", l.Rate, max(l.Burst, 1))
	add(l.Concurrent > 0, "%d under way", l.Concurrent)
	add(l.CountPerHour > 0, "%d in an hour", l.CountPerHour)
	add(l.CountPerDay > 0, "%d in a day", l.CountPerDay)
	add(len(l.AmountPerHour) > 0, "%s in an hour", sums(l.AmountPerHour))
	add(len(l.AmountPerDay) > 0, "%s in a day", sums(l.AmountPerDay))
	return fmt.Sprintf("calls of %s %s, at most %s", what, whose, strings.Join(parts, ", "))
}

func sums(all []Money) string {
	var words []string
	for _, m := range all {
		words = append(words, m.String())
	}
	return strings.Join(words, " and ")
}
