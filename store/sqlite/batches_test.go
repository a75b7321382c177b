package sqlite_test

import (
	"testing"
	"time"

	"drawbridge/server/dispatch"
	"drawbridge/store/sqlite"
	"drawbridge/store/state"
	"drawbridge/tools/sqldb"
)

// waitingInABatch is a store with one run whose question is in a batch that is done.
func waitingInABatch(t *testing.T) (h *harness, batch dispatch.Batch) {
	t.Helper()
	h = newHarness(t)
	if err := h.store.Start(t.Context(), dispatch.NewRun{ID: "run_1", Agent: "triage", Source: "cli", Prompt: "x"}); err != nil {
		t.Fatal(err)
	}
	claimed, err := h.store.ClaimRuns(t.Context(), 1, time.Second)
	if err != nil || len(claimed) != 1 {
		t.Fatal(claimed, err)
	}
	limits := dispatch.BatchLimits{Questions: 1, Bytes: 1000, Wait: time.Hour}
	if _, err := h.store.Collect(t.Context(), claimed[0].Lease, dispatch.Question{Agent: "triage", Model: "m", Line: []byte("{}")}, limits, h.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	batches, err := h.store.ClaimBatches(t.Context(), 1, time.Second)
	if err != nil || len(batches) != 1 {
		t.Fatal(batches, err)
	}
	batch = batches[0]
	batch.State, batch.Ended = dispatch.BatchDone, h.Now()
	if err := h.store.MoveBatch(t.Context(), batch, time.Time{}); err != nil {
		t.Fatal(err)
	}
	return h, batch
}

// Whoever deletes old runs need not know of batches.
func TestQuestionGoesWithItsRunAndTheBatchLater(t *testing.T) {
	h, batch := waitingInABatch(t)
	h.Advance(100 * 24 * time.Hour)
	if err := h.store.MoveBatch(t.Context(), batch, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if left, err := h.store.Batches(t.Context(), 10); err != nil || len(left) != 1 {
		t.Fatalf("%d batches are left (%v), want the one that a run was in", len(left), err)
	}
	err := h.store.Write(t.Context(), func(tx sqldb.Tx) error {
		_, err := tx.ExecContext(t.Context(), `DELETE FROM runs WHERE id = 'run_1'`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if questions, err := h.store.Questions(t.Context(), batch.ID, 10); err != nil || len(questions) != 0 {
		t.Errorf("%d questions are left of a run that is gone (%v)", len(questions), err)
	}
	if err := h.store.MoveBatch(t.Context(), batch, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if left, err := h.store.Batches(t.Context(), 10); err != nil || len(left) != 0 {
		t.Errorf("%d batches are left of no runs (%v)", len(left), err)
	}
}

// `batches submit` and `batches cancel` work beside the process that serves.
func TestBatchIsWokenByAnotherProcess(t *testing.T) {
	h := newHarness(t)
	if err := h.store.Start(t.Context(), dispatch.NewRun{ID: "run_1", Agent: "triage", Source: "cli", Prompt: "x"}); err != nil {
		t.Fatal(err)
	}
	claimed, err := h.store.ClaimRuns(t.Context(), 1, time.Second)
	if err != nil || len(claimed) != 1 {
		t.Fatal(claimed, err)
	}
	limits := dispatch.BatchLimits{Questions: 10, Bytes: 1000, Wait: time.Hour}
	if _, err := h.store.Collect(t.Context(), claimed[0].Lease, dispatch.Question{Agent: "triage", Model: "m", Line: []byte("{}")}, limits, h.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	select {
	case <-h.store.Wake(dispatch.BatchJob): // of the collecting
	default:
	}
	other, err := sqlite.Open(t.Context(), h.path, state.Beside, state.Options{Now: h.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	if ids, err := other.SubmitBatches(t.Context(), "triage"); err != nil || len(ids) != 1 {
		t.Fatal(ids, err)
	}
	<-h.store.Wake(dispatch.BatchJob) // hangs if nobody is told
	if batches, err := h.store.ClaimBatches(t.Context(), 1, time.Second); err != nil || len(batches) != 1 {
		t.Errorf("%d batches are due (%v)", len(batches), err)
	}
}
