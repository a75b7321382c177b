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
	// When is a CEL condition on the event, "" for every event.
	When   string `yaml:"when"`
	Agent  string `yaml:"agent"`
	Prompt string `yaml:"prompt"` // text/template over the event
	// Callback is told the outcome of each run. nil: nobody is.
	Callback *Callback `yaml:"callback"`
	MaxBody  Size      `yaml:"max_body"`
}

// WebhookSecret is one secret of a source. In the file it may be the text alone.
type WebhookSecret struct {
	Secret Secret `yaml:"secret,scalar"`
	// NotAfter is the last moment the secret counts; zero is without end.
	NotAfter time.Time `yaml:"not_after"`
}
