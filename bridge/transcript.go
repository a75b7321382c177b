package bridge

import (
	"encoding/json"
	"slices"
	"strings"

	"drawbridge/bridge/convert"
	"drawbridge/bridge/openai"
)

// fromRuntime opens what the bridge itself says to the model: the chat API has no
// role for it that every model knows. The rehearsal model knows these words, too.
const fromRuntime = "[From the runtime, not from the user] "

// view is the conversation as the model is sent it. It follows from the history
// alone: the same history, the same bytes. What one request holds the next one
// begins with, and so stays in the provider's cache, but for where a fold or a
// summary came in between.
func (h *history) view() []openai.Message {
	messages, _ := h.compose()
	return messages
}

// compose gives the view, and where in it the last turn begins.
func (h *history) compose() (messages []openai.Message, last int) {
	out := append(h.opening(), said(h.before)...)
	if h.summary != nil {
		out = append(out, h.sinceBegun())
		out = append(out, said(h.standing())...)
	}
	last = len(out)
	for _, t := range h.turns {
		if !h.summarized(t) {
			last = len(out)
			out = append(out, h.told(t)...)
		}
	}
	return slices.Clip(out), last
}

// opening is what the run was asked.
func (h *history) opening() []openai.Message {
	var out []openai.Message
	if h.brief.Instructions != "" {
		out = append(out, openai.Message{Role: openai.System, Content: h.brief.Instructions})
	}
	if h.brief.Conversation == nil {
		return append(out, openai.Message{Role: openai.User, Content: h.brief.Prompt})
	}
	left := h.leftOut()
	for i, m := range h.brief.Conversation.Messages {
		if i == left && left > 0 {
			out = append(out, h.beforeBegun())
		}
		if i >= left || instructs(m) {
			out = append(out, m)
		}
	}
	return out
}

// instructs reports whether a message says how to work, and not what there is to do.
func instructs(m openai.Message) bool {
	return m.Role == openai.System || m.Role == openai.Developer
}

// told is a turn: what the model said, what became of its calls, and what was said
// to it then. An answer without words and calls is left out, since no endpoint
// takes such a message back.
func (h *history) told(t *turn) []openai.Message {
	answer := openai.Message{Role: openai.Assistant, Content: t.answer.Content, Items: t.answer.Items}
	var results []openai.Message
	for _, c := range t.calls {
		if c.result != nil {
			answer.Calls = append(answer.Calls, c.repeated())
			results = append(results, openai.Message{Role: openai.Tool, CallID: c.id, Content: h.shown(t, c)})
		}
	}
	var out []openai.Message
	if len(answer.Calls) > 0 || strings.TrimSpace(answer.Content) != "" {
		out = append(append(out, answer), results...)
	}
	if parts, any := h.parts(t); any {
		out = append(out, parts)
	}
	return append(out, said(t.after)...)
}

// said is what asides say, as messages.
func said(asides []aside) []openai.Message {
	var out []openai.Message
	for _, a := range asides {
		if a.input != nil {
			out = append(out, a.input.Messages...)
		} else {
			out = append(out, openai.Message{Role: openai.User, Content: fromRuntime + a.note.Text})
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
	remark := h.partsRemark(t, c)
	if line, folded := h.line(t, c); folded {
		return line + remark
	}
	content := c.result.Content
	if !c.local() { // what the bridge's own functions return is short already
		content = cut(content, h.brief.ResultLimit, handle(t.seq, c.index), c.outlined)
	}
	switch {
	case c.result.IsError:
		content = "error: " + content
	case content == "":
		content = "(the tool returned nothing)" // a message without content is refused
	}
	return content + remark + c.hint
}

// local reports whether the call is for one of the bridge's own functions. No tool
// has a function of such a name.
func (c *call) local() bool { return c.asked.Name == readResultName || c.asked.Name == findToolsName }
