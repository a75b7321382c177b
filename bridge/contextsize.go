package bridge

import (
	"bytes"
	"encoding/json"
	"hash/maphash"

	"drawbridge/bridge/openai"
	"drawbridge/bridge/selection"
)

const (
	// imageTokens is what an image counts as: at high detail OpenAI's models take about
	// 1,100 for a large one and less for others. A very large file counts for more,
	// since a request has a limit in bytes as well.
	imageTokens     = 1000
	imageTokenBytes = 200
	// fileTokenBytes is how many characters of an encoded recording or document count
	// as a token, for want of anything better.
	fileTokenBytes = 16
	// frame is what a message or a call takes beside its words, and then some.
	frame = 8
	// mostCounted is the longest text, in bytes, that is counted, which takes up to half a
	// second. Beyond it three bytes make a token: no window of today is left by then.
	mostCounted = 2 << 20
)

// scale counts tokens. It keeps what it counted, so that each text of a run is
// counted once a life. The zero value is ready.
type scale struct {
	seed  maphash.Seed
	known map[uint64]int
	count func(string) int // the tokenizer if nil
}

// tokens is the number of tokens in a text.
func (s *scale) tokens(text string) int {
	if s.known == nil {
		s.seed, s.known = maphash.MakeSeed(), map[uint64]int{}
		if s.count == nil {
			s.count = selection.Tokens
		}
	}
	if len(text) > mostCounted {
		return len(text) / 3
	}
	digest := maphash.String(s.seed, text)
	n, ok := s.known[digest]
	if !ok {
		n = s.count(text)
		s.known[digest] = n
	}
	return n
}

func (s *scale) messages(messages []openai.Message) int { return weigh(messages, s.tokens) }

func (s *scale) functions(functions []openai.Function) int {
	sum := 0
	for _, f := range functions {
		sum += frame + s.tokens(f.Name) + s.tokens(f.Description) + s.tokens(string(f.Parameters))
	}
	return sum
}

// bytesOf bounds the tokens of functions.
func bytesOf(functions []openai.Function) int {
	sum := 0
	for _, f := range functions {
		sum += frame + len(f.Name) + len(f.Description) + len(f.Parameters)
	}
	return sum
}

// atMost is a bound on the tokens of a text that takes no counting: each stands for
// a byte at least.
func atMost(text string) int { return len(text) }

// weigh adds up messages by the weight of a text.
func weigh(messages []openai.Message, text func(string) int) int {
	sum := 0
	for _, m := range messages {
		sum += frame + text(m.Content) + text(m.Refusal) + text(m.Name)
		for _, part := range m.Parts {
			sum += weighPart(part, text)
		}
		for _, item := range m.Items {
			sum += len(item) / fileTokenBytes // encrypted
		}
		for _, c := range m.Calls {
			sum += frame + text(c.Name) + text(c.Arguments)
		}
	}
	return sum
}

// weighPart is the weight of one content part of the chat API.
func weighPart(part json.RawMessage, text func(string) int) int {
	switch kindOf(part) {
	case "image":
		return max(imageTokens, len(part)/imageTokenBytes)
	case "file":
		return len(part) / fileTokenBytes
	}
	return text(string(part))
}

// kindOf tells a content part by a name that cannot stand in its text, where quotes
// are escaped: an image is too long to be read as JSON each turn.
func kindOf(part json.RawMessage) string {
	switch {
	case bytes.Contains(part, []byte(`"image_url"`)):
		return "image"
	case bytes.Contains(part, []byte(`"file"`)), bytes.Contains(part, []byte(`"input_audio"`)):
		return "file"
	}
	return "text"
}

// size is how many tokens the coming question has, or a bound on it where that is
// at most enough. It counts as little as it can: nothing while even the bytes are
// few, and only what came since where the provider has counted the last question.
func (r *run) size(enough int) int {
	messages, last := r.history.compose()
	functions, format := r.offering(), r.params().ResponseFormat
	before := weigh(messages[:last], atMost) + bytesOf(functions) + len(format)
	since := weigh(messages[last:], atMost)
	if before+since <= enough {
		return before + since
	}
	counted, ok := r.history.reported(before)
	switch {
	case !ok:
		return r.scale.messages(messages) + r.scale.functions(functions) + r.scale.tokens(string(format))
	case counted+since <= enough:
		return counted + since
	}
	return counted + r.scale.messages(messages[last:])
}

// reported is what the provider counted in the last question, if the coming one
// begins with it and the figure can be true of so many bytes. Some endpoints leave
// out what they had cached, or report nothing that means anything.
func (h *history) reported(bytes int) (tokens int, ok bool) {
	t := h.lastTurn()
	if t == nil || h.moved > t.seq || t.answer.Usage.Estimated {
		return 0, false
	}
	const sparsest = 6 // bytes a token, in text of any kind that runs see
	n := t.answer.Usage.Prompt
	return n, n <= bytes && n >= bytes/sparsest
}
