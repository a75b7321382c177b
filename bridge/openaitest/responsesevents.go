package openaitest

// script gathers the events of a Responses stream and numbers them.
type script struct{ events []event }

func (s *script) add(kind string, members map[string]any) {
	members["type"] = kind
	members["sequence_number"] = len(s.events)
	s.events = append(s.events, event{kind, encoded(members)})
}

// events is the answer as a Responses stream.
func (a answer) events(items []item) []event {
	s := &script{}
	s.add("response.created", map[string]any{"response": a.response("in_progress", nil)})
	s.add("response.in_progress", map[string]any{"response": a.response("in_progress", nil)})
	for i, it := range items {
		switch it["type"] {
		case "reasoning":
			a.thoughtEvents(s, i, it)
		case "message":
			a.messageEvents(s, i, it)
		case "function_call":
			a.callEvents(s, i, it)
		}
	}
	s.add("response."+a.status(), map[string]any{"response": a.response(a.status(), items)})
	if n := a.shape.failInStream; n != nil && *n <= len(s.events) {
		s.events = s.events[:*n]
		p := a.streamProblem()
		s.add("error", map[string]any{"code": p.Code, "message": p.Message, "param": p.Param})
	}
	return s.events
}

// opened is an item as it is when nothing of it is said yet.
func opened(it item, empty map[string]any) item {
	out := item{}
	for name, value := range it {
		out[name] = value
	}
	for name, value := range empty {
		out[name] = value
	}
	return out
}

func (a answer) thoughtEvents(s *script, i int, it item) {
	at := func(more map[string]any) map[string]any {
		more["item_id"], more["output_index"], more["summary_index"] = it["id"], i, 0
		return more
	}
	s.add("response.output_item.added", map[string]any{"output_index": i, "item": opened(it, map[string]any{"summary": []any{}})})
	s.add("response.reasoning_summary_part.added", at(map[string]any{"part": map[string]any{"type": "summary_text", "text": ""}}))
	for _, p := range a.pieces(a.reasoning) {
		s.add("response.reasoning_summary_text.delta", at(map[string]any{"delta": p}))
	}
	s.add("response.reasoning_summary_text.done", at(map[string]any{"text": a.reasoning}))
	s.add("response.reasoning_summary_part.done", at(map[string]any{"part": map[string]any{"type": "summary_text", "text": a.reasoning}}))
	s.add("response.output_item.done", map[string]any{"output_index": i, "item": it})
}

func (a answer) messageEvents(s *script, i int, it item) {
	at := func(more map[string]any) map[string]any {
		more["item_id"], more["output_index"], more["content_index"] = it["id"], i, 0
		return more
	}
	s.add("response.output_item.added", map[string]any{"output_index": i, "item": opened(it, map[string]any{"status": "in_progress", "content": []any{}})})
	kind, member, said := "output_text", "text", a.text
	empty := map[string]any{"type": "output_text", "text": "", "annotations": []any{}}
	if a.refusal != "" {
		kind, member, said = "refusal", "refusal", a.refusal
		empty = map[string]any{"type": "refusal", "refusal": ""}
	}
	s.add("response.content_part.added", at(map[string]any{"part": empty}))
	for _, p := range a.pieces(said) {
		s.add("response."+kind+".delta", at(map[string]any{"delta": p}))
	}
	s.add("response."+kind+".done", at(map[string]any{member: said}))
	s.add("response.content_part.done", at(map[string]any{"part": a.part()}))
	s.add("response.output_item.done", map[string]any{"output_index": i, "item": it})
}

func (a answer) callEvents(s *script, i int, it item) {
	at := func(more map[string]any) map[string]any {
		more["item_id"], more["output_index"] = it["id"], i
		return more
	}
	arguments := it["arguments"].(string)
	s.add("response.output_item.added", map[string]any{"output_index": i, "item": opened(it, map[string]any{"status": "in_progress", "arguments": ""})})
	for _, p := range a.pieces(arguments) {
		s.add("response.function_call_arguments.delta", at(map[string]any{"delta": p}))
	}
	s.add("response.function_call_arguments.done", at(map[string]any{"arguments": arguments, "name": it["name"]}))
	s.add("response.output_item.done", map[string]any{"output_index": i, "item": it})
}
