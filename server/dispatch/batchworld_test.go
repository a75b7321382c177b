package dispatch_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
	"drawbridge/bridge/openaitest"
	"drawbridge/server/dispatch"
	"drawbridge/server/webhook"
)

// batchWorld is a world whose agent answers in batches, of a provider that a test plays.
type batchWorld struct {
	*world
	fake *openaitest.Server
}

const (
	batchWait = 10 * time.Minute
	batchPoll = 5 * time.Minute
)

func newBatchWorld(t *testing.T) *batchWorld {
	w := &batchWorld{world: newWorld(t), fake: openaitest.New(t)}
	w.store.told = make(chan string, 10_000)
	models := openai.NewModels([]openai.ModelSettings{{Name: "small", BaseURL: w.fake.URL()}},
		openai.ModelsOptions{Currency: "USD", Prices: map[string]openai.Prices{"small": {Input: 1_000_000, Output: 1_000_000}}})
	w.options.Batches = models.Batches()
	agent := w.settings.Agents["desk"]
	agent.Model = "small"
	w.settings.Agents["desk"] = agent
	w.settings.Batches = map[string]dispatch.BatchSettings{"desk": {Limits: dispatch.BatchLimits{Questions: 100, Bytes: 1 << 20, Wait: batchWait}, Poll: batchPoll, Discount: 50}}
	w.settings.OpenAI = map[string]dispatch.OpenAISource{"openai": {}}
	w.fake.Func(func(r openaitest.Request) openaitest.Reply {
		return openaitest.Say("It is paid.", openaitest.Uses(openaitest.Usage{Prompt: 100, Completion: 10}))
	})
	return w
}

// times is a thing that is told so often.
func times(n int, told string) []string { return slices.Repeat([]string{told}, n) }

// collect has n events become runs whose questions wait in batches.
func (w *batchWorld) collect(n int) (events []string) {
	w.t.Helper()
	for i := range n {
		events = append(events, w.accept(fmt.Sprintf(`{"type":"paid","n":%d}`, i)))
	}
	w.until(times(n, "run collected")...)
	return events
}

// submit has n events' questions submitted, and gives the id of their batch.
func (w *batchWorld) submit(n int) string {
	w.t.Helper()
	w.collect(n)
	w.pass(batchWait)
	w.until("batch submitted")
	return w.theirs()
}

// theirs is the id of the newest batch at the provider.
func (w *batchWorld) theirs() string {
	w.t.Helper()
	all := w.fake.Batches()
	if len(all) == 0 {
		w.t.Fatal("the provider has no batch")
	}
	return all[len(all)-1].ID
}

// ours is the one batch that is not done.
func (w *batchWorld) ours() dispatch.Batch {
	w.t.Helper()
	all, err := w.store.Batches(w.t.Context(), 100)
	if err != nil {
		w.t.Fatal(err)
	}
	open := slices.DeleteFunc(all, func(b dispatch.Batch) bool { return b.State == dispatch.BatchDone })
	if len(open) != 1 {
		w.t.Fatalf("%d batches are open: %+v", len(open), open)
	}
	return open[0]
}

// over is how many runs have ended.
func (w *batchWorld) over() int {
	w.t.Helper()
	runs, err := w.store.Runs(w.t.Context(), "", 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	return len(slices.DeleteFunc(runs, func(r dispatch.Run) bool { return !r.State.Ended() }))
}

// ended counts the runs by how they ended, or stand.
func (w *batchWorld) ended() map[string]int {
	w.t.Helper()
	runs, err := w.store.Runs(w.t.Context(), "", 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	counts := map[string]int{}
	for _, r := range runs {
		counts[string(r.State)+" "+r.Reason]++
		entries, err := w.store.Entries(w.t.Context(), r.ID)
		if err != nil {
			w.t.Fatal(err)
		}
		outcomes := 0
		for _, e := range entries {
			if e.Kind == bridge.EntryOutcome {
				outcomes++
			}
		}
		if r.State.Ended() != (outcomes == 1) {
			w.t.Errorf("run %s is %s and has %d outcomes", r.ID, r.State, outcomes)
		}
	}
	return counts
}

// tell stores an event of OpenAI's, as their webhook would.
func (w *batchWorld) tell(kind, id string) string {
	w.t.Helper()
	e := webhook.Event{ID: dispatch.NewID("evt_"), Source: "openai", Key: kind + id, ContentType: "application/json",
		Body: fmt.Appendf(nil, `{"id":"evt_1","object":"event","created_at":1719168000,"type":%q,"data":{"id":%q}}`, kind, id), ReceivedAt: w.clock()}
	if _, err := w.store.Accept(w.t.Context(), webhook.Batch{Events: []webhook.Event{e}}); err != nil {
		w.t.Fatal(err)
	}
	return e.ID
}

func (s *tellingStore) Collect(ctx context.Context, lease bridge.Lease, q dispatch.Question, limits dispatch.BatchLimits, until time.Time) (batch string, err error) {
	err = s.tell("run collected", func() error {
		batch, err = s.Store.Collect(ctx, lease, q, limits, until)
		return err
	})
	return batch, err
}

func (s *tellingStore) OpenQuestions(ctx context.Context, batch, after string, limit int) ([]dispatch.Question, error) {
	open, err := s.Store.OpenQuestions(ctx, batch, after, limit)
	if s.afterQuestions != nil {
		s.afterQuestions()
	}
	return open, err
}

func (s *tellingStore) MoveBatch(ctx context.Context, b dispatch.Batch, due time.Time) error {
	what := "batch " + string(b.State)
	if b.Attempts > 0 {
		what += ", put off"
	}
	if due.IsZero() && b.State != dispatch.BatchDone {
		what += ", kept"
	}
	return s.tell(what, func() error { return s.Store.MoveBatch(ctx, b, due) })
}

func (s *tellingStore) EndQuestions(ctx context.Context, b dispatch.Batch, ends []dispatch.QuestionEnd, next dispatch.NextBatch) error {
	return s.tell(fmt.Sprintf("%d results", len(ends)), func() error { return s.Store.EndQuestions(ctx, b, ends, next) })
}
