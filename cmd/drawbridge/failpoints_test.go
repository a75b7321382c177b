package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"drawbridge/bridge"
	"drawbridge/bridge/openaitest"
	"drawbridge/config"
	"drawbridge/server/dispatch"
	"drawbridge/store/postgres/postgrestest"
	"drawbridge/store/state"
)

// dieVariable names the point at which the test binary, being drawbridge, kills itself.
const dieVariable = "DRAWBRIDGE_TEST_DIE_AT"

// tokenVariable, if set, names a file without which nobody dies: whoever comes to the
// point takes it, so that of several processes one dies, and none before it is there.
const tokenVariable = "DRAWBRIDGE_TEST_DIE_TOKEN"

// dieAt has this process die when a run comes to a point.
func dieAt(point bridge.Point) {
	token := os.Getenv(tokenVariable)
	reached = func(p bridge.Point) {
		if p == point && (token == "" || os.Remove(token) == nil) {
			self, _ := os.FindProcess(os.Getpid())
			_ = self.Kill()
			select {} // until that has taken effect
		}
	}
}

// stopVariable names the point at which it stops itself, as SIGSTOP does: it goes on from
// there when it is told to. Whoever takes the token does.
const stopVariable = "DRAWBRIDGE_TEST_STOP_AT"

func stopAt(point bridge.Point) {
	reached = func(p bridge.Point) {
		if p == point && os.Remove(os.Getenv(tokenVariable)) == nil {
			goesOn := make(chan os.Signal, 1)
			signal.Notify(goesOn, syscall.SIGCONT)
			_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
			<-goesOn // it may be another thread that is stopped first
		}
	}
}

// Points that the far side makes: the program dies while it waits for the answer.
const (
	beforeEffect bridge.Point = "before the effect"
	behindEffect bridge.Point = "behind the effect"
)

// testStore is a store that whole-program tests run on.
type testStore struct {
	name string
	// fresh gives the address of a new one.
	fresh func(t *testing.T) (url string)
}

// testStores are all of them.
func testStores() []testStore {
	return []testStore{
		{"sqlite", func(t *testing.T) string { return "sqlite://" + filepath.Join(t.TempDir(), "drawbridge.db") }},
		{"postgres", func(t *testing.T) string { return postgrestest.Database(t) }},
	}
}

// lookAt opens a store, beside the process that serves from it.
func lookAt(t *testing.T, url string) *state.Store {
	t.Helper()
	store, err := openState(t.Context(), config.Store{URL: config.Secret(url)}, state.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// ended is how a run has to stand once the program is back.
type ended struct {
	calls   int  // of writes that arrived at the far side
	effects int  // of them
	asks    bool // a person is asked before it goes on
}

// deaths are the points, and for each the end state that DESIGN.md draws, for a read, a
// write that honours keys, and one that does not. The calls and effects are those
// before a person has decided.
var deaths = []struct {
	point             bridge.Point
	read, keyed, bare ended
}{
	{bridge.BeforeIntent, ended{}, ended{1, 1, false}, ended{1, 1, false}},
	{bridge.AfterIntent, ended{}, ended{1, 1, false}, ended{1, 1, false}},    // the guard knows that it was not made
	{beforeEffect, ended{}, ended{2, 1, false}, ended{1, 0, true}},           // nobody knows
	{behindEffect, ended{}, ended{2, 1, false}, ended{1, 1, true}},           // nobody knows
	{bridge.AfterCall, ended{}, ended{1, 1, false}, ended{1, 1, false}},      // the guard has the result
	{bridge.BeforeResult, ended{}, ended{1, 1, false}, ended{1, 1, false}},   // the same
	{bridge.AfterResult, ended{}, ended{1, 1, false}, ended{1, 1, false}},    // the journal has it
	{dispatch.BeforeFinish, ended{}, ended{1, 1, false}, ended{1, 1, false}}, // and the last answer
	{dispatch.AfterFinish, ended{}, ended{1, 1, false}, ended{1, 1, false}},  // and the end
}

// TestRUN04_KillAtEveryPointOfTheJournalEndsAsDrawn kills the real process with SIGKILL at
// every point of a call's life, starts it again, and looks where it counts: at the far
// side, by key.
func TestRUN04_KillAtEveryPointOfTheJournalEndsAsDrawn(t *testing.T) {
	for _, store := range testStores() {
		for _, death := range deaths {
			for tool, want := range map[string]ended{"look": death.read, "put_once": death.keyed, "put": death.bare} {
				t.Run(fmt.Sprintf("%s/%s/%s", store.name, death.point, tool), func(t *testing.T) {
					t.Parallel()
					p := newMortal(t, store, tool)
					p.dies(death.point)
					p.returns(want)
				})
			}
		}
	}
}

// TestRUN05_KillBetweenSendAndAnswerIsLookedUp: the third policy. What the far side shows
// decides whether the call is made again.
func TestRUN05_KillBetweenSendAndAnswerIsLookedUp(t *testing.T) {
	for _, store := range testStores() {
		for point, want := range map[bridge.Point]ended{beforeEffect: {2, 1, false}, behindEffect: {1, 1, false}} {
			t.Run(fmt.Sprintf("%s/%s", store.name, point), func(t *testing.T) {
				t.Parallel()
				p := newMortal(t, store, "put_checked")
				p.dies(point)
				p.returns(want)
			})
		}
	}
}

// TestRUN09_KillLeaksNoPlace: a source lets one run go at a time, and the one that has its
// place is killed. Places are counted from the runs themselves.
func TestRUN09_KillLeaksNoPlace(t *testing.T) {
	for _, store := range testStores() {
		t.Run(store.name, func(t *testing.T) {
			m := newMortal(t, store, "put_once")
			m.append("webhooks: {forge: {scheme: github, secrets: [forge-secret-0123456789], agent: desk, prompt: Put it., concurrency: 1}}\n")
			server := serve(t, m.file, dieVariable+"="+string(bridge.AfterIntent))
			awaitMount(t, server, "far")
			for _, id := range []string{"d-1", "d-2", "d-3"} {
				m.deliver(server, id)
			}
			close(m.known)
			server.logs.Wait()
			_ = server.cmd.Wait() // it reports the kill
			server = serve(t, m.file)
			kept := lookAt(t, m.url)
			var runs []dispatch.Run
			eventually(t, "the runs of all events", 3*time.Minute, func() bool {
				var err error
				if runs, err = kept.ListRuns(t.Context(), dispatch.RunFilter{States: []dispatch.State{dispatch.Succeeded}}, 10); err != nil {
					t.Fatal(err)
				}
				return len(runs) == 3
			})
			if all, most, _ := m.far.took(); all != 3 || most != 1 {
				t.Errorf("%d effects, %d under one key", all, most)
			}
			slices.SortFunc(runs, func(a, b dispatch.Run) int { return a.Started.Compare(b.Started) })
			for i, run := range runs {
				if i > 0 && runs[i-1].FinishedAt.After(run.Started) {
					t.Errorf("run %s began before %s had ended", run.ID, runs[i-1].ID)
				}
				checkJournal(t, kept, run.ID)
			}
			server.stop(t)
		})
	}
}

// deliver sends an event.
func (m *mortal) deliver(server *program, id string) {
	m.t.Helper()
	mac := hmac.New(sha256.New, []byte("forge-secret-0123456789"))
	mac.Write([]byte(`{"a":1}`))
	got := apiCaller{m.t, server.base, ""}.do("POST", "/webhooks/forge", `{"a":1}`,
		"X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)), "X-GitHub-Delivery", id, "X-GitHub-Event", "push")
	if got.status != http.StatusOK {
		m.t.Fatalf("delivering: %d %s", got.status, got.body)
	}
}

// append adds to the settings.
func (m *mortal) append(text string) {
	m.t.Helper()
	had, err := os.ReadFile(m.file)
	if err == nil {
		err = os.WriteFile(m.file, append(had, text...), 0o600)
	}
	if err != nil {
		m.t.Fatal(err)
	}
}

// mortal is a program with one run of one call.
type mortal struct {
	t         *testing.T
	store     testStore
	url, file string
	far       *farSide
	run       string
	known     chan struct{} // closed once run is
}

func newMortal(t *testing.T, store testStore, tool string) *mortal {
	m := &mortal{t: t, store: store, url: store.fresh(t), far: newFarSide(t), known: make(chan struct{})}
	fake := openaitest.New(t)
	fake.Func(func(q openaitest.Request) openaitest.Reply {
		<-m.known
		if q.Turn() == 1 {
			return openaitest.Call("far__"+tool, `{"id":"a"}`)
		}
		return openaitest.Say("done")
	})
	m.file = filepath.Join(t.TempDir(), "drawbridge.yaml")
	text := fmt.Sprintf("store: {url: %q}\nserver: {listen: 127.0.0.1:0}\nlog: {format: json}\nmodel: {base_url: %q, name: main}\nagents: {desk: {tools: [\"far__*\"]}}\n%s",
		m.url, fake.URL(), m.far.settings())
	if err := os.WriteFile(m.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return m
}

// dies has the program die at a point of the run.
func (m *mortal) dies(point bridge.Point) {
	m.t.Helper()
	server := serve(m.t, m.file, dieVariable+"="+string(point))
	awaitMount(m.t, server, "far")
	kill := func(at bridge.Point) bool {
		if at == point {
			_ = server.cmd.Process.Kill()
			server.logs.Wait() // until it is dead
		}
		return at == point
	}
	m.far.around(func() bool { return !kill(beforeEffect) }, func() bool { return !kill(behindEffect) })
	m.begin(server)
	server.logs.Wait()
	_ = server.cmd.Wait() // it reports the kill
	m.far.around(nil, nil)
}

// begin starts the run. The model says nothing before the run is known here.
func (m *mortal) begin(server *program) {
	m.t.Helper()
	var run struct{ ID string }
	got := apiCaller{m.t, server.base, ""}.do("POST", "/v1/runs", `{"agent":"desk","prompt":"Put it."}`)
	if err := json.Unmarshal([]byte(got.body), &run); err != nil || run.ID == "" {
		m.t.Fatalf("starting the run: %d %s", got.status, got.body)
	}
	m.run = run.ID
	close(m.known)
}

// returns starts the program again, and checks where the run ends.
func (m *mortal) returns(want ended) {
	m.t.Helper()
	server := serve(m.t, m.file)
	store := lookAt(m.t, m.url)
	run := m.await(store)
	all, most, calls := m.far.took()
	if all != want.effects || calls != want.calls || most > 1 || run.Undecided() != want.asks {
		m.t.Errorf("the run is %s %s after %d calls with %d effects, want %+v", run.State, run.Reason, calls, all, want)
	}
	if run.Undecided() {
		m.decide(all > 0)
		run = m.await(store)
	}
	if run.State != dispatch.Succeeded || run.Answer != "done" {
		m.t.Errorf("the run is %s %s: %s", run.State, run.Reason, run.Answer)
	}
	if all, most, _ := m.far.took(); most > 1 || want.calls > 0 && all != 1 {
		m.t.Errorf("%d effects in the end, %d under one key", all, most)
	}
	checkJournal(m.t, store, m.run)
	server.stop(m.t)
}

// decide has a person say what became of the call.
func (m *mortal) decide(happened bool) {
	m.t.Helper()
	said := "--did-not-happen"
	if happened {
		said = "--happened"
	}
	if out, errs, code := command(m.t, "runs", "resolve", m.run, "-c", m.file, said); code != exitDone {
		m.t.Fatalf("deciding: exit %d %s%s", code, out, errs)
	}
}

// await waits until the run has ended, or waits for a person.
func (m *mortal) await(store *state.Store) (run dispatch.Run) {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), 3*time.Minute)
	defer cancel()
	err := poll(ctx, func() (bool, error) {
		var err error
		run, err = store.Run(ctx, m.run)
		return run.State.Ended() || run.Undecided(), err
	})
	if err != nil {
		m.t.Fatalf("the run stands at %s %s: %v", run.State, run.Reason, err)
	}
	return run
}
