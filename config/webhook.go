package config

import "time"

// Webhook is one source of events, at /webhooks/{name}.
type Webhook struct {
	// Scheme is how the sender signs: standard, stripe, github or hmac.
	Scheme string `yaml:"scheme"`
	// Secrets are all those a delivery may be signed with: several while one
	// replaces another.
	Secrets []WebhookSecret `yaml:"secrets"`

	// These five describe scheme hmac, and belong to no other.

	Header   string `yaml:"header"`    // holds the signature
	Encoding string `yaml:"encoding"`  // of the signature: hex or base64
	Prefix   string `yaml:"prefix"`    // before the signature, such as "sha256="
	IDHeader string `yaml:"id_header"` // identifies the delivery; "" if none does
	// TimestampHeader holds unix seconds. With it "timestamp.body" is what is
	// signed, without it the body alone.
	TimestampHeader string `yaml:"timestamp_header"`

	// Tolerance is how far a signed timestamp may be from the arrival, either way.
	Tolerance Duration `yaml:"tolerance"`
	// Schema is a JSON Schema that events are held against; none if empty. Validate says
	// what becomes of one that does not fit: off, warn, quarantine or reject.
	Schema   JSON   `yaml:"schema"`
	Validate string `yaml:"validate"`
	// Concurrency is how many runs of the source may have begun and not ended; zero is
	// without a bound.
	Concurrency int `yaml:"concurrency"`
	// Routes say what becomes of the events, tried in this order. Match is first or all:
	// whether the first that takes an event makes a run of it, or each.
	Routes []Route `yaml:"routes"`
	Match  string  `yaml:"match"`

	// These are a single route, in place of Routes. They are as in [Route].

	When     string    `yaml:"when"`
	Agent    string    `yaml:"agent"`
	Prompt   string    `yaml:"prompt"`
	OrderBy  string    `yaml:"order_by"`
	Debounce Duration  `yaml:"debounce"`
	Delay    Duration  `yaml:"delay"`
	Priority string    `yaml:"priority"`
	Budget   Budget    `yaml:"budget"`
	Callback *Callback `yaml:"callback"`
	MaxBody  Size      `yaml:"max_body"`
}

// WebhookSecret is one secret of a source. In the file it may be the text alone.
type WebhookSecret struct {
	Secret Secret `yaml:"secret,scalar"`
	// NotAfter is the last moment the secret counts; zero is without end.
	NotAfter time.Time `yaml:"not_after"`
}
