package auth

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"

	"golang.org/x/time/rate"
)

const (
	// Refused callers are logged at this rate, in lines a second, and so many at
	// once: anyone can knock, and must not be able to fill the log.
	refusalRate  = 5
	refusalBurst = 20
	// maxPath bounds a path in the log, in bytes: it is a stranger's text.
	maxPath = 128
)

// refusals are the lines about refused callers.
type refusals struct {
	lines   *rate.Limiter
	leftOut atomic.Int64 // since the last line
}

// warn says who was refused and why, never with what key.
func (f *refusals) warn(log *slog.Logger, r *http.Request, cause error) {
	if !f.lines.Allow() {
		f.leftOut.Add(1)
		return
	}
	path := r.URL.Path
	attrs := []any{"remote", remote(r), "path", path[:min(len(path), maxPath)], "reason", reason(cause)}
	if n := f.leftOut.Swap(0); n > 0 {
		attrs = append(attrs, "left_out", n)
	}
	log.WarnContext(r.Context(), "refused a caller", attrs...)
}

// reason is the cause without the advice that the caller gets.
func reason(cause error) string {
	switch {
	case errors.Is(cause, ErrNoKey):
		return "missing key"
	case errors.Is(cause, ErrUnknownKey):
		return "unknown key"
	case errors.Is(cause, ErrToken), errors.Is(cause, ErrCertificate):
		return cause.Error()
	case errors.As(cause, new(*ScopeError)):
		return "scopes that open nothing"
	case errors.Is(cause, ErrDamagedKey):
		return "damaged key"
	case errors.Is(cause, ErrExpiredKey):
		return "expired key"
	case errors.Is(cause, ErrRevokedKey):
		return "revoked key"
	}
	return "unclear key"
}

// remote is the peer's address without its port.
func remote(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
