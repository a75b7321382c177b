package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"drawbridge/server/dispatch"
	"drawbridge/server/guard"
)

// TestRUN03_NodeThatWasStoppedBeforeItsRequestDoesNotSendIt: the node has looked at its
// lease, noted the call and been let through by the guard, and is stopped there. Another
// takes the run over, hears from the far side that nothing has happened, and makes the
// call. The first goes on behind that, with nothing before it but its request.
func TestRUN03_NodeThatWasStoppedBeforeItsRequestDoesNotSendIt(t *testing.T) {
	t.Parallel()
	m := newMortal(t, testStores()[1], "put_checked")
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var taken atomic.Bool
	stopped := serveHeard(t, m.file, func(line string) {
		if strings.Contains(line, "taken over") {
			taken.Store(true)
		}
	}, stopVariable+"="+string(guard.BehindClaim), tokenVariable+"="+token)
	awaitMount(t, stopped, "far")
	m.begin(stopped)
	eventually(t, "the node to come to the call", time.Minute, func() bool {
		_, err := os.Stat(token)
		return os.IsNotExist(err)
	})
	other := serve(t, m.file)
	awaitMount(t, other, "far")
	store := lookAt(t, m.url)
	if ended := m.await(store); ended.State != dispatch.Succeeded {
		t.Errorf("the run is %s %s", ended.State, ended.Reason)
	}
	if err := stopped.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the node that went on to give the run up", time.Minute, taken.Load)
	stopped.stop(t)
	other.stop(t)
	if all, _, calls := m.far.took(); all != 1 || calls != 1 {
		t.Errorf("%d calls with %d effects came to the far side, want one of each", calls, all)
	}
	checkJournal(t, store, m.run)
	rows, err := store.Audit(t.Context(), m.run, 100)
	if err != nil {
		t.Fatal(err)
	}
	var outcomes []string
	for _, row := range rows {
		if row.Tool == "far__put_checked" {
			outcomes = append(outcomes, row.Outcome)
		}
	}
	slices.Sort(outcomes)
	if !slices.Equal(outcomes, []string{"ok", "outcome_unknown", "outcome_unknown"}) {
		t.Errorf("the audit has %q of the call, want the one that was made, the question before it, and the one that was held back", outcomes)
	}
}
