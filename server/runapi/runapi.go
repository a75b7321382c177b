// Package runapi shows runs to those who started them, and lets them be cancelled.
//
//	GET  /v1/runs/{id}          where the run stands, and its answer
//	POST /v1/runs/{id}/cancel   stop it, at any moment
//
// A run is its owner's: to anybody else it does not exist. Callers without a key, which
// are on this machine while no keys are configured, see all runs. Errors have
// OpenAI's shape, as at the chat door.
package runapi

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"drawbridge/bridge"
	"drawbridge/server/apierror"
	"drawbridge/server/auth"
	"drawbridge/server/dispatch"
)

// Reader reads runs; a store is one. Its error is dispatch.ErrNotFound for a run that
// is not there.
type Reader interface {
	Run(ctx context.Context, id string) (dispatch.Run, error)
}

// Canceller stops runs; a *dispatch.Dispatcher is one. It gives the state that the run
// is in then: one that was quicker keeps its end.
type Canceller interface {
	Cancel(ctx context.Context, run, why string) (dispatch.State, error)
}

// Options have working zero values.
type Options struct {
	// Hosts are the names by which a proxy reaches us, besides our own address.
	Hosts []string
	Log   *slog.Logger
}

// API answers everything below /v1/runs/. The caller is the request's principal.
type API struct {
	reader    Reader
	canceller Canceller
	o         Options
}

// New makes the API.
func New(reader Reader, canceller Canceller, o Options) *API {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &API{reader: reader, canceller: canceller, o: o}
}

// ServeHTTP routes by itself: what is not there has to be said in OpenAI's words.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
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
	id, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v1/runs/"), "/")
	method, next := http.MethodGet, a.show
	switch rest {
	case "":
	case "cancel":
		method, next = http.MethodPost, a.cancel
	default:
		apierror.NotFound("", "unknown_url", "there is no such path below /v1/runs/").Write(w)
		return
	}
	if r.Method != method {
		apierror.MethodNotAllowed(w, r, method)
		return
	}
	if run, ok := a.find(w, r, p, id); ok {
		next(w, r, run)
	}
}

// find gives a run that the caller may see, or answers that there is none.
func (a *API) find(w http.ResponseWriter, r *http.Request, p auth.Principal, id string) (dispatch.Run, bool) {
	run, err := a.reader.Run(r.Context(), id)
	switch {
	case err != nil && !errors.Is(err, dispatch.ErrNotFound):
		a.fault(w, r, "reading a run", err)
		return run, false
	case err != nil, p.Kind != auth.Local && run.Owner != p.String():
		apierror.NotFound("id", "run_not_found", "there is no run of this id that you started").Write(w)
		return run, false
	}
	return run, true
}

func (a *API) fault(w http.ResponseWriter, r *http.Request, act string, err error) {
	if r.Context().Err() == nil {
		a.o.Log.ErrorContext(r.Context(), act, "err", err)
	}
	apierror.Internal().Write(w)
}

// shown is a run as the API has it. Times are in seconds since 1970.
type shown struct {
	ID         string         `json:"id"`
	Object     string         `json:"object"`
	Agent      string         `json:"agent"`
	State      dispatch.State `json:"state"`
	Reason     string         `json:"reason,omitempty"`
	Answer     string         `json:"answer"`
	Usage      usage          `json:"usage"`
	CreatedAt  int64          `json:"created_at"`
	StartedAt  *int64         `json:"started_at"`
	FinishedAt *int64         `json:"finished_at"`
}

type usage struct {
	Turns            int `json:"turns"`
	Calls            int `json:"calls"`
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	CachedTokens     int `json:"cached_tokens"`
	ReasoningTokens  int `json:"reasoning_tokens"`
	// CostMicros is in millionths of a unit of Currency.
	CostMicros int64  `json:"cost_micros"`
	Currency   string `json:"currency,omitempty"`
}

func usageOf(u bridge.Usage) usage {
	return usage{u.Turns, u.Calls, u.PromptTokens, u.CompletionTokens, u.CachedTokens, u.ReasoningTokens, u.Cost, u.Currency}
}

// show answers GET /v1/runs/{id}.
func (a *API) show(w http.ResponseWriter, _ *http.Request, run dispatch.Run) {
	answer(w, shown{
		ID: run.ID, Object: "run", Agent: run.Agent, State: run.State, Reason: run.Reason, Answer: run.Answer, Usage: usageOf(run.Usage),
		CreatedAt: run.Created.Unix(), StartedAt: seconds(run.Started), FinishedAt: seconds(run.FinishedAt),
	})
}

func seconds(at time.Time) *int64 {
	if at.IsZero() {
		return nil
	}
	n := at.Unix()
	return &n
}

// cancel answers POST /v1/runs/{id}/cancel. A run that has ended already is no error:
// its state says so.
func (a *API) cancel(w http.ResponseWriter, r *http.Request, run dispatch.Run) {
	state := run.State
	if !state.Ended() {
		p, _ := auth.From(r.Context())
		var err error
		state, err = a.canceller.Cancel(r.Context(), run.ID, "cancelled by "+p.String())
		switch {
		case errors.Is(err, dispatch.ErrEnded): // in this very moment
			if run, ok := a.find(w, r, p, run.ID); ok {
				answer(w, cancelled{run.ID, run.State})
			}
			return
		case err != nil:
			a.fault(w, r, "cancelling a run", err)
			return
		}
	}
	answer(w, cancelled{run.ID, state})
}

type cancelled struct {
	ID    string         `json:"id"`
	State dispatch.State `json:"state"`
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(body) // a client that has gone needs no answer
}
