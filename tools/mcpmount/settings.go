package mcpmount

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"drawbridge/tools"
)

// Settings say which server is mounted and how far it is trusted.
type Settings struct {
	// Name is the mount's: its tools are called Name__tool. At most 32 characters
	// of [a-z][a-z0-9]*(_[a-z0-9]+)*.
	Name string
	// Kind is what people call what is mounted; "MCP server" by default.
	Kind string

	// Command is a program and its arguments, spoken to on stdio. Either it or URL.
	Command []string
	// Dir is where the program runs; empty: where we do.
	Dir string
	// Env is added to the few variables that the program inherits (environment.go).
	// Nothing else of our own environment reaches it: our keys are in there.
	Env map[string]string

	// URL is the address of a server that speaks streamable HTTP or SSE.
	URL string
	// Headers go with each request to URL. They are secrets, never logged.
	Headers map[string]string

	// Source stands in the place of a server, instead of Command and URL.
	Source Source
	// Relist is how often a source is listed again; 0 is not at all.
	Relist time.Duration
	// Aliases are further names by which Effects and Unknown may speak of a tool of a source, from its
	// definition. The own name goes before them. nil: there are none.
	Aliases func(definition json.RawMessage) []string

	// Include are patterns of the server's own tool names; none means all.
	Include []string
	// Effects maps patterns of the server's own tool names to effects. An exact
	// name wins, then the pattern with the most literal characters, then the first
	// by the alphabet.
	Effects map[string]tools.Effect
	// Unknown says, by the same kind of patterns, what to do about calls whose outcome
	// nobody knows. A tool that it does not name is retried if the server's hints are
	// trusted and say that it is idempotent, and a person is asked otherwise.
	Unknown map[string]Unknown

	// TrustHints: the server's word on what a tool does is believed. Otherwise a
	// tool that Effects does not name is a write, not idempotent and destructive.
	TrustHints bool
	// TrustResults: results are not outsiders' text, nor are descriptions. Otherwise every tool taints.
	TrustResults bool
	// TrustChanges: new and changed definitions are offered without a person's word.
	TrustChanges bool

	// StartTimeout bounds connecting and listing; 30 seconds by default.
	StartTimeout time.Duration
	// CallTimeout bounds the wait for a connection, and then the call itself without
	// the time a person takes to answer a question; 60 seconds by default.
	CallTimeout time.Duration
	// MaxMessage bounds one message of the server, in bytes; 8 MiB by default.
	MaxMessage int64
}

// Options are what the process lends to its mounts. The zero value is right.
type Options struct {
	Log *slog.Logger
	Now func() time.Time
	// Book keeps accepted definitions. Without one they are kept for as long as
	// the Mount lives.
	Book Book
	// Transport carries the requests to a URL; nil: one of the mount's own.
	Transport http.RoundTripper
	// Changed is told the tools on offer whenever these change. Calls to it never
	// overlap. It must not call the Mount's Accept.
	Changed func([]tools.Tool)
}

var nameRule = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

const maxName = 32

func (s Settings) withDefaults() Settings {
	s.Command, s.Include = slices.Clone(s.Command), slices.Clone(s.Include)
	s.Env, s.Headers, s.Effects = maps.Clone(s.Env), maps.Clone(s.Headers), maps.Clone(s.Effects)
	s.Unknown = maps.Clone(s.Unknown)
	if s.Kind == "" {
		s.Kind = "MCP server"
	}
	if s.StartTimeout == 0 {
		s.StartTimeout = 30 * time.Second
	}
	if s.CallTimeout == 0 {
		s.CallTimeout = time.Minute
	}
	if s.MaxMessage == 0 {
		s.MaxMessage = 8 << 20
	}
	return s
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Changed == nil {
		o.Changed = func([]tools.Tool) {}
	}
	return o
}

// check finds every mistake at once.
func (s Settings) check() error {
	var bad []error
	wrong := func(format string, args ...any) { bad = append(bad, fmt.Errorf(format, args...)) }
	if !nameRule.MatchString(s.Name) || len(s.Name) > maxName {
		wrong("name: %q is not lower case words of [a-z0-9] joined by single underscores, %d characters at most", s.Name, maxName)
	}
	switch {
	case s.Source != nil:
		if len(s.Command) > 0 || s.URL != "" {
			wrong("a source has neither a command nor a url")
		}
	case (len(s.Command) == 0) == (s.URL == ""):
		wrong("either a command or a url is needed, not both")
	case s.URL != "":
		bad = append(bad, checkURL(s.URL))
	case s.Command[0] == "":
		wrong("command: the program is empty")
	}
	for key, value := range s.Env {
		if key == "" || strings.ContainsAny(key, "=\x00") || strings.Contains(value, "\x00") {
			wrong("env: %q is no variable", key)
		}
	}
	for key, value := range s.Headers {
		if key == "" || strings.ContainsAny(key, ": \r\n") || strings.ContainsAny(value, "\r\n\x00") {
			wrong("headers: %q is no header, or its value has a line break", key)
		}
	}
	for pattern, effect := range s.Effects {
		if pattern == "" || !effect.Valid() {
			wrong("effects: %q: %q is none of read, write, message, money", pattern, effect)
		}
	}
	for pattern, unknown := range s.Unknown {
		if err := unknown.Check(); pattern == "" || err != nil {
			wrong("unknown: %q: %w", pattern, err)
		}
	}
	if s.Relist < 0 || s.StartTimeout < 0 || s.CallTimeout < 0 || s.MaxMessage < 0 {
		wrong("timeouts and sizes are not negative")
	}
	return errors.Join(bad...)
}

// checkURL never repeats the address, which may hold a token.
func checkURL(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return errors.New("url: this is no address")
	case u.Scheme != "http" && u.Scheme != "https":
		return errors.New("url: the scheme is neither http nor https")
	case u.Hostname() == "":
		return errors.New("url: it names no host")
	case u.User != nil:
		return errors.New("url: it holds a user name; use headers for credentials")
	}
	return nil
}
