package openaitest

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// longestCallID is how many characters the chat API takes.
const longestCallID = 40

var speakerPattern = regexp.MustCompile(`^[^\s<|\\/>]{1,64}$`)

// open are the calls that the conversation still owes a result.
type open struct {
	ids []string
}

// add takes a call in. One without an id is reported as that, and can have no answer.
func (o *open) add(id string) {
	if id != "" {
		o.ids = append(o.ids, id)
	}
}

func (o *open) has(id string) bool { return slices.Contains(o.ids, id) }

// close takes a call off; false if it was not open.
func (o *open) close(id string) bool {
	i := slices.Index(o.ids, id)
	if i < 0 {
		return false
	}
	o.ids = slices.Delete(o.ids, i, i+1)
	return true
}

// all reports calls that nothing answers before the next message.
func (o *open) all(c *checker, at string) {
	if len(o.ids) > 0 {
		c.report(at, "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: %s", strings.Join(o.ids, ", "))
		o.ids = nil
	}
}

// checkMessages makes sure, among other things, that each call of an assistant message
// is answered once, right behind it, and nothing else is.
func (c *checker) checkMessages(raws []json.RawMessage, q *Request) {
	var unanswered open
	for i, raw := range raws {
		at := place("messages", i)
		o, ok := c.object(at, raw)
		if !ok {
			continue
		}
		m := Message{Raw: raw}
		o.need("role")
		m.Role = o.among("role", "system", "developer", "user", "assistant", "tool")
		if m.Role != "tool" {
			unanswered.all(c, at)
		}
		switch m.Role {
		case "tool":
			checkToolMessage(o, &m, &unanswered)
		case "assistant":
			checkAssistant(o, &m, &unanswered)
		case "user":
			o.only("role", "content", "name")
			o.need("content")
			checkContent(o, "content", &m, "text", "image_url", "input_audio", "file")
		default:
			o.only("role", "content", "name")
			o.need("content")
			checkContent(o, "content", &m, "text")
		}
		m.Name = o.matching("name", speakerPattern)
		q.Messages = append(q.Messages, m)
	}
	unanswered.all(c, "messages")
}

func checkToolMessage(o object, m *Message, unanswered *open) {
	o.only("role", "content", "tool_call_id")
	o.need("content", "tool_call_id")
	m.CallID = o.short("tool_call_id", longestCallID)
	checkContent(o, "content", m, "text")
	if !unanswered.close(m.CallID) {
		o.c.report(o.path("role"), "Invalid parameter: messages with role 'tool' must be a response to a preceding message with 'tool_calls'; %q is not open.", m.CallID)
	}
}

func checkAssistant(o object, m *Message, unanswered *open) {
	o.only("role", "content", "name", "refusal", "tool_calls")
	m.Refusal = o.text("refusal")
	checkContent(o, "content", m, "text", "refusal")
	if !o.has("content") && !o.has("tool_calls") && !o.has("refusal") {
		o.c.report(o.path("content"), "Invalid value for 'content': expected a string, got null.")
	}
	for i, raw := range o.list("tool_calls") {
		call, ok := o.c.object(place(o.path("tool_calls"), i), raw)
		if !ok {
			continue
		}
		made := readCall(call)
		if unanswered.has(made.ID) {
			call.c.report(call.path("id"), "Duplicate tool call id: %q.", made.ID)
		}
		m.Calls = append(m.Calls, made)
		unanswered.add(made.ID)
	}
}

func readCall(call object) ToolCall {
	call.only("id", "type", "function")
	call.need("id", "type", "function")
	call.among("type", "function")
	made := ToolCall{ID: call.short("id", longestCallID)}
	f, ok := call.sub("function")
	if !ok {
		return made
	}
	f.only("name", "arguments")
	made.Name, made.Arguments = readNameAndArguments(f)
	return made
}

// readNameAndArguments is strict about arguments: OpenAI takes any text, other servers
// read it as JSON and fail.
func readNameAndArguments(f object) (name, arguments string) {
	f.need("name", "arguments")
	name, arguments = f.matching("name", namePattern), f.text("arguments")
	if f.has("arguments") && !isObject(arguments) {
		f.c.report(f.path("arguments"), "Invalid '%s': expected the text of a JSON object.", f.path("arguments"))
	}
	return name, arguments
}
