package restmount

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Settings say which API is mounted, and how.
type Settings struct {
	// Name is the mount's.
	Name string
	// Spec is the document: the path of a file, or an http or https URL.
	Spec string
	// BaseURL is where the API is, instead of where the document says. The paths of the
	// document are appended to it.
	BaseURL string
	// Headers go with each request. They are secrets.
	Headers map[string]string
	// Fixed are the values of parameters and of members of bodies by their names, which are
	// then no arguments of a tool any more. They are secrets. One that holds for members of
	// the body is a text.
	Fixed map[string]string
	Auth  Auth
	// Include and Exclude are patterns of operations: their operationId, tool name,
	// "METHOD /path", "/path" or "tag:NAME". No Include means all.
	Include, Exclude []string
	// IdempotencyHeader carries a call's key with each write; "" if the API knows none.
	IdempotencyHeader string
	// Fields are what is left of an answer, by pattern of operations: paths of members,
	// each from the top ("data.id"), lists passed through, * for any name.
	Fields map[string][]string
	// Paging says by pattern how to get the next page, where it is not recognised.
	Paging map[string]Paging
	// MaxSpec bounds the document with all it refers to, MaxResponse what is read of an
	// answer, MaxResult what a model gets of it, all in bytes; 32 MiB, 4 MiB and 64 KiB by
	// default.
	MaxSpec, MaxResponse, MaxResult int64
}

// Paging is how to get the next page: the argument to give, and the path of the member
// of an answer that holds its value.
type Paging struct{ Argument, From string }

// Auth is how the API knows us; the zero value is not at all. One of the four.
type Auth struct {
	Bearer string
	Basic  *Basic
	APIKey *APIKey
	OAuth  *ClientCredentials
}

// Basic is a user and a password (RFC 7617).
type Basic struct{ User, Password string }

// APIKey is a secret under a name: In is header, query or cookie.
type APIKey struct{ In, Name, Value string }

// ClientCredentials is the grant of that name (RFC 6749, 4.4).
type ClientCredentials struct {
	TokenURL, ClientID, ClientSecret string
	Scopes                           []string
	// Params go with the request for a token, such as audience.
	Params map[string]string
}

// Options are what the process lends. Reach is required.
type Options struct {
	// Reach gives a transport that goes to these addresses, wherever they are, and else
	// to what everybody may call.
	Reach func(named ...string) http.RoundTripper
	Log   *slog.Logger
	Now   func() time.Time
}

// Remote reports whether the document is somebody else's to change: it is at an address.
func (s Settings) Remote() bool {
	scheme, _, ok := strings.Cut(s.Spec, "://")
	return ok && (scheme == "http" || scheme == "https")
}

func (s Settings) withDefaults() Settings {
	s.Headers, s.Fixed = maps.Clone(s.Headers), maps.Clone(s.Fixed)
	s.Include, s.Exclude = slices.Clone(s.Include), slices.Clone(s.Exclude)
	s.Fields, s.Paging = maps.Clone(s.Fields), maps.Clone(s.Paging)
	for value, standard := range map[*int64]int64{&s.MaxSpec: 32 << 20, &s.MaxResponse: 4 << 20, &s.MaxResult: 64 << 10} {
		if *value == 0 {
			*value = standard
		}
	}
	return s
}

// check finds every mistake at once. It repeats no secret, and no address.
func (s Settings) check() error {
	var bad []error
	wrong := func(format string, args ...any) { bad = append(bad, fmt.Errorf(format, args...)) }
	if s.Spec == "" {
		wrong("spec: there is no document")
	}
	for what, address := range map[string]string{"base_url": s.BaseURL, "auth.token_url": s.tokenURL()} {
		if address != "" && !plainURL(address) {
			wrong("%s: want an http or https URL without user name, query and fragment", what)
		}
	}
	for name, value := range s.Headers {
		if !headerName(name) || !headerValue(value) {
			wrong("headers: %q is no header, or its value has a line break", name)
		}
	}
	if s.IdempotencyHeader != "" && !headerName(s.IdempotencyHeader) {
		wrong("idempotency_header: %q is no header", s.IdempotencyHeader)
	}
	if err := s.Auth.check(); err != nil {
		bad = append(bad, err)
	}
	if s.MaxSpec < 0 || s.MaxResponse < 0 || s.MaxResult < 0 {
		wrong("sizes are not negative")
	}
	return errors.Join(bad...)
}

func (s Settings) tokenURL() string {
	if s.Auth.OAuth == nil {
		return ""
	}
	return s.Auth.OAuth.TokenURL
}

func (a Auth) check() error {
	ways := 0
	for _, set := range []bool{a.Bearer != "", a.Basic != nil, a.APIKey != nil, a.OAuth != nil} {
		if set {
			ways++
		}
	}
	switch {
	case ways > 1:
		return errors.New("auth: there are several ways to sign in; want one")
	case !headerValue(a.Bearer):
		return errors.New("auth: the token has a line break")
	case a.APIKey != nil && !slices.Contains([]string{inHeader, inQuery, inCookie}, a.APIKey.In):
		return fmt.Errorf("auth: a key is in a header, the query or a cookie, not in %q", a.APIKey.In)
	case a.APIKey != nil && (a.APIKey.Value == "" || a.APIKey.In != inQuery && (!headerName(a.APIKey.Name) || !headerValue(a.APIKey.Value)) || a.APIKey.Name == ""):
		return errors.New("auth: the key has no value or no name, or one that no header can have")
	case a.OAuth != nil && (a.OAuth.TokenURL == "" || a.OAuth.ClientID == ""):
		return errors.New("auth: client credentials need a token_url and a client_id")
	}
	return nil
}

func plainURL(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

// headerName is a token of RFC 9110, 5.6.2.
func headerName(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", r))
	})
}

func headerValue(value string) bool { return !strings.ContainsAny(value, "\r\n\x00") }
