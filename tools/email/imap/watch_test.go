//go:build unix

package imap_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drawbridge/tools/email/imap"
	"drawbridge/tools/email/imap/imaptest"
)

// watching is a folder that is followed.
type watching struct {
	t     *testing.T
	found imap.Found
	came  chan imap.Arrived
	stop  context.CancelFunc
	ended chan error
}

// follow follows the inbox from where begin says, and comes back when it is watched.
func follow(t *testing.T, b *imap.Backend, poll time.Duration, begin func(imap.Found) imap.From) *watching {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	w := &watching{t: t, came: make(chan imap.Arrived), stop: stop, ended: make(chan error, 1)}
	told := make(chan bool, 1)
	go func() {
		w.ended <- b.Follow(ctx, imap.Watch{Folder: "INBOX", Poll: poll,
			Begin: func(_ context.Context, found imap.Found) (imap.From, error) {
				w.found = found
				return begin(found), nil
			},
			Each:    func(ctx context.Context, m imap.Arrived) error { return send(ctx, w.came, m) },
			Told:    func(idle bool) { told <- idle },
			GivenUp: func(uint32) bool { return false },
		})
	}()
	select {
	case idle := <-told:
		if !idle {
			t.Error("Dovecot tells of new mail, and that was not seen")
		}
	case err := <-w.ended:
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return w
}

func send[T any](ctx context.Context, to chan T, v T) error {
	select {
	case to <- v:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// next is the subject of the next message that comes.
func (w *watching) next() (subject string, m imap.Arrived) {
	w.t.Helper()
	select {
	case m = <-w.came:
		var event struct{ Subject string }
		if err := json.Unmarshal(m.Event, &event); err != nil {
			w.t.Fatal(err)
		}
		return event.Subject, m
	case err := <-w.ended:
		w.t.Fatalf("it ended with %v", err)
	case <-time.After(2 * time.Minute):
		w.t.Fatal("waited in vain for a message")
	}
	return "", m
}

func (w *watching) end() {
	w.t.Helper()
	w.stop()
	if err := <-w.ended; !errors.Is(err, context.Canceled) {
		w.t.Errorf("stopped, it ended with %v", err)
	}
}

func letter(subject string) string {
	return "From: Ada <ada@example.com>\r\nTo: orders@example.org\r\nSubject: " + subject + "\r\nMessage-ID: <" + subject + "@example.com>\r\n\r\nHello.\r\n"
}

func behindAll(found imap.Found) imap.From { return imap.From{UID: found.Last} }

// The server says when something comes: nobody waits for the next look, an hour later.
func TestNewMailIsToldOfAsItComes(t *testing.T) {
	server := imaptest.New(t, imaptest.Options{})
	b := open(t, server.Address, nil)
	w := follow(t, b, time.Hour, behindAll)
	if w.found.Last != 0 || !w.found.Newest.IsZero() || w.found.Validity == 0 {
		t.Errorf("an empty folder has %+v", w.found)
	}
	for n := range 5 {
		server.Deliver(letter(fmt.Sprint("m", n)))
		if subject, m := w.next(); subject != fmt.Sprint("m", n) || m.UID != uint32(n+1) || m.Came.IsZero() || m.Validity != w.found.Validity {
			t.Errorf("told of %q, %+v", subject, m)
		}
	}
	w.end()
	// What is there is not told of again, and what came meanwhile is.
	server.Deliver(letter("meanwhile"))
	w = follow(t, b, time.Hour, func(imap.Found) imap.From { return imap.From{UID: 5} })
	if subject, _ := w.next(); subject != "meanwhile" {
		t.Errorf("told of %q", subject)
	}
	if w.found.Last != 6 || w.found.Newest.IsZero() {
		t.Errorf("the folder has %+v, want the sixth message the newest", w.found)
	}
	w.end()
}

// Where numbers were given anew only what came since counts, and behind that number all.
func TestDoubtfulMailIsNewByWhenItCame(t *testing.T) {
	server := imaptest.New(t, imaptest.Options{})
	day := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	put := func(subject string, at time.Time) {
		t.Helper()
		b := open(t, server.Address, func(s *imap.Settings) { s.Sent = "INBOX" })
		if _, err := b.Keep(t.Context(), []byte(letter(subject)), at); err != nil {
			t.Fatalf("%v\n%s", err, server.Log())
		}
	}
	put("long before", day.Add(-96*time.Hour))
	put("just before", day)
	put("behind", day.Add(time.Second))
	put("before too", day.Add(-time.Hour))
	b := open(t, server.Address, nil)
	w := follow(t, b, time.Hour, func(found imap.Found) imap.From { return imap.From{Since: day, Upto: found.Last} })
	var got []string
	subject, _ := w.next()
	got = append(got, subject)
	put("moved here", day.Add(-240*time.Hour)) // behind that number
	subject, _ = w.next()
	got = append(got, subject)
	if diff := cmp.Diff([]string{"behind", "moved here"}, got); diff != "" {
		t.Errorf("told of (-want +got):\n%s", diff)
	}
	w.end()
}

// A message is known by what it is, in whatever folder and under whatever number.
func TestKeyIsThatOfTheMessage(t *testing.T) {
	one, other := imaptest.New(t, imaptest.Options{}), imaptest.New(t, imaptest.Options{})
	other.Deliver(letter("first"))
	all := func(imap.Found) imap.From { return imap.From{} }
	keys := map[string][]string{}
	for _, server := range []*imaptest.Server{one, other} {
		server.Deliver(letter("same"))
		server.Deliver(strings.Replace(letter("same"), "Hello.", "Hello!", 1))
		w := follow(t, open(t, server.Address, nil), time.Hour, all)
		for range 2 {
			subject, m := w.next()
			if subject == "first" {
				subject, m = w.next()
			}
			keys[subject] = append(keys[subject], m.Key)
		}
		w.end()
	}
	same := keys["same"]
	if len(same) != 4 || same[0] == same[1] || !(same[0] == same[2] && same[1] == same[3] || same[0] == same[3] && same[1] == same[2]) {
		t.Errorf("the keys are %q, want two, each at both servers", same)
	}
}

func TestFollowingEndsWithItsConnection(t *testing.T) {
	server := imaptest.New(t, imaptest.Options{})
	b := open(t, server.Address, nil)
	w := follow(t, b, time.Hour, behindAll)
	server.Stop()
	if err := <-w.ended; err == nil {
		t.Error("it ended without an error")
	}
	server.Start()
	server.Deliver(letter("after"))
	w = follow(t, b, time.Hour, func(imap.Found) imap.From { return imap.From{} })
	if subject, _ := w.next(); subject != "after" {
		t.Errorf("told of %q", subject)
	}
	w.end()
	if err := b.Follow(t.Context(), imap.Watch{Folder: "Nowhere"}); err == nil || !strings.Contains(err.Error(), "Nowhere") {
		t.Errorf("a folder that is not there: %v", err)
	}
}
