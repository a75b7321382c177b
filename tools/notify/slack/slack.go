package slack

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slack-go/slack"

	"drawbridge/tools/notify"
)

// DefaultURL is where Slack's Web API is.
const DefaultURL = slack.APIURL

// Settings say which workspace is spoken to, and how.
type Settings struct {
	// Token is an app's bot token (xoxb-...).
	Token string
	// URL is where the Web API is; DefaultURL if "".
	URL string
	// Outside: messages may reach people of other companies, and guests.
	Outside bool
	// Broadcasts: a message may call everybody in its channel.
	Broadcasts bool
	// Client makes the requests. It must not retry, nor follow redirects.
	Client *http.Client
	// Pace multiplies the published rates; 1 if 0.
	Pace float64
	// Now is the clock; time.Now if nil.
	Now func() time.Time
	// Sleep waits for a place; it returns early with ctx. A timer if nil.
	Sleep func(ctx context.Context, d time.Duration) error
}

// Backend is one workspace. It is safe for concurrent use.
type Backend struct {
	traits   notify.Traits
	url      string
	client   *http.Client
	now      func() time.Time
	pace     *pace
	account  atomic.Pointer[account]
	channels channels
}

var (
	_ notify.Driver  = (*Backend)(nil)
	_ notify.Threads = (*Backend)(nil)
)

// account is what a token opens.
type account struct {
	api *slack.Client

	mu   sync.Mutex
	team *team // once it was asked for
}

type team struct{ id, enterprise string }

// New makes a backend of a workspace. It makes no request.
func New(s Settings) (*Backend, error) {
	if s.Client == nil {
		return nil, errors.New("slack: no HTTP client")
	}
	if s.URL == "" {
		s.URL = DefaultURL
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Sleep == nil {
		s.Sleep = sleep
	}
	client := *s.Client
	client.Transport = watched{client.Transport}
	b := &Backend{traits: notify.Traits{Outside: s.Outside, Broadcasts: s.Broadcasts}, url: strings.TrimSuffix(s.URL, "/") + "/", client: &client, now: s.Now, pace: newPace(s)}
	b.channels.forget()
	return b, b.SetToken(s.Token)
}

// SetToken has requests made from now on show another token, of whichever workspace.
func (b *Backend) SetToken(token string) error {
	if err := CheckToken(token); err != nil {
		return err
	}
	b.account.Store(&account{api: slack.New(token, slack.OptionAPIURL(b.url), slack.OptionHTTPClient(b.client))})
	b.channels.forget()
	return nil
}

var tokenForm = regexp.MustCompile(`^(xoxb|xoxe\.xoxb)-[A-Za-z0-9-]+$`)

// CheckToken refuses what is no bot token. The error does not show it.
func CheckToken(token string) error {
	if !tokenForm.MatchString(token) {
		return errors.New("this is no bot token of Slack's; want one that begins with xoxb-")
	}
	return nil
}

// Traits of a workspace: what it is told is posted as often as it is told.
func (b *Backend) Traits() notify.Traits { return b.traits }

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
