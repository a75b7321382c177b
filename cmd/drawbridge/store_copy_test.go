package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"drawbridge/store/postgres/postgrestest"
)

// A store that a killed server left in the middle of its work goes over to PostgreSQL and
// back, and its work goes on: whatever was acknowledged is worked to its end, once.
func TestStoreGoesToPostgresAndBackInTheMiddleOfItsWork(t *testing.T) {
	moments := make(chan struct{}, 1<<16)
	happened := func() {
		select {
		case moments <- struct{}{}:
		default:
		}
	}
	var delivered sync.Map // webhook-id of each callback that arrived
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		delivered.Store(r.Header.Get("webhook-id"), true)
		happened()
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(receiver.Close)
	file, path, secret := payments(t, rehearse(t, happened), receiver.URL)
	load := newLoad(secret, happened)
	server := serve(t, file)
	load.aim(server.base)
	load.start(t)
	for range 200 {
		<-moments
	}
	if out, errs, code := command(t, "store", "copy", "--from", "sqlite://"+path, "--to", "sqlite://"+filepath.Join(t.TempDir(), "b.db")); code != exitFailed || !strings.Contains(errs, "already serves") {
		t.Errorf("beside the server: exit %d, %s%s", code, out, errs)
	}
	server.kill(t)

	database, elsewhere := postgrestest.Database(t), moved(t, file, path)
	back := filepath.Join(filepath.Dir(elsewhere), "moved.db")
	there := copied(t, "sqlite://"+path, database)
	if again := copied(t, database, "sqlite://"+back); there.Rows == 0 || len(again.Tables) != len(there.Tables) {
		t.Errorf("%d rows in %d tables went there, %d rows in %d tables came back", there.Rows, len(there.Tables), again.Rows, len(again.Tables))
	}
	// PostgreSQL is full now, and stays as it is.
	if _, errs, code := command(t, "store", "copy", "--from", "sqlite://"+path, "--to", database); code != exitFailed || !strings.Contains(errs, "the target is not empty") {
		t.Errorf("once more: exit %d, %s", code, errs)
	}

	server = serve(t, elsewhere)
	load.aim(server.base)
	load.stop()
	store := look(t, back)
	awaitEnd(t, store, len(load.acked))
	server.stop(t)
	checkNothingLost(t, store, load.acked)
	events, err := store.Events(t.Context(), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	checkNothingDoubled(t, store, len(events), &delivered)
}

func copied(t *testing.T, from, to string) (view copyView) {
	t.Helper()
	out, errs, code := command(t, "store", "copy", "--from", from, "--to", to, "--json")
	if code != exitDone {
		t.Fatalf("copying %s to %s: exit %d, %s", from, to, code, errs)
	}
	if err := json.Unmarshal([]byte(out), &view); err != nil || !view.Same || len(view.Tables) == 0 {
		t.Fatalf("copying said %s (%v)", out, err)
	}
	return view
}

func TestCopyThatFailsShowsNoPassword(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{"postgres://me:hunter2@127.0.0.1:1/db", "postgres://me:hunter2@127.0.0.1:1/", "postgres://me:hunter%2@x/db"} {
		out, errs, code := command(t, "store", "copy", "--from", url, "--to", "sqlite://"+path)
		if code == exitDone || strings.Contains(out+errs, "hunter") || errs == "" {
			t.Errorf("%s: exit %d, %s%s", url, code, out, errs)
		}
	}
}
