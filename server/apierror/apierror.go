// Package apierror is how the HTTP API says that something is wrong: OpenAI's error
// object, because the clients that speak to the chat door show its message to people
// and act on its status and code.
//
// The four members are always there; param and code are null where there is nothing to
// say. What OpenAI's clients do with a status is worth knowing: 408, 409, 429 and all of
// 5xx are sent again by themselves, twice, unless the answer says otherwise (see
// [Error.Once]).
package apierror

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"
)

// The types of errors.
const (
	InvalidRequest    = "invalid_request_error"
	Authentication    = "authentication_error"
	Permission        = "permission_error"
	TooManyRequests   = "requests"
	InsufficientQuota = "insufficient_quota"
	Server            = "server_error"
)

// Error is one answer that is no success. Its message is for the person behind the
// client: what was wrong, where, what to do next.
type Error struct {
	Status  int // of HTTP
	Message string
	Type    string
	Param   string // which part of the request, "messages[2].role"; "" if none
	Code    string // for programs; "" if none
	// RetryAfter is how long to wait before the request is sent again, 0 if there is
	// nothing to say.
	RetryAfter time.Duration
	// Once: the request must not be sent again by itself, whatever the status: it has
	// begun something that goes on.
	Once bool
}

func (e *Error) Error() string { return fmt.Sprintf("%d %s: %s", e.Status, e.Code, e.Message) }

// Invalid is a request that is wrong in one place.
func Invalid(param, code, format string, arguments ...any) *Error {
	return &Error{Status: http.StatusBadRequest, Type: InvalidRequest, Param: param, Code: code, Message: fmt.Sprintf(format, arguments...)}
}

// NotFound is a path, a model or a run that is not there, or not for this caller.
func NotFound(param, code, format string, arguments ...any) *Error {
	e := Invalid(param, code, format, arguments...)
	e.Status = http.StatusNotFound
	return e
}

// Internal is a fault of ours. What it was is for the log.
func Internal() *Error {
	return &Error{Status: http.StatusInternalServerError, Type: Server, Code: "internal_error",
		Message: "something went wrong in the server; its log says what"}
}

// Write answers with the error.
func (e *Error) Write(w http.ResponseWriter) {
	header := w.Header()
	header.Set("Content-Type", "application/json")
	if e.RetryAfter > 0 {
		header.Set("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
	}
	if e.Once {
		header.Set("X-Should-Retry", "false")
	}
	w.WriteHeader(e.Status)
	_, _ = w.Write(append(e.Body(), '\n')) // a client that has gone needs no answer
}

// Body is the error as JSON, which is also what a stream says in its middle.
func (e *Error) Body() []byte {
	body, _ := json.Marshal(map[string]any{"error": wire{e.Message, e.Type, orNull(e.Param), orNull(e.Code)}})
	return body
}

type wire struct {
	Message string  `json:"message"`
	Type    string  `json:"type"`
	Param   *string `json:"param"`
	Code    *string `json:"code"`
}

func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// MethodNotAllowed answers a method that the path does not have.
func MethodNotAllowed(w http.ResponseWriter, r *http.Request, allowed string) {
	w.Header().Set("Allow", allowed)
	e := Invalid("", "method_not_allowed", "%s is not for %s; use %s", r.Method, r.URL.Path, allowed)
	e.Status = http.StatusMethodNotAllowed
	e.Write(w)
}
