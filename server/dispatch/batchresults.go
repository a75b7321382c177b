package dispatch

import (
	"context"
	"fmt"
	"time"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
)

// settle takes what came of a batch that is over: the results in its files, each to the
// question it belongs to, and then the questions that there is no result for.
func (w *batchWork) settle(ctx context.Context, there openai.Batch) (due time.Time, err error) {
	if there.Status == openai.BatchFailed {
		return w.notTaken(ctx, there)
	}
	for _, file := range []string{there.Output, there.Errors} {
		if file == "" {
			continue
		}
		if err := w.results(ctx, file); err != nil {
			return due, err
		}
	}
	if err := w.end(ctx, w.unanswered(there.Status)); err != nil {
		return due, err
	}
	w.log.Info("batch is over", "status", there.Status)
	w.tidy(ctx, there)
	return due, nil
}

// notTaken is settle for a batch that the provider did not take. If it only had no room,
// it is made again, of the same file.
func (w *batchWork) notTaken(ctx context.Context, there openai.Batch) (due time.Time, err error) {
	why, full := "the provider did not say why", len(there.Problems) > 0
	for i, p := range there.Problems {
		full = full && p.Passing()
		if i == 0 {
			why = p.Code + ": " + p.Message
		}
	}
	if full {
		w.b.State, w.b.Remote, w.b.Round, w.b.Error = Uploaded, "", w.b.Round+1, why
		pause := min(Backoff(w.b.Round, w.o.Random), longestPoll)
		w.log.Warn("the provider has no room for a batch", "err", why, "for", pause)
		return w.o.Now().Add(pause), nil
	}
	w.log.Error("the provider did not take a batch", "err", why)
	w.b.Error = why
	err = w.end(ctx, func(Question) QuestionEnd {
		return QuestionEnd{Result: BatchResult{Reason: bridge.ModelError, Detail: "the batch was not taken: " + why}}
	})
	if err == nil {
		w.tidy(ctx, there)
	}
	return due, err
}

// results notes what is in a file of results. A line of no question of the batch, or of
// one that something came of before, is passed over.
func (w *batchWork) results(ctx context.Context, file string) error {
	var ends []QuestionEnd
	note := func() error {
		if len(ends) == 0 {
			return nil
		}
		err := w.note(ctx, ends)
		ends = nil
		return err
	}
	err := w.o.Batches.Results(ctx, w.b.Model, file, w.settings.Discount, func(r openai.BatchResult) error {
		if r.ID == "" {
			w.log.Error("a line of a batch's results makes no sense", "file", file)
			return nil
		}
		ends = append(ends, endOfQuestion(r))
		if len(ends) < batchPage {
			return nil
		}
		return note()
	})
	switch {
	case missing(err): // what it held is asked again
		w.log.Error("the provider has a batch's results no more", "file", file)
	case err != nil:
		return passing(err)
	}
	return note()
}

func (w *batchWork) note(ctx context.Context, ends []QuestionEnd) error {
	return w.store.EndQuestions(context.WithoutCancel(ctx), w.b, ends, NextBatch{Limits: w.settings.Limits, Tries: batchTries})
}

// endOfQuestion is what a result means. What may pass is asked again in the next batch.
func endOfQuestion(r openai.BatchResult) QuestionEnd {
	end := QuestionEnd{Run: r.ID, Result: BatchResult{Answer: r.Answer}}
	switch {
	case r.Answer != nil:
	case r.Expired:
		end.Again, end.Result = true, expired
	case r.Cancelled:
		end.Result.Reason = bridge.BatchCancelled
	case r.Failure.Reason == openai.TooLong:
		end.Result.Reason, end.Result.Detail = bridge.ContextFull, r.Failure.Message
	default:
		end.Again = r.Failure.Kind == openai.Transient
		end.Result.Reason, end.Result.Detail = bridge.ModelError, r.Failure.Message
	}
	return end
}

var expired = BatchResult{Reason: bridge.BatchExpired, Detail: fmt.Sprintf("it was asked in %d batches", batchTries)}

// unanswered says what becomes of questions without a result, by how the batch ended.
func (w *batchWork) unanswered(status openai.BatchStatus) func(Question) QuestionEnd {
	if status == openai.BatchCancelled {
		return func(Question) QuestionEnd { return QuestionEnd{Result: BatchResult{Reason: bridge.BatchCancelled}} }
	}
	return func(Question) QuestionEnd { return QuestionEnd{Again: true, Result: expired} }
}

// end ends all questions that are open still, and with them the batch.
func (w *batchWork) end(ctx context.Context, with func(Question) QuestionEnd) error {
	err := w.questions(ctx, func(page []Question) error {
		ends := make([]QuestionEnd, len(page))
		for i, q := range page {
			ends[i] = with(q)
			ends[i].Run = q.Run
		}
		return w.note(ctx, ends)
	})
	if err == nil {
		w.done()
	}
	return err
}

// tidy takes the batch's files away from the provider, where they would stay: with what
// the events said. That one stays is no harm to the batch.
func (w *batchWork) tidy(ctx context.Context, there openai.Batch) {
	for _, file := range []string{w.b.File, there.Output, there.Errors} {
		if file == "" {
			continue
		}
		if err := w.o.Batches.Delete(ctx, w.b.Model, file); err != nil {
			w.log.Warn("a batch's file stays at the provider", "file", file, "err", err)
		}
	}
}
