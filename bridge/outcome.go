package bridge

import "time"

// Status is how a run stands when Run returns.
type Status string

const (
	// Succeeded: the model answered.
	Succeeded Status = "succeeded"
	// Failed: the run is over without a proper answer; Reason says why.
	Failed Status = "failed"
	// Waiting: the run goes on later; call Run again then.
	Waiting Status = "waiting"
)

// Reason says why a run ended or waits. The list is closed.
type Reason string

const (
	Answered         Reason = "answered"          // succeeded
	BudgetTurns      Reason = "budget_turns"      // failed: as many answers as allowed
	BudgetCalls      Reason = "budget_calls"      // failed: the model wanted more calls
	BudgetTokens     Reason = "budget_tokens"     // failed
	BudgetWall       Reason = "budget_wall"       // failed: the time is up
	ModelRefused     Reason = "model_refused"     // failed: the model declined, or its provider withheld the answer
	ModelError       Reason = "model_error"       // failed: asking again would fail again
	Length           Reason = "length"            // failed: the answer was cut at the model's own limit
	ModelUnavailable Reason = "model_unavailable" // waiting
	ToolsUnavailable Reason = "tools_unavailable" // waiting: the tool server cannot be reached
)

// Usage is what a run has used so far, over all its lives.
type Usage struct {
	Turns            int `json:"turns"`
	Calls            int `json:"calls"`
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	CachedTokens     int `json:"cached_tokens"` // part of the prompt tokens
}

// Outcome is what Run returns: done, or parked.
type Outcome struct {
	Status Status `json:"status"`
	Reason Reason `json:"reason"`
	// Answer is the model's last answer. When a run ends without one it is made
	// from the journal: what was done, what was left, the model's last words.
	Answer string `json:"answer"`
	Usage  Usage  `json:"usage"`
	// Tainted: the run has read text written by outsiders.
	Tainted bool `json:"tainted,omitempty"`
	// RetryAfter is how long to wait at least, as asked by the far side; 0 leaves
	// it to the caller.
	RetryAfter time.Duration `json:"retry_after_ns,omitempty"`

	next int64
}

// Entry is the entry that closes the journal of a run that Run has just ended; a
// run that waits stays open. The caller appends it in the
// transaction that ends the run, so that neither is ever seen without the other.
func (o Outcome) Entry(at time.Time) Entry {
	return Entry{Seq: o.next, Kind: EntryOutcome, At: at, Body: encode(o)}
}
