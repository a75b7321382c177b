package runapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"

	"drawbridge/bridge"
	"drawbridge/server/apierror"
	"drawbridge/server/apihttp"
	"drawbridge/server/dispatch"
)

// unknownCall is a call of which nobody knows whether it took effect.
type unknownCall struct {
	Call           int64           `json:"call"`
	Tool           string          `json:"tool"`
	Arguments      json.RawMessage `json:"arguments"`
	Effect         bridge.Effect   `json:"effect"`
	IdempotencyKey string          `json:"idempotency_key"`
	MadeAt         int64           `json:"made_at"`
	UnknownAt      int64           `json:"unknown_at"`
	Why            string          `json:"why"`
	LookedUp       string          `json:"looked_up,omitempty"`
}

// unknownOf are the calls that a run waits for somebody to decide about.
func unknownOf(run dispatch.Run, entries []bridge.Entry) ([]unknownCall, error) {
	shown := []unknownCall{}
	if !run.Undecided() {
		return shown, nil
	}
	calls, err := bridge.Unknown(run.ID, entries)
	for _, c := range calls {
		shown = append(shown, unknownCall{c.Call, c.Tool, c.Arguments, c.Effect, c.Key, c.Made.Unix(), c.Since.Unix(), c.Why, c.LookedUp})
	}
	return shown, err
}

// awaitedApproval is what a run waits for people to agree to.
type awaitedApproval struct {
	ID        string          `json:"id"`
	Tool      string          `json:"tool"`
	Arguments json.RawMessage `json:"arguments"`
	AskedAt   int64           `json:"asked_at"`
	ExpiresAt int64           `json:"expires_at"`
	Why       string          `json:"why"`
	Next      bool            `json:"next"`
}

// approvalsOf are the approvals that a run waits for.
func approvalsOf(run dispatch.Run, entries []bridge.Entry) ([]awaitedApproval, error) {
	shown := []awaitedApproval{}
	waits, err := dispatch.Awaited(run, entries)
	for _, a := range waits {
		shown = append(shown, awaitedApproval{a.ID, a.Tool, a.Arguments, a.Asked.Unix(), a.Expires.Unix(), a.Why, a.Next})
	}
	return shown, err
}

// resolve answers POST /v1/runs/{id}/resolve: somebody has looked what became of a
// call. Who may cancel a run may do this.
func (a *API) resolve(w http.ResponseWriter, r *http.Request) {
	run, ok := a.find(w, r)
	if !ok {
		return
	}
	ruling, fault := a.ruling(w, r)
	if fault != nil {
		fault.Write(w)
		return
	}
	err := a.runs.Resolve(r.Context(), run.ID, ruling)
	switch {
	case errors.Is(err, bridge.ErrNotUnknown) || errors.Is(err, dispatch.ErrEnded):
		(&apierror.Error{Status: http.StatusConflict, Type: apierror.InvalidRequest, Param: "call", Code: "nothing_to_decide",
			Message: "the run waits for no decision about that call, or no longer; unknown of GET /v1/runs/" + run.ID + " has those that it waits for"}).Write(w)
		return
	case errors.Is(err, bridge.ErrWhichCall):
		apierror.Invalid("call", "missing_required_parameter", "the run waits for decisions about several calls: say which by call").Write(w)
		return
	case err != nil:
		a.door.Fault(w, r, "deciding about a run", err)
		return
	}
	a.o.Log.InfoContext(r.Context(), "call decided about", "run", run.ID, "call", ruling.Call, "verdict", ruling.Verdict, "principal", apihttp.Asker(r))
	if run, ok = a.find(w, r); ok {
		a.answerWhole(w, r, http.StatusOK, run)
	}
}

// ruling reads what the caller says.
func (a *API) ruling(w http.ResponseWriter, r *http.Request) (bridge.Ruling, *apierror.Error) {
	ruling := bridge.Ruling{By: apihttp.Asker(r).String()}
	body, fault := apihttp.Body(w, r, a.o.BodyLimit)
	if fault != nil {
		return ruling, fault
	}
	q := &reading{}
	o := q.object("", body)
	ruling.Verdict = bridge.Verdict(q.text(o, "verdict", maxName))
	if raw := o.take("call"); raw != nil && (json.Unmarshal(raw, &ruling.Call) != nil || ruling.Call < 1) {
		q.wrong("call", "invalid_value", "call is the number of a call, as unknown of the run has it")
	}
	if raw := o.take("result"); raw != nil {
		ruling.Result = bytes.TrimSpace(raw)
	}
	o.done(q)
	switch ruling.Verdict {
	case bridge.Happened:
	case bridge.DidNotHappen, bridge.GiveUp:
		if ruling.Result != nil {
			q.wrong("result", "invalid_value", "a result is for a call that happened")
		}
	default:
		q.wrong("verdict", "invalid_value", "verdict is happened, did_not_happen or give_up")
	}
	return ruling, q.err
}
