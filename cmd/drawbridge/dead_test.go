package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"drawbridge/bridge/openaitest"
	"drawbridge/server/dispatch"
	"drawbridge/server/retention"
	"drawbridge/store/sqlite"
	"drawbridge/store/state"
)

// deliverEvent sends a signed event to a server and gives the id it got.
func deliverEvent(t *testing.T, server *program, secret string, body []byte) string {
	t.Helper()
	status, answer := curl(t, server.base+"/webhooks/stripe", body, stripeSignature(secret, time.Now(), body))
	var receipt struct{ ID string }
	if err := json.Unmarshal([]byte(answer), &receipt); err != nil || status != "200" {
		t.Fatalf("answered %s %s (%v)", status, answer, err)
	}
	return receipt.ID
}

// dead runs a command about dead letters.
func dead(t *testing.T, file, act string, args ...string) (out string, code int) {
	t.Helper()
	said, errs, code := command(t, append([]string{"dead", act, "-c", file}, args...)...)
	return said + errs, code
}

// refuses is a model that calls a tool, then refuses the key until it is let.
func refuses(t *testing.T) (url string, let func()) {
	t.Helper()
	var fine atomic.Bool
	fake := openaitest.New(t)
	fake.Func(func(q openaitest.Request) openaitest.Reply {
		switch {
		case q.Turn() == 1:
			return openaitest.Call("crm_create_task", `{"title":"Thank Ada","customer":null,"detail":null,"assignee":null,"due_at":null}`)
		case !fine.Load():
			return openaitest.Fail(http.StatusUnauthorized)
		}
		return openaitest.Say("She is thanked.")
	})
	return fake.URL(), func() { fine.Store(true) }
}

// tasksMade counts what a tool did, by the audit.
func tasksMade(t *testing.T, store *state.Store, run string) int {
	t.Helper()
	rows, err := store.Audit(t.Context(), run, 100)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, row := range rows {
		if row.Tool == "crm_create_task" {
			n++
		}
	}
	return n
}

// RUN-08: what gave up is seen, goes on without doing anything twice, or runs again, all
// of it beside a serving process.
func TestRUN08_DeadRunsGoOnBesideAServer(t *testing.T) {
	url, let := refuses(t)
	file, path, secret := payments(t, url, "http://127.0.0.1:1/")
	server := serve(t, file)
	store := look(t, path)
	deliverEvent(t, server, secret, paymentEvent("evt_one"))
	deliverEvent(t, server, secret, paymentEvent("evt_two"))
	runs := awaitRuns(t, store, "", 2)
	resumed, replayed := runs[0].ID, runs[1].ID

	out, code := dead(t, file, "list", "--kind", "run")
	if code != exitDone || !strings.Contains(out, resumed) || !strings.Contains(out, "model_error") || !strings.Contains(out, "in all: 2 runs, the oldest since ") {
		t.Fatalf("exit %d:\n%s", code, out)
	}
	if out, code := dead(t, file, "show", resumed); code != exitDone || !strings.Contains(out, "kept until somebody does something") {
		t.Errorf("exit %d:\n%s", code, out)
	}
	let()
	if out, code := dead(t, file, "resume", resumed); code != exitDone || !strings.Contains(out, "goes on") {
		t.Fatalf("exit %d:\n%s", code, out)
	}
	eventually(t, "the resumed run to succeed", time.Minute, func() bool {
		run, err := store.Run(t.Context(), resumed)
		return err == nil && run.State == dispatch.Succeeded
	})
	if n := tasksMade(t, store, resumed); n != 1 {
		t.Errorf("the resumed run made %d tasks, want the one of before", n)
	}
	if out, code := dead(t, file, "replay", "--kind", "run"); code != exitDone || !strings.Contains(out, "run "+replayed+" will run again as run_") {
		t.Fatalf("exit %d:\n%s", code, out)
	}
	again := awaitRuns(t, store, "", 3)[0]
	if again.State != dispatch.Succeeded || again.SuccessorOf != replayed || tasksMade(t, store, again.ID) != 1 {
		t.Errorf("the replay is %+v", again)
	}
	if out, code := dead(t, file, "list", "--kind", "run"); code != exitDone || !strings.Contains(out, "no dead letters") {
		t.Errorf("exit %d:\n%s", code, out)
	}
	server.stop(t)
}

// rewrite changes a word of a file.
func rewrite(t *testing.T, file, old, new string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(file, []byte(strings.ReplaceAll(string(text), old, new)), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// unroutables serves until so many events are dead letters, whose prompt cannot be made.
func unroutables(t *testing.T, n int) (file, path string) {
	t.Helper()
	file, path, secret := payments(t, "http://127.0.0.1:1/v1", "http://127.0.0.1:1/")
	rewrite(t, file, ".object.customer }}", ".object.customer.name }}")
	server := serve(t, file)
	for i := range n {
		deliverEvent(t, server, secret, paymentEvent(fmt.Sprint("evt_", i)))
	}
	store := look(t, path)
	eventually(t, "the events to be dead letters", time.Minute, func() bool {
		letters, err := store.DeadLetters(t.Context(), dispatch.DeadFilter{}, 10)
		return err == nil && len(letters) == n
	})
	server.stop(t)
	return file, path
}

func TestSeveralDeadLettersAreNotTouchedWithoutAWord(t *testing.T) {
	file, path := unroutables(t, 2)
	store := look(t, path)
	left := func(want int) {
		t.Helper()
		if letters, err := store.DeadLetters(t.Context(), dispatch.DeadFilter{}, 10); err != nil || len(letters) != want {
			t.Fatalf("%d dead letters are left (%v), want %d", len(letters), err, want)
		}
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"delete"}, "want ids, or flags that say which, or --all"},
		{[]string{"delete", "evt_x", "--all"}, "not both"},
		{[]string{"delete", "--all"}, "this would delete all 2 of them; say --yes"},
		{[]string{"replay", "--reason", "failed"}, "this would replay all 2 of them; say --yes"},
		{[]string{"delete", "--kind", "letter"}, "expected event, run or callback"},
		{[]string{"delete", "--since", "yesterday"}, "want a day"},
	} {
		if out, code := dead(t, file, c.args[0], c.args[1:]...); code != exitWrong || !strings.Contains(out, c.want) {
			t.Errorf("dead %v: exit %d, %s; want %d and %q", c.args, code, out, exitWrong, c.want)
		}
		left(2)
	}
	if out, code := dead(t, file, "delete", "--source", "nobody"); code != exitFailed || !strings.Contains(out, "no dead letter is of that kind") {
		t.Errorf("exit %d, %s", code, out)
	}
	if out, code := dead(t, file, "delete", "--source", "stripe", "--since", "7d", "--yes"); code != exitDone || strings.Count(out, "is deleted") != 2 {
		t.Errorf("exit %d, %s", code, out)
	}
	left(0)
	// What is left of them is said, and found.
	out, errs, code := command(t, "events", "list", "-c", file, "--status", "deleted", "--source", "stripe", "--since", "1h", "--json")
	var events []eventView
	if err := json.Unmarshal([]byte(out), &events); err != nil || code != exitDone || len(events) != 2 || events[0].EmptiedAt == nil {
		t.Fatalf("exit %d, %s%s", code, out, errs)
	}
	if out, errs, code := command(t, "events", "show", "-c", file, events[0].ID); code != exitDone || !strings.Contains(out, "deleted by "+person()) || !strings.Contains(out, "body         removed at ") {
		t.Errorf("exit %d, %s%s", code, out, errs)
	}
	for _, none := range [][]string{{"--status", "routed"}, {"--source", "nobody"}, {"--until", "1h"}} {
		if out, errs, code := command(t, append([]string{"events", "list", "-c", file}, none...)...); code != exitDone || !strings.Contains(out, "no events") {
			t.Errorf("events list %v: exit %d, %s%s", none, code, out, errs)
		}
	}
	if out, errs, code := command(t, "events", "replay", "-c", file, events[0].ID); code != exitFailed || !strings.Contains(errs, "not kept any more") {
		t.Errorf("replaying what is deleted: exit %d, %s%s", code, out, errs)
	}
}

func TestEditedEventSaysWhoEditedItAndLeavesTheOriginal(t *testing.T) {
	file, path := unroutables(t, 1)
	store := look(t, path)
	letters, err := store.DeadLetters(t.Context(), dispatch.DeadFilter{}, 10)
	if err != nil {
		t.Fatal(err)
	}
	id := letters[0].ID
	if out, code := dead(t, file, "show", id); code != exitDone || !strings.Contains(out, "cus_demo_ada") {
		t.Errorf("exit %d, %s", code, out)
	}
	body := filepath.Join(t.TempDir(), "body.json")
	if err := os.WriteFile(body, []byte(`{"type":"payment_intent.succeeded","data":{"object":{"id":"pi_1","customer":{"name":"Ada"}}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range [][]string{{id}, {id, "--body", body, "--prompt", body}, {id, "--prompt", body}, {id, "--body", body + ".gone"}} {
		if out, code := dead(t, file, "edit", wrong...); code != exitWrong {
			t.Errorf("dead edit %v: exit %d, %s", wrong, code, out)
		}
	}
	if out, code := dead(t, file, "edit", id, "--body", body); code != exitDone {
		t.Fatalf("exit %d, %s", code, out)
	}
	original, err := store.Event(t.Context(), id)
	if err != nil || original.Successor == "" || !strings.Contains(string(original.Body), "cus_demo_ada") {
		t.Fatalf("the original is %+v (%v)", original, err)
	}
	server := serve(t, file) // takes it up
	run := awaitStarted(t, store, original.Successor)
	if !strings.Contains(run.Prompt, "of customer Ada succeeded") {
		t.Errorf("its prompt is %q, want it made of the edited body", run.Prompt)
	}
	server.stop(t)
	out, _, _ := command(t, "events", "show", "-c", file, original.Successor)
	if want := "edited       by " + person() + ", from event " + id; !strings.Contains(out, want) {
		t.Errorf("%q is not in:\n%s", want, out)
	}
}

// deadOf is the id of the one dead letter of a kind.
func deadOf(t *testing.T, store *state.Store, kind dispatch.LetterKind) string {
	t.Helper()
	letters, err := store.DeadLetters(t.Context(), dispatch.DeadFilter{Kind: kind}, 10)
	if err != nil || len(letters) != 1 {
		t.Fatalf("dead letters: %+v (%v), want one", letters, err)
	}
	return letters[0].ID
}

func awaitStarted(t *testing.T, store *state.Store, event string) (run dispatch.Run) {
	t.Helper()
	eventually(t, "a run of event "+event, time.Minute, func() bool {
		runs, err := store.Runs(t.Context(), event, 1)
		if err == nil && len(runs) == 1 {
			run = runs[0]
		}
		return run.ID != ""
	})
	return run
}

// RUN-08: no time and no retention takes a dead letter away.
func TestRUN08_DeadLettersAreThereAfterSixtyDays(t *testing.T) {
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }))
	t.Cleanup(receiver.Close)
	url, _ := refuses(t)
	file, path, secret := payments(t, url, receiver.URL)
	rewrite(t, file, "callback: {", "callback: {schedule: [0s], ")
	server := serve(t, file)
	event := deliverEvent(t, server, secret, paymentEvent("evt_one"))
	deliverEvent(t, server, secret, []byte(`{"id":"evt_two","type":"payment_intent.succeeded"}`))
	store := look(t, path)
	kinds := func(store *state.Store) string {
		letters, err := store.DeadLetters(t.Context(), dispatch.DeadFilter{}, 10)
		if err != nil {
			t.Fatal(err)
		}
		var kinds []string
		for _, l := range letters {
			kinds = append(kinds, string(l.Kind))
		}
		return strings.Join(kinds, " ")
	}
	eventually(t, "an event, a run and its callback to give up", time.Minute, func() bool { return len(strings.Fields(kinds(store))) == 3 })
	r, err := http.Get(server.base + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	var ready struct {
		Detail struct{ Dead map[string]deadHealth }
	}
	if err := json.NewDecoder(r.Body).Decode(&ready); err != nil || r.Body.Close() != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"event", "run", "callback"} {
		if h := ready.Detail.Dead[kind]; h.Count != 1 || h.Oldest == nil {
			t.Errorf("/readyz says of dead %ss %+v, want one, and since when", kind, h)
		}
	}
	// Sent once more it fails once more, and is a dead letter again.
	if out, code := dead(t, file, "replay", "--kind", "callback"); code != exitDone || !strings.Contains(out, "will be sent once more") {
		t.Errorf("exit %d, %s", code, out)
	}
	eventually(t, "the callback to have failed once more", time.Minute, func() bool {
		letters, err := store.DeadLetters(t.Context(), dispatch.DeadFilter{Kind: dispatch.DeadCallback}, 10)
		return err == nil && len(letters) == 1 && letters[0].Detail == "after 2 attempts"
	})
	if out, code := dead(t, file, "show", deadOf(t, store, dispatch.DeadCallback)); code != exitDone || !strings.Contains(out, `"type":"run.failed"`) {
		t.Errorf("exit %d, %s", code, out)
	}
	before := kinds(store)
	server.stop(t)

	later := func() time.Time { return time.Now().Add(60 * 24 * time.Hour) }
	owner, err := sqlite.Open(t.Context(), path, state.Owned, state.Options{Now: later, Schemas: schemas})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = owner.Close() })
	hour := retention.Bound{Age: time.Hour, Count: 1}
	strict := retention.Policy{Events: hour, Runs: hour, Callbacks: hour, Audit: hour, Rejections: time.Hour, Calls: time.Hour,
		Sources: map[string]retention.Source{"stripe": {Own: true, Age: time.Hour}}}
	if err := retention.New(owner, strict, retention.Options{Now: later}).Pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := kinds(owner); after != before {
		t.Errorf("after 60 days there are %q, before there were %q", after, before)
	}
	if e, err := owner.Event(t.Context(), event); err != nil || len(e.Body) == 0 {
		t.Errorf("the event of the dead run is %+v (%v), want it whole", e, err)
	}
}
