package outbox_test

import (
	"errors"
	"net/mail"
	"sync"
	"testing"
	"time"

	"drawbridge/tools"
	"drawbridge/tools/email"
	"drawbridge/tools/email/outbox"
)

var letter = email.Mail{To: []mail.Address{{Address: "ada@example.com"}}, Subject: "Hello", Text: "Hello"}

func mustSchedule(t *testing.T, b *outbox.Backend, at time.Time) email.Receipt {
	t.Helper()
	receipt, err := b.Schedule(t.Context(), letter, at)
	if err != nil {
		t.Fatal(err)
	}
	return receipt
}

func TestNextDueIsTheEarliestStillScheduled(t *testing.T) {
	b, _, c := open(t)
	mustBe := func(want time.Time) {
		t.Helper()
		got, ok, err := b.NextDue(t.Context())
		if err != nil || ok == want.IsZero() || !got.Equal(want) {
			t.Errorf("next due is %v, %t, %v, want %v", got, ok, err, want)
		}
	}
	start := c.at.UTC().Truncate(time.Second)
	mustBe(time.Time{})
	mustSchedule(t, b, start.Add(2*time.Hour))
	first := mustSchedule(t, b, start.Add(time.Hour))
	mustBe(start.Add(time.Hour))
	if _, err := b.CancelScheduled(t.Context(), first.ID); err != nil {
		t.Fatal(err)
	}
	mustBe(start.Add(2 * time.Hour))
	if _, err := b.Release(t.Context(), start.Add(2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	mustBe(time.Time{})
}

func TestReleaseSendsWhatIsDueAndNothingElse(t *testing.T) {
	b, _, c := open(t)
	due := c.at.UTC().Truncate(time.Second).Add(time.Hour)
	kept := mustSchedule(t, b, due)
	mustSchedule(t, b, due.Add(time.Millisecond))
	before, err := b.Wire(t.Context(), kept.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		now  time.Time
		want int
	}{{due.Add(-time.Millisecond), 0}, {due, 1}, {due, 0}, {due.Add(time.Hour), 1}} {
		if n, err := b.Release(t.Context(), step.now); err != nil || n != step.want {
			t.Errorf("release at %v: %d, %v, want %d", step.now, n, err, step.want)
		}
	}
	got, err := b.GetMessage(t.Context(), kept.ID)
	if err != nil || got.Status != email.Sent || !got.SentAt.Equal(due) || !got.ScheduledFor.Equal(due) {
		t.Errorf("released message is %+v, %v, want it sent at %v", got.Summary, err, due)
	}
	after, err := b.Wire(t.Context(), kept.ID)
	if err != nil || string(after.Raw) != string(before.Raw) {
		t.Errorf("release changed the message on the wire (%v)", err)
	}
}

func TestConcurrentReleasesSendEachOnce(t *testing.T) {
	b, _, c := open(t)
	const messages, callers = 5, 4
	for range messages {
		mustSchedule(t, b, c.at.Add(time.Minute))
	}
	var counts [callers]int
	var errs [callers]error
	var wait sync.WaitGroup
	for i := range callers {
		wait.Go(func() { counts[i], errs[i] = b.Release(t.Context(), c.at.Add(time.Hour)) })
	}
	wait.Wait()
	total := 0
	for i := range callers {
		total += counts[i]
	}
	if err := errors.Join(errs[:]...); err != nil || total != messages {
		t.Errorf("released %d in all, %v, want %d", total, err, messages)
	}
}

func TestScheduleAndCancelWakeWhoeverReleases(t *testing.T) {
	b, _, c := open(t)
	woken := func() bool {
		select {
		case <-b.Wake():
			return true
		default:
			return false
		}
	}
	if woken() {
		t.Error("woken before anything was scheduled")
	}
	mustSchedule(t, b, c.at.Add(time.Hour))
	kept := mustSchedule(t, b, c.at.Add(time.Hour))
	if !woken() || woken() {
		t.Error("two messages scheduled, want them to come as one wake")
	}
	if _, err := b.CancelScheduled(t.Context(), kept.ID); err != nil || !woken() {
		t.Errorf("cancelling (%v) did not wake", err)
	}
	if _, err := b.Schedule(t.Context(), letter, c.at); tools.CodeOf(err) != tools.Invalid || woken() {
		t.Errorf("a refused schedule gives %v, want invalid and no wake", err)
	}
}
