package openaitest

import (
	"fmt"
	"net/http"
)

// What of the Responses API the server writes
// (platform.openai.com/docs/api-reference/responses/object).

// item is one of an answer's output; which members it has depends on its type.
type item map[string]any

// respond writes an answer in the way of the Responses API.
func (h *Handler) respond(s *sender, a answer) {
	items := a.items()
	h.remember(a, items)
	if a.request.Stream && !a.shape.plain {
		s.stream(a.events(items), false)
		return
	}
	s.body(http.StatusOK, "application/json", encoded(a.response(a.status(), items)))
}

// remember notes the reasoning that has to come back.
func (h *Handler) remember(a answer, items []item) {
	if a.reasoning == "" || len(items) < 2 {
		return
	}
	var ids []string
	for _, it := range items[1:] {
		ids = append(ids, it["id"].(string))
		if call, ok := it["call_id"].(string); ok && call != "" {
			ids = append(ids, call)
		}
	}
	content, _ := items[0]["encrypted_content"].(string)
	h.issued.add(items[0]["id"].(string), content, items[1]["id"].(string), ids)
}

// items are the answer's output: what was thought, what is said, then the calls.
func (a answer) items() []item {
	var out []item
	if a.shape.emptyChoices || a.shape.noChoices {
		return out
	}
	status := "completed"
	if a.status() == "incomplete" {
		status = "incomplete"
	}
	if a.reasoning != "" {
		thought := item{"id": fmt.Sprintf("rs_%d", a.number), "type": "reasoning", "summary": []any{map[string]any{"type": "summary_text", "text": a.reasoning}}}
		if asksSealed(a.request) {
			thought["encrypted_content"] = seal(a.number)
		}
		out = append(out, thought)
	}
	if a.text != "" || a.refusal != "" || len(a.calls) == 0 {
		out = append(out, item{"id": fmt.Sprintf("msg_%d", a.number), "type": "message", "role": "assistant", "status": status, "content": []any{a.part()}})
	}
	for i, c := range a.calls {
		out = append(out, item{
			"id": fmt.Sprintf("fc_%d_%d", a.number, i), "type": "function_call", "status": status,
			"call_id": c.ID, "name": c.Name, "arguments": c.Arguments,
		})
	}
	return out
}

// part is the content of the message item.
func (a answer) part() map[string]any {
	if a.refusal != "" {
		return map[string]any{"type": "refusal", "refusal": a.refusal}
	}
	return map[string]any{"type": "output_text", "text": a.text, "annotations": []any{}}
}

// status is the response's when it is over.
func (a answer) status() string {
	if a.finish == "length" || a.finish == "content_filter" {
		return "incomplete"
	}
	return "completed"
}

// incompleteReasons are the chat API's finish reasons in the Responses API's words.
var incompleteReasons = map[string]string{"length": "max_output_tokens", "content_filter": "content_filter"}

func (a answer) response(status string, items []item) map[string]any {
	if items == nil {
		items = []item{}
	}
	r := map[string]any{
		"id": fmt.Sprintf("resp_%d", a.number), "object": "response", "created_at": a.now, "model": a.request.Model,
		"status": status, "error": nil, "incomplete_details": nil, "output": items, "usage": nil, "parallel_tool_calls": true, "store": false,
	}
	if status == "incomplete" {
		r["incomplete_details"] = map[string]string{"reason": incompleteReasons[a.finish]}
	}
	if a.shape.noChoices {
		delete(r, "output")
	}
	if a.usage != nil && status != "in_progress" {
		r["usage"] = a.usage.responses()
	}
	return r
}

// responses is the usage object of the Responses API.
func (u *Usage) responses() map[string]any {
	return map[string]any{
		"input_tokens": u.Prompt, "output_tokens": u.Completion, "total_tokens": u.Prompt + u.Completion,
		"input_tokens_details":  map[string]int{"cached_tokens": u.Cached},
		"output_tokens_details": map[string]int{"reasoning_tokens": u.Reasoning},
	}
}
