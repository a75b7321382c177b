package openai

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	wire "github.com/sashabaranov/go-openai"
)

// Kind says whether asking again can help.
type Kind string

const (
	// Transient: the same request may succeed later.
	Transient Kind = "transient"
	// Permanent: the same request will fail again; somebody has to change
	// something first.
	Permanent Kind = "permanent"
)

// Error is a completion that did not come about. Its message is for the person
// who runs the program, and never holds the key.
type Error struct {
	Kind   Kind
	Status int // of HTTP; 0 if there was no answer
	// RetryAfter is what the server asked for, 0 if it did not.
	RetryAfter time.Duration
	Message    string
}

func (e *Error) Error() string { return "asking the model: " + e.Message }

// classify sorts what went wrong.
func (c *Client) classify(r Request, header http.Header, err error) *Error {
	var api *wire.APIError
	var bare *wire.RequestError
	switch {
	case errors.As(err, &api):
		return c.refused(r, header, api.HTTPStatusCode, api.Message, fmt.Sprint(api.Code))
	case errors.As(err, &bare):
		// The body is no OpenAI error: a proxy's page, and none of our business.
		return c.refused(r, header, bare.HTTPStatusCode, "", "")
	}
	return c.broken(header, err)
}

// refused explains an answer with a status other than 200.
func (c *Client) refused(r Request, header http.Header, status int, said, code string) *Error {
	e := &Error{Kind: Permanent, Status: status}
	switch {
	case transient(status):
		e.Kind = Transient
		e.RetryAfter = retryAfter(header, c.now())
		e.Message = fmt.Sprintf("the model server is not ready (%d %s)", status, http.StatusText(status))
	case status == http.StatusUnauthorized:
		// What the server says here quotes the key, more or less masked.
		e.Message = "the key is wrong: the model server refused it (401)"
		return e
	case status == http.StatusForbidden:
		e.Message = fmt.Sprintf("the key may not use the model %q (403)", r.Model)
	case status == http.StatusNotFound:
		e.Message = fmt.Sprintf("the model %q does not exist at this address (404)", r.Model)
	case status == http.StatusRequestEntityTooLarge, code == "context_length_exceeded":
		e.Message = fmt.Sprintf("the request is too long for the model %q (%d)", r.Model, status)
	default:
		e.Message = fmt.Sprintf("the model server refused the request (%d)", status)
	}
	if said = c.clean(said); said != "" {
		e.Message += ": " + said
	}
	return e
}

func transient(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooManyRequests:
		return true
	}
	return status >= 500
}

// broken explains a request that got no answer, or one that cannot be read.
// Anything else was refused by go-openai before it was sent, and will be again.
func (c *Client) broken(header http.Header, err error) *Error {
	var request *url.Error // its text would repeat the address
	if errors.As(err, &request) {
		err = request.Err
	}
	var network net.Error
	var syntax *json.SyntaxError
	var shape *json.UnmarshalTypeError
	var tooLarge *http.MaxBytesError
	var unsaid *json.MarshalerError // holds a syntax error too, but of ours
	e := &Error{Kind: Transient}
	switch {
	case errors.As(err, &unsaid):
		e.Kind = Permanent
		e.Message = "the request cannot be written: " + c.clean(err.Error())
	case errors.As(err, &network) && network.Timeout():
		e.Message = "the model server did not answer in time"
	case errors.As(err, &syntax), errors.As(err, &shape), errors.As(err, &tooLarge):
		e.Message = "the model server's answer cannot be read: " + c.clean(err.Error())
	case request != nil, network != nil, errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), header != nil:
		e.Message = "the model server cannot be reached: " + c.clean(err.Error())
	default:
		e.Kind = Permanent
		e.Message = "the request cannot be sent: " + c.clean(err.Error())
	}
	return e
}

// clean makes a server's text fit for a log line: one line, bounded, and without
// the key, which some servers repeat.
func (c *Client) clean(text string) string {
	const most = 500
	if c.key != "" {
		text = strings.ReplaceAll(text, c.key, "[redacted]")
	}
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + " ..."
	}
	return text
}

// retryAfter reads the header of RFC 9110, section 10.2.3: seconds, or a date.
// OpenAI also sends milliseconds, which are finer.
func retryAfter(header http.Header, now time.Time) time.Duration {
	if ms, err := strconv.ParseFloat(header.Get("Retry-After-Ms"), 64); err == nil && ms > 0 {
		return bounded(ms / 1000)
	}
	value := header.Get("Retry-After")
	if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds > 0 {
		return bounded(seconds)
	}
	if at, err := http.ParseTime(value); err == nil && at.After(now) {
		return bounded(at.Sub(now).Seconds())
	}
	return 0
}

// bounded keeps a hostile or mistaken server from parking a run for years.
func bounded(seconds float64) time.Duration {
	const most = 24 * time.Hour
	if seconds > most.Seconds() {
		return most
	}
	return time.Duration(seconds * float64(time.Second))
}
