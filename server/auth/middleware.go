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
	wrong, status, code := "", http.StatusUnauthorized, "invalid_api_key"
	var none *ScopeError
	switch {
	case errors.As(cause, &none):
		wrong, status, code = insufficientScope, http.StatusForbidden, insufficientScope
	case errors.Is(cause, ErrCertificate):
		code = "invalid_client_certificate" // no bearer was shown, so none was wrong
	case !errors.Is(cause, ErrNoKey):
		wrong = "invalid_token"
	}
	w.Header().Set("WWW-Authenticate", k.challenge(r, wrong, k.Scopes()))
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

const insufficientScope = "insufficient_scope"

// StepUp is the WWW-Authenticate of an answer (403) to whoever has a good token that lacks a
// scope for what was asked: which it takes, those among them that the token has and would
// lose (RFC 6750, section 3.1; MCP 2025-11-25, authorization, scope challenge handling).
func (k *Keys) StepUp(r *http.Request, scopes []string) string {
	return k.challenge(r, insufficientScope, scopes)
}

// challenge says what is wrong with a bearer, "" if none was shown, and what to bring.
func (k *Keys) challenge(r *http.Request, wrong string, scopes []string) string {
	var says []string
	add := func(name, value string) {
		if value != "" {
			says = append(says, name+`="`+value+`"`)
		}
	}
	add("error", wrong)
	if k.Metadata != nil {
		add("resource_metadata", k.Metadata(r))
	}
	add("scope", strings.Join(scopes, " "))
	return strings.TrimSpace("Bearer " + strings.Join(says, ", "))
}
