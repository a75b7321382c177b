package runapi

import (
	"errors"
	"net/http"

	"drawbridge/server/apierror"
	"drawbridge/server/apihttp"
	"drawbridge/server/auth"
	"drawbridge/server/dispatch"
	"drawbridge/tools"
)

// start answers POST /v1/runs: the run is on disk, and goes on whatever becomes of
// the caller.
func (a *API) start(w http.ResponseWriter, r *http.Request) {
	key, fault := apihttp.KeyOf(r.Header)
	if fault != nil {
		fault.Write(w)
		return
	}
	q, fault := a.request(w, r)
	if fault != nil {
		fault.Write(w)
		return
	}
	p := apihttp.Asker(r)
	id, fresh, err := a.runs.Submit(r.Context(), dispatch.NewRun{Agent: q.agent, Prompt: q.prompt, Tainted: q.untrusted, Owner: p.String(), Bounds: auth.NotedBounds(p), CallbackURL: q.callback,
		Metadata: q.metadata, Priority: q.priority, StartAt: q.startAt, Budget: q.budget, Key: key, Digest: q.digest()})
	switch {
	case errors.Is(err, dispatch.ErrUnknownAgent):
		apierror.NotFound("agent", "agent_not_found", "there is no agent %.100q; /v1/models lists those there are", q.agent).Write(w)
		return
	case errors.Is(err, dispatch.ErrKeyReused):
		apihttp.KeyReused().Write(w)
		return
	case err != nil:
		a.door.Fault(w, r, "starting a run", err)
		return
	}
	if !fresh {
		w.Header().Set("Idempotent-Replayed", "true")
	} else {
		a.o.Log.InfoContext(r.Context(), "run started", "run", id, "agent", q.agent, "principal", p)
	}
	run, err := a.reader.Run(r.Context(), id)
	if err != nil {
		a.door.Fault(w, r, "reading a run", err)
		return
	}
	w.Header().Set("Location", "/v1/runs/"+id)
	w.Header().Set("X-Drawbridge-Run", id)
	a.answerWhole(w, r, http.StatusAccepted, run)
}

// request reads the body, and checks that the caller may ask for that.
func (a *API) request(w http.ResponseWriter, r *http.Request) (request, *apierror.Error) {
	body, fault := apihttp.Body(w, r, a.o.BodyLimit)
	if fault != nil {
		return request{}, fault
	}
	q, fault := parse(body, a.o.Now())
	switch {
	case fault != nil:
		return q, fault
	case !tools.Match(apihttp.Asker(r).Agents, q.agent):
		return q, &apierror.Error{Status: http.StatusForbidden, Type: apierror.Permission, Param: "agent", Code: "agent_not_allowed",
			Message: "your key is not for this agent; /v1/models lists those that it is for"}
	case q.callback == "":
		return q, nil
	case a.o.CheckCallback == nil:
		return q, apierror.Invalid("callback", "callback_not_configured",
			"callbacks to addresses in requests need a secret to be signed with: set callbacks.secrets in the server's settings, or wait for the run with GET /v1/runs/ID?wait=60s")
	}
	if err := a.o.CheckCallback(r.Context(), q.callback); err != nil {
		return q, apierror.Invalid("callback", "callback_refused", "the callback address is refused: %v", err)
	}
	return q, nil
}
