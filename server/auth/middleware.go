package auth

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
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
			k.refuse(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(With(r.Context(), p)))
	})
}

// refuse says what to show (RFC 6750, section 3), where it is written who gives tokens
// (RFC 9728, section 5.1), and of a good token that opens nothing which scopes would.
func (k *Keys) refuse(w http.ResponseWriter, r *http.Request, cause error) {
	challenge, status, code := "Bearer", http.StatusUnauthorized, "invalid_api_key"
	var none *ScopeError
	switch {
	case errors.As(cause, &none):
		challenge, status, code = `Bearer error="insufficient_scope"`, http.StatusForbidden, "insufficient_scope"
	case errors.Is(cause, ErrCertificate):
		code = "invalid_client_certificate" // no bearer was shown, so none was wrong
	case !errors.Is(cause, ErrNoKey):
		challenge = `Bearer error="invalid_token"`
	}
	var more []string
	if k.Metadata != nil {
		if url := k.Metadata(r); url != "" {
			more = append(more, `resource_metadata="`+url+`"`)
		}
	}
	if scopes := k.Scopes(); len(scopes) > 0 {
		more = append(more, `scope="`+strings.Join(scopes, " ")+`"`)
	}
	if len(more) > 0 {
		if challenge != "Bearer" {
			challenge += ","
		}
		challenge += " " + strings.Join(more, ", ")
	}
	w.Header().Set("WWW-Authenticate", challenge)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// The shape is the one that OpenAI clients show their users; to MCP clients
	// the status and the header are what counts.
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false) // people read <key>
	_ = encoder.Encode(map[string]any{"error": map[string]any{
		"message": cause.Error(),
		"type":    "authentication_error",
		"param":   nil,
		"code":    code,
	}})
}
