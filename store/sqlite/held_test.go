package sqlite_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"drawbridge/server/webhook"
	"drawbridge/store/copying"
	"drawbridge/store/sqlite"
	"drawbridge/store/state"
	"drawbridge/tools/sqldb"
)

// copyStore copies one file into another.
func copyStore(t *testing.T, from, to string) error {
	t.Helper()
	source, err := sqlite.OpenSource(t.Context(), from)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }()
	target, err := sqlite.OpenTarget(t.Context(), to)
	if err != nil {
		return err
	}
	defer func() { _ = target.Close() }()
	if _, err := copying.Copy(t.Context(), source, target, state.Schema, sqldb.Effects); err != nil {
		return err
	}
	return target.Commit(t.Context())
}

func TestStoreIsCopiedOnlyWhileNobodyHasItOpen(t *testing.T) {
	for mode, want := range map[state.Mode]string{state.Owned: "already serves", state.Beside: "has the store open", state.ReadOnly: "has the store open"} {
		source, target := storeOf(t, "run_1"), storeOf(t)
		for _, path := range []string{source, target} {
			store := mustOpen(t, path, mode)
			if _, err := store.Runs(t.Context(), "", 1); err != nil {
				t.Fatal(err)
			}
			if err := copyStore(t, source, target); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("mode %d: got %v, want %q", mode, err, want)
			}
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if err := copyStore(t, source, target); err != nil {
			t.Errorf("mode %d, closed again: %v", mode, err)
		}
		if got := runsIn(t, target); !slices.Equal(got, []string{"run_1"}) {
			t.Errorf("the target has the runs %v", got)
		}
	}
}

func TestNobodyOpensAStoreThatIsHeld(t *testing.T) {
	path := storeOf(t, "run_1")
	source, err := sqlite.OpenSource(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	var locked *sqlite.LockedError
	if _, err := openAt(t, path, state.Owned); !errors.As(err, &locked) {
		t.Errorf("an owner got %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond) // it would wait for ever
	defer cancel()
	if beside, err := sqlite.Open(ctx, path, state.Beside, state.Options{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("beside it: %v, %v", beside, err)
	}
	if err := source.Close(); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, path, state.Beside)
}

func TestSourceHasToBeOfThisVersion(t *testing.T) {
	target := filepath.Join(t.TempDir(), "b.db")
	if err := copyStore(t, olderStore(t), target); err == nil || !strings.Contains(err.Error(), "drawbridge store migrate") {
		t.Errorf("an earlier version: %v", err)
	}
	if err := copyStore(t, newerStore(t, "effects"), target); err == nil || !strings.Contains(err.Error(), "a newer version") {
		t.Errorf("a newer version: %v", err)
	}
	if err := copyStore(t, filepath.Join(t.TempDir(), "none.db"), target); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("nothing: %v", err)
	}
	if err := copyStore(t, storeOf(t), newerStore(t, "state")); err == nil || !strings.Contains(err.Error(), "a newer version") {
		t.Errorf("into a newer version: %v", err)
	}
}

func TestTargetThatWasNotFilledIsGone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "b.db")
	target, err := sqlite.OpenTarget(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := target.Close(); err != nil {
		t.Fatal(err)
	}
	if got := files(t, filepath.Dir(path)); len(got) != 0 {
		t.Errorf("left %v", got)
	}
	was := storeOf(t)
	if target, err = sqlite.OpenTarget(t.Context(), was); err != nil {
		t.Fatal(err)
	}
	if err := target.Close(); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, was, state.ReadOnly)
}

// An event whose job is implied, since it came a moment before the end, has one where it
// arrives.
func TestEventsThatNobodyHadClaimedAreDueInTheCopy(t *testing.T) {
	path, target := filepath.Join(t.TempDir(), "a.db"), filepath.Join(t.TempDir(), "b.db")
	store := mustOpen(t, path, state.Owned)
	for _, id := range []string{"evt_1", "evt_2"} {
		if _, err := store.Accept(t.Context(), webhook.Batch{Events: []webhook.Event{{ID: id, Source: "shop", Key: id, Body: []byte("{}")}}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := copyStore(t, path, target); err != nil {
		t.Fatal(err)
	}
	var jobs, mark int
	moved := mustOpen(t, target, state.Owned)
	if err := moved.Read().QueryRowContext(t.Context(), `SELECT COUNT(*), (SELECT seq FROM arrivals) FROM jobs WHERE kind = 'event'`).Scan(&jobs, &mark); err != nil || jobs != 2 || mark != 2 {
		t.Errorf("%d jobs, up to event %d (%v); want those of both events", jobs, mark, err)
	}
	if events, err := moved.ClaimEvents(t.Context(), 10, sqliteLease); err != nil || len(events) != 2 {
		t.Errorf("%d events are due (%v)", len(events), err)
	}
}
