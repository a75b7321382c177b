package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"drawbridge/config"
	"drawbridge/server/dispatch"
	"drawbridge/server/mailwatch"
	"drawbridge/tools/email/imap/imaptest"
)

// inboxSettings are a mailbox that is watched, beside those of every world. What is
// answered stays in the outbox, where it is counted.
const inboxSettings = `
agents:
  desk: {tools: ["*"], effects: [read, write, message, money]}
webhooks:
  inbox: {scheme: imap, agent: desk, effects: [read, write, message, money], prompt: "A mail came from {{ .event.from.address }}."}
tools:
  email:
    backend: smtp
    smtp: {address: "localhost:25", tls: none}
    imap: {address: %q, tls: none, username: %s, password: %s}
`

// watchInbox has a mailbox of a real mail server watched in a world.
func (w *world) watchInbox(t *testing.T) (at config.Webhook) {
	t.Helper()
	w.inbox = imaptest.New(t, imaptest.Options{})
	cfg, err := config.Load(settingsFile(t, fmt.Sprintf(inboxSettings, w.inbox.Address, imaptest.Username, imaptest.Password)), os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	w.box = cfg
	return cfg.Webhooks["inbox"]
}

// readInbox makes events of its mail, until the test ends.
func (w *world) readInbox(t *testing.T) {
	t.Helper()
	box, err := newIMAP(w.box.Tools.Email, w.app.egress, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(box.Close)
	watcher := mailwatch.New(mailwatch.Options{Source: "inbox", Mailbox: "inbox", Follow: following(box, w.box.Webhooks["inbox"]), Store: w.app.store, Log: w.app.log})
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	var reading sync.WaitGroup
	reading.Go(func() { watcher.Run(ctx) })
	t.Cleanup(func() { stop(); reading.Wait() })
	err = poll(t.Context(), func() (bool, error) { return watcher.State().State == "watching", nil })
	if err != nil {
		t.Fatal(err)
	}
}

// receive has a mail come into the mailbox, and waits for the run that it becomes.
func (w *world) receive(t *testing.T, s scene) (run string) {
	t.Helper()
	if w.inbox == nil {
		t.Fatal("this world has no mailbox; say world: inbox")
	}
	id := dispatch.NewID("m_") + "@example.com"
	w.inbox.Deliver("Message-ID: <" + id + ">\n" + w.filled(s.Inbox))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := poll(ctx, func() (bool, error) {
		events, err := w.store().Events(ctx, 10)
		if err != nil {
			return false, err
		}
		for _, e := range events {
			whole, err := w.store().Event(ctx, e.ID)
			if err != nil {
				return false, err
			}
			if e.Source != "inbox" || !bytes.Contains(whole.Body, []byte(id)) {
				continue
			}
			runs, err := w.store().Runs(ctx, e.ID, 1)
			if err != nil || len(runs) == 0 {
				return false, err
			}
			run = runs[0].ID
			return true, nil
		}
		return false, nil
	})
	if err != nil {
		t.Fatalf("waiting for the mail to become a run: %v\n%s", err, w.inbox.Log())
	}
	return run
}
