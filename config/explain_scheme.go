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
		return fmt.Sprintf("must show %s in header %s%s", secrets(w.Secrets), header, w.certificate())
	case salesforce:
		from := "any organization"
		if w.Organization != "" {
			from = "organization " + w.Organization
		}
		return fmt.Sprintf("must show %s at the end of the path%s, from %s", secrets(w.Secrets), w.certificate(), from)
	case hubspot:
		if len(w.Versions) > 0 {
			return fmt.Sprintf("must be signed (%s %s) with %s%s", w.Scheme, strings.Join(w.Versions, ", "), secrets(w.Secrets), within)
		}
	}
	return fmt.Sprintf("must be signed (%s) with %s%s", w.Scheme, secrets(w.Secrets), within)
}

// certificate says whether senders show one.
func (w Webhook) certificate() string {
	switch {
	case w.ClientCA == "":
		return ""
	case len(w.ClientNames) == 0:
		return " and a client certificate"
	}
	return " and the client certificate of " + strings.Join(w.ClientNames, " or ")
}
