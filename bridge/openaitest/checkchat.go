package openaitest

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// chatMembers are those of the chat API that the server can judge. OpenAI knows
// more; a client that sends one needs a rule for it here first.
var chatMembers = []string{
	"model", "messages", "tools", "tool_choice", "parallel_tool_calls", "stream", "stream_options", "temperature", "top_p",
	"presence_penalty", "frequency_penalty", "max_tokens", "max_completion_tokens", "n", "seed", "stop", "user", "metadata",
	"response_format", "reasoning_effort", "verbosity", "service_tier", "store", "prompt_cache_key", "safety_identifier",
}

func (h *Handler) checkChat(body object, q *Request) {
	body.only(chatMembers...)
	body.need("messages")
	q.Functions = h.checkTools(body, Chat, chatTool)
	messages := body.list("messages")
	body.c.checkMessages(messages, q)
	checkSampling(body)
	body.whole("max_tokens", 1)
	body.whole("max_completion_tokens", 1)
	if body.has("max_tokens") && body.has("max_completion_tokens") {
		body.c.report("max_tokens", "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.")
	}
	body.number("presence_penalty", -2, 2)
	body.number("frequency_penalty", -2, 2)
	body.number("n", 1, 128)
	var seed int64
	body.read("seed", &seed, "an integer")
	checkStop(body)
	body.among("reasoning_effort", efforts...)
	body.among("verbosity", "low", "medium", "high")
	if body.has("metadata") && !body.flag("store") {
		body.c.report("metadata", "The 'metadata' parameter is only allowed when 'store' is enabled.")
	}
	checkStreamOptions(body, q)
	if format, ok := body.sub("response_format"); ok {
		checkFormat(format, q)
	}
	checkToolChoice(body, q, chatChoice)
	q.prompt(body.members["tools"], messages)
}

var efforts = []string{"none", "minimal", "low", "medium", "high", "xhigh", "max"}

// checkSampling is what both APIs have alike.
func checkSampling(body object) {
	body.number("temperature", 0, 2)
	body.number("top_p", 0, 1)
	body.text("user")
	body.short("prompt_cache_key", 64)
	body.short("safety_identifier", 64)
	body.among("service_tier", "auto", "default", "flex", "scale", "priority")
	body.flag("store")
	body.flag("parallel_tool_calls")
	body.with("parallel_tool_calls", "tools")
	checkMetadata(body)
}

// checkMetadata: 16 pairs, keys of 64 and values of 512 characters.
func checkMetadata(body object) {
	const pairs, keyLength, valueLength = 16, 64, 512
	metadata, ok := body.sub("metadata")
	if !ok {
		return
	}
	if len(metadata.members) > pairs {
		body.c.report("metadata", "Invalid 'metadata': too many properties. Expected an object with at most %d properties, but got %d.", pairs, len(metadata.members))
	}
	for key := range metadata.members {
		if utf8.RuneCountInString(key) > keyLength {
			body.c.report("metadata", "Invalid 'metadata': a key is longer than %d characters.", keyLength)
		}
		if value := metadata.text(key); utf8.RuneCountInString(value) > valueLength {
			body.c.report(metadata.path(key), "Invalid '%s': string too long. Expected a string with maximum length %d.", metadata.path(key), valueLength)
		}
	}
}

// checkStop: one text, or one to four.
func checkStop(body object) {
	if !body.has("stop") || json.Unmarshal(body.members["stop"], new(string)) == nil {
		return
	}
	var stops []string
	if body.read("stop", &stops, "a string or an array of strings") && (len(stops) == 0 || len(stops) > 4) {
		body.c.report("stop", "Invalid 'stop': expected 1 to 4 sequences, got %d.", len(stops))
	}
}

func checkStreamOptions(body object, q *Request) {
	options, ok := body.sub("stream_options")
	if !ok {
		return
	}
	if !q.Stream {
		body.c.report("stream_options", "The 'stream_options' parameter is only allowed when 'stream' is enabled.")
	}
	options.only("include_usage", "include_obfuscation")
	q.IncludeUsage = options.flag("include_usage")
	options.flag("include_obfuscation")
}

// checkFormat judges response_format.
func checkFormat(format object, q *Request) {
	switch format.among("type", "text", "json_object", "json_schema") {
	case "json_object":
		format.only("type")
		checkSaysJSON(format.c, q)
	case "json_schema":
		format.only("type", "json_schema")
		format.need("json_schema")
		if schema, ok := format.sub("json_schema"); ok {
			schema.only("name", "description", "schema", "strict")
			checkSchema(schema)
		}
	default:
		format.only("type")
		format.need("type")
	}
}

// checkSaysJSON: in JSON mode the messages have to mention it.
func checkSaysJSON(c *checker, q *Request) {
	for _, m := range q.Messages {
		if strings.Contains(strings.ToLower(m.Text), "json") {
			return
		}
	}
	c.report("messages", "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.")
}
