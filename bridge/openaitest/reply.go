package openaitest

import "net/http"

// ToolCall is one function call of a reply, or of a request's assistant message.
type ToolCall struct {
	ID        string // of a reply: made by the server if empty; see [IDs]
	Name      string
	Arguments string
}

// Usage counts tokens, as the server tells them.
type Usage struct{ Prompt, Cached, Completion, Reasoning int }

// Reply is what the server does about one request. Make one with [Say], [Call],
// [Calls], [Decline], [Fail] or [Page].
type Reply struct {
	text, refusal, reasoning string
	calls                    []ToolCall
	ids                      []string // in place of those of calls, "" included
	finish                   string
	usage                    *Usage // nil: counted
	noUsage                  bool

	status  int // other than 0: no answer, but body or problem
	problem problem
	header  http.Header
	body    *page

	shape shape
	wire  wire
}

// problem is the error object of OpenAI's API.
type problem struct {
	Message string  `json:"message"`
	Type    string  `json:"type"`
	Param   *string `json:"param"`
	Code    *string `json:"code"`
}

type page struct{ contentType, text string }

// Say replies with text.
func Say(text string, how ...How) Reply { return Reply{text: text}.with(how) }

// Call replies with one function call. Arguments are written as they are, sound
// or not.
func Call(name, arguments string, how ...How) Reply {
	return Calls([]ToolCall{{Name: name, Arguments: arguments}}, how...)
}

// Calls replies with several function calls.
func Calls(calls []ToolCall, how ...How) Reply { return Reply{calls: calls}.with(how) }

// Decline replies with a refusal: the model will not do it.
func Decline(text string, how ...How) Reply { return Reply{refusal: text}.with(how) }

// Fail replies with an HTTP status and the error object that goes with it.
func Fail(status int, how ...How) Reply {
	return Reply{status: status, problem: problemOf(status)}.with(how)
}

// Page replies with a status and a body of any kind: a proxy's HTML, half a JSON
// document, nothing at all.
func Page(status int, contentType, body string, how ...How) Reply {
	return Reply{status: status, body: &page{contentType, body}}.with(how)
}

func (r Reply) with(how []How) Reply {
	r.header = http.Header{}
	for _, h := range how {
		h(&r)
	}
	return r
}

// finishReason is the chat API's word for why the answer ends.
func (r Reply) finishReason() string {
	switch {
	case r.finish != "":
		return r.finish
	case len(r.calls) > 0:
		return "tool_calls"
	}
	return "stop"
}

// count estimates tokens at four bytes each, as far as the reply does not say them.
func (r Reply) count(q *Request) *Usage {
	const bytesPerToken = 4
	switch {
	case r.noUsage:
		return nil
	case r.usage != nil:
		return r.usage
	}
	said := len(r.text) + len(r.refusal) + len(r.reasoning)
	for _, call := range r.calls {
		said += len(call.Name) + len(call.Arguments)
	}
	return &Usage{
		Prompt:     len(q.Prompt)/bytesPerToken + 1,
		Cached:     cached(q.Shared / bytesPerToken),
		Completion: said/bytesPerToken + 1,
		Reasoning:  len(r.reasoning) / bytesPerToken,
	}
}

// cached is how much of a prompt OpenAI's cache would have had: from 1,024 tokens on,
// in steps of 128.
func cached(shared int) int {
	const least, step = 1024, 128
	if shared < least {
		return 0
	}
	return shared / step * step
}
