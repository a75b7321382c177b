package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/time/rate"

	"drawbridge/config"
	"drawbridge/server/auth"
	"drawbridge/server/egress"
)

const (
	// jwksEvery is how often an issuer's keys are fetched, unknownEvery how often at most
	// because a token names one that is not among them: anybody can name one.
	jwksEvery    = time.Hour
	unknownEvery = 30 * time.Second
	jwksTime     = 10 * time.Second
	jwksBytes    = 1 << 20
)

// wireIssuers says whose tokens are believed. Their keys are fetched by the rules of all
// that goes out.
func (a *app) wireIssuers(context.Context, appOptions) error {
	ctx, stop := context.WithCancel(context.Background())
	a.cleanup(func(context.Context) error { stop(); return nil })
	var issuers []auth.Issuer
	for i, s := range a.cfg.Auth.JWT {
		keys, err := a.keysOf(ctx, s)
		if err != nil {
			return config.Problems{a.cfg.Problem(fmt.Sprintf("auth.jwt[%d]", i), "%v", err)}
		}
		issuer := auth.Issuer{Name: s.Name, URL: s.Issuer, Audience: s.Audience, Keys: keys, Scopes: map[string]auth.Grants{},
			Limit: auth.Limit{PerMinute: s.RequestsPerMinute, Concurrent: s.Concurrent}}
		for name, scope := range s.Scopes {
			issuer.Scopes[name] = auth.Grants{Tools: scope.Tools, Effects: scope.Effects, Agents: scope.Agents}
		}
		issuers = append(issuers, issuer)
	}
	a.keys.Accept(issuers)
	a.keys.Metadata = a.metadataURL
	return nil
}

// keysOf finds an issuer's keys. Those of a file are read anew when it changes.
func (a *app) keysOf(ctx context.Context, s config.Issuer) (jwt.Keyfunc, error) {
	if s.JWKSFile == "" {
		return a.fetchedKeys(ctx, s.JWKSURL)
	}
	keys, err := followFiles(a.log, "the keys of issuer "+s.Name, func() (keyfunc.Keyfunc, error) { return keysIn(ctx, s.JWKSFile) }, s.JWKSFile)
	if err != nil {
		return nil, err
	}
	return func(token *jwt.Token) (any, error) { return keys.get().Keyfunc(token) }, nil
}

// keysIn reads a JWK set. One without keys is none: it may have been half written.
func keysIn(ctx context.Context, file string) (keyfunc.Keyfunc, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	keys, err := keyfunc.NewJWKSetJSON(json.RawMessage(text))
	if err != nil {
		return nil, fmt.Errorf("reading %q as a JWK set: %w", file, err)
	}
	if all, err := keys.Storage().KeyReadAll(ctx); err != nil || len(all) == 0 {
		return nil, fmt.Errorf("%q holds no key (%w)", file, cmp.Or(err, errNoKeys))
	}
	return keys, nil
}

var errNoKeys = errors.New(`want {"keys": [...]}, as the issuer publishes it`)

func (a *app) fetchedKeys(ctx context.Context, from string) (jwt.Keyfunc, error) {
	client := &http.Client{Timeout: jwksTime, Transport: bounded{a.egress.Guard(&http.Transport{ForceAttemptHTTP2: true}, egress.Reach{Named: []string{from}, Connect: jwksTime})},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	keys, err := keyfunc.NewDefaultOverrideCtx(ctx, []string{from}, keyfunc.Override{Client: client, HTTPTimeout: jwksTime, RefreshInterval: jwksEvery,
		RefreshUnknownKID: rate.NewLimiter(rate.Every(unknownEvery), 1), RateLimitWaitMax: time.Second,
		RefreshErrorHandlerFunc: func(u string) func(context.Context, error) {
			return func(_ context.Context, err error) {
				a.log.Warn("an issuer's keys cannot be fetched; those known last count", "url", u, "err", err)
			}
		}})
	if err != nil {
		return nil, err
	}
	return keys.Keyfunc, nil
}

// bounded reads no more of an answer than an issuer's keys take.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		res.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(res.Body, jwksBytes), res.Body}
	}
	return res, err
}

const wellKnown = "/.well-known/oauth-protected-resource"

// resourceURL is how the outside calls a path of ours.
func (a *app) resourceURL(r *http.Request, path string) *url.URL {
	u, err := url.Parse(a.cfg.Server.PublicURL)
	if err != nil || u.Host == "" {
		u = &url.URL{Scheme: ownScheme(a.cfg), Host: r.Host}
	}
	return u.JoinPath(path)
}

// metadataURL is where it is written who gives tokens for what is asked for (RFC 9728,
// section 3.1): the path of the resource goes behind the well-known one.
func (a *app) metadataURL(r *http.Request) string {
	switch r.URL.Path {
	case "/mcp", "/sse", "/message":
	default:
		return ""
	}
	u := a.resourceURL(r, "/mcp")
	u.Path = wellKnown + "/" + strings.TrimPrefix(u.Path, "/")
	return u.String()
}

// metadata describes /mcp to OAuth clients (RFC 9728, section 2). Where no issuer is
// configured it names none: there are API keys only.
func (a *app) metadata(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(struct {
		Resource    string   `json:"resource"`
		Name        string   `json:"resource_name"`
		Methods     []string `json:"bearer_methods_supported"`
		Authorities []string `json:"authorization_servers,omitempty"`
		Scopes      []string `json:"scopes_supported,omitempty"`
	}{a.resourceURL(r, "/mcp").String(), "Drawbridge", []string{"header"}, a.keys.Authorities(), a.keys.Scopes()})
}
