package chatapi

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"

	"drawbridge/bridge/openai"
)

// messages takes the conversation.
func (o *object) messages() []openai.Message {
	var messages []openai.Message
	for i, raw := range o.list("messages", maxMessages) {
		inner := o.read(fmt.Sprintf("messages[%d]", i), raw)
		messages = append(messages, inner.message())
	}
	if o.err == nil {
		o.paired(messages)
	}
	messages = slices.DeleteFunc(messages, saysNothing)
	if o.err == nil && len(messages) == 0 {
		o.wrong("messages", "empty_array", "messages is empty; it has to hold at least one message that says something")
	}
	return messages
}

// saysNothing reports whether an assistant said nothing, as it is noted of an answer that
// was broken off: many servers do not take such a message back.
func saysNothing(m openai.Message) bool {
	return m.Role == openai.Assistant && m.Content == "" && m.Refusal == "" && m.Parts == nil && m.Calls == nil
}

func (o *object) message() openai.Message {
	o.need("role")
	m := openai.Message{Role: openai.Role(o.oneOf("role", "system", "developer", "user", "assistant", "tool"))}
	if m.Role != openai.Tool {
		m.Name = o.speaker()
	}
	switch m.Role {
	case openai.Assistant:
		o.assistant(&m)
	case openai.Tool:
		o.need("tool_call_id")
		m.CallID = o.text("tool_call_id", maxWord)
		o.text("name", math.MaxInt) // says again which function it was
		o.need("content")
		o.content(&m, "text")
	case openai.User:
		o.need("content")
		o.content(&m, "text", "image_url", "input_audio", "file")
	default:
		o.need("content")
		o.content(&m, "text")
	}
	if m.Role != openai.Assistant {
		o.done()
	}
	return m
}

// speaker takes the name of who speaks. OpenAI's rule for it is looked at here, since a
// model that refuses the name would refuse the whole run.
func (o *object) speaker() string {
	name := o.text("name", maxName)
	if strings.ContainsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`<|\/>`, r) }) {
		o.wrong(o.at+"name", "invalid_value", `%sname is %q; it may hold neither blanks nor any of < | \ / >`, o.at, shown(name))
	}
	return name
}

// assistant takes what an assistant said before, here or elsewhere. Members that are
// not known, in the message, its parts and its calls, are no wishes but an echo: clients
// send back what they noted beside an answer, and OpenAI lets that pass.
func (o *object) assistant(m *openai.Message) {
	o.content(m, "text", "refusal")
	if refusal := o.text("refusal", math.MaxInt); refusal != "" {
		m.Refusal = refusal
	}
	for i, raw := range o.list("tool_calls", maxFunctions) {
		inner := o.read(fmt.Sprintf("%stool_calls[%d]", o.at, i), raw)
		m.Calls = append(m.Calls, inner.call())
	}
	if o.err == nil && m.Content == "" && m.Refusal == "" && len(m.Calls) == 0 && string(o.members["content"]) != `""` {
		o.need("content")
	}
	o.refuse("answers are text", "audio")
	o.refuse("use tool_calls", "function_call")
}

func (o *object) call() openai.Call {
	if o.members["type"] != nil { // some clients leave it out
		o.oneOf("type", "function")
	}
	o.need("id")
	c := openai.Call{ID: o.text("id", maxWord)}
	if o.err == nil && c.ID == "" {
		o.wrong(o.at+"id", "invalid_value", "%sid is empty", o.at)
	}
	o.need("function")
	inner, _ := o.inside("function")
	inner.need("name")
	inner.need("arguments")
	c.Name, c.Arguments = inner.text("name", maxWord), inner.text("arguments", math.MaxInt)
	return c
}

// paired checks that each call is answered exactly once, right behind it, and that
// nothing else is: what a model does not accept either.
func (o *object) paired(messages []openai.Message) {
	open := map[string]bool{} // by id: answered
	for i, m := range messages {
		if m.Role == openai.Tool {
			answered, known := open[m.CallID]
			switch {
			case !known:
				o.wrong(fmt.Sprintf("messages[%d].tool_call_id", i), "invalid_value",
					"messages[%d] answers the call %q, which the assistant message before it does not make", i, shown(m.CallID))
			case answered:
				o.wrong(fmt.Sprintf("messages[%d].tool_call_id", i), "invalid_value", "messages[%d] answers the call %q a second time", i, shown(m.CallID))
			}
			open[m.CallID] = true
			continue
		}
		o.answered(open, i)
		open = map[string]bool{}
		for j, c := range m.Calls {
			if _, twice := open[c.ID]; twice {
				o.wrong(fmt.Sprintf("messages[%d].tool_calls[%d].id", i, j), "invalid_value", "messages[%d] has two calls with the id %q", i, shown(c.ID))
			}
			open[c.ID] = false
		}
	}
	o.answered(open, len(messages))
}

// answered refuses calls that have no result when the message i comes.
func (o *object) answered(open map[string]bool, i int) {
	var missing []string
	for id, answered := range open {
		if !answered {
			missing = append(missing, shown(id))
		}
	}
	if len(missing) > 0 {
		o.missingResults(fmt.Sprintf("messages[%d]", i), missing)
	}
}

func (r *reading) missingResults(at string, ids []string) {
	raw, _ := json.Marshal(sorted(ids))
	r.wrong(at, "invalid_value", "each call needs a tool message with its result, right behind the message that makes it; these have none: %s", raw)
}
