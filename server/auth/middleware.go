package auth

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
)

// Middleware lets only known callers through and puts their [Principal] into the
// request's context. Everybody else gets 401 with WWW-Authenticate (RFC 6750,
// section 3) and a body that says what to do, and leaves a line in the log, up to
// 5 of them a second for all the handlers of these keys. A nil log discards them.
func (k *Keys) Middleware(log *slog.Logger, next http.Handler) http.Handler {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := k.Authenticate(r)
		if err != nil {
			k.refusals.warn(log, r, err)
			refuse(w, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(With(r.Context(), p)))
	})
}

func refuse(w http.ResponseWriter, cause error) {
	challenge := "Bearer"
	if !errors.Is(cause, ErrNoKey) {
		challenge = `Bearer error="invalid_token"`
	}
	w.Header().Set("WWW-Authenticate", challenge)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusUnauthorized)
	// The shape is the one that OpenAI clients show their users; to MCP clients
	// the status and the header are what counts.
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false) // people read <key>
	_ = encoder.Encode(map[string]any{"error": map[string]any{
		"message": cause.Error(),
		"type":    "authentication_error",
		"param":   nil,
		"code":    "invalid_api_key",
	}})
}
