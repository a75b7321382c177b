package chatapi

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
	"drawbridge/server/apierror"
)

// Bounds of a request beside its size. They are far above what people write and far
// below what would hurt.
const (
	maxDepth     = 64   // of its JSON
	maxMessages  = 4096 // of a conversation
	maxParts     = 512  // of a message
	maxFunctions = 128  // and calls of one message: OpenAI's own
	maxStops     = 4    // OpenAI's own
	maxMetadata  = 16   // OpenAI's own, as are the lengths of keys and values
	maxName      = 64
	maxWord      = 512 // of an identifier, a metadata value
)

// request is what a caller asks for.
type request struct {
	agent        string
	conversation bridge.Conversation
	stream       bool
	usage        bool // a stream ends with the usage
	json         bool // the answer is read by a program: see speech
}

// parse reads a request's body.
func parse(body []byte) (request, *apierror.Error) {
	r := &reading{}
	if !wellFormed(r, body) {
		return request{}, r.err
	}
	o := r.read("", body)
	if o.need("model") {
		o.need("messages")
	}
	q := request{agent: o.text("model", maxWord)}
	q.conversation = bridge.Conversation{
		Messages:  o.messages(),
		Functions: o.functions(),
		Params:    o.params(),
	}
	q.conversation.Params.ToolChoice = o.toolChoice(q.conversation.Functions)
	q.json = q.conversation.Params.ResponseFormat != nil
	o.streaming(&q)
	o.unsupported()
	o.done()
	return q, r.err
}

// wellFormed checks what has to hold before the parts are looked at.
func wellFormed(r *reading, body []byte) bool {
	switch {
	case !utf8.Valid(body):
		r.wrong("", "invalid_json", "the request is not UTF-8")
	case tooDeep(body):
		r.wrong("", "invalid_json", "the request has more than %d levels", maxDepth)
	default:
		var whole json.RawMessage
		if err := json.Unmarshal(body, &whole); err != nil {
			r.wrong("", "invalid_json", "the request is not JSON: %v", err)
		}
	}
	return r.err == nil
}

// tooDeep counts brackets outside of strings. It says nothing about JSON that is
// not well formed.
func tooDeep(body []byte) bool {
	depth, quoted := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

func (o *object) streaming(q *request) {
	stream := o.flag("stream")
	q.stream = stream != nil && *stream
	options, given := o.inside("stream_options")
	if !given {
		return
	}
	usage := options.flag("include_usage")
	q.usage = usage != nil && *usage
	if q.usage && !q.stream {
		o.wrong("stream_options", "invalid_value", "stream_options is for streams: set stream to true")
	}
	if obfuscate := options.flag("include_obfuscation"); obfuscate != nil && *obfuscate {
		o.wrong("stream_options.include_obfuscation", "unsupported_value", "stream_options.include_obfuscation can only be false")
	}
	options.done()
}

// unsupported refuses by name what OpenAI has and we cannot do. Values that ask for
// nothing are let through, because clients send them without being asked.
func (o *object) unsupported() {
	if n := o.integer("n", 1); n != nil && *n != 1 {
		o.wrong("n", "unsupported_value", "n can only be 1: a run gives one answer")
	}
	if store := o.flag("store"); store != nil && *store {
		o.wrong("store", "unsupported_value", "store can only be false: runs are kept by the server, and listed under /v1/runs/")
	}
	if logprobs := o.flag("logprobs"); logprobs != nil && *logprobs {
		o.wrong("logprobs", "unsupported_value", "logprobs can only be false")
	}
	if n := o.integer("top_logprobs", 0); n != nil && *n != 0 {
		o.wrong("top_logprobs", "unsupported_value", "top_logprobs can only be 0")
	}
	for _, modality := range o.list("modalities", 8) {
		if string(modality) != `"text"` {
			o.wrong("modalities", "unsupported_value", "modalities can only be [\"text\"]")
		}
	}
	if bias, given := o.inside("logit_bias"); given && len(bias.names) > 0 {
		o.wrong("logit_bias", "unsupported_parameter", "logit_bias is not supported: models differ in their tokens")
	}
	o.refuse("answers are text", "audio")
	if o.empty("functions") {
		o.take("functions")
		if call := string(o.members["function_call"]); call == `"auto"` || call == `"none"` { // what there is not
			o.take("function_call")
		}
	}
	o.refuse("use tools", "functions", "function_call")
	o.refuse("agents have tools of their own", "web_search_options")
	o.refuse("it does not go together with tools", "prediction")
	if kept := o.text("prompt_cache_retention", maxName); kept != "" && kept != "in_memory" && kept != "in-memory" {
		o.wrong("prompt_cache_retention", "unsupported_value", "prompt_cache_retention can only be in_memory: how long a provider keeps prompts is the agent's business")
	}
}

// digest is a hash of what is asked for. How the answer is to come is left out: a
// client that streams after all asks for the same.
func (q request) digest() string {
	canonical, _ := json.Marshal([]any{q.agent, q.conversation})
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:])
}

// question is the text of the last user message, for lists of runs.
func (q request) question() string {
	const most = 2 << 10
	for _, m := range slices.Backward(q.conversation.Messages) {
		if m.Role != openai.User {
			continue
		}
		texts := []string{m.Content}
		for _, raw := range m.Parts {
			var part struct{ Text string }
			_ = json.Unmarshal(raw, &part) // it was read before
			texts = append(texts, part.Text)
		}
		return cut(strings.TrimSpace(strings.Join(texts, "\n")), most)
	}
	return ""
}

// foreign reports whether the conversation carries text written by others than the
// caller: results of the caller's functions, files, recordings.
func (q request) foreign() bool {
	for _, m := range q.conversation.Messages {
		if m.Role == openai.Tool || m.Parts != nil {
			return true
		}
	}
	return false
}
