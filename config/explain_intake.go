package config

import (
	"fmt"
	"io"
	"strings"
)

func (c *Config) explainProxies(w io.Writer) {
	if len(c.Server.TrustedProxies) > 0 {
		fmt.Fprintf(w, "Believes %s whom they pass requests on for.\n", networks(c.Server.TrustedProxies))
	}
}

func networks(list []Network) string {
	texts := make([]string, len(list))
	for i, n := range list {
		texts[i] = n.String()
	}
	return strings.Join(texts, ", ")
}

// room says when there is too little of it.
func (s Store) room() string {
	var bounds []string
	if s.MinFree > 0 {
		bounds = append(bounds, s.MinFree.String())
	}
	if s.MinFreePercent > 0 {
		bounds = append(bounds, fmt.Sprintf("%d %%", s.MinFreePercent))
	}
	if len(bounds) == 0 {
		return ""
	}
	return " Accepts no events while less than " + strings.Join(bounds, " or ") + " of its disk is free."
}

// explainIntake says how deliveries are taken in, where it is not as usual.
func (c *Config) explainIntake(w io.Writer, name string, hook Webhook) {
	usual := DefaultWebhook()
	if hook.Disabled {
		if hook.FromMail() {
			fmt.Fprintln(w, "    is disabled: nothing is fetched")
		} else {
			fmt.Fprintln(w, "    is disabled: answered as if it did not exist")
		}
	}
	if len(hook.AllowIPs) > 0 {
		fmt.Fprintf(w, "    and come from %s\n", networks(hook.AllowIPs))
	}
	if len(hook.ContentTypes) > 0 {
		fmt.Fprintf(w, "    and be %s\n", strings.Join(hook.ContentTypes, " or "))
	}
	if hook.Rate != usual.Rate {
		fmt.Fprintf(w, "    is stored up to %d times a second\n", hook.Rate)
	}
	if hook.DedupeFor != usual.DedupeFor {
		fmt.Fprintf(w, "    is the same event again for %s\n", hook.DedupeFor)
	}
	if hook.RerunIfFailed {
		fmt.Fprintln(w, "    is run again when it comes again after its runs have failed")
	}
	if hook.Answer != usual.Answer {
		said := "and no body"
		if at := child("webhooks", name) + ".answer.body"; hook.Answer.Body != "" {
			said = "and " + c.show(at, hook.Answer.Body)
		} else if hook.Answer.Status != 204 {
			said = "and the event's id"
		}
		fmt.Fprintf(w, "    is answered with %d %s\n", hook.Answer.Status, said)
	}
}
