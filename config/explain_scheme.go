package config

import (
	"fmt"
	"strings"
)

// trust says whose deliveries a source believes.
func (w Webhook) trust() string {
	rule, _ := w.rule()
	within := ""
	if rule.stamped {
		within = " within " + w.Tolerance.String()
	}
	switch w.Scheme {
	case unsafeNone:
		return "believes whatever anybody sends"
	case tokens:
		header := w.Header
		if header == "" {
			header = "Authorization"
		}
		return fmt.Sprintf("must show %s in header %s", secrets(w.Secrets), header)
	case salesforce:
		from := "any organization"
		if w.Organization != "" {
			from = "organization " + w.Organization
		}
		return fmt.Sprintf("must show %s at the end of the path, from %s", secrets(w.Secrets), from)
	case hubspot:
		if len(w.Versions) > 0 {
			return fmt.Sprintf("must be signed (%s %s) with %s%s", w.Scheme, strings.Join(w.Versions, ", "), secrets(w.Secrets), within)
		}
	}
	return fmt.Sprintf("must be signed (%s) with %s%s", w.Scheme, secrets(w.Secrets), within)
}
