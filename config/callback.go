package config

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Callback is an address that is told the outcome of a run, in a signed request.
type Callback struct {
	// URL is https, or http to this machine.
	URL string `yaml:"url"`
	// Secret is a Standard Webhooks secret: whsec_ and base64, or whsk_ and base64 of an
	// Ed25519 key. It is short for Secrets with one.
	Secret Secret `yaml:"secret"`
	// Secrets all sign, until they end: several while one replaces another.
	Secrets []WebhookSecret `yaml:"secrets"`
	// Schedule holds the wait before each attempt; the first counts from the end
	// of the run. After the last one the delivery is given up.
	Schedule []Duration `yaml:"schedule"`
	// FIFO sends one message after the other, in the order in which runs ended: the next
	// when the one before it is delivered or given up.
	FIFO bool `yaml:"fifo"`
	// Concurrency is how many attempts may be under way at once; that of [Callbacks] if
	// zero.
	Concurrency int `yaml:"concurrency"`
}

// AllSecrets are Secret and Secrets.
func (c Callback) AllSecrets() []WebhookSecret {
	if c.Secret == "" {
		return c.Secrets
	}
	return append([]WebhookSecret{{Secret: c.Secret}}, c.Secrets...)
}

// Callbacks is what holds for all callbacks, and for those that requests ask for.
type Callbacks struct {
	// Secrets sign what requests to /v1/runs ask for. None: they cannot ask.
	Secrets []WebhookSecret `yaml:"secrets"`
	// Schedule is theirs, as in [Callback].
	Schedule []Duration `yaml:"schedule"`
	// Concurrency is how many attempts may be under way at one address.
	Concurrency int `yaml:"concurrency"`
	// DisableAfter is how long an address may do nothing but fail before it is disabled,
	// zero is for ever; DisableAfterFailures how many times in a row, zero is without end.
	DisableAfter         Duration `yaml:"disable_after"`
	DisableAfterFailures int      `yaml:"disable_after_failures"`
	// ObeyReceivers: an answer's header webhook-delivery may disable the address, or
	// abort the message.
	ObeyReceivers bool `yaml:"obey_receivers"`
}

// EachCallback calls do for each callback of the settings, with the path of its section.
func (c *Config) EachCallback(do func(path string, callback Callback)) {
	for _, name := range slices.Sorted(maps.Keys(c.Webhooks)) {
		for _, route := range c.RoutesOf(name) {
			if route.Callback != nil {
				do(route.Path+".callback", *route.Callback)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Schedules)) {
		if back := c.Schedules[name].Callback; back != nil {
			do(child("schedules", name)+".callback", *back)
		}
	}
}

// order says in which order messages are sent, where that is set.
func (c Callback) order() string {
	if c.FIFO {
		return ", one message after the other"
	}
	return ""
}

func (c *Config) explainCallbacks(w io.Writer) {
	back := c.Callbacks
	var patience []string
	if back.DisableAfter > 0 {
		patience = append(patience, "for "+back.DisableAfter.String())
	}
	if back.DisableAfterFailures > 0 {
		patience = append(patience, fmt.Sprintf("%d times in a row", back.DisableAfterFailures))
	}
	disables := "never disables one for its failures"
	if len(patience) > 0 {
		disables = "disables one that does nothing but fail " + strings.Join(patience, ", or ")
	}
	asked := "Requests cannot ask for callbacks: there are no callbacks.secrets."
	if len(back.Secrets) > 0 {
		asked = fmt.Sprintf("Requests may ask for callbacks, signed (secrets: %d), in up to %d attempts.", len(back.Secrets), len(back.Schedule))
	}
	fmt.Fprintf(w, "Sends %d callbacks to one address at a time, and %s. %s\n", back.Concurrency, disables, asked)
}
