package runapi

import (
	"errors"
	"net/http"

	"drawbridge/server/apihttp"
	"drawbridge/server/dispatch"
)

type cancelled struct {
	ID    string         `json:"id"`
	State dispatch.State `json:"state"`
}

// cancel answers POST /v1/runs/{id}/cancel. A run that has ended already is no error:
// its state says so.
func (a *API) cancel(w http.ResponseWriter, r *http.Request) {
	run, ok := a.find(w, r)
	if !ok {
		return
	}
	state := run.State
	if !state.Ended() {
		var err error
		state, err = a.runs.Cancel(r.Context(), run.ID, "cancelled by "+apihttp.Asker(r).String())
		switch {
		case errors.Is(err, dispatch.ErrEnded): // in this very moment
			if run, ok := a.find(w, r); ok {
				apihttp.Answer(w, http.StatusOK, cancelled{run.ID, run.State})
			}
			return
		case err != nil:
			a.door.Fault(w, r, "cancelling a run", err)
			return
		}
	}
	apihttp.Answer(w, http.StatusOK, cancelled{run.ID, state})
}
