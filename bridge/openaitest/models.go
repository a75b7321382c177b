package openaitest

import (
	"fmt"
	"net/http"
	"slices"
)

// defaultModel is listed when the options name none.
const defaultModel = "fake"

func (h *Handler) exists(model string) bool {
	return len(h.o.Models) == 0 || slices.Contains(h.o.Models, model)
}

type model struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`
}

func modelNamed(id string) model {
	return model{ID: id, Object: "model", Created: 1_700_000_000, OwnedBy: "openaitest"}
}

func (h *Handler) models(w http.ResponseWriter, _ *http.Request) {
	names := h.o.Models
	if len(names) == 0 {
		names = []string{defaultModel}
	}
	data := []model{}
	for _, name := range names {
		data = append(data, modelNamed(name))
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(encoded(map[string]any{"object": "list", "data": data}))
}

func (h *Handler) model(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if !h.exists(id) {
		refuse(w, http.StatusNotFound, problem{Message: fmt.Sprintf("The model '%s' does not exist", id), Type: "invalid_request_error", Param: nullable("model"), Code: nullable("model_not_found")})
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(encoded(modelNamed(id)))
}
