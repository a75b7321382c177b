package chatapi

import (
	"net/http"

	"drawbridge/server/auth"
)

// model is an agent as clients see it.
type model struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`
}

func modelOf(agent Agent) model {
	return model{agent.Name, "model", max(0, agent.Created.Unix()), "drawbridge"}
}

// list answers GET /v1/models.
func (a *API) list(w http.ResponseWriter, _ *http.Request, p auth.Principal) {
	models := []model{}
	for _, agent := range a.agents {
		if _, may := a.agentFor(p, agent.Name); may && !agent.Later {
			models = append(models, modelOf(agent))
		}
	}
	answer(w, map[string]any{"object": "list", "data": models})
}

// show answers GET /v1/models/{model}.
func (a *API) show(w http.ResponseWriter, r *http.Request, p auth.Principal) {
	name := r.PathValue("model")
	agent, found := a.agentFor(p, name)
	if !found {
		noSuchModel(name).Write(w)
		return
	}
	answer(w, modelOf(agent))
}
