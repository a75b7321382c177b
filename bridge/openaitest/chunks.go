package openaitest

import "encoding/json"

// defaultPiece is how many characters a delta carries.
const defaultPiece = 16

// chunks is the answer as the events of a chat stream.
func (a answer) chunks() []event {
	deltas := a.deltas()
	var out []event
	for i, d := range deltas {
		if a.shape.roleAlways {
			d.Role = "assistant"
		}
		c := choice{Delta: &d}
		if a.shape.finishInLast && i == len(deltas)-1 {
			c.Finish = nullable(a.finishReason())
		}
		out = append(out, a.chunk([]choice{c}, a.shape.usageAlways))
	}
	if !a.shape.finishInLast {
		out = append(out, a.chunk([]choice{{Delta: &delta{}, Finish: nullable(a.finishReason())}}, a.shape.usageAlways))
	}
	if a.request.IncludeUsage && a.usage != nil && !a.shape.usageAlways {
		out = append(out, a.chunk([]choice{}, true))
	}
	return a.failing(out, event{data: encoded(map[string]problem{"error": a.streamProblem()})})
}

// chunk is one event. While usage is asked for and not there yet, it is null.
func (a answer) chunk(choices []choice, usage bool) event {
	c := a.envelope("chat.completion.chunk", choices)
	switch {
	case usage && a.usage != nil:
		c.Usage = a.usage.chat()
	case a.request.IncludeUsage:
		c.Usage = json.RawMessage("null")
	}
	return event{data: encoded(c)}
}

// failing ends the events early with an error, if the reply is to.
func (a answer) failing(events []event, last event) []event {
	if n := a.shape.failInStream; n != nil && *n <= len(events) {
		return append(events[:*n:*n], last)
	}
	return events
}

func (a answer) streamProblem() problem {
	if a.problem.Message != "" {
		return a.problem
	}
	return problem{Message: "The server had an error while processing your request.", Type: "server_error"}
}

func (a answer) deltas() []delta {
	opening := delta{Role: "assistant"}
	if a.content() != nil {
		opening.Content = new(string)
	}
	out := []delta{opening}
	for _, p := range a.pieces(a.reasoning) {
		out = append(out, delta{Reasoning: &p})
	}
	for _, p := range a.pieces(a.text) {
		out = append(out, delta{Content: &p})
	}
	for _, p := range a.pieces(a.refusal) {
		out = append(out, delta{Refusal: &p})
	}
	return append(out, a.callDeltas()...)
}

// callDeltas goes through the calls one after the other, or through all of them
// a piece at a time.
func (a answer) callDeltas() []delta {
	lanes := make([][]delta, len(a.calls))
	longest := 0
	for i, c := range a.calls {
		lanes[i] = a.lane(i, c)
		longest = max(longest, len(lanes[i]))
	}
	var out []delta
	if !a.shape.interleaved {
		for _, lane := range lanes {
			out = append(out, lane...)
		}
		return out
	}
	for step := range longest {
		for _, lane := range lanes {
			if step < len(lane) {
				out = append(out, lane[step])
			}
		}
	}
	return out
}

// lane is the deltas of one call: one that opens it, then its arguments.
func (a answer) lane(i int, c ToolCall) []delta {
	opening := toolCall{Index: &i, ID: c.ID, Type: "function", Function: function{Name: c.Name}}
	if a.shape.noIndex {
		opening.Index = nil
	}
	if a.shape.callsInOneGo {
		opening.Function.Arguments = c.Arguments
		return []delta{{ToolCalls: []toolCall{opening}}}
	}
	out := []delta{{ToolCalls: []toolCall{opening}}}
	for _, p := range a.pieces(c.Arguments) {
		next := toolCall{Index: opening.Index}
		if a.shape.idEverywhere {
			next = opening
		}
		next.Function.Arguments = p
		out = append(out, delta{ToolCalls: []toolCall{next}})
	}
	return out
}

// pieces cuts a text between characters.
func (a answer) pieces(text string) []string {
	size := a.shape.piece
	if size <= 0 {
		size = defaultPiece
	}
	runes := []rune(text)
	var out []string
	for len(runes) > 0 {
		n := min(size, len(runes))
		out = append(out, string(runes[:n]))
		runes = runes[n:]
	}
	return out
}
