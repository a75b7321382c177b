package openaitest

import (
	"bytes"
	"net/http"
)

// Step is one kind of request that is made about batches.
type Step string

const (
	Upload   Step = "upload"
	Create   Step = "create"
	List     Step = "list"
	Retrieve Step = "retrieve"
	Content  Step = "content"
	Cancel   Step = "cancel"
	Delete   Step = "delete"
)

// Disturbance is what goes wrong with one request.
type Disturbance struct {
	// Status, other than 0, refuses it: nothing is done.
	Status int
	// Lost: it is done, and the connection breaks before the answer.
	Lost bool
	// Gate holds the answer up; what was asked is done before it.
	Gate *Gate
	// Lines, of Content, are how many lines go out before Gate, or before the connection
	// breaks if there is none.
	Lines int
}

// Disturb has the next requests of a step go wrong, one after the other.
func (h *Handler) Disturb(step Step, how ...Disturbance) {
	h.batches.mu.Lock()
	defer h.batches.mu.Unlock()
	h.batches.disturb[step] = append(h.batches.disturb[step], how...)
}

func (b *batches) disturbance(step Step) Disturbance {
	b.mu.Lock()
	defer b.mu.Unlock()
	queue := b.disturb[step]
	if len(queue) == 0 {
		return Disturbance{}
	}
	b.disturb[step] = queue[1:]
	return queue[0]
}

// serve answers a step with JSON.
func (b *batches) serve(step Step, do func(*http.Request) (any, *problem)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		d := b.disturbance(step)
		if d.Status != 0 {
			refuse(w, d.Status, problemOf(d.Status))
			return
		}
		object, wrong := do(r)
		if d.Lost || !b.pass(d.Gate, r) {
			panic(http.ErrAbortHandler)
		}
		switch {
		case wrong != nil && wrong.Code == nil:
			refuse(w, http.StatusNotFound, *wrong)
		case wrong != nil:
			refuse(w, http.StatusBadRequest, *wrong)
		default:
			w.Header().Set("Content-Type", "application/json")
			w.Write(encoded(object))
		}
	}
}

// pass waits at a gate; false if the client or the test has gone.
func (b *batches) pass(gate *Gate, r *http.Request) bool {
	if gate == nil {
		return true
	}
	gate.reach()
	select {
	case <-gate.open:
		return true
	case <-r.Context().Done():
	case <-b.h.closing:
	}
	return false
}

// content sends a file.
func (b *batches) content(w http.ResponseWriter, r *http.Request) {
	d := b.disturbance(Content)
	b.mu.Lock()
	f := b.files[r.PathValue("id")]
	b.mu.Unlock()
	switch {
	case d.Status != 0:
		refuse(w, d.Status, problemOf(d.Status))
		return
	case f == nil:
		refuse(w, http.StatusNotFound, *notFound("File object", r.PathValue("id")))
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	rest := f.content
	if d.Gate != nil || d.Lines > 0 || d.Lost {
		for range d.Lines {
			n := bytes.IndexByte(rest, '\n') + 1
			w.Write(rest[:n])
			rest = rest[n:]
		}
		_ = http.NewResponseController(w).Flush()
		if d.Gate == nil || !b.pass(d.Gate, r) {
			panic(http.ErrAbortHandler)
		}
	}
	w.Write(rest)
}
