package mcpserver

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

const told = `event: message` + "\n" + `data: {"jsonrpc":"2.0","method":"notifications/progress","params":{}}` + "\n\n"

func TestAnswerWaitsUntilItsNotificationsAreWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, release := (&wires{open: map[string]*wire{}}).of("")
		defer release()
		for range 2 {
			if err := w.hand(func() error { return nil }); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.hand(func() error { return errors.New("the queue is full") }); err == nil {
			t.Fatal("the error is lost")
		}
		flushed := make(chan struct{})
		go func() {
			w.flush(t.Context())
			close(flushed)
		}()
		w.saw([]byte(told))
		synctest.Wait()
		select {
		case <-flushed:
			t.Fatal("one of two is written, and the answer goes out")
		default:
		}
		began := time.Now()
		w.saw([]byte(told))
		<-flushed
		if took := time.Since(began); took != 0 {
			t.Errorf("both are written, and the answer waited another %s", took)
		}
	})
}

func TestAnswerOfASessionComesAMomentAfterItsNotifications(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, release := (&wires{open: map[string]*wire{}}).of("session-1")
		defer release()
		_ = w.hand(func() error { return nil })
		w.saw([]byte(told))
		began := time.Now()
		w.flush(t.Context())
		if took := time.Since(began); took != settle {
			t.Errorf("it came %s after, want %s", took, settle)
		}
	})
}

func TestLostNotificationHoldsUpOneAnswerOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{alone: true}
		_ = w.hand(func() error { return nil })
		for i, want := range []time.Duration{arrival, 0} {
			began := time.Now()
			w.flush(t.Context())
			if took := time.Since(began); took != want {
				t.Errorf("answer %d waited %s, want %s", i, took, want)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_ = w.hand(func() error { return nil })
		w.flush(ctx) // a client that has gone waits for nothing
	})
}

func TestSessionHasOneWireUntilItsLastRequestEnds(t *testing.T) {
	all := &wires{open: map[string]*wire{}}
	first, end := all.of("session-1")
	second, endSecond := all.of("session-1")
	if other, endOther := all.of("session-2"); first != second || first == other {
		t.Error("a session's requests have not one wire, or share it with others")
	} else {
		endOther()
	}
	end()
	if _, open := all.open["session-1"]; !open {
		t.Error("the wire went with the first of its requests")
	}
	endSecond()
	if len(all.open) != 0 {
		t.Errorf("wires are kept: %v", all.open)
	}
}

func TestQuotedNotificationIsNone(t *testing.T) {
	w := &wire{}
	w.saw([]byte(`{"result":{"text":"\"method\":\"notifications/progress\""}}`))
	if w.written != 0 {
		t.Errorf("%d are counted", w.written)
	}
}
