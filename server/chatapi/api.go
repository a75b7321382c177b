package chatapi

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"drawbridge/bridge/openai"
	"drawbridge/server/apihttp"
	"drawbridge/server/auth"
	"drawbridge/server/dispatch"
	"drawbridge/tools"
)

// Runs is what the door needs of a *dispatch.Dispatcher.
type Runs interface {
	// Talk starts a run, or joins the one of the same owner and key.
	Talk(ctx context.Context, t dispatch.Talk) (dispatch.Exchange, error)
	// Reply goes on with a run that waits for its caller.
	Reply(ctx context.Context, r dispatch.Reply) (dispatch.Exchange, error)
}

// Agent is an agent that can be talked to.
type Agent struct {
	Name    string // what clients call the model
	Created time.Time
	// Output: its answers fit a schema of its own.
	Output bool
	// Later: its answers come with batches. Nobody is shown it, and who asks for it by
	// its name is told why it cannot be talked to.
	Later bool
	// Blind: not all of its models can be shown images.
	Blind bool
	// NoFiles: one of its models is known to take no files.
	NoFiles bool
	// API is how the first of its models is asked: chat completions if empty. What the
	// API lacks is refused by name, before there is a run.
	API openai.API
}

// Options have working zero values.
type Options struct {
	// Limits count the requests of each caller; nil bounds nothing.
	Limits *auth.Limits
	// Hosts are the names by which a proxy reaches us, besides our own address.
	Hosts []string
	// Activity shows what a run does besides speaking, unless a header says otherwise.
	Activity bool
	// KeepAlive is how long a stream may be silent before a comment goes out: 5 s if
	// zero, 10 s at most.
	KeepAlive time.Duration
	// CancelWhenGone cancels a run whose client has gone, unless a header says otherwise.
	CancelWhenGone bool
	// Patience is how long a caller waits while a run is put down because the model or
	// the tools are away: 2 minutes if zero.
	Patience time.Duration
	// BodyLimit is how many bytes a request may have: 10 MiB if zero.
	BodyLimit int64
	Now       func() time.Time
	Log       *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Limits == nil {
		o.Limits = auth.NewLimits(auth.Limit{}, o.Now)
	}
	if o.KeepAlive <= 0 {
		o.KeepAlive = 5 * time.Second
	}
	o.KeepAlive = min(o.KeepAlive, 10*time.Second)
	if o.Patience <= 0 {
		o.Patience = 2 * time.Minute
	}
	if o.BodyLimit <= 0 {
		o.BodyLimit = 10 << 20
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// API answers everything below /v1/ that no other door does. The caller is the
// request's principal (see [auth.From]).
type API struct {
	runs   Runs
	agents []Agent
	o      Options
}

// New makes the chat door to these agents.
func New(runs Runs, agents []Agent, o Options) *API {
	agents = slices.Clone(agents)
	slices.SortFunc(agents, func(a, b Agent) int { return strings.Compare(a.Name, b.Name) })
	return &API{runs: runs, agents: agents, o: o.withDefaults()}
}

// Routes are what the door has.
func (a *API) Routes() apihttp.Table {
	as := func(next func(http.ResponseWriter, *http.Request, auth.Principal)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			p, _ := auth.From(r.Context()) // ServeHTTP has seen to it
			next(w, r, p)
		}
	}
	return apihttp.Table{
		{Method: http.MethodPost, Pattern: "/v1/chat/completions", Handle: as(a.complete)},
		{Method: http.MethodGet, Pattern: "/v1/models", Handle: as(a.list)},
		{Method: http.MethodGet, Pattern: "/v1/models/{model}", Handle: as(a.show)},
	}
}

func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Request-Id", "req_"+strings.ToLower(rand.Text()))
	if _, fault := apihttp.Caller(r, a.o.Hosts); fault != nil {
		fault.Write(w)
		return
	}
	a.Routes().ServeHTTP(w, r)
}

// agentFor finds an agent that the caller may talk to. One that it may not talk to is
// not there, as far as it can tell.
func (a *API) agentFor(p auth.Principal, name string) (Agent, bool) {
	at := slices.IndexFunc(a.agents, func(agent Agent) bool { return agent.Name == name })
	if at < 0 || !tools.Match(p.Agents, name) {
		return Agent{}, false
	}
	return a.agents[at], true
}
