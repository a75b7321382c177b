package postgres_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"drawbridge/bridge"
	"drawbridge/server/dispatch"
	"drawbridge/store/postgres"
	"drawbridge/store/state"
)

// node is one of several stores on one database, with the clock of the machine.
func node(t *testing.T, url string) *state.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), url, state.Owned, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// claims has a node called for runs, and says on a channel which it claimed. It renews
// nothing. stop waits for the end of that.
func claims(t *testing.T, s *state.Store) (claimed <-chan dispatch.Claimed, stop func()) {
	t.Helper()
	got := make(chan dispatch.Claimed, 100)
	ctx, cancel := context.WithCancel(t.Context())
	var working sync.WaitGroup
	working.Go(func() {
		s.Engine.(dispatch.JobEngine).Work(ctx, map[dispatch.Kind]dispatch.Worker{dispatch.RunJob: {Slots: 4, Do: func() error {
			some, err := s.ClaimRuns(context.WithoutCancel(ctx), 1, dispatch.LeaseFor)
			for _, c := range some {
				got <- c
			}
			return err
		}}}, slog.New(slog.DiscardHandler))
	})
	stop = func() {
		cancel()
		working.Wait()
	}
	t.Cleanup(stop)
	return got, stop
}

func start(t *testing.T, s *state.Store, id string, at time.Time) {
	t.Helper()
	if err := s.Start(t.Context(), dispatch.NewRun{ID: id, Agent: "desk", Source: "api", Prompt: "Look.", StartAt: at}); err != nil {
		t.Fatal(err)
	}
}

// within gives what comes, and fails the test if nothing does.
func within[T any](t *testing.T, long time.Duration, from <-chan T, what string) T {
	t.Helper()
	select {
	case got := <-from:
		return got
	case <-time.After(long):
		t.Fatalf("no %s within %v", what, long)
		panic("unreachable")
	}
}

func TestNodeIsCalledForWhatAnotherMadeDue(t *testing.T) {
	url := migrated(t)
	one, other := node(t, url), node(t, url)
	claimed, stop := claims(t, one)
	for i := range 20 {
		start(t, other, fmt.Sprintf("run_%d", i), time.Time{})
	}
	seen := map[string]bool{}
	for range 20 {
		seen[within(t, 20*time.Second, claimed, "claim").Run.ID] = true
	}
	if len(seen) != 20 {
		t.Errorf("claimed %v, want 20 different runs", seen)
	}
	stop()
	start(t, other, "run_late", time.Time{})
	again, _ := claims(t, other)
	if c := within(t, 20*time.Second, again, "claim"); c.Run.ID != "run_late" {
		t.Errorf("another node claimed %s", c.Run.ID)
	}
}

func TestDelayedRunIsCalledForAtItsTime(t *testing.T) {
	url := migrated(t)
	one, other := node(t, url), node(t, url)
	claimed, _ := claims(t, one)
	due := time.Now().Add(1500 * time.Millisecond).Truncate(time.Millisecond)
	start(t, other, "run_delayed", due)
	start(t, one, "run_too", due)
	for range 2 {
		if c := within(t, 20*time.Second, claimed, "claim"); time.Now().Before(due) {
			t.Errorf("%s was claimed before its time", c.Run.ID)
		}
	}
}

// RUN-02: what a node had that is gone is taken over by the others, before its leases run
// out; one that starts takes it over at once.
func TestRUN02_WorkOfANodeThatIsGoneIsTakenOver(t *testing.T) {
	for _, restarted := range []bool{false, true} {
		t.Run(fmt.Sprintf("restarted %v", restarted), func(t *testing.T) {
			url := migrated(t)
			one := node(t, url)
			start(t, one, "run_1", time.Time{})
			const long = time.Hour // so that it is not the lease's end that is seen
			if c, err := one.ClaimRuns(t.Context(), 1, long); err != nil || len(c) != 1 {
				t.Fatal(c, err)
			}
			if !restarted {
				claimed, _ := claims(t, node(t, url))
				_ = one.Close()
				c := within(t, 30*time.Second, claimed, "claim")
				if c.Lease.Epoch != 2 {
					t.Errorf("taken over as %+v", c.Lease)
				}
				return
			}
			_ = one.Close()
			again := node(t, url)
			if c, err := again.ClaimRuns(t.Context(), 1, long); err != nil || len(c) != 1 || c[0].Lease.Epoch != 2 {
				t.Errorf("the node that started again claimed %v (%v)", c, err)
			}
		})
	}
}

// RUN-03: a node that lives and does not renew loses what it has when the lease is over,
// and not before; what it does then fails.
func TestRUN03_StoppedNodeLosesItsRunsWithTheirLeases(t *testing.T) {
	url := migrated(t)
	stopped, other := node(t, url), node(t, url)
	start(t, stopped, "run_1", time.Time{})
	lease := 3 * time.Second
	begun := time.Now()
	had, err := stopped.ClaimRuns(t.Context(), 1, lease)
	if err != nil || len(had) != 1 {
		t.Fatal(had, err)
	}
	claimed, _ := claims(t, other)
	c := within(t, 30*time.Second, claimed, "claim")
	if early := time.Since(begun); early < lease || c.Lease.Epoch != 2 {
		t.Errorf("taken over after %v as %+v, want not before %v", early, c.Lease, lease)
	}
	if lost, err := stopped.Renew(t.Context(), dispatch.RunJob, []string{"run_1"}, lease); err != nil || len(lost) != 1 {
		t.Errorf("it renewed what it had lost: %v (%v)", lost, err)
	}
	entry := bridge.Entry{Seq: 1, Kind: bridge.EntryBrief, At: time.Now(), Body: []byte(`{}`)}
	if err := stopped.Append(t.Context(), had[0].Lease, entry); err == nil {
		t.Error("it wrote to what it had lost")
	}
	if lost, err := other.Renew(t.Context(), dispatch.RunJob, []string{"run_1"}, lease); err != nil || len(lost) != 0 {
		t.Errorf("who has it could not renew: %v (%v)", lost, err)
	}
	if err := other.Append(t.Context(), c.Lease, entry); err != nil {
		t.Errorf("who has it could not write: %v", err)
	}
}

func TestOneNodeLeadsAtATime(t *testing.T) {
	url := migrated(t)
	one, other := node(t, url), node(t, url)
	lead := func(s *state.Store, want bool) {
		t.Helper()
		if leads, err := s.Lead(t.Context(), "sweeping", 2*time.Second); err != nil || leads != want {
			t.Fatalf("leads: %v (%v), want %v", leads, err, want)
		}
	}
	lead(one, true)
	lead(other, false)
	lead(one, true)
	if err := other.StepDown(t.Context(), "sweeping"); err != nil { // it has nothing to leave
		t.Fatal(err)
	}
	lead(other, false)
	if err := one.StepDown(t.Context(), "sweeping"); err != nil {
		t.Fatal(err)
	}
	lead(other, true)
	lead(one, false)
}

// What is asked of a run, and what becomes of it, is known to the other nodes soon.
func TestNodesHearOfCancelsAndChanges(t *testing.T) {
	url := migrated(t)
	one, other := node(t, url), node(t, url)
	start(t, one, "run_1", time.Time{})
	had, err := one.ClaimRuns(t.Context(), 1, time.Minute)
	if err != nil || len(had) != 1 {
		t.Fatal(had, err)
	}
	changed, stop := other.Watch("run_1")
	defer stop()
	within(t, 20*time.Second, changed, "first look")
	entry := bridge.Entry{Seq: 1, Kind: bridge.EntryBrief, At: time.Now(), Body: []byte(`{}`)}
	if err := one.Append(t.Context(), had[0].Lease, entry); err != nil {
		t.Fatal(err)
	}
	within(t, 20*time.Second, changed, "word of what was journaled")

	if _, err := other.RequestCancel(t.Context(), "run_1", "no longer needed"); err != nil {
		t.Fatal(err)
	}
	for {
		within(t, 20*time.Second, one.Wake(dispatch.Cancels), "word of the cancel")
		asked, err := one.CancelRequests(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(asked) == 1 && asked[0] == (dispatch.CancelRequest{Run: "run_1", Why: "no longer needed"}) {
			return
		}
	}
}
