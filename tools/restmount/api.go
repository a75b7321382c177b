package restmount

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"drawbridge/tools/mcpmount"
)

// API is one REST API. It is safe for concurrent use, but for List.
type API struct {
	settings Settings
	log      *slog.Logger
	clean    cleaner
	with     atomic.Pointer[credentials] // what requests carry from now on
	tokens   *http.Client                // asks for access tokens
	now      func() time.Time
	reach    func(named ...string) http.RoundTripper
	document *http.Client // reads documents
	calls    *http.Client // makes calls
}

var _ mcpmount.Source = (*API)(nil)

// New checks the settings. It reads nothing.
func New(s Settings, o Options) (*API, error) {
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("mounting %q: %w", s.Name, err)
	}
	s = s.withDefaults()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	a := &API{settings: s, log: o.Log.With("mount", s.Name), clean: newCleaner(s), reach: o.Reach}
	if s.Remote() {
		a.document = &http.Client{Transport: o.Reach(s.Spec)}
	}
	a.calls = &http.Client{Transport: o.Reach(s.named()...), CheckRedirect: sameOrigin}
	a.tokens, a.now = &http.Client{Transport: o.Reach(s.tokenURL()), CheckRedirect: noRedirects}, o.Now
	a.take(s)
	return a, nil
}

// credentials are the secrets that requests carry.
type credentials struct {
	headers, fixed map[string]string
	auth           authorizer
}

func (a *API) take(s Settings) {
	a.with.Store(&credentials{headers: s.Headers, fixed: s.Fixed, auth: newAuthorizer(s.Auth, a.tokens, a.clean, a.now)})
}

// SetCredentials has requests made from now on carry other secrets of the same kinds: of s
// only Auth, Headers and Fixed count. An access token that the ones before got is not used
// any more.
func (a *API) SetCredentials(s Settings) error {
	next := a.settings
	next.Auth, next.Headers, next.Fixed = s.Auth, s.Headers, s.Fixed
	if err := next.check(); err != nil {
		return fmt.Errorf("mounting %q: %w", next.Name, err)
	}
	next = next.withDefaults()
	a.clean.learn(next)
	a.take(next)
	return nil
}

// named are the addresses that the operator has named for calls: what a document says
// of somebody else's is not among them.
func (s Settings) named() []string {
	if s.BaseURL != "" {
		return []string{s.BaseURL}
	}
	return nil
}

// Aliases are the names, besides its own, by which settings may speak of a tool.
func Aliases(definition json.RawMessage) []string {
	var d struct {
		Annotations struct {
			Operation   string   `json:"operation"`
			OperationID string   `json:"operationId"`
			Tags        []string `json:"tags"`
			Path        string   `json:"path"`
			Method      string   `json:"method"`
		} `json:"annotations"`
	}
	if json.Unmarshal(definition, &d) != nil {
		return nil
	}
	return operationNames(d.Annotations.OperationID, d.Annotations.Method, d.Annotations.Path, d.Annotations.Tags)
}
