package bridgetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/bridge"
)

// Harness is a journal under test, with the means to make a run that can be
// written to.
type Harness interface {
	Journal() bridge.Journal
	// Lease gives the run to a new holder, whose epoch is higher than any before,
	// and makes the run if there is none of that name.
	Lease(t *testing.T, run string) bridge.Lease
}

// RunJournal runs the conformance suite. Each test opens a harness of its own.
func RunJournal(t *testing.T, open func(t *testing.T) Harness) {
	for name, test := range map[string]func(*testing.T, suite){
		"a new run has no entries":                     newRunIsEmpty,
		"entries come back in order and byte for byte": entriesComeBack,
		"a later append goes on where the last ended":  appendsGoOn,
		"runs do not see each other":                   runsAreApart,
		"a lost lease is fenced":                       staleEpochIsFenced,
		"a lease not given out yet is fenced":          futureEpochIsFenced,
		"a run that does not exist is fenced":          unknownRunIsFenced,
		"a number taken is fenced":                     takenNumberIsFenced,
		"a gap is refused":                             gapIsRefused,
		"an append is all or nothing":                  appendIsAtomic,
		"of appends at once one wins":                  oneConcurrentAppendWins,
		"an ended context appends nothing":             endedContextAppendsNothing,
	} {
		t.Run(name, func(t *testing.T) { test(t, suite{open(t)}) })
	}
}

type suite struct{ Harness }

// entry makes an entry whose body shows what must survive: order of keys, white
// space, escapes, large numbers, characters of several bytes.
func entry(seq int64) bridge.Entry {
	kinds := []bridge.EntryKind{
		bridge.EntryBrief, bridge.EntryAnswer, bridge.EntryIntent, bridge.EntryResult, bridge.EntryNote,
		bridge.EntryFold, bridge.EntrySummary, bridge.EntryInput,
	}
	kind := kinds[min(int(seq), len(kinds))-1]
	body := fmt.Sprintf(`{"z": 1, "a":"\u003c<é€😀", "n":12345678901234567890.0, "seq":%d}`, seq)
	return bridge.Entry{
		Seq: seq, Kind: kind, Body: []byte(body),
		At: time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC).Add(time.Duration(seq) * time.Second),
	}
}

func entriesTo(n int64) []bridge.Entry {
	var out []bridge.Entry
	for seq := int64(1); seq <= n; seq++ {
		out = append(out, entry(seq))
	}
	return out
}

func (s suite) append(t *testing.T, lease bridge.Lease, entries ...bridge.Entry) {
	t.Helper()
	if err := s.Journal().Append(context.Background(), lease, entries...); err != nil {
		t.Fatalf("appending %d entries: %v", len(entries), err)
	}
}

func (s suite) fenced(t *testing.T, lease bridge.Lease, entries ...bridge.Entry) {
	t.Helper()
	if err := s.Journal().Append(context.Background(), lease, entries...); !errors.Is(err, bridge.ErrFenced) {
		t.Fatalf("appending: %v, want ErrFenced", err)
	}
}

func (s suite) refused(t *testing.T, lease bridge.Lease, entries ...bridge.Entry) {
	t.Helper()
	if err := s.Journal().Append(context.Background(), lease, entries...); err == nil {
		t.Fatal("appending: no error")
	}
}

func (s suite) holds(t *testing.T, run string, want []bridge.Entry) {
	t.Helper()
	got, err := s.Journal().Entries(context.Background(), run)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) == 0 && len(want) == 0 {
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("entries of %q (-want +got):\n%s", run, diff)
	}
}

func newRunIsEmpty(t *testing.T, s suite) {
	s.Lease(t, "r")
	s.holds(t, "r", nil)
}

func entriesComeBack(t *testing.T, s suite) {
	s.append(t, s.Lease(t, "r"), entriesTo(9)...)
	s.holds(t, "r", entriesTo(9))
}

func appendsGoOn(t *testing.T, s suite) {
	first := s.Lease(t, "r")
	s.append(t, first, entry(1))
	s.append(t, first, entry(2), entry(3))
	s.append(t, s.Lease(t, "r"), entry(4))
	s.holds(t, "r", entriesTo(4))
}

func runsAreApart(t *testing.T, s suite) {
	s.append(t, s.Lease(t, "a"), entriesTo(2)...)
	s.append(t, s.Lease(t, "b"), entriesTo(3)...)
	s.holds(t, "a", entriesTo(2))
	s.holds(t, "b", entriesTo(3))
}

func staleEpochIsFenced(t *testing.T, s suite) {
	old := s.Lease(t, "r")
	s.append(t, old, entry(1))
	now := s.Lease(t, "r")
	if now.Epoch <= old.Epoch {
		t.Fatalf("the harness gave epoch %d after %d", now.Epoch, old.Epoch)
	}
	s.fenced(t, old, entry(2))
	s.append(t, now, entry(2))
	s.fenced(t, old, entry(3))
	s.holds(t, "r", entriesTo(2))
}

func futureEpochIsFenced(t *testing.T, s suite) {
	lease := s.Lease(t, "r")
	lease.Epoch++
	s.fenced(t, lease, entry(1))
	s.holds(t, "r", nil)
}

func unknownRunIsFenced(t *testing.T, s suite) {
	lease := s.Lease(t, "r")
	lease.Run = "nobody"
	s.fenced(t, lease, entry(1))
	s.holds(t, "nobody", nil)
}

func takenNumberIsFenced(t *testing.T, s suite) {
	lease := s.Lease(t, "r")
	s.append(t, lease, entriesTo(2)...)
	s.fenced(t, lease, entry(2))
	s.holds(t, "r", entriesTo(2))
}

func gapIsRefused(t *testing.T, s suite) {
	lease := s.Lease(t, "r")
	s.refused(t, lease, entry(2))
	s.append(t, lease, entry(1))
	s.refused(t, lease, entry(3))
	s.refused(t, lease, entry(2), entry(4))
	s.holds(t, "r", entriesTo(1))
}

func appendIsAtomic(t *testing.T, s suite) {
	lease := s.Lease(t, "r")
	s.append(t, lease, entry(1))
	s.refused(t, lease, entry(2), entry(2))
	s.holds(t, "r", entriesTo(1))
	s.append(t, lease, entry(2))
	s.holds(t, "r", entriesTo(2))
}

func oneConcurrentAppendWins(t *testing.T, s suite) {
	const writers = 16
	lease := s.Lease(t, "r")
	errs := make([]error, writers)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { errs[i] = s.Journal().Append(context.Background(), lease, entry(1), entry(2)) })
	}
	all.Wait()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, bridge.ErrFenced):
			t.Errorf("losing: %v, want ErrFenced", err)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d appends won, want 1", won, writers)
	}
	s.holds(t, "r", entriesTo(2))
}

func endedContextAppendsNothing(t *testing.T, s suite) {
	lease := s.Lease(t, "r")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Journal().Append(ctx, lease, entry(1)); err == nil {
		t.Fatal("appending under an ended context: no error")
	}
	s.holds(t, "r", nil)
}
