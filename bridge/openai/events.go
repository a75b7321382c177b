package openai

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxEvent bounds one event of a stream, in bytes, and an answer in one piece. The
// last event of the Responses API repeats the whole answer.
const maxEvent = 16 << 20

var errEventSize = fmt.Errorf("an event of the stream is too large, over %d bytes", maxEvent)

// event is one server-sent event. Its data is good until the next one is read.
type event struct {
	name string
	data []byte
}

// over reports whether this is what ends a stream of chat completions.
func (e event) over() bool { return string(e.data) == "[DONE]" }

// values calls f for each JSON value of the event: one, but for servers that leave
// out the empty line between events.
func (e event) values(f func(json.RawMessage) error) error {
	if !bytes.Contains(e.data, []byte("\n")) {
		return f(e.data)
	}
	decoder := json.NewDecoder(bytes.NewReader(e.data))
	for {
		var value json.RawMessage
		err := decoder.Decode(&value)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = f(value)
		}
		if err != nil {
			return err
		}
	}
}

// events reads server-sent events as HTML's standard has it (section 9.2.6), but for
// line ends of a lone CR. Beyond the standard it takes a last event that no empty
// line follows (whether it is complete its JSON tells), and a [DONE] that is not
// set apart.
type events struct {
	r     *bufio.Reader
	event event  // that is being read
	some  bool   // it has data
	over  bool   // [DONE] came
	torn  bool   // the stream ended before the event did
	long  []byte // a line longer than the reader's buffer
}

// next gives the next event that has data: io.EOF at the end of the stream, and
// [DONE] from the first one on.
func (s *events) next() (event, error) {
	s.event = event{data: s.event.data[:0]}
	s.some = false
	for !s.over {
		line, err := s.line()
		if err == io.EOF && s.some {
			s.torn = true
			return s.event, nil
		}
		if err != nil {
			return event{}, err
		}
		if len(line) == 0 && s.some {
			if !s.blank() {
				return s.event, nil
			}
			s.event.data, s.some = s.event.data[:0], false
		}
		if err := s.field(line); err != nil {
			return event{}, err
		}
		if s.over && s.some {
			return s.event, nil
		}
	}
	return event{data: []byte("[DONE]")}, nil
}

// blank reports whether the event's data is nothing at all: a sign of life.
func (s *events) blank() bool { return len(bytes.TrimSpace(s.event.data)) == 0 }

// field adds one line to the event. Comments, and fields that mean nothing here, add
// nothing; an empty line forgets an event without data.
func (s *events) field(line []byte) error {
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch {
	case len(line) == 0:
		s.event.name = ""
	case string(name) == "event":
		s.event.name = string(value)
	case string(name) == "data" && string(value) == "[DONE]":
		s.over = true
	case string(name) == "data":
		if s.some {
			s.event.data = append(s.event.data, '\n')
		}
		s.event.data = append(s.event.data, value...)
		s.some = true
		if len(s.event.data) > maxEvent {
			return errEventSize
		}
	}
	return nil
}

// line reads one line, without its end. The last one may have none.
func (s *events) line() ([]byte, error) {
	s.long = s.long[:0]
	for {
		part, err := s.r.ReadSlice('\n')
		if err == bufio.ErrBufferFull {
			s.long = append(s.long, part...)
			if len(s.long) > maxEvent {
				return nil, errEventSize
			}
			continue
		}
		if err != nil && (err != io.EOF || len(part)+len(s.long) == 0) {
			return nil, err
		}
		if len(s.long) > 0 {
			s.long = append(s.long, part...)
			part = s.long
		}
		return bytes.TrimSuffix(bytes.TrimSuffix(part, []byte("\n")), []byte("\r")), nil
	}
}
