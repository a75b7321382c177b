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
}
