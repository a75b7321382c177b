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
	if len(g.Redact.Shapes) > 0 {
		whose := "what outsiders wrote"
		if g.Redact.Of == RedactAll {
			whose = "every result"
		}
		fmt.Fprintf(w, "  Taken out of %s: what looks like one of %s.\n", whose, strings.Join(g.Redact.Shapes, ", "))
	}
}
