package openai

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"
)

// reading puts an answer together from what the server sends.
type reading interface {
	// add takes one event, or an answer that came in one piece.
	add(name string, raw json.RawMessage) error
	// begun reports whether there is anything of an answer, finished that the model
	// has said all, complete that nothing at all is missing.
	begun() bool
	finished() bool
	complete() bool
	answer() (Answer, error)
}

// afterFinish is how long a server may be silent once the model has said all: the
// usage and the stream's end follow at once, or never.
const afterFinish = 5 * time.Second

// read reads the answer, as a stream or in one piece.
func (x *exchange) read(a reading) (Answer, error) {
	in := bufio.NewReader(x.in.Body)
	if inOnePiece(in) {
		var raw json.RawMessage
		err := json.NewDecoder(http.MaxBytesReader(nil, io.NopCloser(in), maxEvent)).Decode(&raw)
		if err == nil {
			err = a.add("", raw)
		}
		if err != nil {
			return Answer{}, err
		}
		x.drain()
		return a.answer()
	}
	return x.readStream(a, &events{r: in})
}

func (x *exchange) readStream(a reading, s *events) (Answer, error) {
	for !a.complete() {
		e, err := s.next()
		if err == nil && e.over() {
			break
		}
		if err == nil {
			err = e.values(func(raw json.RawMessage) error { return a.add(e.name, raw) })
		}
		switch {
		case err != nil && a.finished():
			return a.answer()
		case err == io.EOF && !a.begun():
			return Answer{}, errNoChoice
		case err == io.EOF, s.torn && unreadable(err):
			return Answer{}, io.ErrUnexpectedEOF
		case err != nil:
			return Answer{}, err
		case a.finished():
			x.hurry(afterFinish)
		}
	}
	x.drain()
	return a.answer()
}

// inOnePiece reports whether what follows is no stream of events but JSON, or
// something that a proxy made up. Some servers do not stream, or not always.
func inOnePiece(in *bufio.Reader) bool {
	for n := 1; ; n++ {
		head, err := in.Peek(n)
		if err != nil {
			return false
		}
		if c := head[n-1]; !strings.ContainsRune(" \t\r\n", rune(c)) {
			return bytes.IndexByte([]byte("{[<\""), c) >= 0
		}
	}
}
