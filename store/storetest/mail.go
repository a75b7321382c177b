package storetest

import (
	"sync"
	"testing"
	"time"

	"drawbridge/server/mailwatch"
)

func (w mailWorld) moves(uid uint32, validity uint32, mailbox string) {
	w.t.Helper()
	to := mailwatch.Position{Mailbox: mailbox, Validity: validity, UID: uid, At: w.h.Now()}
	if err := w.h.Store().MoveMail(w.t.Context(), "support", to); err != nil {
		w.t.Fatal(err)
	}
}

// mailWorld is a store in which the mail of a source is read.
type mailWorld struct {
	t *testing.T
	h Harness
}

func (w mailWorld) is(want mailwatch.Position) {
	w.t.Helper()
	got, known, err := w.h.Store().MailPosition(w.t.Context(), "support")
	if err != nil || !known || got != want {
		w.t.Errorf("the position is %+v, %t (%v), want %+v", got, known, err, want)
	}
}

func mailPositionIsKept(t *testing.T, h Harness) {
	w := mailWorld{t, h}
	if got, known, err := h.Store().MailPosition(t.Context(), "support"); err != nil || known {
		t.Errorf("nothing was read, and the position is %+v, %t (%v)", got, known, err)
	}
	w.moves(0, 4_000_000_000, "INBOX") // an empty mailbox
	w.is(mailwatch.Position{Mailbox: "INBOX", Validity: 4_000_000_000, At: h.Now()})
	h.Advance(time.Second)
	w.moves(4_294_967_295, 4_000_000_000, "INBOX")
	want := mailwatch.Position{Mailbox: "INBOX", Validity: 4_000_000_000, UID: 4_294_967_295, At: h.Now()}
	h.Restart(t)
	w.is(want)
	if _, known, err := h.Store().MailPosition(t.Context(), "sales"); err != nil || known {
		t.Errorf("another source has a position too: %t (%v)", known, err)
	}
}

func mailPositionNeverGoesBack(t *testing.T, h Harness) {
	w := mailWorld{t, h}
	w.moves(7, 1, "INBOX")
	want := mailwatch.Position{Mailbox: "INBOX", Validity: 1, UID: 7, At: h.Now()}
	h.Advance(time.Second)
	w.moves(6, 1, "INBOX") // by somebody who is late
	w.moves(7, 1, "INBOX")
	w.is(want)
	var together sync.WaitGroup
	for uid := range uint32(20) {
		together.Go(func() { w.moves(1+uid, 1, "INBOX") })
	}
	together.Wait()
	w.is(mailwatch.Position{Mailbox: "INBOX", Validity: 1, UID: 20, At: h.Now()})
	w.moves(3, 2, "INBOX") // numbered anew
	w.is(mailwatch.Position{Mailbox: "INBOX", Validity: 2, UID: 3, At: h.Now()})
	w.moves(1, 2, "Orders") // another one
	w.is(mailwatch.Position{Mailbox: "Orders", Validity: 2, UID: 1, At: h.Now()})
}
