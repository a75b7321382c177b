package config

import (
	"errors"
	"slices"
	"strings"
)

// Kinds of references to values that are kept elsewhere: ${file:/run/secrets/x},
// ${exec:pass show x}, ${vault:secret/data/x#key}.
const (
	FileReference  = "file"
	ExecReference  = "exec"
	VaultReference = "vault"
)

// Sources are where references in the file have their values from.
type Sources struct {
	// Lookup is [os.LookupEnv], or a stand-in.
	Lookup func(name string) (string, bool)
	// Read reads what a reference of the kind names, for a setting ("store.url"). Its
	// error names no value; the reference and its place are put before it. nil: such
	// references are refused.
	Read func(setting, kind, argument string) (Value, error)
}

// Value is what a reference gave.
type Value struct {
	Value string
	// Warning is what is wrong with the way it is kept, "" if nothing is.
	Warning string
	// StandIn: it was not read, on purpose. Value is something of its form, a secret of
	// 64 characters say; settings that cannot be made of it keep their defaults.
	StandIn bool
}

func (s Sources) read(setting, kind, argument string) (Value, error) {
	if s.Read == nil {
		return Value{}, errors.New("references of this kind are not read here")
	}
	return s.Read(setting, kind, argument)
}

// referenceOf splits the inside of a reference to something that is kept elsewhere.
// ${file:-x} is the variable "file" with a default.
func referenceOf(body string) (kind, argument string, ok bool) {
	kind, argument, ok = strings.Cut(body, ":")
	ok = ok && !strings.HasPrefix(argument, "-") && slices.Contains([]string{FileReference, ExecReference, VaultReference}, kind)
	return kind, argument, ok
}

// Differences are the settings, by their paths, for which references of c and other, which
// was read of the same text, gave different values.
func (c *Config) Differences(other *Config) []string {
	var paths []string
	if c.source != nil && other.source != nil {
		for path, m := range c.source.marks {
			if m.sum != other.source.marks[path].sum {
				paths = append(paths, path)
			}
		}
	}
	slices.Sort(paths)
	return paths
}

// Unread are the settings whose references were not read, by their paths.
func (c *Config) Unread() []string {
	var paths []string
	if c.source != nil {
		for path, m := range c.source.marks {
			if m.standIn {
				paths = append(paths, path)
			}
		}
	}
	slices.Sort(paths)
	return paths
}

// standInKey is a public key of the curve P-256, as SendGrid shows it, whose private half
// nobody has.
const standInKey = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEcmsWXGldR1FgNf4NyxsB6nudGhQPvb1igS9eybWdaJ3gVtmtcKWKulYcjJaDO9bsnK2ejg5DMUFlR8PYaPdfHQ=="

// fitStandIns gives webhooks whose scheme takes no secret of just any text, and whose own
// was not read, one of the right form: the settings can be checked and wired without it.
func (c *Config) fitStandIns() {
	c.fitStripeKey()
	c.fitSigningKey()
	c.fitSlackToken()
	c.fitHubSpotToken()
	c.fitSalesforceKey()
	for name, hook := range c.Webhooks {
		rule, _ := hook.rule()
		for i, secret := range hook.Secrets {
			at := item(child(child("webhooks", name), "secrets"), i)
			if _, problem := rule.size(secret.Secret.Reveal()); problem != "" && (c.source.marks[at].standIn || c.source.marks[at+".secret"].standIn) {
				hook.Secrets[i].Secret = standInKey
			}
		}
	}
}

// WebhookAt is the name of the webhook whose setting is at path, "" if it is no webhook's.
func (c *Config) WebhookAt(path string) string {
	for name := range c.Webhooks {
		if strings.HasPrefix(path, child("webhooks", name)+".") {
			return name
		}
	}
	return ""
}
