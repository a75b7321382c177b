package copying_test

import (
	"context"
	"database/sql"
	"slices"
	"testing"
	"time"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
	"drawbridge/server/webhook"
	"drawbridge/store/state"
	"drawbridge/tools/sqldb"
)

func (e engine) opened(t *testing.T, place string) *state.Store {
	t.Helper()
	store, err := e.store(t.Context(), place, state.Options{Schemas: []sqldb.Schema{zoo}})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// Work goes on where the state has moved to: an event that nobody had claimed, on an
// engine that implies its job or one that does not, and a run whose worker has ended with
// the lease in its hands.
func TestWorkGoesOnInTheCopy(t *testing.T) {
	eachWay(t, func(t *testing.T, from, to engine) {
		source, target := from.made(t), to.place(t)
		store := from.opened(t, source)
		for _, id := range []string{"evt_1", "evt_2"} {
			if _, err := store.Accept(t.Context(), webhook.Batch{Events: []webhook.Event{{ID: id, Source: "shop", Key: id, Body: []byte("{}"), ReceivedAt: time.Now()}}}); err != nil {
				t.Fatal(err)
			}
		}
		if err := store.Start(t.Context(), dispatch.NewRun{ID: "run_1", Agent: "a", Source: "cli", Prompt: "p"}); err != nil {
			t.Fatal(err)
		}
		leased, err := store.ClaimRuns(t.Context(), 1, time.Hour)
		if err != nil || len(leased) != 1 {
			t.Fatal(leased, err)
		}
		if err := store.Append(t.Context(), leased[0].Lease, bridge.Entry{Seq: 1, Kind: bridge.EntryNote, At: time.Now(), Body: []byte(`{}`)}); err != nil {
			t.Fatal(err)
		}
		if leads, err := store.Lead(t.Context(), "sweep", time.Hour); err != nil || !leads {
			t.Fatal(leads, err)
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := carry(t, from, to, source, target, nil); err != nil {
			t.Fatal(err)
		}
		moved := to.opened(t, target)
		defer func() { _ = moved.Close() }()
		events, err := moved.ClaimEvents(t.Context(), 10, time.Minute)
		if err != nil || len(events) != 2 {
			t.Errorf("%d events are due (%v), want both", len(events), err)
		}
		runs, err := moved.ClaimRuns(t.Context(), 10, time.Minute)
		if err != nil || len(runs) != 1 || runs[0].Run.ID != "run_1" || runs[0].Lease.Epoch <= leased[0].Lease.Epoch {
			t.Fatalf("claimed %+v (%v), want the run, with a lease after %d", runs, err, leased[0].Lease.Epoch)
		}
		if err := moved.Append(t.Context(), runs[0].Lease, bridge.Entry{Seq: 2, Kind: bridge.EntryNote, At: time.Now(), Body: []byte(`{}`)}); err != nil {
			t.Errorf("its journal does not go on: %v", err)
		}
		if leads, err := moved.Lead(t.Context(), "sweep", time.Minute); err != nil || !leads {
			t.Errorf("who led before still does (%v)", err)
		}
		// And what comes is numbered behind what was copied.
		if _, err := moved.Accept(t.Context(), webhook.Batch{Events: []webhook.Event{{ID: "evt_3", Source: "shop", Key: "evt_3", Body: []byte("{}"), ReceivedAt: time.Now()}}}); err != nil {
			t.Errorf("accepting: %v", err)
		}
		if more, err := moved.ClaimEvents(t.Context(), 10, time.Minute); err != nil || len(more) != 1 {
			t.Errorf("%d more events are due (%v), want the new one", len(more), err)
		}
	})
}

// PostgreSQL takes no U+0000 in a text, and nothing that is not UTF-8. Such a text goes
// over as the engine itself would have kept it, and the comparison knows.
func TestTextThatPostgresDoesNotTakeArrivesAsItWouldHaveKeptIt(t *testing.T) {
	lite, pg := engines[0], engines[1]
	source, target, back := lite.made(t), pg.place(t), lite.place(t)
	lite.with(t, source, func(db *sql.DB) {
		exec(t, db, `INSERT INTO animals (id, note) VALUES ('a', CAST(X'610062' AS TEXT)), ('b', CAST(X'61FF62' AS TEXT)), ('c', 'as it is')`)
	})
	if _, err := carry(t, lite, pg, source, target, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := carry(t, pg, lite, target, back, nil); err != nil {
		t.Fatal(err)
	}
	want := []string{"a\U0010ff00b", "a\U0010ffffb", "as it is"}
	for e, place := range map[*engine]string{&pg: target, &lite: back} {
		e.with(t, place, func(db *sql.DB) {
			var got []string
			for _, id := range []string{"a", "b", "c"} {
				var note string
				if err := db.QueryRowContext(context.Background(), `SELECT note FROM animals WHERE id = '`+id+`'`).Scan(&note); err != nil {
					t.Fatal(err)
				}
				got = append(got, note)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s has %q, want %q", e.name, got, want)
			}
		})
	}
}
