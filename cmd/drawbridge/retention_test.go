package main

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"drawbridge/config"
	"drawbridge/server/dispatch"
	"drawbridge/server/retention"
	"drawbridge/server/webhook"
	"drawbridge/store/sqlite"
	"drawbridge/store/state"
)

// stored accepts an event as of so long ago, which comes to nothing.
func stored(t *testing.T, store *state.Store, id, source string, ago time.Duration) {
	t.Helper()
	e := webhook.Event{ID: id, Source: source, Key: id, Headers: map[string][]string{}, Body: []byte("a customer's data"), ReceivedAt: time.Now().Add(-ago)}
	if _, err := store.Accept(t.Context(), webhook.Batch{Events: []webhook.Event{e}}); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Route(t.Context(), id, dispatch.Routing{Status: dispatch.Ignored}); err != nil {
		t.Fatal(err)
	}
}

// left says what is there of an event.
func left(t *testing.T, store *state.Store, id string) string {
	t.Helper()
	e, err := store.Event(t.Context(), id)
	switch {
	case errors.Is(err, dispatch.ErrNotFound):
		return "nothing"
	case err != nil:
		t.Fatal(err)
	case !e.EmptiedAt.IsZero():
		return "its key"
	}
	return "all"
}

// ING-27: ninety days by default, another time by source; and a key, without the body, for
// as long as it counts.
func TestING27_BodiesGoAfterNinetyDaysOrAsTheSourceSays(t *testing.T) {
	cfg, err := config.Parse("drawbridge.yaml", []byte(`
agents: {desk: {instructions: Help.}}
webhooks:
  usual: {scheme: stripe, secrets: ["0123456789abcdef0123456789"], agent: desk, prompt: p}
  brief: {scheme: stripe, secrets: ["0123456789abcdef0123456789"], agent: desk, prompt: p, retention: 7d}
  known: {scheme: stripe, secrets: ["0123456789abcdef0123456789"], agent: desk, prompt: p, retention: 7d, dedupe_for: 60d}
  kept: {scheme: stripe, secrets: ["0123456789abcdef0123456789"], agent: desk, prompt: p, retention: forever}
`), noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	store, err := sqlite.Open(t.Context(), t.TempDir()+"/a.db", state.Owned, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	const day = 24 * time.Hour
	for id, e := range map[string]struct {
		source string
		ago    time.Duration
	}{
		"evt_89": {"usual", 89 * day}, "evt_91": {"usual", 91 * day}, "evt_6": {"brief", 6 * day}, "evt_8": {"brief", 8 * day}, "evt_36": {"brief", 36 * day},
		"evt_50": {"known", 50 * day}, "evt_61": {"known", 61 * day}, "evt_5000": {"kept", 5000 * day}, "evt_gone": {"renamed", 91 * day},
	} {
		stored(t, store, id, e.source, e.ago)
	}
	if err := retention.New(store, policyOf(cfg), retention.Options{}).Pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{"evt_89": "all", "evt_91": "nothing", "evt_6": "all", "evt_8": "its key", "evt_36": "nothing", "evt_50": "its key", "evt_61": "nothing",
		"evt_5000": "all", "evt_gone": "nothing"} {
		if got := left(t, store, id); got != want {
			t.Errorf("of %s there is %s, want %s", id, got, want)
		}
	}
}

func TestSettingsSayWhatIsSwept(t *testing.T) {
	cfg := config.Default()
	cfg.Retention = config.Retention{Events: 1, Runs: 2, Callbacks: 3, Audit: 4, Rejections: 5, Keys: config.Forever, MaxEvents: 6, MaxRuns: 7, MaxCallbacks: 8, MaxAudit: 9}
	got := policyOf(cfg)
	want := retention.Policy{Events: retention.Bound{Age: 1, Count: 6}, Runs: retention.Bound{Age: 2, Count: 7}, Callbacks: retention.Bound{Age: 3, Count: 8},
		Audit: retention.Bound{Age: 4, Count: 9}, Rejections: 5}
	if got.Events != want.Events || got.Runs != want.Runs || got.Callbacks != want.Callbacks || got.Audit != want.Audit || got.Rejections != want.Rejections || got.Calls != 0 {
		t.Errorf("the policy is %+v, want %+v", got, want)
	}
}

// What serves sweeps by itself, soon after its start.
func TestING27_ServingSweeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := temporary(t, config.Default())
		cfg.Model.BaseURL, cfg.Model.APIKey = "http://127.0.0.1:1/v1", "none" // no rehearsal, which would listen
		a, err := newApp(t.Context(), cfg, appOptions{})
		if err != nil {
			t.Fatal(err)
		}
		stored(t, a.store, "evt_old", "shop", 91*24*time.Hour)
		a.Work(t.Context())
		time.Sleep(2 * time.Minute)
		if got := left(t, a.store, "evt_old"); got != "nothing" {
			t.Errorf("two minutes after the start there is %s of an event of 91 days ago", got)
		}
		if err := a.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
