// Package chattest is for tests of the chat door: a reader of its streams that is as
// strict as their rules are, a recorder that knows when each byte came, and runs that
// play a script instead of asking a model.
package chattest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Stream is what a stream said, and which rules it broke.
type Stream struct {
	ID, Model                           string
	Content, Reasoning, Refusal, Finish string
	Calls                               []Call
	Usage                               *Usage
	Run                                 About
	Error                               *Error
	// Pieces are the words as they came, Comments how often there was nothing to say.
	Pieces   []string
	Comments int
	// Broken are the rules that were broken, each in words.
	Broken []string

	created  int64
	chunks   int
	finished bool // a finish_reason came
	counted  bool // the usage came
	done     bool
}

// Call is a call that is handed to the client.
type Call struct {
	Index    int    `json:"index"`
	ID       string `json:"id"`
	Type     string `json:"type"`
	Function struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	} `json:"function"`
}

// Usage is OpenAI's usage object.
type Usage struct {
	Prompt     int `json:"prompt_tokens"`
	Completion int `json:"completion_tokens"`
	Total      int `json:"total_tokens"`
	PromptOf   struct {
		Cached int `json:"cached_tokens"`
	} `json:"prompt_tokens_details"`
	OutOf struct {
		Reasoning int `json:"reasoning_tokens"`
	} `json:"completion_tokens_details"`
}

// About is what the last chunk tells of the run.
type About struct {
	Run    string `json:"run"`
	State  string `json:"state"`
	Reason string `json:"reason"`
	Model  string `json:"model"`
}

// Error is OpenAI's error object.
type Error struct {
	Message string  `json:"message"`
	Type    string  `json:"type"`
	Param   *string `json:"param"`
	Code    *string `json:"code"`
}

type chunk struct {
	ID         string          `json:"id"`
	Object     string          `json:"object"`
	Created    int64           `json:"created"`
	Model      string          `json:"model"`
	Choices    *[]choice       `json:"choices"`
	Usage      json.RawMessage `json:"usage"`
	Drawbridge *About          `json:"drawbridge"`
}

type choice struct {
	Index  int     `json:"index"`
	Delta  delta   `json:"delta"`
	Finish *string `json:"finish_reason"`
}

type delta struct {
	Role      *string `json:"role"`
	Content   *string `json:"content"`
	Reasoning *string `json:"reasoning_content"`
	Refusal   *string `json:"refusal"`
	Calls     []Call  `json:"tool_calls"`
}

// Asked is what a client asked for, which decides what a stream may hold.
type Asked struct {
	// Usage: the stream ends with the usage, and every chunk mentions it.
	Usage bool
	// Own are the client's own functions: calls of any others are ours, and leaked.
	Own []string
}

// Read reads a stream to its end and judges it.
func Read(r io.Reader, asked Asked) *Stream {
	s := &Stream{}
	raw, err := io.ReadAll(r)
	if err != nil {
		s.broke("the stream broke off: %v", err)
	}
	if !utf8.Valid(raw) {
		s.broke("the stream is not UTF-8")
	}
	text, ended := bytes.CutSuffix(raw, []byte("\n\n"))
	if !ended {
		s.broke("the last event has no blank line behind it")
	}
	for event := range strings.SplitSeq(string(text), "\n\n") {
		s.event(event, asked)
	}
	s.whole(asked)
	return s
}

func (s *Stream) broke(format string, arguments ...any) {
	s.Broken = append(s.Broken, fmt.Sprintf(format, arguments...))
}

func (s *Stream) event(event string, asked Asked) {
	if s.done {
		s.broke("behind [DONE]: %q", event)
	}
	if strings.ContainsAny(event, "\r\n") {
		s.broke("an event of several lines: %q", event)
	}
	if strings.HasPrefix(event, ":") {
		s.Comments++
		return
	}
	data, ok := strings.CutPrefix(event, "data: ")
	switch {
	case !ok:
		s.broke("neither data nor a comment: %q", event)
	case data == "[DONE]":
		s.done = true
	case s.Error != nil:
		s.broke("behind an error: %s", data)
	case strings.HasPrefix(data, `{"error":`):
		s.failed(data)
	default:
		s.chunk(data, asked)
	}
}

func (s *Stream) failed(data string) {
	var body struct{ Error map[string]json.RawMessage }
	if err := json.Unmarshal([]byte(data), &body); err != nil {
		s.broke("an error that is not JSON: %v", err)
	}
	for _, member := range []string{"message", "type", "param", "code"} {
		if body.Error[member] == nil {
			s.broke("the error has no %s: %s", member, data)
		}
	}
	var typed struct{ Error *Error }
	if err := json.Unmarshal([]byte(data), &typed); err != nil {
		s.broke("an error in another shape: %v", err)
	}
	s.Error = typed.Error
	if s.finished {
		s.broke("an error behind the finish")
	}
}

func (s *Stream) chunk(data string, asked Asked) {
	decoder := json.NewDecoder(strings.NewReader(data))
	decoder.DisallowUnknownFields()
	var c chunk
	if err := decoder.Decode(&c); err != nil {
		s.broke("a chunk that no client knows: %v in %s", err, data)
		return
	}
	s.chunks++
	s.constant(c)
	switch {
	case asked.Usage && c.Usage == nil:
		s.broke("a chunk without usage, which was asked for: %s", data)
	case !asked.Usage && c.Usage != nil:
		s.broke("usage that nobody asked for")
	}
	switch {
	case c.Choices == nil:
		s.broke("a chunk without choices: %s", data)
	case len(*c.Choices) == 0:
		s.count(c)
	case len(*c.Choices) > 1 || (*c.Choices)[0].Index != 0:
		s.broke("more than the one choice: %s", data)
	default:
		s.choice((*c.Choices)[0], c, asked)
	}
}

// constant checks what every chunk of a stream repeats.
func (s *Stream) constant(c chunk) {
	if c.Object != "chat.completion.chunk" {
		s.broke("object %q", c.Object)
	}
	if s.chunks == 1 {
		s.ID, s.Model, s.created = c.ID, c.Model, c.Created
		if c.ID == "" || c.Model == "" || c.Created == 0 {
			s.broke("id %q, model %q, created %d", c.ID, c.Model, c.Created)
		}
	}
	if c.ID != s.ID || c.Model != s.Model || c.Created != s.created {
		s.broke("id, model or created changed in the middle")
	}
}

// count takes the usage: behind the finish, once.
func (s *Stream) count(c chunk) {
	if !s.finished || s.counted {
		s.broke("a chunk without a choice before the finish, or a second one")
	}
	s.counted = true
	if err := json.Unmarshal(c.Usage, &s.Usage); err != nil || s.Usage == nil {
		s.broke("the usage cannot be read: %s", c.Usage)
	}
}

func (s *Stream) choice(c choice, whole chunk, asked Asked) {
	if s.finished {
		s.broke("a choice behind the finish")
	}
	if whole.Usage != nil && string(whole.Usage) != "null" {
		s.broke("usage in a chunk with a choice")
	}
	d := c.Delta
	if first := s.chunks == 1; first != (d.Role != nil) {
		s.broke("the role has to be in the first chunk and in no other")
	} else if first && (*d.Role != "assistant" || d.Content == nil || *d.Content != "") {
		s.broke("the first chunk has to say assistant, and no words")
	}
	if d.Content != nil && d.Role == nil {
		s.said(*d.Content)
	}
	if d.Reasoning != nil {
		s.Reasoning += *d.Reasoning
	}
	if d.Refusal != nil {
		s.Refusal += *d.Refusal
	}
	for _, call := range d.Calls {
		s.call(call, asked)
	}
	if c.Finish == nil {
		if whole.Drawbridge != nil {
			s.broke("the run is told of before the finish")
		}
		return
	}
	s.finish(*c.Finish, whole.Drawbridge)
}

func (s *Stream) said(text string) {
	if text == "" {
		s.broke("a chunk with empty words")
	}
	if len(s.Calls) > 0 {
		s.broke("words behind calls")
	}
	s.Content += text
	s.Pieces = append(s.Pieces, text)
}

func (s *Stream) call(c Call, asked Asked) {
	if c.Index != len(s.Calls) || c.ID == "" || c.Type != "function" {
		s.broke("call %d is %+v", len(s.Calls), c)
	}
	if !slices.Contains(asked.Own, c.Function.Name) {
		s.broke("a call of ours leaked: %s", c.Function.Name)
	}
	if slices.ContainsFunc(s.Calls, func(other Call) bool { return other.ID == c.ID }) {
		s.broke("two calls with the id %q", c.ID)
	}
	s.Calls = append(s.Calls, c)
}

func (s *Stream) finish(reason string, run *About) {
	s.finished, s.Finish = true, reason
	if !slices.Contains([]string{"stop", "length", "content_filter", "tool_calls"}, reason) {
		s.broke("finish_reason %q", reason)
	}
	if (reason == "tool_calls") != (len(s.Calls) > 0) {
		s.broke("finish_reason %q with %d calls", reason, len(s.Calls))
	}
	if run == nil || run.Run == "" || run.State == "" {
		s.broke("the last chunk does not name the run: %+v", run)
		return
	}
	s.Run = *run
}

// whole checks what can be told at the end only.
func (s *Stream) whole(asked Asked) {
	if !s.done {
		s.broke("there is no [DONE]")
	}
	if s.Error == nil && !s.finished {
		s.broke("there is no finish_reason")
	}
	if s.Error == nil && asked.Usage && !s.counted {
		s.broke("there is no usage")
	}
}
