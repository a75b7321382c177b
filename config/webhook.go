package config

import "time"

// Webhook is one source of events, at /webhooks/{name}.
type Webhook struct {
	// Scheme is how the sender signs; see schemeRules for all there are.
	Scheme string `yaml:"scheme"`
	// Secrets are all those a delivery may be signed with: several while one
	// replaces another. Of senders with a private key they are the public ones.
	Secrets []WebhookSecret `yaml:"secrets"`

	// These belong to some schemes only (see schemeRules), and are refused elsewhere.

	Header   string `yaml:"header"`    // holds the signature, or the token
	Encoding string `yaml:"encoding"`  // of the signature: hex or base64
	Prefix   string `yaml:"prefix"`    // before the signature, such as "sha256="
	IDHeader string `yaml:"id_header"` // identifies the delivery; "" if none does
	// TimestampHeader holds unix seconds. With it "timestamp.body" is what is
	// signed, without it the body alone.
	TimestampHeader string `yaml:"timestamp_header"`
	TimestampUnit   string `yaml:"timestamp_unit"` // s (if empty) or ms
	Hash            string `yaml:"hash"`           // of the HMAC: sha256 (if empty), sha512 or sha1
	// Signed is what is signed, if it is something else: text with {body},
	// {timestamp}, {id}, {method} and {url} in it.
	Signed         string `yaml:"signed"`
	SecretEncoding string `yaml:"secret_encoding"` // text (if empty), hex or base64
	// Versions of HubSpot's signatures that count: v3, v2, v1. None: all.
	Versions []string `yaml:"versions"`
	// VerifyToken is what Meta shows when it asks whether the address is ours.
	VerifyToken Secret `yaml:"verify_token"`
	// Organization is the id of the one Salesforce organization that may deliver.
	Organization string `yaml:"organization"`
	// Fetch has the response fetched that an event of OpenAI's tells of, with the key of
	// Model, for conditions and prompts to look into.
	Fetch bool `yaml:"fetch"`
	// ClientCA is a file with the roots, in PEM, of the certificates that senders have to
	// show. "" asks for none.
	ClientCA string `yaml:"client_ca"`
	// ClientNames are the names of which such a certificate has to have one; none: any.
	ClientNames []string `yaml:"client_names"`
	// Folder is the one that scheme imap watches, at the server of tools.email.imap; "" is
	// INBOX. Poll is how often it looks there, besides being told; zero is every minute.
	Folder string   `yaml:"folder"`
	Poll   Duration `yaml:"poll"`
	// UnsafeNoVerification says once more that scheme unsafe_none is meant.
	UnsafeNoVerification bool `yaml:"unsafe_no_verification"`

	// Tools and Effects bound what its runs may call, besides what their agent may; no
	// further bound if left out.
	Tools   []string `yaml:"tools"`
	Effects []string `yaml:"effects"`
	// DryRun: what its runs call says what it would do and changes nothing.
	DryRun bool `yaml:"dry_run"`

	// Retention is how long its events, their runs and callbacks are kept, in place of
	// what [Retention] says; nothing if zero.
	Retention Age `yaml:"retention"`

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

	// Disabled: deliveries are answered as if there were no such webhook.
	Disabled bool `yaml:"disabled"`
	// AllowIPs are the addresses that deliveries may come from, besides being signed.
	// None: any.
	AllowIPs []Network `yaml:"allow_ips"`
	// ContentTypes are the media types that deliveries may have. None: any.
	ContentTypes []string `yaml:"content_types"`
	// Rate bounds the verified deliveries a second, so that one sender cannot fill the
	// disk. Ten seconds' worth may come at once.
	Rate int `yaml:"rate"`
	// DedupeFor is how long a delivery with the same key is the same event, counted
	// from the last one. A key that is made of the content counts for 24h at most.
	DedupeFor Duration `yaml:"dedupe_for"`
	// RerunIfFailed: a duplicate of an event whose runs have all failed has it run
	// again.
	RerunIfFailed bool `yaml:"rerun_if_failed"`
	// Answer is what a sender hears whose delivery is stored.
	Answer Answer `yaml:"answer"`
}

// Answer is an HTTP answer.
type Answer struct {
	Status int    `yaml:"status"` // 200, 202 or 204
	Body   string `yaml:"body"`   // "" for the event's id as JSON
}

// WebhookSecret is one secret of a source. In the file it may be the text alone.
type WebhookSecret struct {
	Secret Secret `yaml:"secret,scalar"`
	// NotAfter is the last moment the secret counts; zero is without end.
	NotAfter time.Time `yaml:"not_after"`
}
