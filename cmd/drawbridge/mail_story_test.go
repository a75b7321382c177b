package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/bridge/openaitest"
	"drawbridge/config"
	"drawbridge/server/dispatch"
	"drawbridge/store/state"
	"drawbridge/tools"
	"drawbridge/tools/crm"
	"drawbridge/tools/email"
	"drawbridge/tools/email/imap/imaptest"
	"drawbridge/tools/email/smtp"
	"drawbridge/tools/email/smtp/smtptest"
)

// mailWorld is a company's mail: one server that takes and delivers it, and one where it is
// read, both real.
type mailWorld struct {
	t     *testing.T
	exim  *smtptest.Server
	box   *imaptest.Server
	fake  *openaitest.Server
	file  string
	url   string
	store *state.Store
}

func newMailWorld(t *testing.T, store testStore) *mailWorld {
	w := &mailWorld{t: t, exim: smtptest.New(t), fake: openaitest.New(t)}
	w.box = imaptest.New(t, imaptest.Options{Maildir: w.exim.Maildir(), Account: "Debian-exim"})
	_, port, err := net.SplitHostPort(w.exim.Listen(false))
	if err != nil {
		t.Fatal(err)
	}
	w.file = settingsFile(t, fmt.Sprintf(`server: {listen: 127.0.0.1:0}
model: {base_url: %q, name: main}
agents: {desk: {tools: ["crm_*", "email_*"], effects: [read, write, message]}}
webhooks:
  support:
    scheme: imap
    poll: 10s
    when: "event.from.address == 'ada@example.com'"
    order_by: event.from.address
    agent: desk
    effects: [read, write, message]
    prompt: "A customer wrote, see mail {{ .event.id }}."
tools:
  email:
    backend: smtp
    from: Kettles <orders@example.org>
    smtp: {address: "localhost:%s", ca: %q, username: %s, password: %q}
    imap: {address: %q, tls: none, username: %s, password: %s, sent: Sent}
log: {format: json}
`, w.fake.URL(), port, w.exim.RootsFile, smtptest.Username, smtptest.Password, w.box.Address, imaptest.Username, imaptest.Password))
	w.url = store.fresh(t)
	onStore(t, w.file, w.url)
	return w
}

// writes has a customer write to the company, by SMTP.
func (w *mailWorld) writes(subject string) email.Receipt {
	w.t.Helper()
	b, err := smtp.New(smtp.Settings{From: "Ada Lovelace <ada@example.com>", Address: smtptest.Host + ":587", TLS: smtp.StartTLS, Roots: w.exim.Roots, Auth: smtp.Plain,
		Username: smtptest.Username, Password: smtptest.Password, Dial: w.exim.Dial(false), Now: time.Now})
	if err != nil {
		w.t.Fatal(err)
	}
	defer b.Close()
	receipt, err := b.Send(tools.WithKey(w.t.Context(), subject), email.Mail{To: []mail.Address{{Address: "orders@example.org"}}, Subject: subject, Text: "Where is my order A-1002? Grüße, Ada"})
	if err != nil {
		w.t.Fatalf("%v\n%s", err, w.exim.Log())
	}
	w.exim.Delivered("Message-ID: " + receipt.MessageID)
	return receipt
}

// events are those of the mailbox that are told of, once so many have been routed.
func (w *mailWorld) events(want int) []dispatch.StoredEvent {
	w.t.Helper()
	var all []dispatch.StoredEvent
	eventually(w.t, fmt.Sprintf("%d events of mail", want), 2*time.Minute, func() bool {
		var err error
		all, err = w.store.Events(w.t.Context(), 100)
		if err != nil || len(all) < want {
			return false
		}
		for _, e := range all {
			if e.Status == dispatch.Accepted {
				return false
			}
		}
		return true
	})
	return all
}

var (
	mailID      = regexp.MustCompile(`imap:INBOX:\d+:\d+`)
	orderNumber = regexp.MustCompile(`A-\d{4}`)
)

// TestMailAboutALateOrderIsAnsweredAndBecomesATask is story (b): a real mail comes in, the
// order is looked up, an answer goes out that joins the conversation, and a colleague gets
// a task.
func TestMailAboutALateOrderIsAnsweredAndBecomesATask(t *testing.T) {
	for _, store := range testStores() {
		t.Run(store.name, func(t *testing.T) { lateOrder(t, newMailWorld(t, store)) })
	}
}

func lateOrder(t *testing.T, w *mailWorld) {
	cfg, err := config.Load(w.file, os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	a, err := newToolApp(t.Context(), cfg, appOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.backends.seed(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := a.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.fake.Func(func(q openaitest.Request) openaitest.Reply {
		id := mailID.FindString(string(q.Body))
		late := ""
		if orders, ok := q.Result(crm.SearchOrdersTool); ok {
			late = orderNumber.FindString(orders)
		}
		switch q.Turn() {
		case 1:
			return openaitest.Call("email_get_message", fmt.Sprintf(`{"id":%q}`, id))
		case 2:
			return openaitest.Call(crm.SearchOrdersTool, `{"customer":"ada@example.com","delayed":true}`)
		case 3:
			return openaitest.Call("email_send", fmt.Sprintf(`{"to":["ada@example.com"],"subject":"Re: Late","text":"We are sorry, order %s is on its way.","in_reply_to":%q}`, late, id))
		case 4:
			return openaitest.Call(crm.CreateTaskTool, fmt.Sprintf(`{"title":"See to late order %s","customer":"ada@example.com"}`, late))
		}
		return openaitest.Say("Answered, and a task is made.")
	})
	server := serve(t, w.file)
	w.awaitWatching()
	question := w.writes("Late")
	w.events(1)
	answer := w.exim.Delivered("In-Reply-To: " + question.MessageID)
	for _, want := range []string{"References: " + question.MessageID, "order A-1002 is on its way", "Subject: Re: Late", "From: \"Kettles\" <orders@example.org>"} {
		if !strings.Contains(answer, want) {
			t.Errorf("the answer has no %q:\n%s", want, answer)
		}
	}
	eventually(t, "the run to end", 2*time.Minute, func() bool {
		runs, err := w.store.Runs(t.Context(), "", 10)
		return err == nil && len(runs) == 1 && runs[0].State == dispatch.Succeeded
	})
	// By the rules as they ship: the run is tainted, and nobody was asked.
	calls := map[string]string{}
	rows, err := w.store.Read().QueryContext(t.Context(), `SELECT tool, decision || ' ' || outcome || ' ' || CAST(tainted AS TEXT) FROM audit WHERE tool IN ('email_get_message', 'crm_search_orders', 'email_send', 'crm_create_task')`)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var tool, how string
		if err := rows.Scan(&tool, &how); err != nil {
			t.Fatal(err)
		}
		calls[tool] += how
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"email_get_message": "allowed ok 1", "crm_search_orders": "allowed ok 1", "email_send": "allowed ok 1", "crm_create_task": "allowed ok 1"}
	if diff := cmp.Diff(want, calls); diff != "" {
		t.Errorf("the run's calls (-want +got):\n%s", diff)
	}
	var title string
	if err := w.store.Read().QueryRowContext(t.Context(), `SELECT title FROM crm_tasks WHERE title LIKE 'See to%'`).Scan(&title); err != nil || title != "See to late order A-1002" {
		t.Errorf("the task is %q (%v)", title, err)
	}
	server.stop(t)
}

// awaitWatching waits until the mailbox has a position: what comes from now on is new.
func (w *mailWorld) awaitWatching() {
	w.t.Helper()
	w.store = lookAt(w.t, w.url)
	eventually(w.t, "the mailbox to be watched", 2*time.Minute, func() bool {
		_, known, err := w.store.MailPosition(w.t.Context(), "support")
		return err == nil && known
	})
}
