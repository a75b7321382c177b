package mcpmount

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
	"time"
)

// event is one of a text/event-stream (WHATWG HTML, server-sent events).
type event struct {
	name string // empty means "message"
	data []byte
}

// maxEventID bounds what goes back to the server in a header.
const maxEventID = 1024

// cursor is where a stream can be taken up again, if the server has said so.
type cursor struct {
	id    string
	retry time.Duration // 0: not said
}

// readEvents gives each event that has data to fn, until the stream ends, which is
// io.EOF, or fn gives an error. at follows what has been read.
func readEvents(in io.Reader, limit int64, at *cursor, fn func(event) error) error {
	reader := bufio.NewReader(in)
	var e event
	id := at.id
	started := false // data may be empty lines, which count
	for {
		line, err := readLine(reader, limit)
		if errors.Is(err, errTooLong) {
			return err
		}
		field, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch {
		case len(line) == 0 && err == nil:
			at.id = id // of a whole event only
			if started {
				if err := fn(e); err != nil {
					return err
				}
			}
			e, started = event{}, false
		case string(field) == "event":
			e.name = string(value)
		case string(field) == "id" && len(value) <= maxEventID && !bytes.ContainsAny(value, "\x00\r\n"):
			id = string(value)
		case string(field) == "retry":
			if ms, bad := strconv.ParseUint(string(value), 10, 31); bad == nil {
				at.retry = time.Duration(ms) * time.Millisecond
			}
		case string(field) == "data":
			if int64(len(e.data)+len(value)) > limit {
				return errTooLong
			}
			if started {
				e.data = append(e.data, '\n')
			}
			e.data, started = append(e.data, value...), true
		}
		if err != nil {
			// Some servers end the stream with the last line of the last event.
			if started && errors.Is(err, io.EOF) {
				if err := fn(e); err != nil {
					return err
				}
			}
			return err
		}
	}
}
