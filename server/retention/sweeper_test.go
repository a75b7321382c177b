package retention_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"drawbridge/server/retention"
)

const day = 24 * time.Hour

// shelf is a store that notes what it is asked, and has so many steps of each kind.
type shelf struct {
	steps  map[retention.Kind]int
	full   map[retention.Kind]time.Time // when the n-th newest came
	open   time.Time
	broken retention.Kind

	asked []retention.Kind
	at    []time.Time
	dues  map[retention.Kind]retention.Due
}

func (s *shelf) NthNewest(_ context.Context, kind retention.Kind, _ int) (time.Time, bool, error) {
	at, full := s.full[kind]
	return at, full, nil
}

func (s *shelf) OldestOpen(context.Context) (time.Time, bool, error) {
	return s.open, !s.open.IsZero(), nil
}

func (s *shelf) Sweep(_ context.Context, kind retention.Kind, due retention.Due, from string) (retention.Step, error) {
	if s.dues == nil {
		s.dues = map[retention.Kind]retention.Due{}
	}
	s.asked, s.at, s.dues[kind] = append(s.asked, kind), append(s.at, time.Now()), due
	if kind == s.broken {
		return retention.Step{}, errors.New("the disk is on fire")
	}
	n := 0
	_, _ = fmt.Sscan(from, &n)
	step := retention.Step{}
	if n < s.steps[kind] {
		step.Rows, step.Next = 7, fmt.Sprint(n+1)
	}
	return step, nil
}

func TestSweeperRestsBetweenPassesAndPausesBetweenSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, begin := &shelf{steps: map[retention.Kind]int{retention.Events: 2}}, time.Now()
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			retention.New(s, retention.Policy{}, retention.Options{First: time.Minute, Every: time.Hour, Pause: time.Second}).Run(ctx)
			close(done)
		}()
		time.Sleep(2 * time.Hour)
		stop()
		<-done
		want := []time.Duration{}
		for _, pass := range []time.Duration{time.Minute, time.Minute + time.Hour + 2*time.Second} {
			behind := time.Duration(0)
			for _, kind := range retention.Kinds {
				want = append(want, pass+behind)
				if kind == retention.Events {
					want = append(want, pass+time.Second, pass+2*time.Second)
					behind = 2 * time.Second
				}
			}
		}
		got := []time.Duration{}
		for _, at := range s.at {
			got = append(got, at.Sub(begin))
		}
		if !slices.Equal(got, want) {
			t.Errorf("steps at\n%v, want\n%v", got, want)
		}
	})
}

func TestSweeperTriesAgainWhatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{broken: retention.Runs}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			retention.New(s, retention.Policy{}, retention.Options{First: time.Minute, Every: time.Hour}).Run(ctx)
			close(done)
		}()
		time.Sleep(90 * time.Minute)
		stop()
		<-done
		if n := len(slices.DeleteFunc(slices.Clone(s.asked), func(k retention.Kind) bool { return k != retention.Runs })); n != 2 {
			t.Errorf("what failed was tried %d times in two passes", n)
		}
	})
}

func TestPassEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{steps: map[retention.Kind]int{retention.Events: 1 << 30}}
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		err := retention.New(s, retention.Policy{}, retention.Options{Pause: time.Second}).Pass(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || len(s.asked) > 70 {
			t.Errorf("a pass of endless steps ended after %d with %v", len(s.asked), err)
		}
	})
}

func TestDueIsByAgeByCountAndByWhoMayNeedIt(t *testing.T) {
	now := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	s := &shelf{full: map[retention.Kind]time.Time{retention.Runs: now.Add(-2 * day), retention.Audit: now.Add(-500 * day)}, open: now.Add(-120 * day)}
	policy := retention.Policy{
		Events: retention.Bound{Age: 90 * day}, Runs: retention.Bound{Age: 90 * day, Count: 10}, Audit: retention.Bound{Age: 400 * day, Count: 10},
		Calls: 90 * day, Sources: map[string]retention.Source{"brief": {Own: true, Age: day, Dedupe: 2 * day}, "kept": {Own: true}, "usual": {}},
	}
	if err := retention.New(s, policy, retention.Options{Now: func() time.Time { return now }}).Pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[retention.Kind]time.Time{
		retention.Events: now.Add(-90 * day), retention.Runs: now.Add(-2 * day), retention.Callbacks: {}, retention.Audit: now.Add(-400 * day),
		retention.Rejections: {}, retention.Calls: now.Add(-120 * day), retention.Effects: now.Add(-120 * day), retention.Approvals: now.Add(-120 * day), retention.Days: now.Add(-400 * day),
	} {
		if got := s.dues[kind].Before; !got.Equal(want) {
			t.Errorf("%s are due that are older than %v, want %v", kind, got, want)
		}
	}
	events := s.dues[retention.Events]
	for source, want := range map[string]time.Time{"brief": now.Add(-day), "kept": {}, "usual": now.Add(-90 * day), "unknown": now.Add(-90 * day)} {
		if got := events.Of(source); !got.Equal(want) {
			t.Errorf("of %q events are due that are older than %v, want %v", source, got, want)
		}
	}
	if got := events.Latest(); !got.Equal(now.Add(-day)) {
		t.Errorf("the latest of all is %v", got)
	}
	if !events.Counts("brief", now.Add(-2*day)) || events.Counts("brief", now.Add(-2*day-1)) || !events.Counts("usual", now.Add(-35*day)) || events.Counts("usual", now.Add(-35*day-1)) {
		t.Error("keys count for another time than they are said to")
	}
}
