package openaitest

import (
	"fmt"
	"time"
)

// How changes a reply: what is in it, how the server writes it, or what goes wrong
// with it on the way. Events are the chunks of a stream, counted from 0; an answer
// that is not streamed has none.
type How func(*Reply)

// shape is how a server spells an answer.
type shape struct {
	piece         int // runes of a delta
	interleaved   bool
	idEverywhere  bool
	noIndex       bool
	roleAlways    bool
	finishInLast  bool
	usageAlways   bool
	emptyChoices  bool
	noChoices     bool
	plain         bool
	failInStream  *int
	callsInOneGo  bool
	contentParted bool
}

// WithText adds text to a reply of calls.
func WithText(text string) How { return func(r *Reply) { r.text = text } }

// WithReasoning adds what the model thought: reasoning_content in the chat API, as
// several servers have it, and a reasoning item in the Responses API.
func WithReasoning(text string) How { return func(r *Reply) { r.reasoning = text } }

// Finish sets the finish_reason: "length", "content_filter", or anything else.
func Finish(reason string) How { return func(r *Reply) { r.finish = reason } }

// IDs gives the calls these ids, in order: the same twice, or "" for one without.
func IDs(ids ...string) How { return func(r *Reply) { r.ids = ids } }

// Uses sets the usage, which is counted otherwise.
func Uses(u Usage) How { return func(r *Reply) { r.usage = &u } }

// NoUsage leaves the usage out, asked for or not.
func NoUsage() How { return func(r *Reply) { r.noUsage = true } }

// Pieces makes each delta n characters long; 16 by default.
func Pieces(n int) How { return func(r *Reply) { r.shape.piece = n } }

// Interleaved sends the pieces of all calls' arguments in turns.
func Interleaved() How { return func(r *Reply) { r.shape.interleaved = true } }

// WholeCalls sends each call in one delta, as several servers do.
func WholeCalls() How { return func(r *Reply) { r.shape.callsInOneGo = true } }

// IDEverywhere repeats a call's id, type and name in each of its deltas.
func IDEverywhere() How { return func(r *Reply) { r.shape.idEverywhere = true } }

// NoIndex leaves out the index of tool-call deltas.
func NoIndex() How { return func(r *Reply) { r.shape.noIndex = true } }

// RoleEverywhere repeats the role in every chunk.
func RoleEverywhere() How { return func(r *Reply) { r.shape.roleAlways = true } }

// FinishInLast puts the finish_reason into the last chunk that says something. By
// default it comes in a chunk of its own.
func FinishInLast() How { return func(r *Reply) { r.shape.finishInLast = true } }

// UsageEverywhere puts the usage into every chunk, beside its choice.
func UsageEverywhere() How { return func(r *Reply) { r.shape.usageAlways = true } }

// ContentInParts writes the content as a list of parts, where it is not streamed.
func ContentInParts() How { return func(r *Reply) { r.shape.contentParted = true } }

// EmptyChoices answers with an empty list of choices (of output, in the Responses API).
func EmptyChoices() How { return func(r *Reply) { r.shape.emptyChoices = true } }

// NoChoices answers without a list of choices (or output) at all.
func NoChoices() How { return func(r *Reply) { r.shape.noChoices = true } }

// Plain answers a streamed request with plain JSON.
func Plain() How { return func(r *Reply) { r.shape.plain = true } }

// FailAfter sends n events of the answer and then an error event, with which the
// stream ends. [ErrorIs] says which error.
func FailAfter(n int) How { return func(r *Reply) { r.shape.failInStream = &n } }

// ErrorIs sets the error object of [Fail] and [FailAfter]. An empty code is null.
func ErrorIs(kind, code, message string) How {
	return func(r *Reply) { r.problem = problem{Type: kind, Code: nullable(code), Message: message} }
}

// Header sets a header of the response, such as Retry-After or
// x-ratelimit-remaining-requests.
func Header(name, value string) How { return func(r *Reply) { r.header.Set(name, value) } }

// CRLF ends lines as Windows does.
func CRLF() How { return func(r *Reply) { r.wire.crlf = true } }

// Comments puts a comment line, such as servers send to keep connections open,
// before every event.
func Comments() How { return func(r *Reply) { r.wire.comments = true } }

// NoDone leaves out the [DONE] at the end of a chat stream.
func NoDone() How { return func(r *Reply) { r.wire.noDone = true } }

// Garbage puts an event that is no JSON before event n.
func Garbage(n int) How { return func(r *Reply) { r.wire.garbage = &n } }

// CutAfterBytes breaks the connection after n bytes of the body.
func CutAfterBytes(n int) How { return func(r *Reply) { r.wire.cutBytes = &n } }

// CutAfterEvents breaks the connection after n events.
func CutAfterEvents(n int) How { return func(r *Reply) { r.wire.cutEvents = &n } }

// EndAfterEvents ends the body in good order after n events, whatever was still to
// be said.
func EndAfterEvents(n int) How { return func(r *Reply) { r.wire.endEvents = &n } }

// Hold stops at the gate before event n; with 0, before anything is sent, headers
// included.
func Hold(n int, gate *Gate) How {
	return func(r *Reply) { r.wire.holds = append(r.wire.holds, hold{n, gate}) }
}

// After waits before the first byte, as a model that thinks does.
func After(d time.Duration) How { return func(r *Reply) { r.wire.after = d } }

// Every waits before each event but the first.
func Every(d time.Duration) How { return func(r *Reply) { r.wire.every = d } }

func nullable(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// problemOf is what OpenAI says with a status.
func problemOf(status int) problem {
	kind, code := "invalid_request_error", ""
	switch {
	case status == 401:
		code = "invalid_api_key"
	case status == 403:
		code = "unsupported_country_region_territory"
	case status == 404:
		code = "model_not_found"
	case status == 429:
		kind, code = "requests", "rate_limit_exceeded"
	case status >= 500:
		kind = "server_error"
	}
	return problem{Message: fmt.Sprintf("The fake server answers %d here.", status), Type: kind, Code: nullable(code)}
}
