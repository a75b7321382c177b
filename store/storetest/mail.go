package storetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"drawbridge/server/mailwatch"
	"drawbridge/server/webhook"
)

// mailWorld is a store in which the mail of a source is read.
type mailWorld struct {
	t *testing.T
	h Harness
}

func (w mailWorld) at(uid uint32) mailwatch.Position {
	return mailwatch.Position{Mailbox: "me/INBOX", Validity: 4_000_000_000, UID: uid, At: w.h.Now(), Since: w.h.Now().Add(-time.Hour), Upto: 4_294_967_295}
}

func (w mailWorld) begins(was *mailwatch.Position, to mailwatch.Position) error {
	return w.h.Store().BeginMail(w.t.Context(), "support", was, to)
}

func (w mailWorld) accepts(key string, to mailwatch.Position) (webhook.Receipt, error) {
	e := webhook.Event{ID: fmt.Sprintf("evt_%s_%d_%d", key, to.Validity, to.UID), Source: "support", Key: key, ContentType: "application/json", Body: []byte(`{}`), ReceivedAt: w.h.Now(), VerifiedBy: "mailbox"}
	return w.h.Store().AcceptMail(w.t.Context(), e, webhook.DefaultDedupe, to)
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
	empty := mailwatch.Position{Mailbox: "me/INBOX", Validity: 1, At: h.Now()}
	if err := w.begins(nil, empty); err != nil {
		t.Fatal(err)
	}
	w.is(empty)
	h.Advance(time.Second)
	full := w.at(4_294_967_295)
	if err := w.begins(&empty, full); err != nil {
		t.Fatal(err)
	}
	h.Restart(t)
	w.is(full)
	if _, known, err := h.Store().MailPosition(t.Context(), "sales"); err != nil || known {
		t.Errorf("another source has a position too: %t (%v)", known, err)
	}
}

func mailBeginsOnlyWhereItWas(t *testing.T, h Harness) {
	w := mailWorld{t, h}
	first := w.at(7)
	if err := w.begins(&first, w.at(8)); !errors.Is(err, mailwatch.ErrMoved) {
		t.Errorf("beginning behind a position that is not there: %v, want ErrMoved", err)
	}
	var won atomic.Int32
	var together sync.WaitGroup
	for range 10 { // nodes that start at the same time
		together.Go(func() {
			switch err := w.begins(nil, first); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, mailwatch.ErrMoved):
				t.Error(err)
			}
		})
	}
	together.Wait()
	if won.Load() != 1 {
		t.Errorf("%d began, want 1", won.Load())
	}
	if _, err := w.accepts("a", w.at(8)); err != nil {
		t.Fatal(err)
	}
	if err := w.begins(&first, w.at(100)); !errors.Is(err, mailwatch.ErrMoved) {
		t.Errorf("beginning where somebody else has read on: %v, want ErrMoved", err)
	}
	w.is(w.at(8))
}

func mailIsAcceptedWithItsPosition(t *testing.T, h Harness) {
	w := mailWorld{t, h}
	if _, err := w.accepts("a", w.at(1)); !errors.Is(err, mailwatch.ErrMoved) {
		t.Errorf("accepting before anything began: %v, want ErrMoved", err)
	}
	if err := w.begins(nil, w.at(7)); err != nil {
		t.Fatal(err)
	}
	elsewhere, anew := w.at(9), w.at(9)
	elsewhere.Mailbox, anew.Validity = "me/Orders", 3
	for _, to := range []mailwatch.Position{w.at(6), w.at(7), elsewhere, anew} {
		if _, err := w.accepts("late", to); !errors.Is(err, mailwatch.ErrMoved) {
			t.Errorf("accepting at %+v behind 7: %v, want ErrMoved", to, err)
		}
	}
	w.is(w.at(7))
	receipt, err := w.accepts("a", w.at(9))
	if err != nil || receipt.Duplicate {
		t.Fatalf("%+v, %v", receipt, err)
	}
	w.is(w.at(9))
	h.Restart(t)
	if claimed := claimEvents(t, h); len(claimed) != 1 || claimed[0].ID != receipt.ID {
		t.Errorf("claimed %+v, want %s alone: what was refused left nothing", claimed, receipt.ID)
	}
	// The same message once more, as after its server has numbered anew.
	again, err := w.accepts("a", w.at(10))
	if err != nil || !again.Duplicate || again.ID != receipt.ID {
		t.Errorf("the same message: %+v (%v), want a duplicate of %s", again, err, receipt.ID)
	}
	w.is(w.at(10))
}

func mailOfTwoReadersIsAcceptedOnce(t *testing.T, h Harness) {
	w := mailWorld{t, h}
	if err := w.begins(nil, w.at(0)); err != nil {
		t.Fatal(err)
	}
	var accepted atomic.Int32
	var together sync.WaitGroup
	for reader := range 4 { // each in its order, and every one with keys of its own
		together.Go(func() {
			for uid := range uint32(10) {
				switch _, err := w.accepts(fmt.Sprintf("r%d-%d", reader, uid), w.at(uid+1)); {
				case err == nil:
					accepted.Add(1)
				case !errors.Is(err, mailwatch.ErrMoved):
					t.Error(err)
				}
			}
		})
	}
	together.Wait()
	if events := len(claimEvents(t, h)); events > 10 || events != int(accepted.Load()) {
		t.Errorf("10 messages became %d events, and %d were said to be", events, accepted.Load())
	}
	w.is(w.at(10))
}
