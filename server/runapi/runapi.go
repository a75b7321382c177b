// Package runapi is the API of runs: a program starts them, follows them, and stops
// them.
//
//	POST /v1/runs               start a run; 202 once it is on disk     start.go, request.go
//	GET  /v1/runs               list them, the newest first             list.go
//	GET  /v1/runs/{id}          where one stands, and its answer        show.go
//	GET  /v1/runs/{id}?wait=30s   the same, once it has ended           wait.go
//	GET  /v1/runs/{id}?stream=true  its journal as it grows             stream.go, entry.go
//	POST /v1/runs/{id}/cancel   stop it, at any moment                  cancel.go
//	POST /v1/runs/{id}/resolve  say what became of a call               resolve.go
//	GET  /v1/openapi.json       all of it for programs                  document.go
//
// A run is its owner's: to anybody else it does not exist. Callers without a key, which
// are on this machine while no keys are configured, see all runs. Errors have
// OpenAI's shape, as at the chat door.
package runapi

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"drawbridge/bridge"
	"drawbridge/server/apierror"
	"drawbridge/server/apihttp"
	"drawbridge/server/auth"
	"drawbridge/server/dispatch"
)

// Reader reads runs; a store is one. Its error is dispatch.ErrNotFound for a run that
// is not there.
type Reader interface {
	Run(ctx context.Context, id string) (dispatch.Run, error)
	ListRuns(ctx context.Context, fits dispatch.RunFilter, limit int) ([]dispatch.Run, error)
	Entries(ctx context.Context, run string) ([]bridge.Entry, error)
	Callbacks(ctx context.Context, run string) ([]dispatch.Callback, error)
}

// Runs starts, follows and stops runs; a *dispatch.Dispatcher does.
type Runs interface {
	Submit(ctx context.Context, run dispatch.NewRun) (id string, fresh bool, err error)
	Await(ctx context.Context, id string, fits func(dispatch.Run) bool) (dispatch.Run, error)
	FollowJournal(run string, behind int64) *dispatch.Following
	// Cancel gives the state that the run is in then: one that was quicker keeps its end.
	Cancel(ctx context.Context, run, why string) (dispatch.State, error)
	// Resolve says what became of a call that the run waits to know about. Its error is
	// bridge.ErrNotUnknown if the run waits for no such thing.
	Resolve(ctx context.Context, run string, r bridge.Ruling) error
}

// Options have working zero values.
type Options struct {
	// Limits count the requests of each caller; nil bounds nothing. A plain look at one
	// run, and a cancel, are not counted.
	Limits *auth.Limits
	// Hosts are the names by which a proxy reaches us, besides our own address.
	Hosts []string
	// BodyLimit is how many bytes a request may have: 10 MiB if zero.
	BodyLimit int64
	// KeepAlive is how long a stream may be silent before a comment goes out: 5 s if
	// zero, 10 s at most.
	KeepAlive time.Duration
	// CheckCallback says why an address may not be called when a run ends; its error is
	// for the caller to read. Nil: requests may not ask for callbacks, because there is no
	// secret to sign them with.
	CheckCallback func(ctx context.Context, address string) error
	Now           func() time.Time
	Log           *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Limits == nil {
		o.Limits = auth.NewLimits(auth.Limit{}, o.Now)
	}
	if o.BodyLimit <= 0 {
		o.BodyLimit = 10 << 20
	}
	if o.KeepAlive <= 0 {
		o.KeepAlive = 5 * time.Second
	}
	o.KeepAlive = min(o.KeepAlive, 10*time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// API answers /v1/runs and everything below it. The caller is the request's principal.
type API struct {
	reader Reader
	runs   Runs
	door   apihttp.Door
	o      Options
}

// New makes the API.
func New(reader Reader, runs Runs, o Options) *API {
	o = o.withDefaults()
	return &API{reader: reader, runs: runs, door: apihttp.Door{Hosts: o.Hosts, Limits: o.Limits, Log: o.Log}, o: o}
}

// Routes are what the API has.
func (a *API) Routes() apihttp.Table {
	return apihttp.Table{
		{Method: http.MethodPost, Pattern: "/v1/runs", Handle: a.door.Counted(a.start)},
		{Method: http.MethodGet, Pattern: "/v1/runs", Handle: a.door.Counted(a.list)},
		{Method: http.MethodGet, Pattern: "/v1/runs/{id}", Handle: a.look},
		{Method: http.MethodPost, Pattern: "/v1/runs/{id}/cancel", Handle: a.cancel},
		{Method: http.MethodPost, Pattern: "/v1/runs/{id}/resolve", Handle: a.door.Counted(a.resolve)},
	}
}

func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.door.Serve(w, r, a.Routes()) }

// mine reports whether the caller may know of a run.
func mine(p auth.Principal, run dispatch.Run) bool {
	return p.Kind == auth.Local || run.Owner == p.String()
}

// find gives the run of the request if the caller may see it, or answers that there is
// none.
func (a *API) find(w http.ResponseWriter, r *http.Request) (dispatch.Run, bool) {
	kind := apihttp.Kind[dispatch.Run]{Read: a.reader.Run, Missing: dispatch.ErrNotFound, Sees: mine, None: noRun(), Reading: "reading a run"}
	return kind.Find(a.door, w, r)
}

func noRun() *apierror.Error {
	return apierror.NotFound("id", "run_not_found", "there is no run of this id that you started")
}
