package webhook

import (
	"errors"
	"net/http"
	"time"
)

// greet answers a request that delivers nothing: a sender's question whether the
// address is ours, where its scheme has one, and else that it has to be a POST. It
// leaves no event, no run and no dedupe key behind.
func (h *Handler) greet(w http.ResponseWriter, r *http.Request, s Source, arrived time.Time) {
	greeter, ok := s.Verifier.(Greeter)
	if !ok || r.Method != http.MethodGet {
		allow := http.MethodPost
		if ok {
			allow = "GET, POST"
		}
		w.Header().Set("Allow", allow)
		answerError(w, http.StatusMethodNotAllowed)
		return
	}
	reply, err := greeter.Greet(r.URL.Query(), arrived)
	var refusal *Refusal
	switch {
	case errors.As(err, &refusal):
		h.reject(r, s, refusal, nil, arrived)
		answerError(w, refusal.Status)
	case err != nil:
		h.comeBack(w, r, Batch{}, s, err)
	default:
		h.log.InfoContext(r.Context(), "answered a webhook sender that asked whether the address is ours", "source", s.Name)
		answerReply(w, reply)
	}
}
