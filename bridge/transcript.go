package bridge

import (
	"encoding/json"

	"drawbridge/bridge/convert"
	"drawbridge/bridge/openai"
)

// request is the question that follows from the history: the same history and
// functions, the same bytes.
func (h *history) request(o *offer) openai.Request {
	return openai.Request{Model: h.brief.Model, Messages: h.messages(), Functions: o.functions}
}

func (h *history) messages() []openai.Message {
	var out []openai.Message
	if h.brief.Instructions != "" {
		out = append(out, openai.Message{Role: openai.System, Content: h.brief.Instructions})
	}
	out = append(out, openai.Message{Role: openai.User, Content: h.brief.Prompt})
	for _, t := range h.turns {
		answer := openai.Message{Role: openai.Assistant, Content: t.answer.Content}
		for _, c := range t.calls {
			answer.Calls = append(answer.Calls, c.repeated())
		}
		out = append(out, answer)
		for _, c := range t.calls {
			out = append(out, openai.Message{Role: openai.Tool, CallID: c.id, Content: h.shown(t, c)})
		}
	}
	return out
}

// repeated is a call as it is shown to the model again. A name or arguments that
// are against the rules would make the whole request fail, each time, for a
// mistake the model has been told about in the call's result.
func (c *call) repeated() openai.Call {
	out := openai.Call{ID: c.id, Name: c.asked.Name, Arguments: c.asked.Arguments}
	if !functionName.MatchString(out.Name) {
		out.Name = convert.Names([]string{out.Name})[out.Name]
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal([]byte(out.Arguments), &fields) != nil || fields == nil {
		out.Arguments = "{}"
	}
	return out
}

// shown is what the model sees of a result.
func (h *history) shown(t *turn, c *call) string {
	content := c.result.Content
	if !c.local() { // what read_result returns is cut already
		content = cut(content, h.brief.ResultLimit, handle(t.seq, c.index))
	}
	switch {
	case c.result.IsError:
		return "error: " + content
	case content == "":
		return "(the tool returned nothing)" // a message without content is refused
	}
	return content
}

// local reports whether the call is for one of the bridge's own functions. No tool
// has a function of such a name.
func (c *call) local() bool { return c.asked.Name == readResultName || c.asked.Name == findToolsName }
