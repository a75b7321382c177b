package dispatch

import (
	"context"
	"time"
)

// CallbackState is where a callback stands.
type CallbackState string

const (
	Pending   CallbackState = "pending"
	Delivered CallbackState = "delivered"
	// Undelivered: every attempt failed, or the receiver wants no more of it. The
	// message is kept.
	Undelivered CallbackState = "dead"
	// Held: its endpoint is disabled. It waits, without a job, until that is enabled.
	Held CallbackState = "disabled"
)

// Callback is a message owed to the outside about a run's end. Secrets are not kept
// with it, and neither is the address of one that the settings name: they are looked
// up at each attempt, so that a change holds at once.
type Callback struct {
	ID    string // "msg_...", the same at every attempt
	Run   string
	Route string // whose callback setting applies, unless URL is set
	URL   string // that whoever started the run asked for. Never trusted
	Body  []byte // the exact bytes that are signed and sent
	State CallbackState
	// Attempts made so far, and what the last one came to. Manual are those of them
	// that a person asked for: the schedule does not count them.
	Attempts, Manual int
	LastStatus       int // HTTP status, 0 if there was no answer
	LastReason       string
	// Before, if set, says that a person asked for the attempt that is due, and what
	// state the callback goes back to if that fails.
	Before  CallbackState
	Created time.Time
	LastAt  time.Time
	Due     time.Time // when the next attempt is made, zero if none is to be
}

// Endpoint is whoever is told: the name of a callback of the settings, or an address.
func (c Callback) Endpoint() string {
	if c.URL != "" {
		return c.URL
	}
	return c.Route
}

// Attempt is the result of one try to deliver.
type Attempt struct {
	At     time.Time
	State  CallbackState
	Status int
	Reason string
	// Latency is how long it took, Remote the address that was reached, if one was,
	// Excerpt the beginning of the answer. That is for people, and never for a model.
	Latency time.Duration
	Remote  string
	Excerpt []byte
	// Next is when to try again, if State is Pending.
	Next time.Time
	// Disable, if set, is why the endpoint is to be disabled.
	Disable string
}

// Made is an attempt of the past. Its State is the one that it left the callback in.
type Made struct {
	Attempt
	Manual bool // a person asked for it
}

// Patience is how long an endpoint may do nothing but fail before it is disabled: for a
// time, or so many times in a row. Zero is without end.
type Patience struct {
	For    time.Duration
	InARow int
}

// Endpoint is how things stand with whoever is told.
type Endpoint struct {
	Name         string
	FailingSince time.Time // the first failure since the last success; zero if there is none
	Failures     int       // in a row
	LastSuccess  time.Time
	DisabledAt   time.Time // zero while it is not
	Why          string    // it was disabled
	// Messages by state.
	Pending, Delivered, Dead, Held int
}

// Turn is what an attempt meant for its endpoint. Of the endpoint it has no counts.
type Turn struct {
	Endpoint
	Disabled bool // by this attempt
	HeldNow  int  // messages that this put into state [Held]
	HalfWay  bool // half of the patience with it was used up just now
}

// EndpointLimit is how callbacks to one endpoint are sent.
type EndpointLimit struct {
	AtOnce  int
	InOrder bool // one at a time, each until it is delivered or given up
}

// EndpointLimits are those of all endpoints: AtOnce, unless Of has another word.
type EndpointLimits struct {
	AtOnce int
	Of     map[string]EndpointLimit
}

// For gives the limit of one endpoint.
func (l EndpointLimits) For(endpoint string) EndpointLimit {
	one := l.Of[endpoint]
	if one.AtOnce <= 0 {
		one.AtOnce = max(1, l.AtOnce)
	}
	if one.InOrder {
		one.AtOnce = 1
	}
	return one
}

// CallbackFilter picks callbacks; what is zero picks all.
type CallbackFilter struct {
	ID, Run, Endpoint string
	State             CallbackState
	Missing           bool      // only those that were not delivered
	Since, Until      time.Time // of their making
}

// Replayed is what became of callbacks that a person wants sent again.
type Replayed struct {
	Due      int // they are due now
	UnderWay int // they were being sent at the moment
}

// CallbackStore keeps callbacks until they are delivered, and beyond.
type CallbackStore interface {
	// ClaimCallbacks leases callbacks that are due, of each endpoint as many as its limit
	// lets be under way, and first of those that have the fewest.
	ClaimCallbacks(ctx context.Context, limit int, lease time.Duration, limits EndpointLimits) ([]Callback, error)
	// NextCallback is when ClaimCallbacks will next have something.
	NextCallback(ctx context.Context, limits EndpointLimits) (time.Time, bool, error)
	// Attempted notes one attempt, on the callback, in its log, and on its endpoint; its
	// job ends or is put off. An endpoint that is disabled by it keeps its pending
	// messages as Held. One attempt that a person asked for starts no schedule: when it
	// fails all is as before.
	Attempted(ctx context.Context, id string, a Attempt, p Patience) (Turn, error)

	// FindCallbacks lists the newest first, without bodies.
	FindCallbacks(ctx context.Context, f CallbackFilter, limit int) ([]Callback, error)
	// Callback gives one, ErrNotFound if there is none.
	Callback(ctx context.Context, id string) (Callback, error)
	// CallbackAttempts are those made of one, in order.
	CallbackAttempts(ctx context.Context, id string) ([]Made, error)
	// ReplayCallbacks has each that the filter picks sent once more, at once, whatever
	// its state: the same message, signed anew.
	ReplayCallbacks(ctx context.Context, f CallbackFilter) (Replayed, error)
	// Endpoints lists all that something was ever owed to.
	Endpoints(ctx context.Context) ([]Endpoint, error)
	// EnableEndpoint takes a disabled endpoint into use again: what was held for it is
	// due at once, and goes on with its schedule. ErrNotFound if it is not disabled.
	EnableEndpoint(ctx context.Context, name string) (due int, err error)
}
