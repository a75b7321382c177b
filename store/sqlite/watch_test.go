package sqlite_test

import (
	"testing"
	"time"

	"drawbridge/server/dispatch"
	"drawbridge/store/sqlite"
	"drawbridge/store/state"
)

func TestWatchTellsOfWhatAnotherProcessDid(t *testing.T) {
	h := newHarness(t)
	for _, id := range []string{"run_1", "run_2"} {
		if err := h.store.Start(t.Context(), dispatch.NewRun{ID: id, Agent: "a", Source: "test", Prompt: "p"}); err != nil {
			t.Fatal(err)
		}
	}
	changed, stop := h.store.Watch("run_1")
	defer stop()
	quiet, stopQuiet := h.store.Watch("run_2")
	defer stopQuiet()
	// The first look after a watch has begun tells of the run, since nobody knows what
	// was seen of it before.
	await(t, changed)
	await(t, quiet)
	beside, err := sqlite.Open(t.Context(), h.path, state.Beside, state.Options{Now: h.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = beside.Close() }()
	if _, err := beside.RequestCancel(t.Context(), "run_1", "enough"); err != nil {
		t.Fatal(err)
	}
	await(t, changed)
	select {
	case <-quiet:
		t.Error("who watches another run was told")
	default:
	}
}

// await waits until a watch tells of a change; the bound is for a failing test.
func await(t *testing.T, changed <-chan struct{}) {
	t.Helper()
	select {
	case <-changed:
	case <-time.After(20 * time.Second):
		t.Fatal("nothing was told")
	}
}
