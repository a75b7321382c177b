package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
	"drawbridge/server/dispatch"
)

var roomy = dispatch.BatchLimits{Questions: 100, Bytes: 1 << 20, Wait: 10 * time.Minute}

// ask starts runs, claims them, and has each ask something in a batch.
func ask(t *testing.T, h Harness, limits dispatch.BatchLimits, ids ...string) (batches []string) {
	t.Helper()
	for _, id := range ids {
		start(t, h, id)
	}
	for _, c := range claim(t, h) {
		if err := h.Store().Append(t.Context(), c.Lease, bridge.Entry{Seq: 1, Kind: bridge.EntryBrief, At: h.Now(), Body: []byte(`{}`)}); err != nil {
			t.Fatal(err)
		}
		batches = append(batches, collectOne(t, h, c, limits))
	}
	return batches
}

func collectOne(t *testing.T, h Harness, c dispatch.Claimed, limits dispatch.BatchLimits) string {
	t.Helper()
	q := dispatch.Question{Agent: c.Run.Agent, Model: "small", Line: []byte("line of " + c.Run.ID)}
	batch, err := h.Store().Collect(t.Context(), c.Lease, q, limits, h.Now().Add(48*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return batch
}

func claimBatches(t *testing.T, h Harness) []dispatch.Batch {
	t.Helper()
	batches, err := h.Store().ClaimBatches(t.Context(), 100, lease)
	if err != nil {
		t.Fatal(err)
	}
	return batches
}

// dueBatch claims the one batch that is due.
func dueBatch(t *testing.T, h Harness) dispatch.Batch {
	t.Helper()
	batches := claimBatches(t, h)
	if len(batches) != 1 {
		t.Fatalf("%d batches are due, want 1", len(batches))
	}
	return batches[0]
}

func move(t *testing.T, h Harness, b dispatch.Batch, due time.Time) {
	t.Helper()
	if err := h.Store().MoveBatch(t.Context(), b, due); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, h Harness, batch string) (runs []string) {
	t.Helper()
	questions, err := h.Store().OpenQuestions(t.Context(), batch, "", 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range questions {
		runs = append(runs, q.Run)
	}
	return runs
}

func endAll(t *testing.T, h Harness, b dispatch.Batch, next dispatch.NextBatch, ends ...dispatch.QuestionEnd) {
	t.Helper()
	if err := h.Store().EndQuestions(t.Context(), b, ends, next); err != nil {
		t.Fatal(err)
	}
}

func answered(run, text string) dispatch.QuestionEnd {
	return dispatch.QuestionEnd{Run: run, Result: dispatch.BatchResult{Answer: &openai.Answer{Content: text, Finish: openai.FinishStop}}}
}

func questionsJoinOneBatch(t *testing.T, h Harness) {
	in := ask(t, h, roomy, "run_1", "run_2")
	if len(in) != 2 || in[0] != in[1] || in[0] == "" {
		t.Fatalf("the questions are in %q, want one batch", in)
	}
	for _, id := range []string{"run_1", "run_2"} {
		run, err := h.Store().Run(t.Context(), id)
		if err != nil || run.State != dispatch.Waiting || run.Reason != string(bridge.Batch) {
			t.Errorf("the run is %s for %s (%v), want it to wait for a batch", run.State, run.Reason, err)
		}
		got, err := h.Store().Question(t.Context(), id)
		want := dispatch.Question{Run: id, Agent: "billing", Model: "small", Batch: in[0], Seq: 1, Tries: 1, Line: []byte("line of " + id)}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("the question (-want +got): %v\n%s", err, diff)
		}
	}
	if runs := claim(t, h); len(runs) != 0 {
		t.Errorf("%d runs are due that wait for a batch", len(runs))
	}
	if _, err := h.Store().Question(t.Context(), "run_3"); !errors.Is(err, dispatch.ErrNotFound) {
		t.Errorf("a run that asked nothing gave %v", err)
	}
	if early := claimBatches(t, h); len(early) != 0 {
		t.Errorf("the batch is due before its questions have waited")
	}
	h.Advance(10 * time.Minute)
	b := dueBatch(t, h)
	if b.ID != in[0] || b.State != dispatch.Collecting || b.Questions != 2 || b.Bytes != 2*int64(len("line of run_1")+1) || b.Epoch != 1 || b.Round != 1 || b.Model != "small" {
		t.Errorf("the batch is %+v", b)
	}
}

func fullBatchIsDueAtOnce(t *testing.T, h Harness) {
	two := roomy
	two.Questions = 2
	in := ask(t, h, two, "run_1", "run_2", "run_3")
	slices.Sort(in)
	if batches := slices.Compact(in); len(batches) != 2 {
		t.Fatalf("three questions are in %q, want two batches of two and one", batches)
	}
	if b := dueBatch(t, h); b.Questions != 2 {
		t.Errorf("a batch of %d is due, want the full one", b.Questions)
	}
	few := roomy
	few.Bytes = int64(len("line of run_4")+1) * 3 / 2
	h = h.Fresh(t)
	ask(t, h, few, "run_4", "run_5")
	if b := dueBatch(t, h); b.Questions != 1 {
		t.Errorf("a batch of %d is due, want the one that had no room for another line", b.Questions)
	}
}

func closedBatchTakesNoMore(t *testing.T, h Harness) {
	first := ask(t, h, roomy, "run_1")[0]
	h.Advance(10 * time.Minute)
	b := dueBatch(t, h)
	b.State = dispatch.Closed
	move(t, h, b, time.Time{})
	if second := ask(t, h, roomy, "run_2")[0]; second == first {
		t.Error("a question joined a batch that is closed")
	}
}

func batchIsFenced(t *testing.T, h Harness) {
	ask(t, h, roomy, "run_1")
	h.Advance(10 * time.Minute)
	stale := dueBatch(t, h)
	h.Advance(lease)
	b := dueBatch(t, h)
	stale.State = dispatch.Submitted
	if err := h.Store().MoveBatch(t.Context(), stale, h.Now()); !errors.Is(err, bridge.ErrFenced) {
		t.Errorf("a stale worker moved the batch: %v", err)
	}
	if err := h.Store().EndQuestions(t.Context(), stale, []dispatch.QuestionEnd{answered("run_1", "x")}, dispatch.NextBatch{}); !errors.Is(err, bridge.ErrFenced) {
		t.Errorf("a stale worker ended a question: %v", err)
	}
	b.State, b.File, b.Remote, b.Status, b.Round, b.Attempts, b.Polls, b.Error = dispatch.Submitted, "file_1", "batch_1", "in_progress", 2, 3, 4, "slow"
	b.Tried, b.Submitted = h.Now(), h.Now()
	move(t, h, b, h.Now().Add(time.Hour))
	h.Advance(time.Hour)
	got := dueBatch(t, h)
	b.Epoch++
	if diff := cmp.Diff(b, got); diff != "" {
		t.Errorf("the batch came back otherwise (-want +got):\n%s", diff)
	}
}

func answersMakeRunsDue(t *testing.T, h Harness) {
	ask(t, h, roomy, "run_1", "run_2", "run_3")
	h.Advance(10 * time.Minute)
	b := dueBatch(t, h)
	endAll(t, h, b, dispatch.NextBatch{}, answered("run_2", "two"), answered("run_9", "of no run"))
	endAll(t, h, b, dispatch.NextBatch{}, answered("run_2", "two again"))
	runs := claim(t, h)
	if len(runs) != 1 || runs[0].Run.ID != "run_2" || runs[0].Parked != string(bridge.Batch) {
		t.Fatalf("due are %+v, want run_2", runs)
	}
	q, err := h.Store().Question(t.Context(), "run_2")
	if err != nil || q.Result == nil || q.Result.Answer.Content != "two" || q.Line != nil {
		t.Errorf("the question came to %+v (%v)", q, err)
	}
	if got := open(t, h, b.ID); !slices.Equal(got, []string{"run_1", "run_3"}) {
		t.Errorf("open are %v", got)
	}
	if got, err := h.Store().OpenQuestions(t.Context(), b.ID, "run_1", 1); err != nil || len(got) != 1 || got[0].Run != "run_3" {
		t.Errorf("behind run_1 is %+v (%v)", got, err)
	}
}

// An answer that comes while a worker looks at its run must not be slept over.
func answerIsNotMissed(t *testing.T, h Harness) {
	ask(t, h, roomy, "run_1")
	h.Advance(48 * time.Hour)
	looking := claim(t, h)[0]
	b := dueBatch(t, h)
	endAll(t, h, b, dispatch.NextBatch{}, answered("run_1", "one"))
	if err := h.Store().AwaitBatch(t.Context(), looking.Lease, h.Now().Add(48*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if runs := claim(t, h); len(runs) != 1 {
		t.Errorf("%d runs are due, want the one with an answer", len(runs))
	}
}

func runWithoutAnAnswerWaitsOn(t *testing.T, h Harness) {
	ask(t, h, roomy, "run_1")
	h.Advance(48 * time.Hour)
	if err := h.Store().AwaitBatch(t.Context(), claim(t, h)[0].Lease, h.Now().Add(48*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if runs := claim(t, h); len(runs) != 0 {
		t.Errorf("%d runs are due without an answer", len(runs))
	}
}

func questionIsAskedAgainSoOften(t *testing.T, h Harness) {
	next := dispatch.NextBatch{Limits: roomy, Tries: 2}
	expired := dispatch.QuestionEnd{Run: "run_1", Again: true, Result: dispatch.BatchResult{Reason: bridge.BatchExpired}}
	first := ask(t, h, roomy, "run_1")[0]
	h.Advance(10 * time.Minute)
	b := dueBatch(t, h)
	b.State = dispatch.Submitted
	move(t, h, b, time.Time{})
	endAll(t, h, b, next, expired)
	q, err := h.Store().Question(t.Context(), "run_1")
	if err != nil || q.Batch == first || q.Tries != 2 || q.Result != nil || string(q.Line) != "line of run_1" || q.Seq != 1 {
		t.Fatalf("the question is %+v (%v), want it in the next batch", q, err)
	}
	if runs := claim(t, h); len(runs) != 0 {
		t.Errorf("the run is due while it is asked again")
	}
	endAll(t, h, b, next, expired, answered("run_1", "late")) // the worker begins anew
	if again, err := h.Store().Question(t.Context(), "run_1"); err != nil || again.Tries != 2 || again.Result != nil {
		t.Errorf("noted a second time, the question is %+v (%v)", again, err)
	}
	b.State = dispatch.BatchDone
	move(t, h, b, h.Now())
	h.Advance(10 * time.Minute)
	b = dueBatch(t, h)
	endAll(t, h, b, next, expired)
	if q, err := h.Store().Question(t.Context(), "run_1"); err != nil || q.Result == nil || q.Result.Reason != bridge.BatchExpired {
		t.Errorf("after two batches the question is %+v (%v)", q, err)
	}
}

func manyQuestionsAskedAgainFillSeveralBatches(t *testing.T, h Harness) {
	var ids []string
	var ends []dispatch.QuestionEnd
	for i := range 5 {
		ids = append(ids, fmt.Sprintf("run_%d", i))
		ends = append(ends, dispatch.QuestionEnd{Run: ids[i], Again: true})
	}
	ask(t, h, roomy, ids...)
	h.Advance(10 * time.Minute)
	b := dueBatch(t, h)
	b.State = dispatch.Submitted
	move(t, h, b, time.Time{})
	two := roomy
	two.Questions = 2
	endAll(t, h, b, dispatch.NextBatch{Limits: two, Tries: 3}, ends...)
	if full := claimBatches(t, h); len(full) != 2 {
		t.Errorf("%d full batches came of five questions, want 2", len(full))
	}
}

func runsThatHaveEndedAskNothing(t *testing.T, h Harness) {
	in := ask(t, h, roomy, "run_1", "run_2")[0]
	if state, err := h.Store().RequestCancel(t.Context(), "run_1", "no need"); err != nil || state != dispatch.Cancelled {
		t.Fatal(state, err)
	}
	if got := open(t, h, in); !slices.Equal(got, []string{"run_2"}) {
		t.Errorf("open are %v, want run_2 alone", got)
	}
	h.Advance(10 * time.Minute)
	b := dueBatch(t, h)
	endAll(t, h, b, dispatch.NextBatch{Limits: roomy, Tries: 3}, answered("run_1", "one"), dispatch.QuestionEnd{Run: "run_2", Again: true})
	if run, err := h.Store().Run(t.Context(), "run_1"); err != nil || run.State != dispatch.Cancelled {
		t.Errorf("the cancelled run is %s (%v)", run.State, err)
	}
	if runs := claim(t, h); len(runs) != 0 {
		t.Errorf("%d runs are due", len(runs))
	}
}

func batchIsWokenByItsNameAtTheProvider(t *testing.T, h Harness) {
	in := ask(t, h, roomy, "run_1")[0]
	if _, err := h.Store().WakeBatch(t.Context(), ""); !errors.Is(err, dispatch.ErrNotFound) {
		t.Errorf("the batch without a name there was woken: %v", err)
	}
	h.Advance(10 * time.Minute)
	b := dueBatch(t, h)
	b.State, b.Remote = dispatch.Submitted, "batch_1"
	move(t, h, b, h.Now().Add(time.Hour))
	drain(h.Store().Wake(dispatch.BatchJob))
	if id, err := h.Store().WakeBatch(t.Context(), "batch_1"); err != nil || id != in {
		t.Fatal(id, err)
	}
	select {
	case <-h.Store().Wake(dispatch.BatchJob):
	default:
		t.Error("nobody was told")
	}
	b = dueBatch(t, h)
	// While a worker has it nobody else gets it; it is due again when that puts it down.
	if _, err := h.Store().WakeBatch(t.Context(), "batch_1"); err != nil {
		t.Fatal(err)
	}
	if others := claimBatches(t, h); len(others) != 0 {
		t.Error("two workers have one batch")
	}
	move(t, h, b, h.Now().Add(time.Hour))
	b = dueBatch(t, h)
	b.State, b.Ended = dispatch.BatchDone, h.Now()
	move(t, h, b, h.Now())
	if _, err := h.Store().WakeBatch(t.Context(), "batch_1"); !errors.Is(err, dispatch.ErrNotFound) {
		t.Errorf("a batch that is done was woken: %v", err)
	}
	h.Advance(1000 * time.Hour)
	if left := claimBatches(t, h); len(left) != 0 {
		t.Error("a batch that is done is due")
	}
}

func batchIsSubmittedOnRequest(t *testing.T, h Harness) {
	in := ask(t, h, roomy, "run_1")
	if ids, err := h.Store().SubmitBatches(t.Context(), "somebody"); err != nil || len(ids) != 0 {
		t.Errorf("another agent has %v (%v)", ids, err)
	}
	if ids, err := h.Store().SubmitBatches(t.Context(), "billing"); err != nil || !slices.Equal(ids, in) {
		t.Errorf("submitted %v (%v), want %v", ids, err, in)
	}
	dueBatch(t, h)
}

func cancelledBatchIsDueAndTakesNoMore(t *testing.T, h Harness) {
	in := ask(t, h, roomy, "run_1")[0]
	if err := h.Store().CancelBatch(t.Context(), in, "no need"); err != nil {
		t.Fatal(err)
	}
	if err := h.Store().CancelBatch(t.Context(), in, "another reason"); err != nil {
		t.Fatal(err)
	}
	if other := ask(t, h, roomy, "run_2")[0]; other == in {
		t.Error("a question joined a batch that is to be cancelled")
	}
	b := dueBatch(t, h)
	if b.Cancel != "no need" {
		t.Errorf("it is to be cancelled for %q, want the first reason", b.Cancel)
	}
	b.State = dispatch.BatchDone
	move(t, h, b, h.Now())
	if err := h.Store().CancelBatch(t.Context(), in, "late"); !errors.Is(err, dispatch.ErrEnded) {
		t.Errorf("cancelling what is done gave %v", err)
	}
	if err := h.Store().CancelBatch(t.Context(), "bat_none", "x"); !errors.Is(err, dispatch.ErrNotFound) {
		t.Errorf("cancelling nothing gave %v", err)
	}
}

func collectIsFenced(t *testing.T, h Harness) {
	stale := claimOne(t, h)
	h.Advance(lease)
	claim(t, h)
	if _, err := h.Store().Collect(t.Context(), stale.Lease, dispatch.Question{Agent: "billing", Model: "small", Line: []byte("x")}, roomy, h.Now()); !errors.Is(err, bridge.ErrFenced) {
		t.Errorf("a stale worker's question was collected: %v", err)
	}
	if err := h.Store().AwaitBatch(t.Context(), stale.Lease, h.Now()); !errors.Is(err, bridge.ErrFenced) {
		t.Errorf("a stale worker put the run down: %v", err)
	}
	h.Advance(time.Hour)
	if b := claimBatches(t, h); len(b) != 0 {
		t.Errorf("a batch came of it: %+v", b)
	}
}
