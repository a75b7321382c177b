package stripe

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	stripe "github.com/stripe/stripe-go/v85"
	"golang.org/x/time/rate"

	"drawbridge/tools"
	"drawbridge/tools/payment"
)

// APIVersion is the version of Stripe's API that is asked for, whatever the account's own
// default is.
const APIVersion = stripe.APIVersion

// DefaultURL is where Stripe's API is.
const DefaultURL = stripe.APIURL

// Requests a second that we stay below: Stripe takes 100 of a live account and 25 of one
// in test mode, of all that use it.
const (
	LivePace = 80
	TestPace = 20
)

// Settings say which account is asked, and how.
type Settings struct {
	// Key is a secret or restricted API key. Its prefix says whether it is a live one.
	Key string
	// URL is where the API is; DefaultURL if "".
	URL string
	// PerSecond is how many requests a second are made at most; 0 for LivePace or TestPace.
	PerSecond int
	// Client makes the requests. It must not retry, nor follow redirects.
	Client *http.Client
	// Now is the clock; time.Now if nil.
	Now func() time.Time
	// Sleep waits before a request is made again; it returns early with ctx. A timer if nil.
	Sleep func(ctx context.Context, d time.Duration) error
}

// Backend is one account. It is safe for concurrent use.
type Backend struct {
	api   *stripe.Client
	live  bool
	pace  *pace
	now   func() time.Time
	sleep func(ctx context.Context, d time.Duration) error
	// key is that of the requests made from now on.
	key atomic.Pointer[string]
}

var _ payment.Driver = (*Backend)(nil)

// New makes a backend of an account. It makes no request.
func New(s Settings) (*Backend, error) {
	live, err := Live(s.Key)
	if err != nil {
		return nil, err
	}
	if s.Client == nil {
		return nil, errors.New("stripe: no HTTP client")
	}
	if s.URL == "" {
		s.URL = DefaultURL
	}
	if s.PerSecond == 0 {
		s.PerSecond = TestPace
		if live {
			s.PerSecond = LivePace
		}
	}
	b := &Backend{live: live, now: s.Now, sleep: s.Sleep}
	if b.now == nil {
		b.now = time.Now
	}
	if b.sleep == nil {
		b.sleep = sleep
	}
	b.pace = &pace{limiter: rate.NewLimiter(rate.Limit(s.PerSecond), s.PerSecond), now: b.now}
	client := *s.Client
	b.key.Store(&s.Key)
	client.Transport = watched{client.Transport, &b.key}
	backend := stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		HTTPClient:        &client,
		URL:               stripe.String(strings.TrimSuffix(s.URL, "/")),
		MaxNetworkRetries: stripe.Int64(0), // whether a call is made again is decided by who knows what it does
		EnableTelemetry:   stripe.Bool(false),
		LeveledLogger:     &stripe.LeveledLogger{Level: stripe.LevelNull},
	})
	b.api = stripe.NewClient(s.Key, stripe.WithBackends(&stripe.Backends{API: backend, Connect: backend, Uploads: backend, MeterEvents: backend}))
	return b, nil
}

// SetKey has requests made from now on carry another key, of an account of the same mode:
// whether real money moves is not changed by reading a secret anew.
func (b *Backend) SetKey(key string) error {
	switch live, err := Live(key); {
	case err != nil:
		return err
	case live != b.live:
		return errors.New("the new key is not of the mode, live or test, of the one before; the old one counts")
	}
	b.key.Store(&key)
	return nil
}

// Live reports whether a key is of a live account. A key that is not a secret or
// restricted one is an error, which does not show it.
func Live(key string) (bool, error) {
	kind, rest, _ := strings.Cut(key, "_")
	mode, secret, _ := strings.Cut(rest, "_")
	switch {
	case kind == "pk":
		return false, errors.New("this is a publishable key, with which nothing can be read; want a secret key (sk_...) or, better, a restricted one (rk_...)")
	case kind != "sk" && kind != "rk" || mode != "live" && mode != "test" || secret == "":
		return false, errors.New("this is no API key of Stripe's; want one that begins with rk_test_, sk_test_, rk_live_ or sk_live_")
	}
	return mode == "live", nil
}

// Traits of an account: keys are honoured (see the package's comment), and money is real
// if the key is a live one.
func (b *Backend) Traits() payment.Traits {
	return payment.Traits{Idempotent: true, Sandbox: !b.live}
}

// keyMark is the metadata that holds the key of the call which made, or ended, a thing.
const keyMark = "drawbridge_key"

// maxKey is how long Stripe lets an idempotency key be, less what a step adds.
const maxKey = 255 - 20

// callKey is the key of the call under way, "" if it has none. One that is too long for
// Stripe, or has blanks around it, which the header would lose, is hashed.
func callKey(ctx context.Context) string {
	key := tools.Key(ctx)
	plain := strings.IndexFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
	if key == "" || len(key) <= maxKey && plain {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return "sha256-" + hex.EncodeToString(sum[:])
}

// stepKey is the key of one request of a call that makes several.
func stepKey(ctx context.Context, step string) string {
	key := callKey(ctx)
	if key == "" || step == "" {
		return key
	}
	return key + "/" + step
}

// marked gives the metadata of what a call makes.
func marked(ctx context.Context, more map[string]string) map[string]string {
	marks := map[string]string{}
	for name, value := range more {
		if value != "" {
			marks[name] = value
		}
	}
	if key := callKey(ctx); key != "" {
		marks[keyMark] = key
	}
	return marks
}

// ours reports whether metadata is of a thing that the call under way has made before.
func ours(ctx context.Context, metadata map[string]string) bool {
	key := callKey(ctx)
	return key != "" && metadata[keyMark] == key
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
