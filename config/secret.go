package config

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is text that must not be seen. Whatever prints it, by fmt, JSON, YAML or
// a log, shows "[redacted]", or nothing when it is empty.
//
// Keep it in exported fields: fmt calls no methods on the others, and would print
// the text.
type Secret string

const redacted = "[redacted]"

// Reveal is the text itself. Call it where the text is used, and nowhere else.
func (s Secret) Reveal() string { return string(s) }

// String is "[redacted]", or "" for an empty secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// GoString is what %#v shows.
func (s Secret) GoString() string { return fmt.Sprintf("config.Secret(%q)", s.String()) }

// Format shows the same under every verb: %x of a secret would otherwise be the
// secret, spelled differently.
func (s Secret) Format(f fmt.State, verb rune) {
	text := s.String()
	switch {
	case verb == 'v' && f.Flag('#'):
		text = s.GoString()
	case verb == 'q':
		text = `"` + text + `"`
	}
	_, _ = io.WriteString(f, text) // fmt has no use for the error
}

// MarshalText serves encoders of text, JSON's among them.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON is the redacted text as a JSON string.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + s.String() + `"`), nil }

// MarshalYAML gives YAML encoders the redacted text.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }

// LogValue gives slog the redacted text.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
