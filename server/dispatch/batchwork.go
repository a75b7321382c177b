package dispatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
)

const (
	// batchWorkers bounds the batches that are worked on at once: each may have a file of
	// many megabytes in hand.
	batchWorkers = 2
	// batchTries is how many batches a question may be in, if nobody comes to it.
	batchTries = 3
	// longestPoll is the longest pause between two questions about a batch.
	longestPoll = time.Hour
	// unheardFor is how long a request to make a batch may be on its way when its answer
	// was not heard: only after that, one that is not to be found was not made.
	unheardFor = time.Minute
	// batchPage is how many questions are read, and results noted, at a time.
	batchPage = 200
)

func (d *Dispatcher) claimBatches(ctx context.Context, limit int) ([]work, error) {
	claimed, err := d.store.ClaimBatches(ctx, limit, LeaseFor)
	all := make([]work, len(claimed))
	for i, b := range claimed {
		all[i] = work{ref: b.ID, do: func(h *hold) { d.carryBatch(h, b) }}
	}
	return all, err
}

// batchWork is one carrying of a batch.
type batchWork struct {
	*Dispatcher
	b    Batch
	hold *hold
	log  *slog.Logger
	// settings are those of the batch's agent; the smallest pauses and a file of one batch
	// if it is not configured here any more.
	settings BatchSettings
}

// carryBatch takes a batch as far as it goes now. Each step is noted before the next
// begins, so that a crash repeats one step at most: and each can be repeated. A file may be
// uploaded twice, which costs nothing; a batch is made once, since whoever cannot know looks
// for it first; results are noted once a question.
func (d *Dispatcher) carryBatch(h *hold, b Batch) {
	ctx := h.ctx
	w := &batchWork{Dispatcher: d, b: b, hold: h, log: d.o.Log.With("batch", b.ID, "agent", b.Agent), settings: d.settings.Batches[b.Agent]}
	if w.settings.Limits.Questions == 0 {
		w.settings = BatchSettings{Limits: BatchLimits{Questions: openai.MostBatchRequests, Bytes: openai.MostBatchBytes}, Poll: 5 * time.Minute}
	}
	quiet := context.WithoutCancel(ctx)
	due, err := w.carry(ctx)
	if err != nil {
		due, err = w.fault(quiet, ctx.Err() != nil, err)
	}
	if err == nil {
		err = d.store.MoveBatch(quiet, w.b, due)
	}
	switch {
	case errors.Is(err, bridge.ErrFenced):
		w.log.Warn("batch was taken over by another worker")
	case err != nil:
		w.log.Error("putting a batch down", "err", err) // its lease runs out
	}
}

// carry goes on until the batch is done, or has to wait until a time.
func (w *batchWork) carry(ctx context.Context) (due time.Time, err error) {
	if w.b.Cancel != "" {
		if err := w.cancelRuns(ctx); err != nil {
			return due, err
		}
	}
	for due.IsZero() && w.b.State != BatchDone {
		switch w.b.State {
		case Collecting:
			// No more questions join from when that is noted. What it holds is looked at
			// after that: one that joined in between would be left behind.
			w.b.State = Closed
		case Closed:
			err = w.upload(ctx)
		case Uploaded:
			due, err = w.create(ctx)
		case Creating:
			due, err = w.find(ctx)
		case Submitted:
			due, err = w.look(ctx)
		default:
			err = fmt.Errorf("the batch is in a state that is none: %q", w.b.State)
		}
		if err == nil && due.IsZero() && w.b.State != BatchDone {
			err = w.store.MoveBatch(context.WithoutCancel(ctx), w.b, time.Time{})
		}
		if err != nil {
			return due, err
		}
	}
	return due, nil
}

// fault puts a batch off that could not be carried on. What the provider will not take,
// however often it is asked, is the end of all questions; anything else, such as a key
// that somebody has to put right, is tried again for as long as it takes.
func (w *batchWork) fault(ctx context.Context, stopping bool, err error) (time.Time, error) {
	var failure *openai.Error
	switch {
	case errors.Is(err, bridge.ErrFenced), w.hold.lost():
		return time.Time{}, bridge.ErrFenced
	case stopping:
		return w.o.Now(), nil
	case errors.Is(err, ErrAway):
		return time.Time{}, err
	case errors.As(err, &failure) && failure.Kind == openai.Permanent && failure.Reason != openai.WrongKey && failure.Reason != openai.Forbidden:
		w.log.Error("batch is given up", "err", err)
		w.b.Error = failure.Message
		return time.Time{}, w.end(ctx, func(Question) QuestionEnd {
			return QuestionEnd{Result: BatchResult{Reason: bridge.ModelError, Detail: failure.Message}}
		})
	}
	w.b.Attempts++
	w.b.Error = err.Error()
	pause := min(Backoff(w.b.Attempts, w.o.Random), longestPoll)
	if failure != nil {
		w.b.Error = failure.Message
		pause = max(pause, failure.RetryAfter)
	}
	w.log.Warn("batch is put off", "err", err, "attempt", w.b.Attempts, "for", pause)
	return w.o.Now().Add(pause), nil
}

// refused reports whether an error says that the provider did nothing.
func refused(err error) bool {
	var e *openai.Error
	return errors.As(err, &e) && (e.Kind == openai.Permanent || e.Reason == openai.RateLimited || e.Reason == openai.OutOfQuota)
}

// well ends the row of faults.
func (w *batchWork) well() { w.b.Attempts, w.b.Error = 0, "" }

func (w *batchWork) done() { w.b.State, w.b.Ended = BatchDone, w.o.Now() }

// questions calls each with all open questions, page by page.
func (w *batchWork) questions(ctx context.Context, each func([]Question) error) error {
	for after := ""; ; {
		page, err := w.store.OpenQuestions(ctx, w.b.ID, after, batchPage)
		if err != nil || len(page) == 0 {
			return err
		}
		after = page[len(page)-1].Run
		if err := each(page); err != nil {
			return err
		}
	}
}

// upload sends the file.
func (w *batchWork) upload(ctx context.Context) error {
	var lines [][]byte
	err := w.questions(ctx, func(page []Question) error {
		for _, q := range page {
			lines = append(lines, q.Line)
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case len(lines) == 0:
		w.done()
		return nil
	}
	if w.b.File, err = w.o.Batches.Upload(ctx, w.b.Model, w.b.ID, lines); err != nil {
		return err
	}
	w.well()
	w.b.State = Uploaded
	w.log.Info("batch is uploaded", "questions", len(lines))
	return nil
}

// mark is what the provider's batch of this round carries, for us to know it again.
func (w *batchWork) mark() string { return fmt.Sprintf("%s.%d", w.b.ID, w.b.Round) }

// create has the provider make the batch. That it was asked is noted first: whoever
// finds that and nothing else has to look, since a batch costs money each time. A batch
// in which nobody asks anything any more is not made.
func (w *batchWork) create(ctx context.Context) (due time.Time, err error) {
	open, err := w.store.OpenQuestions(ctx, w.b.ID, "", 1)
	if err != nil {
		return due, err
	}
	if len(open) == 0 {
		w.well()
		w.done()
		w.tidy(ctx, openai.Batch{})
		return due, nil
	}
	w.b.State, w.b.Tried = Creating, w.o.Now()
	if err := w.store.MoveBatch(ctx, w.b, due); err != nil {
		return due, err
	}
	if err := w.hold.still(ctx); err != nil {
		return due, err
	}
	creating := ctx
	if w.o.Fence != nil {
		creating = w.o.Fence(ctx, w.hold.still)
	}
	made, err := w.o.Batches.Create(creating, w.b.Model, w.b.File, w.mark())
	if refused(err) {
		w.b.State = Uploaded
	}
	if err != nil {
		return due, err
	}
	w.submitted(made)
	return w.o.Now().Add(w.settings.Poll), nil
}

func (w *batchWork) submitted(made openai.Batch) {
	w.well()
	w.b.State, w.b.Remote, w.b.Status, w.b.Polls, w.b.Submitted = Submitted, made.ID, string(made.Status), 0, w.o.Now()
	w.log.Info("batch is submitted", "provider", made.ID)
}

// find looks whether the batch was made when its maker did not live to hear of it.
func (w *batchWork) find(ctx context.Context) (due time.Time, err error) {
	found, ok, err := w.o.Batches.Find(ctx, w.b.Model, w.mark(), w.b.Tried)
	switch settled := w.b.Tried.Add(unheardFor); {
	case err != nil:
		return due, passing(err)
	case ok:
		w.submitted(found)
	case w.o.Now().Before(settled):
		return settled, nil
	default:
		w.well()
		w.b.State = Uploaded
	}
	return due, nil
}

// passing is an error that is worth another try, whatever kind it is: nothing hangs on
// it but time.
func passing(err error) error {
	var failure *openai.Error
	if errors.As(err, &failure) {
		again := *failure
		again.Kind = openai.Transient
		return &again
	}
	return err
}

// look asks the provider how far the batch is, and takes what came of it once it is
// over.
func (w *batchWork) look(ctx context.Context) (due time.Time, err error) {
	if err := w.cancelThere(ctx); err != nil {
		return due, err
	}
	there, err := w.o.Batches.Retrieve(ctx, w.b.Model, w.b.Remote)
	if missing(err) {
		w.log.Error("the provider does not know a batch any more", "provider", w.b.Remote)
		there, err = openai.Batch{Status: openai.BatchExpired}, nil
	}
	if err != nil {
		return due, passing(err)
	}
	w.well()
	if !(w.b.Status == cancelling && !there.Status.Over()) {
		w.b.Status = string(there.Status)
	}
	if there.Status.Over() {
		return w.settle(ctx, there)
	}
	const mostDoubled = 12
	w.b.Polls++
	pause := w.settings.Poll << min(w.b.Polls, mostDoubled)
	return w.o.Now().Add(min(pause, max(longestPoll, w.settings.Poll))), nil
}

// missing reports whether an error says that there is no such thing at the provider.
func missing(err error) bool {
	var failure *openai.Error
	return errors.As(err, &failure) && failure.Reason == openai.NoSuchModel
}

// cancelling is the provider's word for a batch that it was asked to cancel.
const cancelling = "cancelling"

// cancelThere has the provider cancel a batch in which nobody asks anything any more.
func (w *batchWork) cancelThere(ctx context.Context) error {
	open, err := w.store.OpenQuestions(ctx, w.b.ID, "", 1)
	if err != nil || len(open) > 0 || w.b.Status == cancelling {
		return err
	}
	var failure *openai.Error
	err = w.o.Batches.Cancel(ctx, w.b.Model, w.b.Remote)
	switch {
	case errors.As(err, &failure) && failure.Kind == openai.Permanent:
		return nil // it is over, or gone: that shows
	case err != nil:
		return err
	}
	w.b.Status = cancelling
	w.log.Info("batch is cancelled at the provider: nobody asks anything in it any more")
	return nil
}

// cancelRuns cancels all runs that ask something in the batch. One that was not
// uploaded yet is done with that.
func (w *batchWork) cancelRuns(ctx context.Context) error {
	err := w.questions(ctx, func(page []Question) error {
		for _, q := range page {
			if _, err := w.Cancel(ctx, q.Run, w.b.Cancel); err != nil && !errors.Is(err, ErrEnded) {
				return err
			}
		}
		return nil
	})
	if err == nil && (w.b.State == Collecting || w.b.State == Closed) {
		w.done()
	}
	return err
}
