package sqlite

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"drawbridge/server/audit"
	"drawbridge/server/auth"
	"drawbridge/server/guard"
	"drawbridge/store/state"
	"drawbridge/tools"
	"drawbridge/tools/sqldb"
)

// aRead is the row of a read that was let through, and may be spooled.
func aRead(tool string) guard.Row {
	return guard.Row{At: time.Now(), Principal: "key:desk", Door: auth.DoorHTTP, Tool: tool, Effect: tools.Read, Arguments: []byte(`{"q":"mug"}`),
		Decision: guard.Allowed, Outcome: "ok", Duration: time.Millisecond}
}

func read(t *testing.T, s *state.Store, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		if err := s.Record(t.Context(), aRead(tool), nil); err != nil {
			t.Fatal(err)
		}
	}
}

// audited are the tools of the rows of the audit, whose chain has to be whole.
func audited(t *testing.T, s *state.Store) (names []string) {
	t.Helper()
	rows, err := s.Audit(t.Context(), "", 100_000)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		names = append(names, row.Tool)
	}
	err = s.WholeAudit(t.Context(), func(whole audit.Source) error {
		report, err := audit.Verify(t.Context(), whole, nil, nil)
		if err == nil && report.Break != nil {
			err = fmt.Errorf("the chain is broken: %+v", report.Break)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return names
}

func wantAudited(t *testing.T, s *state.Store, want ...string) {
	t.Helper()
	if got := audited(t, s); !slices.Equal(got, want) {
		t.Errorf("the audit has %v, want %v", got, want)
	}
}

// holdWriter has the writer wait until it is released.
func holdWriter(t *testing.T, s opened) (release func()) {
	t.Helper()
	held, let := make(chan struct{}), make(chan struct{})
	var ended sync.WaitGroup
	ended.Go(func() {
		if err := s.Write(context.Background(), func(sqldb.Tx) error {
			close(held)
			<-let
			return nil
		}); err != nil {
			t.Error(err)
		}
	})
	<-held
	return func() {
		close(let)
		ended.Wait()
	}
}

// leave copies what a killed process leaves.
func leave(t *testing.T, s opened) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "killed.db")
	for _, suffix := range []string{"", "-wal", spoolSuffix} {
		raw, err := os.ReadFile(s.path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+suffix, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// killedOver is what an owner leaves that is killed when it has answered such calls and not
// carried them out.
func killedOver(t *testing.T, s opened, tools ...string) (path string) {
	t.Helper()
	release := holdWriter(t, s)
	defer release()
	read(t, s.Store, tools...)
	return leave(t, s)
}

func backupOf(t *testing.T, s opened) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "backup.db")
	if _, err := Backup(t.Context(), s.path, path, false); err != nil {
		t.Fatal(err)
	}
	return path
}

func openAt(t *testing.T, path string, mode state.Mode) opened {
	t.Helper()
	s, err := Open(t.Context(), path, mode, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return opened{s, s.Engine.(*DB)}
}

func TestSpooledCallIsAnsweredBeforeItsCommitAndFoundByWhoReads(t *testing.T) {
	s := openStore(t)
	release := holdWriter(t, s)
	read(t, s.Store, "a", "b") // it would wait for ever
	release()
	wantAudited(t, s.Store, "a", "b")
}

// What the writer has taken and not committed is not settled either.
func TestWhoReadsWaitsForTheCommitUnderWay(t *testing.T) {
	s := openStore(t)
	read(t, s.Store, "a")
	release := holdWriter(t, s) // in one transaction with it
	settled := make(chan struct{})
	go func() {
		s.Settle(context.Background())
		close(settled)
	}()
	for ended := false; !ended && s.writer.queue.length() == 0; { // until it waits
		select {
		case <-settled:
			ended = true
			t.Error("settled in the middle of a commit")
		default:
			runtime.Gosched()
		}
	}
	release()
	<-settled
	wantAudited(t, s.Store, "a")
}

// A call that changed something is recorded behind the reads before it, in one commit with
// what is remembered of it.
func TestSpooledCallsKeepTheirPlacesAmongOthers(t *testing.T) {
	s := openStore(t)
	var want []string
	for i := range 40 {
		name := fmt.Sprintf("tool_%d", i)
		row := aRead(name)
		if i%7 == 6 {
			row.Decision = guard.Refused // waits for the disk
		}
		if err := s.Record(t.Context(), row, nil); err != nil {
			t.Fatal(err)
		}
		want = append(want, name)
	}
	wantAudited(t, s.Store, want...)
}

func TestKilledOwnersSpooledCallsAreInTheAuditOnce(t *testing.T) {
	s := openStore(t)
	read(t, s.Store, "before")
	s.Settle(t.Context())
	killed := killedOver(t, s, "a", "b", "c")

	again := openAt(t, killed, state.Owned)
	wantAudited(t, again.Store, "before", "a", "b", "c")
	read(t, again.Store, "d")
	wantAudited(t, again.Store, "before", "a", "b", "c", "d")
}

// Where the file is not in memory, or no longer behind it, each record is a write.
func TestSpoolThatIsNotMappedIsWritten(t *testing.T) {
	for name, spoil := range map[string]func(s opened) error{
		"no map": func(s opened) error {
			s.writer.queue.mu.Lock()
			defer s.writer.queue.mu.Unlock()
			s.writer.queue.spool.unmap()
			return nil
		},
		"a file that was cut": func(s opened) error { return os.Truncate(s.path+spoolSuffix, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			s := openStore(t)
			if runtime.GOOS == "linux" && s.writer.queue.spool.room == nil {
				t.Fatal("it was not mapped to begin with")
			}
			if err := spoil(s); err != nil {
				t.Fatal(err)
			}
			killed := killedOver(t, s, "a", "b")
			wantAudited(t, s.Store, "a", "b")
			wantAudited(t, openAt(t, killed, state.Owned).Store, "a", "b")
		})
	}
}

// The moment between the commit and the emptying of the spool.
func TestSpoolThatWasCarriedOutAndNotEmptiedIsNotCarriedOutAgain(t *testing.T) {
	s := openStore(t)
	release := holdWriter(t, s)
	read(t, s.Store, "a", "b")
	spool, err := os.ReadFile(s.path + spoolSuffix)
	if err != nil {
		t.Fatal(err)
	}
	release()
	s.Settle(t.Context())
	killed := leave(t, s)
	if err := os.WriteFile(killed+spoolSuffix, spool, 0o600); err != nil {
		t.Fatal(err)
	}
	again := openAt(t, killed, state.Owned)
	wantAudited(t, again.Store, "a", "b")
	read(t, again.Store, "c")
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	wantAudited(t, openAt(t, killed, state.Owned).Store, "a", "b", "c")
}

// The numbers of what is spooled begin anew after 2^31.
func TestNumbersOfTheSpoolMayBeginAnew(t *testing.T) {
	s := openStore(t)
	if err := s.Write(t.Context(), func(sqldb.Tx) error {
		_, err := s.writer.conn.ExecContext(t.Context(), "PRAGMA user_version = 2147483646")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	path := s.path
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, path, state.Owned)
	read(t, s.Store, "a")
	s.Settle(t.Context())
	killed := killedOver(t, s, "b", "c")
	wantAudited(t, openAt(t, killed, state.Owned).Store, "a", "b", "c")
}

func TestWhoReadsBesideTheOwnerSeesWhatWasAnswered(t *testing.T) {
	s := openStore(t)
	beside := openAt(t, s.path, state.ReadOnly)
	var want []string
	for i := range 30 {
		name := fmt.Sprintf("tool_%d", i)
		read(t, s.Store, name)
		if want = append(want, name); i%2 == 0 {
			wantAudited(t, beside.Store, want...)
		}
	}
}

func TestBackupHasWhatWasAnswered(t *testing.T) {
	s := openStore(t)
	for i := range 5 {
		read(t, s.Store, "tool")
		if got := audited(t, openAt(t, backupOf(t, s), state.ReadOnly).Store); len(got) != i+1 {
			t.Errorf("backup %d has %d rows", i, len(got))
		}
	}
}

func TestClosedStoreHasNothingSpooled(t *testing.T) {
	s := openStore(t)
	read(t, s.Store, "a", "b")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(s.path + spoolSuffix); !os.IsNotExist(err) {
		t.Errorf("the spool is still there: %v", err)
	}
	wantAudited(t, openAt(t, s.path, state.Owned).Store, "a", "b")
}

// Once the spool is full, calls wait for their commits, and so empty it.
func TestFullSpoolHasCallsWait(t *testing.T) {
	s := openStore(t)
	release := holdWriter(t, s)
	large := aRead("large")
	large.Arguments = []byte(`"` + strings.Repeat("x", 10_000) + `"`)
	var waiting sync.WaitGroup
	answered := make(chan struct{}, 200)
	for range 200 { // 2 MB
		waiting.Go(func() {
			if err := s.Record(context.Background(), large, nil); err != nil {
				t.Error(err)
			}
			answered <- struct{}{}
		})
	}
	for s.writer.queue.length() < 200 {
		runtime.Gosched()
	}
	for len(answered) < s.writer.queue.spooled {
		runtime.Gosched()
	}
	if n := len(answered); n < 50 || n > 104 {
		t.Errorf("%d of 200 calls were answered before their commit, want those of 1 MiB", n)
	}
	release()
	waiting.Wait()
	if got := audited(t, s.Store); len(got) != 200 {
		t.Errorf("%d rows, want 200", len(got))
	}
	if s.writer.queue.hasSpooled() {
		t.Error("the spool was not emptied")
	}
}

// A disk that is full keeps what was answered from the audit only until there is room.
func TestSpooledCallsOutliveCommitsThatFail(t *testing.T) {
	s := openStore(t)
	limit := func(pages int) {
		t.Helper()
		if _, err := s.writer.conn.ExecContext(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", pages)); err != nil {
			t.Fatal(err)
		}
	}
	limit(1) // as many as there are, some of which are free
	large := aRead("large")
	large.Arguments = []byte(`"` + strings.Repeat("x", 20_000) + `"`)
	var want []string
	for s.Room() == nil && len(want) < 40 {
		if err := s.Record(t.Context(), large, nil); err != nil {
			t.Fatal(err)
		}
		want = append(want, "large")
		s.Settle(t.Context())
	}
	if s.Room() == nil {
		t.Fatal("the disk was never full")
	}
	killed := leave(t, s)
	limit(1 << 20)
	wantAudited(t, s.Store, want...)
	wantAudited(t, openAt(t, killed, state.Owned).Store, want...)
}

func TestCopyHasWhatAKilledOwnerHadSpooled(t *testing.T) {
	s := openStore(t)
	killed := killedOver(t, s, "a")
	h, err := OpenSource(t.Context(), killed)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close() }()
	var tool string
	if err := h.Querier().QueryRowContext(t.Context(), `SELECT tool FROM audit`).Scan(&tool); err != nil || tool != "a" {
		t.Errorf("the copy's audit has %q (%v), want the call", tool, err)
	}
}

// What a restored store takes the place of keeps its spool.
func TestRestoreKeepsTheSpoolWithItsStore(t *testing.T) {
	s := openStore(t)
	backup := backupOf(t, s)
	killed := killedOver(t, s, "a")
	_, kept, err := Restore(t.Context(), backup, killed, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	wantAudited(t, openAt(t, killed, state.Owned).Store)
	wantAudited(t, openAt(t, kept, state.Owned).Store, "a")
}

// Somebody removed the store of a killed server, but not its spool.
func TestNewStoreHasNothingOfAnotherOnesSpool(t *testing.T) {
	s := openStore(t)
	backup := backupOf(t, s)
	killed := killedOver(t, s, "a")
	spool, err := os.ReadFile(killed + spoolSuffix)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(t.TempDir(), "new.db"), filepath.Join(t.TempDir(), "restored.db")} {
		if err := os.WriteFile(path+spoolSuffix, spool, 0o600); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(path, "restored") {
			if _, _, err := Restore(t.Context(), backup, path, time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		wantAudited(t, openAt(t, path, state.Owned).Store)
	}
}

// A power cut leaves any part of a spool, and anything in place of some of it.
func TestSpoolIsReadAsFarAsItIsWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.Int32().Draw(t, "first")
		payloads := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 50), 1, 10).Draw(t, "payloads")
		var content []byte
		ends := []int{0}
		for i, payload := range payloads {
			content = appendSpooled(content, first+int32(i), func(b []byte) []byte { return append(b, payload...) })
			ends = append(ends, len(content))
		}
		done := rapid.IntRange(0, len(payloads)).Draw(t, "done") // so many were carried out
		cut := rapid.IntRange(0, len(content)).Draw(t, "cut")
		whole := 0
		for whole+1 < len(ends) && ends[whole+1] <= cut {
			whole++
		}
		left := slices.Clone(content[:cut])
		if cut > ends[whole] && rapid.Bool().Draw(t, "spoil") { // the last one is of its length, and not what it was
			left = append(left, make([]byte, ends[whole+1]-cut)...)
			if slices.Equal(left, content[:ends[whole+1]]) {
				whole++
			}
		}
		got, last := spooled(left, first-1+int32(done))
		want := payloads[min(done, whole):whole]
		if len(got) != len(want) || len(want) > 0 && last != first+int32(whole)-1 {
			t.Fatalf("read %d up to number %d, want %d from %d on", len(got), last, len(want), first)
		}
		for i := range want {
			if string(got[i]) != string(want[i]) {
				t.Errorf("%d is %x, want %x", i, got[i], want[i])
			}
		}
	})
}

// What was put down since the spool was last empty is read, and nothing of what was there
// before, however its pieces lie.
func TestSpoolIsWrittenOverAndOver(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		file := make([]byte, 400)
		number := rapid.Int32().Draw(t, "number")
		size, empty := 0, number
		var want []string
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			payload := rapid.StringOfN(rapid.RuneFrom([]rune("ab")), 0, 4, -1).Draw(t, "payload")
			record := appendSpooled(nil, number+1, func(b []byte) []byte { return append(b, payload...) })
			if size+len(record) > len(file) || rapid.IntRange(0, 3).Draw(t, "empty") == 0 {
				size, empty, want = 0, number, nil
			}
			number++
			size += copy(file[size:], record)
			want = append(want, payload)
			// A power cut may have taken the commits of some that are written over.
			got, last := spooled(file, empty-rapid.Int32Range(0, 30).Draw(t, "lost"))
			if last != number || len(got) != len(want) {
				t.Fatalf("read %q up to %d, want %q up to %d", got, last, want, number)
			}
			for i := range want {
				if string(got[i]) != want[i] {
					t.Fatalf("read %q, want %q", got, want)
				}
			}
		}
	})
}
