//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/bridge/openaitest"
	"drawbridge/server/dispatch"
	"drawbridge/server/mailwatch"
	"drawbridge/store/postgres/postgrestest"
	"drawbridge/store/state"
	"drawbridge/tools/email/imap/imaptest"
)

// watchedWorld is a mailbox at a real mail server, and a program that watches it.
type watchedWorld struct {
	t     *testing.T
	box   *imaptest.Server
	file  string
	url   string       // of the store
	store *state.Store // to look at
	sent  map[string]int
}

func newWatchedWorld(t *testing.T, url string) *watchedWorld {
	w := &watchedWorld{t: t, url: url, box: imaptest.New(t, imaptest.Options{}), sent: map[string]int{}}
	model := openaitest.New(t)
	model.Func(func(openaitest.Request) openaitest.Reply { return openaitest.Say("Seen.") })
	w.file = settingsFile(t, fmt.Sprintf(`server: {listen: 127.0.0.1:0}
model: {base_url: %q, name: main}
agents: {desk: {tools: ["crm_*"]}}
webhooks: {support: {scheme: imap, poll: 10s, agent: desk, prompt: "A mail came: {{ .event.subject }}"}}
tools:
  email:
    backend: smtp
    smtp: {address: "localhost:25", tls: none}
    imap: {address: %q, tls: none, username: %s, password: %s}
log: {format: json}
`, model.URL(), w.box.Address, imaptest.Username, imaptest.Password))
	onStore(t, w.file, url)
	return w
}

// comes has a message come into the mailbox, of which somebody is to be told.
func (w *watchedWorld) comes(subject string) {
	w.lies(subject)
	w.sent[subject] = 1
}

// lies has one come of which nobody is.
func (w *watchedWorld) lies(subject string) { w.box.Deliver(w.letter(subject)) }

func (w *watchedWorld) letter(subject string) string {
	return "From: Ada <ada@example.com>\nTo: orders@example.org\nSubject: " + subject + "\nMessage-ID: <" + dispatch.NewID("m_") + "@example.com>\n\nHello.\n"
}

// begun waits until the mailbox has a position: what comes from now on is new.
func (w *watchedWorld) begun() {
	w.t.Helper()
	if w.store == nil {
		w.store = lookAt(w.t, w.url)
	}
	eventually(w.t, "the mailbox to be begun", 2*time.Minute, func() bool {
		_, known, err := w.store.MailPosition(w.t.Context(), "support")
		return err == nil && known
	})
}

// told waits until there are as many events as messages came, each routed, and holds them
// against what came: one each.
func (w *watchedWorld) told() {
	w.t.Helper()
	got := map[string]int{}
	eventually(w.t, fmt.Sprintf("events of %d mails", len(w.sent)), 2*time.Minute, func() bool {
		all, err := w.store.Events(w.t.Context(), 1000)
		if err != nil || len(all) < len(w.sent) {
			return false
		}
		clear(got)
		for _, e := range all {
			whole, err := w.store.Event(w.t.Context(), e.ID)
			var body struct {
				Subject    string
				Unreadable bool
			}
			if err != nil || e.Status != dispatch.Routed || json.Unmarshal(whole.Body, &body) != nil {
				return false
			}
			if body.Unreadable {
				body.Subject = "unreadable"
			}
			got[body.Subject]++
		}
		return true
	})
	if diff := cmp.Diff(w.sent, got); diff != "" {
		w.t.Errorf("events by their mails (-want +got):\n%s\n%s", diff, w.box.Log())
	}
}

// mailState is what a program says of its mailbox at /readyz.
func mailState(t *testing.T, p *program) mailwatch.State {
	t.Helper()
	response, err := http.Get(p.base + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	var said struct {
		Detail struct{ Mail map[string]mailwatch.State }
	}
	if err != nil || json.Unmarshal(raw, &said) != nil {
		t.Fatalf("/readyz says %s (%v)", raw, err)
	}
	return said.Detail.Mail["support"]
}

func (w *watchedWorld) watches(p *program) {
	w.t.Helper()
	eventually(w.t, "the node to watch the mailbox", 2*time.Minute, func() bool { return mailState(w.t, p).State == "watching" })
}

// TestKilledWatcherMakesOneEventOfEachMail kills the program with SIGKILL at every point of
// a message's way, on both stores.
func TestKilledWatcherMakesOneEventOfEachMail(t *testing.T) {
	t.Parallel()
	for _, store := range testStores() {
		for _, point := range []mailwatch.Point{mailwatch.BeforeBegin, mailwatch.BehindBegin, mailwatch.BeforeAccept, mailwatch.BehindAccept} {
			t.Run(fmt.Sprintf("%s/%s", store.name, point), func(t *testing.T) {
				t.Parallel()
				w := newWatchedWorld(t, store.fresh(t))
				w.lies("before anybody watched")
				server := serve(t, w.file, dieVariable+"="+string(point))
				if point == mailwatch.BeforeAccept || point == mailwatch.BehindAccept {
					w.begun()
					w.comes("first")
				}
				server.logs.Wait()
				_ = server.cmd.Wait() // it reports the kill
				if point == mailwatch.BeforeBegin {
					w.lies("before anybody watched for longer")
				} else {
					w.comes("while nobody watched")
				}
				server = serve(t, w.file)
				w.begun()
				w.comes("last")
				w.told()
				server.stop(t)
			})
		}
	}
}

// TestMailIsWatchedByAnotherNode: the node that watches is killed, told to stop, or stands
// still, and another goes on where it was.
func TestMailIsWatchedByAnotherNode(t *testing.T) {
	t.Parallel() // leases and pauses are real: it waits, mostly
	w := newWatchedWorld(t, postgrestest.Database(t))
	one := serve(t, w.file)
	w.watches(one)
	w.begun()
	other := serve(t, w.file)
	w.comes("at the first")
	w.told()
	one.kill(t)
	w.comes("after the kill")
	w.watches(other)
	w.told()

	one = serve(t, w.file)
	w.comes("still at the second")
	w.told()
	other.stop(t)
	w.comes("after the stop")
	w.watches(one)
	w.told()

	other = serve(t, w.file)
	if err := one.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	w.comes("while it stood still")
	w.watches(other)
	w.told()
	if err := one.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	w.comes("when it went on")
	eventually(t, "the node that stood still to leave the mailbox alone", 2*time.Minute, func() bool { return mailState(t, one).State == "elsewhere" })
	w.comes("last")
	w.told()
	one.stop(t)
	other.stop(t)
}

// TestMailServerThatForgetsItsNumbersDoublesNothing: a new UIDVALIDITY while nobody is
// connected, with messages that were there before the first start, that were read, and that
// were not.
func TestMailServerThatForgetsItsNumbersDoublesNothing(t *testing.T) {
	for _, store := range testStores() {
		t.Run(store.name, func(t *testing.T) {
			t.Parallel()
			w := newWatchedWorld(t, store.fresh(t))
			now := time.Now().Truncate(time.Second)
			came := func(subject string, ago time.Duration) {
				w.box.DeliverAt(w.letter(subject), now.Add(-ago))
			}
			came("old", 3*time.Hour)
			server := serve(t, w.file)
			w.watches(server)
			w.begun()
			came("read", 2*time.Hour)
			w.sent["read"] = 1
			w.told()
			w.box.Stop()
			w.box.Renumber(7)
			came("not read", time.Hour)
			w.sent["not read"] = 1
			w.box.Start()
			w.told() // the program has gone on all the time
			came("moved here, from long ago", 1000*time.Hour)
			w.sent["moved here, from long ago"] = 1
			w.told()
			server.stop(t)
			if at, _, err := w.store.MailPosition(t.Context(), "support"); err != nil || at.Validity != 7 {
				t.Errorf("it has read up to %+v (%v)", at, err)
			}
		})
	}
}

// TestMailThatCannotBeReadHoldsUpNoOther: the server lists a message, and cannot give it
// out. It is an event all the same, which says so.
func TestMailThatCannotBeReadHoldsUpNoOther(t *testing.T) {
	t.Parallel() // leases and pauses are real: it waits, mostly
	w := newWatchedWorld(t, testStores()[0].fresh(t))
	server := serve(t, w.file)
	w.begun()
	w.comes("before")
	w.told()
	w.box.DeliverUnreadable(w.letter("secret"))
	w.sent["unreadable"] = 1
	w.comes("behind")
	w.told()
	eventually(t, "the mailbox to be watched again", 2*time.Minute, func() bool { s := mailState(t, server); return s.State == "watching" && s.LastError == "" })
	server.stop(t)
}
