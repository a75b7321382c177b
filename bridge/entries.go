package bridge

import (
	"bytes"
	"encoding/json"
	"fmt"

	"drawbridge/bridge/openai"
	"drawbridge/bridge/selection"
)

// Brief is the body of the first entry: everything a run needs to know about
// itself. What an agent's configuration says later does not change a run.
type Brief struct {
	Agent        string   `json:"agent"`
	Model        string   `json:"model"`
	Fallback     []string `json:"fallback,omitempty"`
	Instructions string   `json:"instructions,omitempty"`
	Prompt       string   `json:"prompt"`
	// Conversation, of a run that somebody talks to, stands in place of Prompt.
	Conversation *Conversation `json:"conversation,omitempty"`
	Budget       Budget        `json:"budget"`
	// Window is what the model can take in, in tokens, question and answer together.
	Window int `json:"window,omitempty"`
	// Images: the model can be shown images.
	Images bool `json:"images,omitempty"`
	// Files: the model can be sent documents. Briefs of older journals do not say so.
	Files bool `json:"files,omitempty"`
	// Output is the JSON Schema that the answer has to fit, if there is one.
	Output json.RawMessage `json:"output,omitempty"`
	// ResultLimit is how many bytes of a result the model is shown.
	ResultLimit int `json:"result_limit"`
	// Tainted: the prompt already carries text written by outsiders.
	Tainted bool `json:"tainted,omitempty"`
	// Foreign: some of the functions are described by outsiders.
	Foreign bool `json:"foreign,omitempty"`
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

// Conversation is what somebody who talks to an agent brings along: what was said
// so far, ending with what is to be answered, functions of their own, which are
// called by the caller and not by us, and what they ask of the model.
type Conversation struct {
	Messages  []openai.Message  `json:"messages"`
	Functions []openai.Function `json:"functions,omitempty"`
	Params    openai.Params     `json:"params"`
}

// Input is the body of an entry that a run's caller added behind the results of the
// calls that were the caller's to make, each of which is a result entry: what the
// caller said besides, and what it asks for from then on. Functions and Params that
// are nil are as before; an empty list of functions takes them back.
type Input struct {
	Messages  []openai.Message  `json:"messages,omitempty"`
	Functions []openai.Function `json:"functions,omitzero"`
	Params    *openai.Params    `json:"params,omitempty"`
}

// NoteWhy says what a [Note] is about.
type NoteWhy string

const (
	NoteBudget NoteWhy = "budget"    // most of a budget is used: come to an end
	NoteLast   NoteWhy = "last_turn" // a budget is used up: the last answer, without functions
	NoteOutput NoteWhy = "output"    // the answer does not fit the output schema
	NoteEmpty  NoteWhy = "empty"     // the answer held neither words nor calls
)

// Note is the body of an entry of what the bridge says to the model, as a message
// behind the last turn.
type Note struct {
	Why    NoteWhy `json:"why"`
	Reason Reason  `json:"reason,omitempty"` // of NoteBudget and NoteLast: which budget
	Text   string  `json:"text"`
}

// Fold is the body of an entry that folds the results of all turns up to and with
// the answer of the sequence number Upto.
type Fold struct {
	Upto int64 `json:"upto"`
	// Show is how many bytes of a folded result are shown still, where that is more
	// than its one line has anyway.
	Show int `json:"show,omitempty"`
}

// Summary is the body of an entry that puts a summary in place of all turns up to
// and with the answer of the sequence number Upto, or in place of the first Messages
// messages of the caller's conversation; then Upto is that of the brief.
type Summary struct {
	Upto     int64         `json:"upto"`
	Messages int           `json:"messages,omitempty"`
	Text     string        `json:"text"`
	Asked    openai.Answer `json:"asked"` // the answer that the summary is, for its usage and cost
}

// Intent is the body of an entry before a call. A call that is made again because the
// first attempt is known to have had no effect has another one. Effect and Idempotent are as they
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
	// Policy is what to do if the outcome is not known. Older journals do not say so: it
	// follows from Effect and Idempotent.
	Policy Policy `json:"policy,omitempty"`
	// Claimed: the server notes the key before it makes the call, so that a repetition
	// cannot take effect twice; it may only find that nobody knows.
	Claimed bool `json:"claimed,omitempty"`
	// Inward: the tool works on the store that keeps the journal, and on nothing else.
	Inward bool `json:"inward,omitempty"`
	// Again counts the earlier intents of this call, each of which is known not to have
	// taken effect. The key is the same.
	Again int `json:"again,omitempty"`
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
	// OutcomeUnknown: nobody can say whether the call took effect. Only of older
	// journals: such a call has no result now until somebody knows, see [Doubt].
	OutcomeUnknown ResultCode = "outcome_unknown"
	// LookedUp: the call's own answer was lost, and a look-up has shown that it took effect.
	LookedUp ResultCode = "looked_up"
	// Decided: the same, and a person has said so.
	Decided ResultCode = "decided"
	// CallersCall: the call is the caller's to make. As the code of a result: the
	// caller made it.
	CallersCall ResultCode = "callers_call"
	// NotMade: nothing was called, since the answer that asked for it was cut off and
	// nobody knows what the call would have been, or the caller wants no calls.
	NotMade ResultCode = "not_made"
	// TimedOut: a read did not return in time.
	TimedOut ResultCode = "timed_out"
	// NotRecorded: a run is replayed, and what is replayed has no result of this call. It
	// was not made. Journals that are kept have none.
	NotRecorded ResultCode = "not_recorded"
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
	// Parts are what of the result is not text, as content parts of the chat API, for a
	// model that can be shown them. Content names each in words.
	Parts []json.RawMessage `json:"parts,omitempty"`
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
