package shopifyfake

import (
	"net/http"
	"strings"
)

// Disturbance says how a request goes wrong.
type Disturbance struct {
	// Effect: the request takes effect all the same.
	Effect bool
	// Status is answered, with Header and Body; 0 cuts the connection without an answer.
	Status int
	Header http.Header
	Body   string
	// Hang: there is no answer until whoever asks has gone.
	Hang bool
	// Hung is closed when such a request has come, and has taken its effect.
	Hung chan struct{}
}

type disturbance struct {
	operation string
	Disturbance
}

// Disturb has the next request whose operation's name has a part in it go wrong. Several
// are taken in order.
func (s *Server) Disturb(operation string, d Disturbance) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &disturbance{operation, d})
}

func (s *Server) fault(operation string) *disturbance {
	for i, f := range s.faults {
		if strings.Contains(operation, f.operation) {
			s.faults = append(s.faults[:i:i], s.faults[i+1:]...)
			return f
		}
	}
	return nil
}

func (d *disturbance) play(w http.ResponseWriter, r *http.Request) {
	if d.Hang {
		if d.Hung != nil {
			close(d.Hung)
		}
		<-r.Context().Done()
		return
	}
	if d.Status == 0 {
		panic(http.ErrAbortHandler)
	}
	for name, values := range d.Header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(d.Status)
	_, _ = w.Write([]byte(d.Body))
}
