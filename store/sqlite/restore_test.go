package sqlite_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"drawbridge/store/sqlite"
	"drawbridge/store/state"
)

var someDay = time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC)

// backupOf makes a backup of a store with such runs.
func backupOf(t *testing.T, runs ...string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "backup.db")
	if _, err := sqlite.Backup(t.Context(), storeOf(t, runs...), path, false); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRestoredStoreIsTheBackupAndTheOldOneIsKept(t *testing.T) {
	backup, store := backupOf(t, "run_1", "run_2"), storeOf(t, "run_3")
	was, err := os.ReadFile(backup)
	if err != nil {
		t.Fatal(err)
	}
	restored, kept, err := sqlite.Restore(t.Context(), backup, store, someDay)
	if err != nil || kept != store+".before-restore-20261201T080000.000Z" || restored.Path != store || restored.Total() == 0 {
		t.Fatalf("restored %+v, kept %q (%v)", restored, kept, err)
	}
	if now, err := os.ReadFile(backup); err != nil || !slices.Equal(now, was) {
		t.Errorf("the backup was changed (%v)", err)
	}
	if got := runsIn(t, store); !slices.Equal(got, []string{"run_1", "run_2"}) {
		t.Errorf("the store has the runs %v", got)
	}
	if got := runsIn(t, kept); !slices.Equal(got, []string{"run_3"}) {
		t.Errorf("what was kept has the runs %v", got)
	}
	if info, err := os.Stat(store); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the store is %v (%v)", info, err)
	}
	mustOpen(t, store, state.Owned)
}

// What a killed owner left in its log belongs to the store that is kept.
func TestRestoreKeepsWhatWasOnlyInTheLog(t *testing.T) {
	first := mustOpen(t, filepath.Join(t.TempDir(), "a.db"), state.Owned)
	start(t, first, "run_3")
	killed := filepath.Join(t.TempDir(), "killed.db")
	for _, suffix := range []string{"", "-wal"} { // as a dead process leaves them
		raw, err := os.ReadFile(enginePath(t, first) + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(killed+suffix, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, kept, err := sqlite.Restore(t.Context(), backupOf(t, "run_1"), killed, someDay)
	if err != nil {
		t.Fatal(err)
	}
	if got := runsIn(t, kept); !slices.Equal(got, []string{"run_3"}) {
		t.Errorf("what was kept has the runs %v", got)
	}
	if got := runsIn(t, killed); !slices.Equal(got, []string{"run_1"}) {
		t.Errorf("the store has the runs %v", got)
	}
}

// enginePath finds the file of an open store.
func enginePath(t *testing.T, store *state.Store) (path string) {
	t.Helper()
	if err := store.Read().QueryRowContext(t.Context(), `SELECT file FROM pragma_database_list WHERE name = 'main'`).Scan(&path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRestoreWhereNothingWas(t *testing.T) {
	store := filepath.Join(t.TempDir(), "new", "a.db")
	if _, kept, err := sqlite.Restore(t.Context(), backupOf(t, "run_1"), store, someDay); err != nil || kept != "" {
		t.Fatalf("kept %q (%v)", kept, err)
	}
	if got := runsIn(t, store); !slices.Equal(got, []string{"run_1"}) {
		t.Errorf("the store has the runs %v", got)
	}
}

func TestDamagedStoreIsReplacedAndKept(t *testing.T) {
	store := storeOf(t, "run_3")
	if err := os.WriteFile(store, []byte(strings.Repeat("nonsense", 10000)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, kept, err := sqlite.Restore(t.Context(), backupOf(t, "run_1"), store, someDay)
	if err != nil {
		t.Fatal(err)
	}
	if raw, err := os.ReadFile(kept); err != nil || !strings.HasPrefix(string(raw), "nonsense") {
		t.Errorf("what was kept is %.20q (%v)", raw, err)
	}
	if got := runsIn(t, store); !slices.Equal(got, []string{"run_1"}) {
		t.Errorf("the store has the runs %v", got)
	}
}

func TestRestoreIsRefusedWhileAnybodyHasTheStoreOpen(t *testing.T) {
	backup := backupOf(t, "run_1")
	for mode, want := range map[state.Mode]string{state.Owned: "already serves", state.Beside: "has the store open", state.ReadOnly: "has the store open"} {
		path := storeOf(t, "run_3")
		store := mustOpen(t, path, mode)
		if _, err := store.Runs(t.Context(), "", 1); err != nil {
			t.Fatal(err)
		}
		_, _, err := sqlite.Restore(t.Context(), backup, path, someDay)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("mode %d: got %v, want %q", mode, err, want)
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		if got := runsIn(t, path); !slices.Equal(got, []string{"run_3"}) {
			t.Errorf("mode %d: the store has the runs %v", mode, got)
		}
		if got := files(t, filepath.Dir(path)); len(got) != 1 {
			t.Errorf("mode %d: the folder has %v", mode, got)
		}
	}
}

func TestRestoreRefusesWhatIsNoGoodBackup(t *testing.T) {
	damaged := backupOf(t, "run_1")
	damage(t, damaged)
	text := filepath.Join(t.TempDir(), "b.db")
	if err := os.WriteFile(text, []byte(strings.Repeat("notes\n", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(t.TempDir(), "b.db")
	rewrite(t, foreign, `CREATE TABLE t (n INTEGER)`)
	path := storeOf(t, "run_3")
	for from, want := range map[string]string{damaged: "", text: "not a SQLite database", foreign: "none that this program made",
		newerStore(t, "effects"): "a newer version of this program wrote it", path: "the store itself"} {
		if _, kept, err := sqlite.Restore(t.Context(), from, path, someDay); err == nil || kept != "" || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: kept %q, %v; want %q", from, kept, err, want)
		}
	}
	if _, _, err := sqlite.Restore(t.Context(), filepath.Join(t.TempDir(), "none"), path, someDay); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("nothing at all: %v", err)
	}
	if got := runsIn(t, path); !slices.Equal(got, []string{"run_3"}) {
		t.Errorf("the store has the runs %v", got)
	}
	if got := files(t, filepath.Dir(path)); len(got) != 1 {
		t.Errorf("the folder has %v", got)
	}
}
