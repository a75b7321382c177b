package openai

import (
	"bytes"
	"encoding/json"
	"sync"
)

// writer writes the members of a request's object one after the other: the same
// values, the same bytes. Its first error is told at the end.
type writer struct {
	out     bytes.Buffer
	encoder *json.Encoder
	err     error
}

// writers are kept for the next request: while a run waits for its answer it holds the
// bytes of its request, and no room that they grew in.
var writers = sync.Pool{New: func() any {
	w := &writer{}
	w.encoder = json.NewEncoder(&w.out)
	w.encoder.SetEscapeHTML(false) // nobody reads a request as HTML
	return w
}}

func newWriter() *writer { return writers.Get().(*writer) }

// done gives a copy of what was written. The writer is used up.
func (w *writer) done() ([]byte, error) {
	const mostKept = 1 << 20
	written, err := bytes.Clone(w.out.Bytes()), w.err
	w.out.Reset()
	w.err = nil
	if w.out.Cap() <= mostKept {
		writers.Put(w)
	}
	return written, err
}

// encode gives the bytes of one value.
func encode(v any) ([]byte, error) {
	w := newWriter()
	w.value(v)
	return w.done()
}

// raw adds text that is JSON already, with the comma behind it.
func (w *writer) raw(text string) { w.out.WriteString(text) }

// value adds a value, and nothing behind it.
func (w *writer) value(v any) {
	if w.err != nil {
		return
	}
	if w.err = w.encoder.Encode(v); w.err == nil {
		w.out.Truncate(w.out.Len() - 1) // the encoder ends with a new line
	}
}

// member adds one member.
func (w *writer) member(name string, v any) {
	w.raw(`"` + name + `":`)
	w.value(v)
	w.raw(",")
}

// list adds a member that is a list of n values.
func (w *writer) list(name string, n int, value func(i int) any) {
	w.raw(`"` + name + `":[`)
	for i := range n {
		if i > 0 {
			w.raw(",")
		}
		w.value(value(i))
	}
	w.raw("],")
}

// members adds all members of v, an object.
func (w *writer) members(v any) {
	before := w.out.Len()
	w.value(v)
	if w.err != nil {
		return
	}
	written := w.out.Bytes()[before:]
	if len(written) == len("{}") {
		w.out.Truncate(before)
		return
	}
	copy(written, written[1:]) // without the opening brace; the closing one becomes a comma
	written[len(written)-2] = ','
	w.out.Truncate(w.out.Len() - 1)
}

// closed gives what was written as the end of an object that has members.
func (w *writer) closed() ([]byte, error) {
	w.out.Truncate(w.out.Len() - 1) // the last comma
	w.raw("}")
	return w.done()
}
