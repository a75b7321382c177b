package postgres_test

import (
	"context"
	"io"
	"testing"
	"time"

	"drawbridge/server/dispatch"
	"drawbridge/server/export"
	"drawbridge/server/webhook"
	"drawbridge/store/postgres"
	"drawbridge/store/postgres/postgrestest"
	"drawbridge/store/state"
	"drawbridge/store/storetest"
)

// harness is a store in a database of its own under a clock that tests move.
type harness struct {
	*storetest.Clock
	url   string
	how   func(context.Context, string, state.Mode, state.Options) (*state.Store, error)
	store *state.Store
}

// migrated is a database with the tables of the state, and of nothing else.
func migrated(t testing.TB) string {
	t.Helper()
	return postgrestest.Copy(t, "state", func(ctx context.Context, url string) error {
		store, err := postgres.Open(ctx, url, state.Beside, state.Options{})
		if err != nil {
			return err
		}
		return store.Close()
	})
}

func newHarness(t *testing.T) *harness { return openHarness(t, postgres.Open) }

func openHarness(t *testing.T, how func(context.Context, string, state.Mode, state.Options) (*state.Store, error)) *harness {
	t.Helper()
	h := &harness{url: migrated(t), how: how, Clock: storetest.NewClock()}
	h.open(t)
	t.Cleanup(func() { _ = h.store.Close() })
	return h
}

func (h *harness) open(t *testing.T) {
	t.Helper()
	store, err := h.how(t.Context(), h.url, state.Owned, state.Options{Now: h.Now})
	if err != nil {
		t.Fatal(err)
	}
	h.store = store
}

func (h *harness) Store() storetest.Store { return h.store }

// Restart waits until the server has given the dead node's lock back: until then it counts
// as alive, and whoever starts takes nothing of what it had.
func (h *harness) Restart(t *testing.T) {
	t.Helper()
	node := h.store.Engine.(*postgres.DB).Node()
	if err := h.store.Close(); err != nil {
		t.Fatal(err)
	}
	plain := open(t, "pgx", h.url)
	for held := true; held; {
		if err := plain.QueryRowContext(t.Context(), `SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = $1)`, node).Scan(&held); err != nil {
			t.Fatal(err)
		}
	}
	h.open(t)
}

func (h *harness) Fresh(t *testing.T) storetest.Harness { return openHarness(t, h.how) }

func opened(t *testing.T) storetest.Harness { return newHarness(t) }

func TestStoreConforms(t *testing.T)   { storetest.Run(t, opened) }
func TestJournalConforms(t *testing.T) { storetest.RunJournal(t, opened) }
func TestLedgerConforms(t *testing.T)  { storetest.RunLedger(t, opened) }
func TestBookConforms(t *testing.T)    { storetest.RunBook(t, opened) }

func TestStoreConformsWhereEachWriteIsRunAgain(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Harness { return openHarness(t, postgres.OpenTwice) })
}

// What only commands read is no part of the suite: each of these is a text of SQL that
// the server has to take, whatever is chosen.
func TestStoreIsExportedAndListedByWhatIsAsked(t *testing.T) {
	h := newHarness(t)
	e := webhook.Event{ID: "evt_1", Source: "shop", Key: "k\x00\xff", ContentType: "text/plain", Body: []byte("\x00\xff"), ReceivedAt: h.Now(), VerifiedBy: "secret"}
	if _, err := h.store.Accept(t.Context(), webhook.Batch{Events: []webhook.Event{e}, Raw: []byte("whole")}); err != nil {
		t.Fatal(err)
	}
	if receipts, err := h.store.Accept(t.Context(), webhook.Batch{Events: []webhook.Event{e}}); err != nil || !receipts[0].Duplicate {
		t.Errorf("sent again: %v (%v)", receipts, err)
	}
	if err := h.store.Start(t.Context(), dispatch.NewRun{ID: "run_1", Agent: "a", Source: "shop", Prompt: "p\x00"}); err != nil {
		t.Fatal(err)
	}
	for name, selected := range map[string]export.Selection{"all": {}, "some": {Since: h.Now().Add(-time.Hour), Until: h.Now().Add(time.Hour), Source: "shop"}} {
		counts, err := export.Write(t.Context(), io.Discard, h.store, selected)
		if err != nil || counts["event"] != 1 || counts["delivery"] != 1 || counts["run"] != 1 {
			t.Errorf("exporting %s gave %v (%v)", name, counts, err)
		}
	}
	stored, err := h.store.Event(t.Context(), "evt_1")
	if err != nil || string(stored.Body) != "\x00\xff" {
		t.Errorf("the body came back as %q (%v)", stored.Body, err)
	}
}

// Of events that stand in line none becomes visible behind one with a higher number: the
// run of that would go on beside the run of this.
func TestEventsThatStandInLineBecomeVisibleInTheirOrder(t *testing.T) {
	h := newHarness(t)
	if err := h.store.SetLanes(t.Context(), dispatch.Lanes{AtOnce: map[string]int{}, Ordered: []string{"shop"}}); err != nil {
		t.Fatal(err)
	}
	plain := open(t, "pgx", h.url)
	for _, statement := range []string{
		`CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NULL; END $$`,
		`CREATE TRIGGER wait AFTER INSERT ON events FOR EACH ROW WHEN (NEW.id = 'evt_slow') EXECUTE FUNCTION wait()`,
	} {
		if _, err := plain.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	gate, err := plain.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = gate.Close() }()
	if _, err := gate.ExecContext(t.Context(), `SELECT pg_advisory_lock(7)`); err != nil {
		t.Fatal(err)
	}
	waiting := func() (n int) {
		if err := plain.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	ended := make(chan error, 2)
	accept := func(id, source string) {
		e := webhook.Event{ID: id, Source: source, Key: id, Body: []byte("{}"), ReceivedAt: h.Now(), VerifiedBy: "secret"}
		_, err := h.store.Accept(context.Background(), webhook.Batch{Events: []webhook.Event{e}})
		ended <- err
	}
	go accept("evt_slow", "shop")
	until(t, func() bool { return waiting() == 1 }) // it has its number
	accept("evt_elsewhere", "other")                // whose events do not stand in line
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	go accept("evt_fast", "shop")
	until(t, func() bool { return waiting() == 2 || len(ended) > 0 })
	if len(ended) > 0 {
		t.Fatalf("the event behind was stored before the first: %v", <-ended)
	}
	if _, err := gate.ExecContext(t.Context(), `SELECT pg_advisory_unlock(7)`); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if got := lines(t, plain, `SELECT (SELECT seq FROM events WHERE id = 'evt_slow') < (SELECT seq FROM events WHERE id = 'evt_fast') AND true`); got[0] != "true" {
		t.Error("they are numbered the other way round")
	}
}

// The place of an event that is routed again is its own: the next that comes does not
// have the same.
func TestEventThatIsRoutedAgainHasANumberOfItsOwn(t *testing.T) {
	h := newHarness(t)
	accept := func(id string) error {
		e := webhook.Event{ID: id, Source: "shop", Key: id, Body: []byte("{}"), ReceivedAt: h.Now(), VerifiedBy: "secret"}
		_, err := h.store.Accept(t.Context(), webhook.Batch{Events: []webhook.Event{e}})
		return err
	}
	if err := accept("evt_1"); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if _, err := h.store.Route(t.Context(), "evt_1", dispatch.Routing{Status: dispatch.Ignored}); err != nil {
			t.Fatal(err)
		}
		if err := h.store.Replay(t.Context(), "evt_1"); err != nil {
			t.Fatal(err)
		}
	}
	if err := accept("evt_2"); err != nil {
		t.Error(err)
	}
}
