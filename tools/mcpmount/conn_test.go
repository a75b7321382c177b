package mcpmount

import (
	"encoding/json"
	"log/slog"
	"net/http/httptrace"
	"testing"

	"drawbridge/tools"
)

func TestProgressBeforeTheAnswerIsNotLost(t *testing.T) {
	for range 20 {
		c := newConn(silence{}, slog.New(slog.DiscardHandler), newCleaner(Settings{}), productionTiming, "shop")
		told := 0
		caller := tools.WithProgress(t.Context(), func(tools.Progress) { told++ })
		id, x := c.expect(request{caller: caller})
		for range 3 {
			c.progress(json.RawMessage(`{"progressToken":1,"progress":1}`))
		}
		c.answer(id, message{Result: json.RawMessage(`{}`)})
		if _, err := c.await(t.Context(), request{}, x, &sending{done: make(chan struct{})}); err != nil || told != 3 {
			t.Fatalf("%d of 3 reports reached the caller, %v", told, err)
		}
		c.close()
	}
}

func TestAnswerThatCameBeforeTheLossCounts(t *testing.T) {
	for range 20 {
		c := newConn(silence{}, slog.New(slog.DiscardHandler), newCleaner(Settings{}), productionTiming, "shop")
		id, x := c.expect(request{})
		c.answer(id, message{Result: json.RawMessage(`{}`)})
		s := &sending{done: make(chan struct{}), err: errNoAnswer}
		close(s.done)
		c.end(errClosed)
		if _, err := c.await(t.Context(), request{}, x, s); err != nil {
			t.Fatal(err)
		}
		c.close()
	}
}

// TestRequestThatIsPostedAgainCountsAsUnsent: net/http reports the headers of a
// first attempt as written although nothing of it left the machine.
func TestRequestThatIsPostedAgainCountsAsUnsent(t *testing.T) {
	r := &reach{}
	if r.nobody() {
		t.Error("a transport that tells nothing is taken to have sent nothing")
	}
	trace := httptrace.ContextClientTrace(r.trace(t.Context()))
	trace.GetConn("x")
	if !r.nobody() {
		t.Error("a request that waits for a connection is taken to have been sent")
	}
	trace.WroteHeaders()
	if r.nobody() {
		t.Error("a request that was written is taken to be unsent")
	}
	trace.GetConn("x")
	if !r.nobody() {
		t.Error("the second attempt is taken to have been sent")
	}
}
