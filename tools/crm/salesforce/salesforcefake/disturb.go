package salesforcefake

import (
	"encoding/json"
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
	Body   string // a list with one error of Salesforce's if ""
	// Code and Message are of that error.
	Code, Message string
	// Hang: there is no answer until whoever asks has gone.
	Hang bool
	// Hung is closed when such a request has come, and has taken its effect.
	Hung chan struct{}
}

type disturbance struct {
	method, part string
	Disturbance
}

// Disturb has the next request of a method whose address or body has a part in it go wrong.
// Several are taken in order.
func (o *Org) Disturb(method, part string, d Disturbance) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.faults = append(o.faults, &disturbance{method, part, d})
}

// Calm drops the disturbances that no request has met.
func (o *Org) Calm() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.faults = nil
}

func (o *Org) fault(method, text string) *disturbance {
	for i, f := range o.faults {
		if f.method == method && strings.Contains(text, f.part) {
			o.faults = append(o.faults[:i:i], o.faults[i+1:]...)
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
	body := d.Body
	if body == "" {
		raw, _ := json.Marshal([]*Problem{problem(d.Status, d.Code, d.Message)})
		body = string(raw)
	}
	for name, values := range d.Header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(d.Status)
	_, _ = w.Write([]byte(body))
}
