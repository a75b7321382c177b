package storetest

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/server/dispatch"
	"drawbridge/server/webhook"
)

// event makes an event with an id and key of its own number.
func event(h Harness, n int) webhook.Event {
	return webhook.Event{
		ID: fmt.Sprintf("evt_%03d", n), Source: "shop", Key: fmt.Sprintf("key_%03d", n), ContentType: "application/json",
		Headers: http.Header{"Content-Type": {"application/json"}}, Body: fmt.Appendf(nil, `{"n":%d}`, n),
		ReceivedAt: h.Now(), VerifiedBy: "secret 1 of 1",
	}
}

// accept stores an event and fails the test unless it was the first of its key.
func accept(t *testing.T, h Harness, e webhook.Event) {
	t.Helper()
	receipt, err := acceptOne(t.Context(), h.Store(), e)
	if err != nil {
		t.Fatal(err)
	}
	if receipt != (webhook.Receipt{ID: e.ID}) {
		t.Fatalf("Accept(%s) = %+v, want it new", e.ID, receipt)
	}
}

// claimEvents claims all that is due.
func claimEvents(t *testing.T, h Harness) []dispatch.StoredEvent {
	t.Helper()
	events, err := h.Store().ClaimEvents(t.Context(), 1000, lease)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func storesTheExactBytes(t *testing.T, h Harness) {
	for i, body := range []string{
		"{\"a\":1}\r\n", `{"a":1,"a":2}`, `{"city":"M\u00e4lm\u00f6"}`, "\x00\xff\xfe not text", "", `[{"x":1},{"x":1}]`,
	} {
		e := event(h, i)
		e.Body = []byte(body)
		e.Headers = http.Header{"X-Many": {"one", "two"}, "Content-Type": {"text/plain"}}
		accept(t, h, e)
		got := claimEvents(t, h)
		if len(got) != 1 {
			t.Fatalf("body %q: claimed %d events, want 1", body, len(got))
		}
		if string(got[0].Body) != body {
			t.Errorf("body came back as %q, want %q", got[0].Body, body)
		}
		if diff := cmp.Diff(e.Headers, got[0].Headers); diff != "" {
			t.Errorf("headers (-want +got):\n%s", diff)
		}
		if !got[0].ReceivedAt.Equal(e.ReceivedAt) || got[0].VerifiedBy != e.VerifiedBy || got[0].Status != dispatch.Accepted {
			t.Errorf("event came back as %+v", got[0])
		}
	}
}

func sameKeyGivesTheFirstEvent(t *testing.T, h Harness) {
	first := event(h, 1)
	accept(t, h, first)
	again := first
	again.ID, again.Body = "evt_again", []byte(`{"other":true}`)
	h.Advance(31 * 24 * time.Hour) // providers resend for up to 30 days
	receipt, err := acceptOne(t.Context(), h.Store(), again)
	if err != nil {
		t.Fatal(err)
	}
	if want := (webhook.Receipt{ID: first.ID, Duplicate: true}); receipt != want {
		t.Fatalf("second delivery gave %+v, want %+v", receipt, want)
	}
	events := claimEvents(t, h)
	if len(events) != 1 || events[0].ID != first.ID || events[0].Duplicates != 1 || string(events[0].Body) != string(first.Body) {
		t.Fatalf("claimed %+v, want the first event alone, with one duplicate", events)
	}
}

func concurrentDuplicatesMakeOneEvent(t *testing.T, h Harness) {
	const senders = 200
	receipts := make([]webhook.Receipt, senders)
	var all sync.WaitGroup
	for i := range senders {
		all.Go(func() {
			e := event(h, 1)
			e.ID = fmt.Sprintf("evt_%03d", i)
			receipt, err := acceptOne(t.Context(), h.Store(), e)
			if err != nil {
				t.Error(err)
			}
			receipts[i] = receipt
		})
	}
	all.Wait()
	fresh := 0
	for _, r := range receipts {
		if !r.Duplicate {
			fresh++
		}
		if r.ID != receipts[0].ID {
			t.Fatalf("two deliveries were told different ids: %q and %q", r.ID, receipts[0].ID)
		}
	}
	if events := claimEvents(t, h); fresh != 1 || len(events) != 1 {
		t.Fatalf("%d were told they came first and %d events are due, want 1 and 1", fresh, len(events))
	}
}

func weakKeyCountsForItsWindowOnly(t *testing.T, h Harness) {
	e := event(h, 1)
	e.Weak = true
	accept(t, h, e)
	for _, step := range []struct {
		wait      time.Duration
		duplicate bool
	}{{webhook.WeakWindow, true}, {time.Millisecond, false}, {time.Hour, true}} {
		h.Advance(step.wait)
		next := e
		next.ID, next.ReceivedAt = "evt_at_"+h.Now().Format(time.RFC3339Nano), h.Now()
		receipt, err := acceptOne(t.Context(), h.Store(), next)
		if err != nil {
			t.Fatal(err)
		}
		if receipt.Duplicate != step.duplicate {
			t.Fatalf("after %v more: duplicate is %v, want %v", step.wait, receipt.Duplicate, step.duplicate)
		}
	}
}

func keysOfDifferentSourcesDoNotMeet(t *testing.T, h Harness) {
	one, other := event(h, 1), event(h, 1)
	other.ID, other.Source = "evt_other", "bank"
	accept(t, h, one)
	accept(t, h, other)
}

func eventsAreClaimedOnceWhileLeased(t *testing.T, h Harness) {
	accept(t, h, event(h, 1))
	if got := claimEvents(t, h); len(got) != 1 {
		t.Fatalf("claimed %d, want 1", len(got))
	}
	h.Advance(lease - time.Millisecond)
	if got := claimEvents(t, h); len(got) != 0 {
		t.Fatalf("claimed %d while leased, want 0", len(got))
	}
}

func eventsAreClaimedAgainWhenTheLeaseRunsOut(t *testing.T, h Harness) {
	accept(t, h, event(h, 1))
	claimEvents(t, h)
	h.Advance(lease)
	if got := claimEvents(t, h); len(got) != 1 {
		t.Fatalf("claimed %d after the lease ran out, want 1", len(got))
	}
}

// ING-26: what was refused is a ring for each source, the newest first; the flood at one
// source pushes nothing out at another.
func rejectionsAreARing(t *testing.T, h Harness) {
	const quiet, lost, loud = 3, 4, 4 + webhook.RejectedRing
	refuse := func(source string, n int) {
		t.Helper()
		if err := h.Store().Reject(t.Context(), webhook.Rejection{Source: source, At: h.Now(), Remote: "192.0.2.1", Status: 401,
			Reason: fmt.Sprintf("reason %d", n), HeaderNames: []string{"Content-Type", "X-Odd"}, Excerpt: fmt.Appendf(nil, "\x00body %d\xff", n)}); err != nil {
			t.Error(err)
		}
	}
	for n := range quiet {
		refuse("quiet", n)
	}
	h.Advance(time.Second)
	for n := range lost {
		refuse("loud", n)
	}
	var flood sync.WaitGroup
	for n := lost; n < loud-1; n++ {
		flood.Go(func() { refuse("loud", n) }) // together, which spares a commit for each
	}
	flood.Wait()
	refuse("loud", loud-1)
	kept, err := h.Store().Rejections(t.Context(), "loud", 2*loud)
	if err != nil || len(kept) != 1000 || webhook.RejectedRing != 1000 {
		t.Fatalf("%d are kept (%v), want the newest 1,000", len(kept), err)
	}
	want := webhook.Rejection{Source: "loud", At: h.Now(), Remote: "192.0.2.1", Status: 401, Reason: fmt.Sprintf("reason %d", loud-1),
		HeaderNames: []string{"Content-Type", "X-Odd"}, Excerpt: fmt.Appendf(nil, "\x00body %d\xff", loud-1)}
	if diff := cmp.Diff(want, kept[0], cmp.Transformer("UTC", time.Time.UTC)); diff != "" {
		t.Errorf("the newest came back as (-want +got):\n%s", diff)
	}
	for _, r := range kept {
		for n := range lost {
			if r.Reason == fmt.Sprintf("reason %d", n) {
				t.Errorf("%q is kept, one of the oldest", r.Reason)
			}
		}
	}
	if others, err := h.Store().Rejections(t.Context(), "quiet", 10); err != nil || len(others) != quiet {
		t.Errorf("of a quiet source %d are kept (%v), want %d", len(others), err, quiet)
	}
}

// acceptOne stores a delivery of one event.
func acceptOne(ctx context.Context, inbox webhook.Inbox, e webhook.Event) (webhook.Receipt, error) {
	receipts, err := inbox.Accept(ctx, webhook.Batch{Events: []webhook.Event{e}})
	if err != nil {
		return webhook.Receipt{}, err
	}
	return receipts[0], nil
}
