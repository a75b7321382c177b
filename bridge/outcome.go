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
	// Cancelled: somebody stopped it. Run never says so; see [Cancel].
	Cancelled Status = "cancelled"
)

// Reason says why a run ended or waits. The list is closed.
type Reason string

const (
	Answered     Reason = "answered"      // succeeded
	BudgetTurns  Reason = "budget_turns"  // failed: as many answers as allowed
	BudgetCalls  Reason = "budget_calls"  // failed: the model wanted more calls
	BudgetTokens Reason = "budget_tokens" // failed
	BudgetWall   Reason = "budget_wall"   // failed: the time is up
	BudgetCost   Reason = "budget_cost"   // failed: the money is spent
	// BudgetDay: the agent has used up what it may use in a day (UTC). A run that has
	// not begun waits for the next day; one that is under way ends, failed.
	BudgetDay        Reason = "budget_day"
	Loop             Reason = "loop"              // failed: the same call with the same result, again and again
	EmptyAnswer      Reason = "empty_answer"      // failed: the model gave neither words nor calls, several times
	OutputInvalid    Reason = "output_invalid"    // failed: the answer does not fit the agent's output schema
	ContentFiltered  Reason = "content_filtered"  // failed: the provider withheld the answer
	ContextFull      Reason = "context_full"      // failed: the model's window is too small for what cannot be left out
	ClientCalls      Reason = "client_calls"      // waiting: for the results of calls that are the caller's to make
	ClientGone       Reason = "client_gone"       // failed: those results did not come
	CancelledByUser  Reason = "cancelled"         // cancelled
	ModelRefused     Reason = "model_refused"     // failed: the model declined
	ModelError       Reason = "model_error"       // failed: asking again would fail again
	Length           Reason = "length"            // failed: the answer was cut at the model's own limit
	ModelUnavailable Reason = "model_unavailable" // waiting
	Batch            Reason = "batch"             // waiting: the question is, or will be, in a batch; see [Task.Later]
	BatchExpired     Reason = "batch_expired"     // failed: no batch that the question was in came to it in time
	BatchCancelled   Reason = "batch_cancelled"   // failed: somebody cancelled the batch at the provider
	ToolsUnavailable Reason = "tools_unavailable" // waiting: the tool server cannot be reached
	OutcomeCheck     Reason = "outcome_check"     // waiting: a look-up will tell whether a call took effect
	ApprovalNeeded   Reason = "approval"          // waiting: people have to agree to a call
	// OutcomeOpen, waiting: nobody knows whether a call took effect, and a person has to
	// decide; failed: the person gave it up.
	OutcomeOpen Reason = "outcome_unknown"
)

// Usage is what a run has used so far, over all its lives.
type Usage struct {
	Turns            int `json:"turns"`
	Calls            int `json:"calls"`
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	CachedTokens     int `json:"cached_tokens"`    // part of the prompt tokens
	ReasoningTokens  int `json:"reasoning_tokens"` // part of the completion tokens
	// Cost is in millionths of a unit of Currency.
	Cost     int64  `json:"cost_micros,omitempty"`
	Currency string `json:"currency,omitempty"`
	// Wall is the time worked. Only a day's usage has it.
	Wall time.Duration `json:"wall_ns,omitempty"`
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
	// Approvals, of a run that waits as [ApprovalNeeded], are those without which it cannot
	// go on; RetryAfter is when the first of them expires.
	Approvals []string `json:"approvals,omitempty"`

	next    int64
	entries []Entry // see Unwritten
	tell    func()
}

// Entry is the entry that closes the journal of a run that Run has just ended; a
// run that waits stays open. The caller appends it in the
// transaction that ends the run, so that neither is ever seen without the other.
func (o Outcome) Entry(at time.Time) Entry {
	return Entry{Seq: o.next, Kind: EntryOutcome, At: at, Body: encode(o)}
}

// Unwritten are the entries that a run ended with, if [Task.Whole] leaves them to the
// caller. They stand before [Outcome.Entry], in the same transaction.
func (o Outcome) Unwritten() []Entry { return o.entries }

// Written has those who watch the run hear of what was unwritten.
func (o Outcome) Written() {
	if o.tell != nil {
		o.tell()
	}
}
