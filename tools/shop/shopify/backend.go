package shopify

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/shop"
)

// APIVersion is the version of the Admin API that is asked for. Shopify serves each for a
// year at least.
const APIVersion = "2026-07"

// Settings say which store is asked, and how.
type Settings struct {
	// URL is where the store is: https://NAME.myshopify.com.
	URL string
	// Token is an access token of the Admin API. "" has one fetched with ClientID and
	// ClientSecret, by the client credentials grant, and fetched again before it ends.
	Token                  string
	ClientID, ClientSecret string
	// Client makes the requests. It must not retry, nor follow redirects.
	Client *http.Client
	// Now is the clock; time.Now if nil.
	Now func() time.Time
	// Sleep waits before a request is made again; it returns early with ctx. A timer if nil.
	Sleep func(ctx context.Context, d time.Duration) error
}

// Backend is one store. It is safe for concurrent use.
type Backend struct {
	url    string
	client *http.Client
	token  atomic.Pointer[token] // of the requests made from now on
	points *bucket
	now    func() time.Time
	sleep  func(ctx context.Context, d time.Duration) error
}

var _ shop.Driver = (*Backend)(nil)

// New makes a backend of a store. It makes no request.
func New(s Settings) (*Backend, error) {
	switch {
	case s.URL == "":
		return nil, errors.New("shopify: no address of a store")
	case s.Token == "" && (s.ClientID == "" || s.ClientSecret == ""):
		return nil, errors.New("shopify: neither an access token nor a client's id and secret")
	case s.Token != "" && s.ClientID+s.ClientSecret != "":
		return nil, errors.New("shopify: an access token and a client; one of them is enough")
	case s.Client == nil:
		return nil, errors.New("shopify: no HTTP client")
	}
	b := &Backend{url: strings.TrimSuffix(s.URL, "/"), client: s.Client, now: s.Now, sleep: s.Sleep}
	if b.now == nil {
		b.now = time.Now
	}
	if b.sleep == nil {
		b.sleep = sleep
	}
	b.points = newBucket(b.now)
	b.token.Store(&token{fixed: s.Token, id: s.ClientID, secret: s.ClientSecret, url: b.url + "/admin/oauth/access_token", client: s.Client, now: b.now})
	return b, nil
}

// SetCredentials has requests from now on signed with another access token, or with one that
// the client gets by another secret: whichever of the two the store was set up with.
func (b *Backend) SetCredentials(accessToken, clientSecret string) {
	old := b.token.Load()
	b.token.Store(&token{fixed: accessToken, id: old.id, secret: clientSecret, url: old.url, client: old.client, now: old.now})
}

// Traits of a store: see the package's comment on keys.
func (b *Backend) Traits() shop.Traits {
	return shop.Traits{Keyed: []string{shop.ToolUpdateOrder, shop.ToolSetStock, shop.ToolCreateRefund}}
}

// maxKey is how long a key goes out as it is.
const maxKey = 128

// callKey is what stands for the call under way at Shopify: its key, or a hash of a long
// one; a new one if the call has none.
func callKey(ctx context.Context) string {
	key := tools.Key(ctx)
	plain := strings.IndexFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
	switch {
	case key == "":
		return rand.Text()
	case len(key) <= maxKey && plain:
		return key
	}
	return "sha256-" + hash(key)
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// kind is of which kind a global id is: "Order" of gid://shopify/Order/1; "" if it is none.
func kind(id string) string {
	rest, global := strings.CutPrefix(id, "gid://shopify/")
	if !global {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	return name
}

// term is a word of a search as Shopify's syntax has it: whatever it holds, it is one word.
func term(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
