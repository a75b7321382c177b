package openaitest

import (
	"encoding/json"
	"slices"
)

// responsesMembers are those of the Responses API that the server can judge. It keeps
// nothing, so that previous_response_id and conversation lead nowhere.
var responsesMembers = []string{
	"model", "input", "instructions", "tools", "tool_choice", "parallel_tool_calls", "stream", "stream_options", "temperature", "top_p",
	"max_output_tokens", "max_tool_calls", "metadata", "text", "reasoning", "include", "store", "truncation", "service_tier", "user",
	"prompt_cache_key", "safety_identifier",
}

// leastOutput is the smallest max_output_tokens that is taken.
const leastOutput = 16

func (h *Handler) checkResponses(body object, q *Request) {
	q.IncludeUsage = true
	body.only(responsesMembers...)
	body.need("input")
	q.Functions = h.checkTools(body, Responses, responsesTool)
	if text := body.text("instructions"); text != "" {
		q.Messages = append(q.Messages, Message{Role: "system", Text: text})
	}
	h.checkInput(body, q)
	checkSampling(body)
	body.whole("max_output_tokens", leastOutput)
	body.whole("max_tool_calls", 1)
	body.among("truncation", "auto", "disabled")
	checkIncludes(body)
	checkReasoning(body)
	checkText(body, q)
	if options, ok := body.sub("stream_options"); ok {
		options.only("include_obfuscation")
		options.flag("include_obfuscation")
		if !q.Stream {
			body.c.report("stream_options", "The 'stream_options' parameter is only allowed when 'stream' is enabled.")
		}
	}
	checkToolChoice(body, q, responsesChoice)
	q.prompt(append(body.members["tools"], body.members["instructions"]...), q.Items)
}

// sealed is the include that asks for what a stateless client has to give back.
const sealed = "reasoning.encrypted_content"

func checkIncludes(body object) {
	var includes []string
	if !body.read("include", &includes, "an array of strings") {
		return
	}
	for _, name := range includes {
		if name != sealed && name != "message.output_text.logprobs" && name != "message.input_image.image_url" {
			body.c.report("include", "Invalid value: '%s' in 'include'.", name)
		}
	}
}

func checkReasoning(body object) {
	if reasoning, ok := body.sub("reasoning"); ok {
		reasoning.only("effort", "summary")
		reasoning.among("effort", efforts...)
		reasoning.among("summary", "auto", "concise", "detailed")
	}
}

// checkText judges text, where the Responses API has the format of the answer.
func checkText(body object, q *Request) {
	text, ok := body.sub("text")
	if !ok {
		return
	}
	text.only("format", "verbosity")
	text.among("verbosity", "low", "medium", "high")
	format, ok := text.sub("format")
	if !ok {
		return
	}
	format.need("type")
	switch format.among("type", "text", "json_object", "json_schema") {
	case "json_schema":
		format.only("type", "name", "description", "schema", "strict")
		format.need("schema")
		checkSchema(format)
	case "json_object":
		format.only("type")
		checkSaysJSON(format.c, q)
	default:
		format.only("type")
	}
}

// checkInput takes the input apart: one text, or items.
func (h *Handler) checkInput(body object, q *Request) {
	var text string
	if json.Unmarshal(body.members["input"], &text) == nil && body.has("input") {
		q.Items = []json.RawMessage{body.members["input"]}
		q.Messages = append(q.Messages, Message{Role: "user", Text: text})
		return
	}
	q.Items = body.list("input")
	in := &input{c: body.c, q: q, issued: &h.issued}
	for i, raw := range q.Items {
		if o, ok := body.c.object(place("input", i), raw); ok {
			in.item(o)
		}
	}
	in.end()
}

func asksSealed(q *Request) bool {
	var includes []string
	_ = json.Unmarshal(q.members["include"], &includes) // not a list: reported by checkIncludes
	return slices.Contains(includes, sealed)
}
