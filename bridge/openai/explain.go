package openai

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	wire "github.com/sashabaranov/go-openai"
)

var errNoChoice = errors.New("the model server answered without a choice")

// explain sorts what went wrong with one exchange. The context is the exchange's.
func (c *Client) explain(ctx context.Context, model string, x *exchange, err error) *Error {
	var api *wire.APIError
	var bare *wire.RequestError
	var said *serverSaid
	var moved *movedError
	switch {
	case errors.As(err, &moved):
		return &Error{Kind: Permanent, Reason: NoSuchModel, Status: moved.response.StatusCode, Message: c.clean(moved.Error())}
	case errors.As(err, &bare):
		return c.refused(model, x.header(), bare.HTTPStatusCode, saidIn(bare.Body))
	case errors.As(err, &api):
		return c.refused(model, x.header(), api.HTTPStatusCode, serverSaid{
			Message: loose(api.Message), Type: loose(api.Type), Code: loose(fmt.Sprint(api.Code)), Param: loose(deref(api.Param)),
		})
	case errors.As(err, &said):
		return c.refused(model, x.header(), said.status(), *said)
	case errors.Is(err, errNoChoice):
		return &Error{Kind: Transient, Reason: EmptyChoices, Status: http.StatusOK, Message: err.Error()}
	case errors.Is(context.Cause(ctx), errSilent):
		return transientError(TimedOut, fmt.Sprintf("the model server did not answer in time: it said nothing for %v", x.quiet))
	}
	return c.broken(x, err)
}

// withheld reports whether an error says that the provider keeps the answer back.
func withheld(err error) bool {
	var api *wire.APIError
	var said *serverSaid
	if errors.As(err, &api) {
		said = &serverSaid{Code: loose(fmt.Sprint(api.Code))}
	}
	return (said != nil || errors.As(err, &said)) && said.withheld()
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// broken explains a request that got no answer, or one that broke off or cannot be
// read.
func (c *Client) broken(x *exchange, err error) *Error {
	var request *url.Error // its text would repeat the address
	if errors.As(err, &request) {
		err = request.Err
	}
	var network net.Error
	e := &Error{Kind: Transient}
	switch {
	case unreadable(err):
		e.Reason, e.Message = Unreadable, "the model server's answer cannot be read"
	case x.in != nil:
		e.Reason, e.Message = Cut, "the model's answer broke off"
	case errors.As(err, &network) && network.Timeout():
		e.Reason, e.Message = TimedOut, "the model server did not answer in time"
	case request != nil, network != nil, errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		e.Reason, e.Message = Unreachable, "the model server cannot be reached"
	default:
		e.Kind, e.Reason, e.Message = Permanent, BadRequest, "the request cannot be sent"
	}
	var shape *json.UnmarshalTypeError // its text would tell of our types
	if errors.As(err, &shape) {
		err = fmt.Errorf("there is a %s for %q", shape.Value, shape.Field)
	}
	e.Message += ": " + c.clean(err.Error())
	return e
}

func unreadable(err error) bool {
	var syntax *json.SyntaxError
	var shape *json.UnmarshalTypeError
	var tooLarge *http.MaxBytesError
	return errors.As(err, &syntax) || errors.As(err, &shape) || errors.As(err, &tooLarge) || errors.Is(err, errEventSize)
}

// refused explains an answer with a status that is no success.
func (c *Client) refused(model string, header http.Header, status int, said serverSaid) *Error {
	e := &Error{Kind: Permanent, Status: status}
	switch {
	case said.outOfQuota(), status == http.StatusPaymentRequired:
		e.Kind, e.Reason = Transient, OutOfQuota
		e.Message = fmt.Sprintf("the account behind the key has used up its quota (%d)", status)
		e.RetryAfter = max(retryAfter(header, c.now()), quotaPause)
	case status == http.StatusRequestEntityTooLarge, said.tooLong():
		e.Reason = TooLong
		e.Message = fmt.Sprintf("the request is too long for the model %q (%d)", model, status)
	case status == http.StatusTooManyRequests:
		e.Kind, e.Reason = Transient, RateLimited
		e.Message = "the model server takes no more requests for now (429)"
		e.RetryAfter = retryAfter(header, c.now())
	case status == http.StatusRequestTimeout, status == http.StatusConflict, status >= 500:
		e.Kind, e.Reason = Transient, Unavailable
		e.Message = "the model server is not ready (" + strings.TrimSpace(fmt.Sprint(status, " ", http.StatusText(status))) + ")"
		e.RetryAfter = retryAfter(header, c.now())
	case status == http.StatusUnauthorized:
		e.Reason = WrongKey
		e.Message = "the key is wrong: the model server refused it (401)"
		return e // what the server says here quotes the key, more or less masked
	case status == http.StatusForbidden:
		e.Reason = Forbidden
		e.Message = fmt.Sprintf("the key may not use the model %q (403)", model)
	case status == http.StatusNotFound, said.Code == "model_not_found":
		e.Reason = NoSuchModel
		e.Message = fmt.Sprintf("the model %q does not exist at this address (%d)", model, status)
	default:
		e.Reason = BadRequest
		e.Message = fmt.Sprintf("the model server refused the request (%d)", status)
	}
	if text := c.clean(string(said.Message)); text != "" {
		e.Message += ": " + text
	}
	return e
}

// clean makes a server's text fit for a log line and a terminal: one line, bounded,
// printable, and without the key, which some servers repeat.
func (c *Client) clean(text string) string {
	const most = 500
	for _, key := range c.access.Load().keys {
		text = strings.ReplaceAll(text, key, "[redacted]")
	}
	text = strings.Join(strings.Fields(text), " ")
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + " ..."
	}
	return text
}
