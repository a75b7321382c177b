package hubspot

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"drawbridge/tools/crm"
)

// APIVersion is the version of HubSpot's API that is asked for.
const APIVersion = "2026-03"

// DefaultURL is where HubSpot's API is.
const DefaultURL = "https://api.hubapi.com"

// Requests a second. HubSpot takes 100 in ten seconds of a private app in a free or Starter
// account (190 from Professional on), and five searches a second: with as many at once as
// in a second, these stay below.
const (
	DefaultPace = 9
	searchPace  = 4
)

// Settings say which account is asked, and how.
type Settings struct {
	// Token is the access token of a private app.
	Token string
	// URL is where the API is; DefaultURL if "".
	URL string
	// PerSecond is how many requests a second are made at most; 0 for DefaultPace.
	PerSecond int
	// SearchesPerSecond is how many of them may be searches; 0 for 4.
	SearchesPerSecond int
	// Mapping says how the account's pipelines and properties are called.
	Mapping Mapping
	// Client makes the requests. It must not retry, nor follow redirects.
	Client *http.Client
	// Now is the clock; time.Now if nil.
	Now func() time.Time
	// Sleep waits while HubSpot wants to hear nothing for a moment; it returns early with
	// ctx. A timer if nil.
	Sleep func(ctx context.Context, d time.Duration) error
}

// Backend is one account. It is safe for concurrent use.
type Backend struct {
	token   atomic.Value // a string
	base    string
	client  *http.Client
	mapping Mapping
	pace    *pace
	owners  owners
	recent  recent
	met     acquaintances
	now     func() time.Time
}

// New makes a backend of an account. It makes no request.
func New(s Settings) (*Backend, error) {
	switch {
	case s.Token == "":
		return nil, errors.New("hubspot: no token")
	case s.Client == nil:
		return nil, errors.New("hubspot: no HTTP client")
	}
	if s.URL == "" {
		s.URL = DefaultURL
	}
	if s.PerSecond == 0 {
		s.PerSecond = DefaultPace
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Sleep == nil {
		s.Sleep = sleep
	}
	searches := rate.NewLimiter(rate.Limit(searchPace), 1)
	if n := s.SearchesPerSecond; n != 0 {
		searches = rate.NewLimiter(rate.Limit(n), n)
	}
	b := &Backend{
		base: strings.TrimSuffix(s.URL, "/"), client: s.Client, mapping: s.Mapping.filled(), now: s.Now,
		pace: &pace{all: rate.NewLimiter(rate.Limit(s.PerSecond), s.PerSecond), searches: searches, now: s.Now, sleep: s.Sleep},
	}
	b.owners.turn = make(chan struct{}, 1)
	b.token.Store(s.Token)
	return b, nil
}

// SetToken has the requests from now on made with another token.
func (b *Backend) SetToken(token string) { b.token.Store(token) }

var _ crm.All = (*Backend)(nil)

// HonoursKeys is false: HubSpot knows no idempotency keys.
func (b *Backend) HonoursKeys(string) bool { return false }
