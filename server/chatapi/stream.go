package chatapi

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"

	"drawbridge/bridge/openai"
	"drawbridge/server/apierror"
)

// writeTime is how long a client may take to read what it was sent.
const writeTime = 30 * time.Second

// stream says a message as server-sent events, each a chat.completion.chunk.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	usage   bool // wanted at the end

	begun, spoke bool   // headers are out; the role is
	head, tail   []byte // of every chunk, around its delta
	text         []byte // words that are in no chunk yet
	out          []byte // chunks that are not written yet
}

func newStream(w http.ResponseWriter, c completion, usage bool) *stream {
	s := &stream{w: w, control: http.NewResponseController(w), usage: usage}
	s.head = append(s.head, `data: {"id":`...)
	s.head = appendString(s.head, c.id)
	s.head = append(s.head, `,"object":"chat.completion.chunk","created":`...)
	s.head = appendInt(s.head, c.created)
	s.head = append(s.head, `,"model":`...)
	s.head = appendString(s.head, c.model)
	if usage {
		s.tail = append(s.tail, `,"usage":null`...)
	}
	s.tail = append(s.tail, "}\n\n"...)
	return s
}

func (s *stream) words(text string) { s.text = append(s.text, text...) }

func (s *stream) activity(text string) {
	if text == "" {
		return
	}
	s.chunkText()
	s.open(`{"reasoning_content":`)
	s.out = appendString(s.out, text)
	s.shut()
}

// chunkText puts the words that have come into a chunk. This is the way of every
// token: nothing here allocates once the buffers have grown.
func (s *stream) chunkText() {
	if len(s.text) == 0 {
		return
	}
	s.open(`{"content":`)
	s.out = appendString(s.out, s.text)
	s.shut()
	s.text = s.text[:0]
}

// open and shut are a chunk with one choice, before and behind its delta's last value.
func (s *stream) open(delta string) {
	s.role()
	s.out = append(s.out, s.head...)
	s.out = append(s.out, `,"choices":[{"index":0,"delta":`...)
	s.out = append(s.out, delta...)
}

func (s *stream) shut() {
	s.out = append(s.out, `},"finish_reason":null}]`...)
	s.out = append(s.out, s.tail...)
}

// role says who speaks, before anything else is said.
func (s *stream) role() {
	if s.spoke {
		return
	}
	s.spoke = true
	s.open(`{"role":"assistant","content":""`)
	s.shut()
}

func (s *stream) flush() (sent bool, err error) {
	s.chunkText()
	if len(s.out) == 0 {
		return false, nil
	}
	return true, s.send()
}

func (s *stream) alive() error {
	s.out = append(s.out, ": working\n\n"...)
	return s.send()
}

// send writes what there is, behind the headers.
func (s *stream) send() error {
	if !s.begun {
		s.begun = true
		header := s.w.Header()
		header.Set("Content-Type", "text/event-stream; charset=utf-8")
		header.Set("Cache-Control", "no-cache")
		header.Set("X-Accel-Buffering", "no") // nginx would collect the stream
		s.w.WriteHeader(http.StatusOK)
	}
	_ = s.control.SetWriteDeadline(time.Now().Add(writeTime)) // only not supported by a test's recorder
	_, err := s.w.Write(s.out)
	s.out = s.out[:0]
	if err == nil {
		err = s.control.Flush()
	}
	if err != nil {
		return errGone
	}
	return nil
}

// end writes the last of it and leaves the connection as it was.
func (s *stream) end() error {
	s.out = append(s.out, "data: [DONE]\n\n"...)
	err := s.send()
	_ = s.control.SetWriteDeadline(time.Time{})
	return err
}

func (s *stream) close(e ending, a about) error {
	s.chunkText()
	s.role()
	if e.refusal != "" {
		s.open(`{"refusal":`)
		s.out = appendString(s.out, e.refusal)
		s.shut()
	}
	for i, c := range e.calls {
		s.call(i, c)
	}
	s.out = append(s.out, s.head...)
	s.out = append(s.out, `,"choices":[{"index":0,"delta":{},"finish_reason":`...)
	s.out = appendString(s.out, e.finish)
	s.out = append(s.out, `}],"drawbridge":`...)
	s.out = append(s.out, marshal(a)...)
	s.out = append(s.out, s.tail...)
	if s.usage {
		s.out = append(s.out, s.head...)
		s.out = append(s.out, `,"choices":[],"usage":`...)
		s.out = append(s.out, marshal(usageOf(a.Usage))...)
		s.out = append(s.out, "}\n\n"...)
	}
	return s.end()
}

// call hands one of the caller's own calls over, whole.
func (s *stream) call(index int, c openai.Call) {
	delta := struct {
		Index int `json:"index"`
		toolCall
	}{index, toolCallOf(c)}
	s.open(`{"tool_calls":[`)
	s.out = append(s.out, marshal(delta)...)
	s.out = append(s.out, ']')
	s.shut()
}

// fail is an ordinary answer as long as there is nothing to say. Later it is an error object in
// the stream, which the clients we know raise as an error, in place of a finish.
func (s *stream) fail(e *apierror.Error) error {
	s.chunkText()
	if !s.begun && len(s.out) == 0 {
		e.Write(s.w)
		return nil
	}
	s.out = append(s.out, "data: "...)
	s.out = append(s.out, e.Body()...)
	s.out = append(s.out, "\n\n"...)
	return s.end()
}

// marshal is for what is said once a message; it leaves < and > readable.
func marshal(v any) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(v) // all plain data
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}
