package rehearsal

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// stream sends an answer in pieces as server-sent events, the way OpenAI does:
// the role first, then text and arguments bit by bit, the reason for the end, and
// the usage if it was asked for.
func stream(w http.ResponseWriter, head completion, answer reply, withUsage bool) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-cache")
	used := head.Usage
	head.Object, head.Usage = "chat.completion.chunk", nil
	send := func(choices []choice) {
		head.Choices = choices
		raw, _ := json.Marshal(head) // of nothing but text and numbers
		fmt.Fprintf(w, "data: %s\n\n", raw)
		if flusher, ok := w.(http.Flusher); ok {
			flusher.Flush()
		}
	}
	for _, delta := range deltas(answer) {
		send([]choice{{Delta: &delta}})
	}
	finish := finishReason(answer)
	send([]choice{{Delta: &reply{}, FinishReason: &finish}})
	if withUsage {
		head.Usage = used
		send([]choice{})
	}
	fmt.Fprint(w, "data: [DONE]\n\n")
}

// deltas cuts an answer into the pieces of a stream.
func deltas(answer reply) []reply {
	empty := ""
	out := []reply{{Role: answer.Role, Content: &empty}}
	if answer.Content != nil {
		for _, piece := range pieces(*answer.Content) {
			out = append(out, reply{Content: &piece})
		}
	}
	if answer.Refusal != nil {
		out = append(out, reply{Refusal: answer.Refusal})
	}
	for i, call := range answer.ToolCalls {
		head := toolCall{Index: &i, ID: call.ID, Type: call.Type, Function: functionCall{Name: call.Function.Name, Arguments: &empty}}
		out = append(out, reply{ToolCalls: []toolCall{head}})
		for _, piece := range pieces(*call.Function.Arguments) {
			out = append(out, reply{ToolCalls: []toolCall{{Index: &i, Function: functionCall{Arguments: &piece}}}})
		}
	}
	return out
}

// pieces cuts text about every sixteen bytes, between characters.
func pieces(text string) []string {
	const size = 16
	var out []string
	start := 0
	for i := range text {
		if i-start >= size {
			out = append(out, text[start:i])
			start = i
		}
	}
	if start < len(text) {
		out = append(out, text[start:])
	}
	return out
}
