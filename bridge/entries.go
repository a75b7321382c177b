package bridge

import (
	"bytes"
	"encoding/json"
	"fmt"

	"drawbridge/bridge/selection"
)

// Brief is the body of the first entry: everything a run needs to know about
// itself. What an agent's configuration says later does not change a run.
type Brief struct {
	Agent        string `json:"agent"`
	Model        string `json:"model"`
	Instructions string `json:"instructions,omitempty"`
	Prompt       string `json:"prompt"`
	Budget       Budget `json:"budget"`
	// ResultLimit is how many bytes of a result the model is shown.
	ResultLimit int `json:"result_limit"`
	// Tainted: the prompt already carries text written by outsiders.
	Tainted bool `json:"tainted,omitempty"`
	// Always are patterns of tools that go into every request; Limits is what one
	// request may carry.
	Always []string         `json:"always,omitempty"`
	Limits selection.Limits `json:"limits"`
	// Functions are the names offered at the start, LeftOut those that a request had
	// no room for; FunctionsHash is a SHA-256 of all definitions.
	Functions     []string `json:"functions"`
	LeftOut       []string `json:"left_out,omitempty"`
	FunctionsHash string   `json:"functions_hash"`
}

// Intent is the body of an entry before a call. Effect and Idempotent are as they
// were when the call was decided: what happens after a crash hangs on them, not
// on what the server says by then.
type Intent struct {
	Answer     int64           `json:"answer"` // sequence number of the answer that asked
	Index      int             `json:"index"`  // of the call in that answer, from 0
	CallID     string          `json:"call_id"`
	Function   string          `json:"function"`
	Tool       string          `json:"tool,omitempty"` // empty for the bridge's own function
	Arguments  json.RawMessage `json:"arguments"`
	Effect     Effect          `json:"effect"`
	Idempotent bool            `json:"idempotent,omitempty"`
	Taints     bool            `json:"taints,omitempty"`
	Unknown    bool            `json:"unknown,omitempty"` // no such function was offered
	Key        string          `json:"key"`
}

// ResultCode says what the bridge itself has to say about a result; "" when the
// tool's own words are all there is. A call refused for a budget has that
// budget's reason as its code.
type ResultCode string

const (
	// UnknownFunction: the model called what was never offered.
	UnknownFunction ResultCode = "unknown_function"
	// MalformedArguments: they are not a JSON object. No call was made.
	MalformedArguments ResultCode = "malformed_arguments"
	// InvalidArguments: they do not fit what the tool accepts. No call was made.
	InvalidArguments ResultCode = "invalid_arguments"
	// OutcomeUnknown: nobody can say whether the call took effect.
	OutcomeUnknown ResultCode = "outcome_unknown"
	// TimedOut: a read did not return in time.
	TimedOut ResultCode = "timed_out"
)

// Result is the body of an entry after a call, or in place of one.
type Result struct {
	Answer  int64      `json:"answer"`
	Index   int        `json:"index"`
	CallID  string     `json:"call_id"`
	IsError bool       `json:"is_error,omitempty"`
	Code    ResultCode `json:"code,omitempty"`
	Taints  bool       `json:"taints,omitempty"`
	// Found are the functions that find_tools found: they are offered from then on.
	Found   []string `json:"found,omitempty"`
	Content string   `json:"content"` // whole, whatever the model was shown
}

// encode gives the bytes of a body: the same value, the same bytes.
func encode(v any) json.RawMessage {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false) // journals are read by people, never by browsers as HTML
	if err := encoder.Encode(v); err != nil {
		panic(fmt.Sprintf("bridge: encoding %T: %v", v, err)) // all our bodies are plain data
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}
