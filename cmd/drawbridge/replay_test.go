package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"sync"
	"testing"

	"drawbridge/bridge/replay"
	"drawbridge/config"
	"drawbridge/server/dispatch"
	"drawbridge/store/state"
)

// mostReplayed bounds how many runs are replayed behind one test.
const mostReplayed = 50

// replaysBehind does so behind a test that has a process serve, once a configuration.
func replaysBehind(t testing.TB, file string) {
	test, is := t.(*testing.T)
	if !is {
		return // a benchmark
	}
	if _, known := replayed.LoadOrStore(test.Name()+" "+file, true); known {
		return
	}
	test.Cleanup(func() {
		if cfg, err := config.Load(file, noEnvironment); err == nil {
			replaysAll(test, cfg)
		}
	})
}

// replayed are the configurations of tests that are replayed already.
var replayed sync.Map

// replaysAll replays the newest runs of a store on what they recorded, and holds each
// against itself. temporary has it done behind each test: of webhooks, schedules, chat
// clients, programs and batches, whatever happens to a run there, it comes out the same.
func replaysAll(t *testing.T, cfg *config.Config) {
	ctx := context.Background()
	store, err := openStoreOf(ctx, cfg, state.ReadOnly)
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	if err != nil {
		t.Logf("not replayed: %v", err)
		return
	}
	defer func() { _ = store.Close() }()
	runs, err := store.ListRuns(ctx, dispatch.RunFilter{}, mostReplayed)
	if err != nil {
		t.Logf("not replayed: %v", err)
		return
	}
	if len(runs) == 0 {
		return
	}
	defined, err := definedTools(ctx, cfg, store)
	if err != nil {
		t.Logf("not replayed: %v", err)
		return
	}
	for _, run := range runs {
		stored, err := readStoredRun(ctx, store, run.ID)
		if err != nil {
			continue // it has no journal
		}
		stored.tools = defined
		var plan replayPlan
		plan.brief = stored.recording.Brief()
		if err := plan.asItWas(ctx, stored); err != nil {
			t.Errorf("run %s: %v", run.ID, err)
			continue
		}
		played, err := stored.recording.Play(ctx, replay.Options{Tools: plan.tools})
		if err != nil {
			t.Errorf("replaying run %s: %v", run.ID, err)
			continue
		}
		report, err := replay.Compare(stored.recording, played, replay.Rules{})
		if err != nil || !report.Same {
			raw, _ := json.Marshal(report)
			t.Errorf("run %s (%s, %s %s) comes out otherwise when it is replayed, error %v: %s", run.ID, run.Source, run.State, run.Reason, err, raw)
		}
	}
}
