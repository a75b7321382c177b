package dispatch

import (
	"context"
	"time"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
)

// BatchState is how far a batch of questions has come.
type BatchState string

const (
	Collecting BatchState = "collecting" // questions join it
	Closed     BatchState = "closed"     // none does any more; its file is to be uploaded
	Uploaded   BatchState = "uploaded"   // the provider has the file
	Creating   BatchState = "creating"   // the provider was asked to make the batch, and may have
	Submitted  BatchState = "submitted"  // the provider has made it
	BatchDone  BatchState = "done"       // something came of every question in it
)

// Batch is a batch of questions to one model, of the runs of one agent.
type Batch struct {
	ID, Agent string
	Model     string // by its configured name
	State     BatchState
	// Questions and Bytes are how many joined it, and how long their lines are.
	Questions int
	Bytes     int64
	// Open is how many questions wait for something to come of them, of runs that have
	// not ended. Only what is listed has it.
	Open int
	// File and Remote are the ids of its file and of itself at the provider, "" while
	// there are none; Status is what the provider says of it.
	File, Remote, Status string
	// Round counts how often it was made there, from 1: one that the provider had no
	// room for is made again.
	Round int
	// Cancel is why somebody wants it cancelled, "" if nobody does.
	Cancel string
	// Attempts counts faults in a row, Error is the last one. Polls counts how often the
	// provider was asked how far it is.
	Attempts, Polls int
	Error           string
	// Tried is when the provider was asked to make it.
	Created, Tried, Submitted, Ended time.Time
	// Epoch is the fence: one more at each claim.
	Epoch int64
}

// BatchLimits say when a batch is full. A question that it has no room for begins the next.
type BatchLimits struct {
	Questions int
	Bytes     int64
	// Wait is how long the first question waits for others.
	Wait time.Duration
}

// Question is what a run asks in a batch.
type Question struct {
	Run, Agent, Model string
	Batch             string // that it is in
	// Seq is the last entry of the run's journal when it asked: the answer comes next.
	Seq int64
	// Tries counts the batches it was in.
	Tries int
	Line  []byte // nil once something came of it
	// Result is what came of it, nil until then.
	Result *BatchResult
}

// BatchResult is what came of a question: an answer, or a reason why there is none.
type BatchResult struct {
	Answer *openai.Answer `json:"answer,omitempty"`
	Reason bridge.Reason  `json:"reason,omitempty"`
	Detail string         `json:"detail,omitempty"`
}

// QuestionEnd is what came of one question of a batch.
type QuestionEnd struct {
	Run    string
	Result BatchResult
	// Again: it joins the next batch, unless it was in as many as there may be.
	Again bool
}

// NextBatch is where questions go that are to be asked again.
type NextBatch struct {
	Limits BatchLimits
	Tries  int // how many batches a question may be in
}

// BatchStore keeps batches, and what runs ask in them. A batch's job wakes it when it is
// to be closed, and when the provider is to be asked about it.
type BatchStore interface {
	// Collect puts a run down until its question has come to something, and has the
	// question join the batch that is being collected for its agent and model, in one
	// transaction: running -> waiting, for bridge.Batch. It gives the batch's id. The run is
	// due at a time, or when something came of the question.
	Collect(ctx context.Context, lease bridge.Lease, q Question, limits BatchLimits, until time.Time) (string, error)
	// AwaitBatch puts a run down whose question waits: running -> waiting. If something
	// came of it meanwhile the run is due at once.
	AwaitBatch(ctx context.Context, lease bridge.Lease, until time.Time) error
	// Question gives what a run asked last; ErrNotFound if it asked nothing.
	Question(ctx context.Context, run string) (Question, error)
	// ClaimBatches leases up to limit due batches, under new epochs.
	ClaimBatches(ctx context.Context, limit int, lease time.Duration) ([]Batch, error)
	// OpenQuestions gives up to limit questions of a batch that wait for something to come
	// of them, of runs that have not ended, in the order of the runs' ids, behind one.
	OpenQuestions(ctx context.Context, batch, after string, limit int) ([]Question, error)
	// MoveBatch notes how far a batch has come. It is due at a time, or kept by its worker
	// if that is zero; one that is done has no job any more. Under an older epoch that is
	// bridge.ErrFenced. Of a batch that somebody woke meanwhile the time is now.
	MoveBatch(ctx context.Context, b Batch, due time.Time) error
	// EndQuestions notes what came of questions of a batch, each once, and makes the runs
	// due. What is not, or no longer, in the batch is passed over.
	EndQuestions(ctx context.Context, b Batch, ends []QuestionEnd, next NextBatch) error
	// WakeBatch makes the batch due that the provider knows by an id; ErrNotFound if
	// there is none that is not done. It gives our id.
	WakeBatch(ctx context.Context, remote string) (string, error)
	// SubmitBatches makes those due that are being collected for an agent, and gives
	// their ids.
	SubmitBatches(ctx context.Context, agent string) ([]string, error)
	// CancelBatch marks a batch, which makes it due. One that is done is ErrEnded.
	CancelBatch(ctx context.Context, id, why string) error
}
