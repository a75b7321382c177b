package chatapi

import (
	"encoding/json"
	"math"
	"slices"

	"drawbridge/bridge/openai"
)

// params takes what is passed on to the model as it is.
func (o *object) params() openai.Params {
	p := openai.Params{
		Temperature:      o.decimal("temperature", 0, 2),
		TopP:             o.decimal("top_p", 0, 1),
		FrequencyPenalty: o.decimal("frequency_penalty", -2, 2),
		PresencePenalty:  o.decimal("presence_penalty", -2, 2),
		MaxTokens:        o.maxTokens(),
		Seed:             o.integer("seed", math.MinInt64),
		Stop:             o.stop(),
		User:             o.text("user", maxWord),
		SafetyIdentifier: o.text("safety_identifier", maxName), // OpenAI's own bound, as that of the next
		PromptCacheKey:   o.text("prompt_cache_key", maxName),
		Metadata:         o.metadata(),
		ReasoningEffort:  o.text("reasoning_effort", maxName),
		Verbosity:        o.text("verbosity", maxName),
		ServiceTier:      o.text("service_tier", maxName),
		ParallelCalls:    o.flag("parallel_tool_calls"),
		ResponseFormat:   o.responseFormat(),
	}
	return p
}

// maxTokens takes the bound by either of its names.
func (o *object) maxTokens() *int {
	now, before := o.integer("max_completion_tokens", 1), o.integer("max_tokens", 1)
	switch {
	case now == nil:
		now = before
	case before != nil && *before != *now:
		o.wrong("max_tokens", "invalid_value", "max_tokens and max_completion_tokens say different things; give one")
	}
	if now == nil {
		return nil
	}
	n := int(min(*now, math.MaxInt32))
	return &n
}

// stop takes one sequence or a few.
func (o *object) stop() []string {
	if o.empty("stop") {
		o.take("stop")
		return nil
	}
	if raw := o.members["stop"]; raw[0] == '"' {
		return []string{o.text("stop", maxWord)}
	}
	var stops []string
	for _, raw := range o.list("stop", maxStops) {
		stops = append(stops, o.item("stop", raw))
	}
	if slices.Contains(stops, "") {
		o.wrong("stop", "invalid_value", "stop holds an empty string")
	}
	return stops
}

// item reads a string of a list or a map.
func (o *object) item(at string, raw json.RawMessage) string {
	var text string
	if raw[0] != '"' || json.Unmarshal(raw, &text) != nil {
		o.wrong(at, "invalid_type", "%s holds something that is not a string", at)
	}
	if len(text) > maxWord {
		o.wrong(at, "string_above_max_length", "%s holds more than %d characters in one place", at, maxWord)
	}
	return text
}

func (o *object) metadata() map[string]string {
	inner, given := o.inside("metadata")
	if !given || len(inner.names) == 0 {
		return nil
	}
	if len(inner.names) > maxMetadata {
		o.wrong("metadata", "invalid_value", "metadata has %d pairs; it may have %d", len(inner.names), maxMetadata)
	}
	pairs := make(map[string]string, len(inner.names))
	for _, key := range slices.Clone(inner.names) {
		if len(key) > maxName {
			o.wrong("metadata", "invalid_value", "metadata has a key of more than %d characters", maxName)
		}
		pairs[key] = o.item("metadata", inner.take(key))
	}
	return pairs
}

// responseFormat takes the shape that the answer is to have; plain text is nil.
func (o *object) responseFormat() json.RawMessage {
	raw := o.members["response_format"]
	format, given := o.inside("response_format")
	if !given || len(format.members) == 0 {
		return nil
	}
	format.need("type")
	kind := format.oneOf("type", "text", "json_object", "json_schema")
	if kind == "json_schema" && format.need("json_schema") {
		schema, _ := format.inside("json_schema")
		if schema.need("name") && !validName(schema.text("name", maxName)) {
			o.wrong("response_format.json_schema.name", "invalid_value", "response_format.json_schema.name may hold letters, digits, _ and -, at most %d", maxName)
		}
		schema.text("description", math.MaxInt)
		schema.inside("schema")
		schema.flag("strict")
		schema.done()
	}
	format.done()
	if kind == "text" {
		return nil
	}
	return compacted(raw)
}
