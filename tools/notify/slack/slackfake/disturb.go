package slackfake

import (
	"net/http"
)

// Disturbance says how a request goes wrong.
type Disturbance struct {
	// Effect: the request takes effect all the same.
	Effect bool
	// Status is answered, with Header and Body; 0 cuts the connection without an answer.
	Status int
	Header http.Header
	Body   string
	// Error is an error by its name, answered as Slack does: with status 200. Needed is the
	// scope that is missing.
	Error, Needed string
	// Hang: there is no answer until whoever asks has gone.
	Hang bool
	// Hung is closed when such a request has come, and has taken its effect.
	Hung chan struct{}
}

type disturbance struct {
	method string
	Disturbance
}

// Disturb has the next request of a method go wrong. Several are taken in order.
func (s *Server) Disturb(method string, d Disturbance) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &disturbance{method, d})
}

func (s *Server) fault(method string) *disturbance {
	for i, f := range s.faults {
		if f.method == method {
			s.faults = append(s.faults[:i:i], s.faults[i+1:]...)
			return f
		}
	}
	return nil
}

func (d *disturbance) play(w http.ResponseWriter, r *http.Request) {
	switch {
	case d.Hang:
		if d.Hung != nil {
			close(d.Hung)
		}
		<-r.Context().Done()
		return
	case d.Error != "":
		out := object{"ok": false, "error": d.Error}
		if d.Needed != "" {
			out["needed"] = d.Needed
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = w.Write(encode(out))
		return
	case d.Status == 0:
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "text/html")
	for name, values := range d.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(d.Status)
	_, _ = w.Write([]byte(d.Body))
}
