package openaitest

import (
	"slices"
)

// longestItemCallID is how many characters the Responses API takes.
const longestItemCallID = 64

// input goes through the items of a Responses request.
type input struct {
	c          *checker
	q          *Request
	issued     *issued
	unanswered open
	answered   []string
	reasoning  string // the id of the reasoning item just before, if it was one
	seen       []string
}

func (in *input) item(o object) {
	kind := "message"
	if o.has("type") {
		kind = o.among("type", "message", "function_call", "function_call_output", "reasoning")
	}
	o.among("status", "in_progress", "completed", "incomplete")
	before := in.reasoning
	in.reasoning = ""
	id := o.text("id")
	if before != "" && !in.issued.follows(before, id) {
		in.c.report("input", "Item '%s' of type 'reasoning' was provided without its required following item.", before)
	}
	switch kind {
	case "message":
		in.message(o)
	case "function_call":
		in.call(o)
	case "function_call_output":
		in.output(o)
	case "reasoning":
		in.thought(o)
	}
	in.needsReasoning(kind, id, o.text("call_id"))
}

// needsReasoning: what the model said after thinking comes back with the thought.
func (in *input) needsReasoning(kind, id, callID string) {
	if kind != "message" && kind != "function_call" {
		return
	}
	if needed := in.issued.reasoningOf(id, callID); needed != "" && !slices.Contains(in.seen, needed) {
		in.c.report("input", "Item '%s' of type '%s' was provided without its required 'reasoning' item: '%s'.", id, kind, needed)
	}
}

func (in *input) message(o object) {
	o.need("role", "content")
	m := Message{Role: o.among("role", "system", "developer", "user", "assistant")}
	in.unansweredBefore(o.at)
	if m.Role == "assistant" {
		o.only("type", "id", "role", "content", "status", "phase")
		checkContent(o, "content", &m, "output_text", "refusal")
	} else {
		o.only("type", "role", "content")
		checkContent(o, "content", &m, "input_text", "input_image", "input_file")
	}
	in.q.Messages = append(in.q.Messages, m)
}

func (in *input) call(o object) {
	o.only("type", "id", "call_id", "name", "arguments", "status")
	o.need("call_id")
	call := ToolCall{ID: o.short("call_id", longestItemCallID)}
	call.Name, call.Arguments = readNameAndArguments(o)
	if in.unanswered.has(call.ID) {
		in.c.report(o.path("call_id"), "Duplicate function call id: %q.", call.ID)
	}
	in.unanswered.add(call.ID)
	in.answered = slices.DeleteFunc(in.answered, func(id string) bool { return id == call.ID })
	messages := in.q.Messages
	if n := len(messages); n > 0 && messages[n-1].Role == "assistant" {
		messages[n-1].Calls = append(messages[n-1].Calls, call)
		return
	}
	in.q.Messages = append(messages, Message{Role: "assistant", Calls: []ToolCall{call}})
}

func (in *input) output(o object) {
	o.only("type", "id", "call_id", "output", "status")
	o.need("call_id", "output")
	m := Message{Role: "tool", CallID: o.short("call_id", longestItemCallID)}
	checkContent(o, "output", &m, "input_text", "input_image", "input_file")
	switch {
	case in.unanswered.close(m.CallID):
		in.answered = append(in.answered, m.CallID)
	case slices.Contains(in.answered, m.CallID):
		in.c.report(o.path("call_id"), "Duplicate function call output for call_id %s.", m.CallID)
	default:
		in.c.report(o.path("call_id"), "No tool call found for function call output with call_id %s.", m.CallID)
	}
	in.q.Messages = append(in.q.Messages, m)
}

func (in *input) thought(o object) {
	o.only("type", "id", "summary", "content", "encrypted_content", "status")
	o.need("id", "summary")
	in.reasoning = o.text("id")
	in.seen = append(in.seen, in.reasoning)
	if content := o.text("encrypted_content"); !in.issued.sealedAs(in.reasoning, content) {
		in.c.report(o.path("encrypted_content"), "The encrypted content for item %s could not be verified.", in.reasoning)
	}
}

// unansweredBefore reports calls without a result. OpenAI looks at the whole input;
// here a result has to stand before the next message, as in the chat API.
func (in *input) unansweredBefore(at string) {
	for _, id := range in.unanswered.ids {
		in.c.report(at, "No tool output found for function call %s.", id)
	}
	in.unanswered.ids = nil
}

func (in *input) end() {
	in.unansweredBefore("input")
	if in.reasoning != "" {
		in.c.report("input", "Item '%s' of type 'reasoning' was provided without its required following item.", in.reasoning)
	}
}
