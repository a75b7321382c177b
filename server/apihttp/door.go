package apihttp

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"drawbridge/server/apierror"
	"drawbridge/server/auth"
)

// WriteTime is how long a client may take for a part of an answer, before it counts as gone.
const WriteTime = 30 * time.Second

// Door lets requests in and answers them, alike for every API below /v1. All its fields are
// to be set.
type Door struct {
	// Hosts are the names by which a proxy reaches us, besides our own address.
	Hosts  []string
	Limits *auth.Limits
	Log    *slog.Logger
}

// Serve answers by the routes of an API, if there is somebody who may ask.
func (d Door) Serve(w http.ResponseWriter, r *http.Request, routes Table) {
	w.Header().Set("X-Request-Id", "req_"+strings.ToLower(rand.Text()))
	if _, fault := Caller(r, d.Hosts); fault != nil {
		fault.Write(w)
		return
	}
	routes.ServeHTTP(w, r)
}

// Asker is who asks. [Door.Serve] has seen to it that somebody does.
func Asker(r *http.Request) auth.Principal {
	p, _ := auth.From(r.Context())
	return p
}

// Counted counts a request against its caller's limits for as long as it lasts.
func (d Door) Counted(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		leave, fault := Enter(r.Context(), w, d.Limits, Asker(r))
		if fault != nil {
			fault.Write(w)
			return
		}
		defer leave()
		next(w, r)
	}
}

// Fault answers that something is wrong with us, and logs what.
func (d Door) Fault(w http.ResponseWriter, r *http.Request, act string, err error) {
	if r.Context().Err() == nil {
		d.Log.ErrorContext(r.Context(), act, "err", err)
	}
	apierror.Internal().Write(w)
}

// Kind are things that have ids, and that not everybody sees.
type Kind[T any] struct {
	Read    func(ctx context.Context, id string) (T, error)
	Missing error // what Read gives for one that is not there
	Sees    func(p auth.Principal, one T) bool
	None    *apierror.Error // answers for one that is not there, and for one that is hidden
	Reading string          // for the log: "reading a run"
}

// Find gives the thing that the request's path value id names, if the caller may see it, or
// answers that there is none.
func (k Kind[T]) Find(d Door, w http.ResponseWriter, r *http.Request) (one T, found bool) {
	one, err := k.Read(r.Context(), r.PathValue("id"))
	switch {
	case err != nil && !errors.Is(err, k.Missing):
		d.Fault(w, r, k.Reading, err)
		return one, false
	case err != nil, !k.Sees(Asker(r), one):
		k.None.Write(w)
		return one, false
	}
	return one, true
}

// Answer sends JSON, to a client that takes it in time: one that does not would hold its
// place for ever. A client that has gone needs no answer.
func Answer(w http.ResponseWriter, status int, body any) {
	const inTime = 256 << 10 // bytes that may take the whole WriteTime
	raw := Encode(body)
	w.Header().Set("Content-Type", "application/json")
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Now().Add(time.Duration(1+len(raw)/inTime) * WriteTime)) // only not supported by a test's recorder
	w.WriteHeader(status)
	_, _ = w.Write(raw)
	_ = control.Flush() // before the connection is left as it was
	_ = control.SetWriteDeadline(time.Time{})
}

// Encode leaves < and > readable.
func Encode(body any) []byte {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(body) // all plain data
	return []byte(out.String())
}
