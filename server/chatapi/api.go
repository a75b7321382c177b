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
	"drawbridge/server/apierror"
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
	// Blind: not all of its models can be shown images.
	Blind bool
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

// ServeHTTP routes by itself: what is not there has to be said in OpenAI's words.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Request-Id", "req_"+strings.ToLower(rand.Text()))
	p, known := auth.From(r.Context())
	if !known {
		(&apierror.Error{Status: http.StatusUnauthorized, Type: apierror.Authentication, Code: "invalid_api_key", Message: auth.ErrNoKey.Error()}).Write(w)
		return
	}
	if p.Kind == auth.Local {
		if why := auth.FromPage(r, a.o.Hosts); why != "" {
			(&apierror.Error{Status: http.StatusForbidden, Type: apierror.Permission, Code: "forbidden", Message: why}).Write(w)
			return
		}
	}
	path := strings.TrimSuffix(r.URL.Path, "/") // some frontends add one
	name, one := strings.CutPrefix(path, "/v1/models/")
	switch {
	case path == "/v1/chat/completions":
		a.only(w, r, http.MethodPost, func() { a.complete(w, r, p) })
	case path == "/v1/models":
		a.only(w, r, http.MethodGet, func() { a.list(w, p) })
	case one && name != "":
		a.only(w, r, http.MethodGet, func() { a.show(w, p, name) })
	default:
		apierror.NotFound("", "unknown_url", "there is no %s %s here; there are POST /v1/chat/completions and GET /v1/models", r.Method, shown(r.URL.Path)).Write(w)
	}
}

func (a *API) only(w http.ResponseWriter, r *http.Request, method string, next func()) {
	asHead := r.Method == http.MethodHead && method == http.MethodGet // net/http leaves the body out
	if r.Method != method && !asHead {
		apierror.MethodNotAllowed(w, r, method)
		return
	}
	next()
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
