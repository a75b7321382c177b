package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A server under load is copied, killed, and carried on from the copy, on another disk:
// whatever was acknowledged before the copy began is in it, and is worked to its end
// without an effect twice.
func TestBackupOfALiveStoreIsCarriedOnElsewhere(t *testing.T) {
	moments := make(chan struct{}, 1<<16)
	happened := func() {
		select {
		case moments <- struct{}{}:
		default:
		}
	}
	var delivered sync.Map // webhook-id of each callback that arrived
	finished := make(chan struct{}, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		delivered.Store(r.Header.Get("webhook-id"), true)
		select {
		case finished <- struct{}{}:
		default:
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(receiver.Close)
	file, path, secret := payments(t, rehearse(t, happened), receiver.URL)

	load := newLoad(secret, happened)
	server := serve(t, file)
	load.aim(server.base)
	load.start(t)
	<-finished
	for range 100 { // requests of the model's and acknowledgements: runs are at every point of their way
		<-moments
	}
	load.mu.Lock()
	acked := slices.Clone(load.acked)
	load.mu.Unlock()
	backup := filepath.Join(t.TempDir(), "backup.db")
	if out, errs, code := command(t, "backup", "-c", file, backup); code != exitDone || !strings.Contains(out, "checked") {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	for range 20 {
		<-moments // it has gone on
	}
	server.kill(t)
	gapless(t, backup)

	elsewhere := moved(t, file, path)
	if out, errs, code := command(t, "restore", "-c", elsewhere, backup); code != exitDone {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	server = serve(t, elsewhere)
	load.aim(server.base)
	load.stop()
	store := look(t, filepath.Join(filepath.Dir(elsewhere), "moved.db"))
	awaitEnd(t, store, len(acked))
	server.stop(t)
	t.Logf("%d events acknowledged before the backup", len(acked))
	checkNothingLost(t, store, acked)
	events, err := store.Events(t.Context(), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	checkNothingDoubled(t, store, len(events), &delivered)
}

// moved writes the settings again, for a store in a folder of its own.
func moved(t *testing.T, file, store string) (elsewhere string) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	text := strings.Replace(string(raw), store, filepath.Join(folder, "moved.db"), 1)
	if text == string(raw) {
		t.Fatalf("the settings do not name %s", store)
	}
	elsewhere = filepath.Join(folder, "drawbridge.yaml")
	if err := os.WriteFile(elsewhere, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return elsewhere
}

// gapless wants each run's journal in a store to go from 1 up without a gap, and some
// runs to have begun.
func gapless(t *testing.T, path string) {
	t.Helper()
	store := look(t, path)
	runs, err := store.Runs(t.Context(), "", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	entries := 0
	for _, run := range runs {
		journal, err := store.Entries(t.Context(), run.ID)
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range journal {
			if e.Seq != int64(i+1) {
				t.Errorf("run %s: entry %d of the backup has number %d", run.ID, i+1, e.Seq)
			}
		}
		entries += len(journal)
	}
	if entries == 0 {
		t.Error("no run in the backup has begun")
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}
