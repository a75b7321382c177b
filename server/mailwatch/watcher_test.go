package mailwatch_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"drawbridge/server/mailwatch"
	"drawbridge/server/webhook"
)

// book is a store in memory. What the real ones do is held by store/storetest.
type book struct {
	mu     sync.Mutex
	at     *mailwatch.Position
	events []string // keys
	fail   error
}

func (b *book) MailPosition(context.Context, string) (mailwatch.Position, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.at == nil {
		return mailwatch.Position{}, false, b.fail
	}
	return *b.at, true, b.fail
}

func (b *book) BeginMail(_ context.Context, _ string, was *mailwatch.Position, to mailwatch.Position) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if (was == nil) != (b.at == nil) || was != nil && *was != *b.at {
		return mailwatch.ErrMoved
	}
	b.at = &to
	return b.fail
}

func (b *book) AcceptMail(_ context.Context, e webhook.Event, _ time.Duration, to mailwatch.Position) (webhook.Receipt, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.fail != nil:
		return webhook.Receipt{}, b.fail
	case b.at == nil || b.at.Validity != to.Validity || b.at.UID >= to.UID:
		return webhook.Receipt{}, mailwatch.ErrMoved
	}
	b.at = &to
	if slices.Contains(b.events, e.Key) {
		return webhook.Receipt{ID: "first", Duplicate: true}, nil
	}
	b.events = append(b.events, e.Key)
	return webhook.Receipt{ID: e.ID}, nil
}

// box is a mailbox: what it has, and what goes wrong with it.
type box struct {
	mu       sync.Mutex
	validity uint32
	mails    []string // by number, from 1 on
	poisoned string   // cannot be fetched
	broken   error    // of connections
	opened   int
}

func (b *box) add(mails ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mails = append(b.mails, mails...)
}

// times is how often it was opened.
func (b *box) times() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.opened
}

// follow reads it as package imap does, looking once a minute.
func (b *box) follow(ctx context.Context, h mailwatch.Hooks) error {
	b.mu.Lock()
	b.opened++
	found := mailwatch.Found{Validity: b.validity, Last: uint32(len(b.mails))}
	if found.Last > 0 {
		found.Newest = time.Now().Add(-time.Minute)
	}
	broken := b.broken
	b.mu.Unlock()
	if broken != nil {
		return broken
	}
	at, err := h.Begin(ctx, found)
	if err != nil {
		return err
	}
	h.Told(false)
	for uid := at.UID; ; {
		for {
			b.mu.Lock()
			text := ""
			if int(uid) < len(b.mails) {
				text = b.mails[uid]
			}
			poisoned := text == b.poisoned
			b.mu.Unlock()
			if text == "" {
				break
			}
			m := mailwatch.Mail{Validity: found.Validity, UID: uid + 1, Came: time.Now(), Key: text, Body: []byte(`{}`)}
			if h.GivenUp(m.UID) {
				m.Key = "unreadable"
			} else if poisoned {
				return &mailwatch.ErrMessage{UID: m.UID, Err: errors.New("cut off")}
			}
			if err := h.Each(ctx, m); err != nil {
				return err
			}
			uid++
		}
		timer := time.NewTimer(time.Minute)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// watched runs do beside a watcher of the box, in a bubble of its own time.
func watched(t *testing.T, o mailwatch.Options, b *box, k *book, do func(w *mailwatch.Watcher)) {
	t.Helper()
	o.Source, o.Mailbox, o.Follow, o.Store, o.Log = "support", "me/INBOX", b.follow, k, slog.New(slog.DiscardHandler)
	w := mailwatch.New(o)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { w.Run(ctx) })
	synctest.Wait()
	do(w)
	stop()
	running.Wait()
	if s := w.State(); s.State != "elsewhere" || s.How != "" {
		t.Errorf("stopped it is %+v, want it elsewhere", s)
	}
}

func (b *book) has(t *testing.T, want ...string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Equal(b.events, want) {
		t.Errorf("the events are %q, want %q", b.events, want)
	}
}

func pass(d time.Duration) {
	time.Sleep(d) // of the bubble
	synctest.Wait()
}

func TestEachMailIsOneEventFromTheFirstStartOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, k := &box{validity: 1, mails: []string{"old"}}, &book{}
		watched(t, mailwatch.Options{}, b, k, func(w *mailwatch.Watcher) {
			k.has(t)
			b.add("a", "b")
			pass(time.Minute)
			k.has(t, "a", "b")
			if s := w.State(); s.State != "watching" || s.Accepted != 2 || s.Last.IsZero() || s.How == "" {
				t.Errorf("it stands as %+v", s)
			}
		})
		b.add("while nobody watched")
		watched(t, mailwatch.Options{}, b, k, func(*mailwatch.Watcher) { k.has(t, "a", "b", "while nobody watched") })
	})
}

func TestPoisonousMailDoesNotHoldUpTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, k := &box{validity: 1, poisoned: "poison"}, &book{}
		watched(t, mailwatch.Options{}, b, k, func(w *mailwatch.Watcher) {
			b.add("before", "poison", "behind")
			pass(time.Minute)
			k.has(t, "before")
			if s := w.State(); s.State != "failing" || s.LastError != "cut off" {
				t.Errorf("it stands as %+v", s)
			}
			pass(time.Minute)
			k.has(t, "before", "unreadable", "behind")
			if n := b.times(); n != 6 {
				t.Errorf("it was opened %d times, want 6: the message failed five times", n)
			}
			if s := w.State(); s.State != "watching" || s.LastError != "" {
				t.Errorf("it stands as %+v", s)
			}
		})
	})
}

// A server that is away is asked less and less often, and no message is given up for it.
func TestServerThatIsAwayIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, k := &box{validity: 1}, &book{at: &mailwatch.Position{Mailbox: "me/INBOX", Validity: 1}}
		b.add("a")
		b.broken = errors.New("no route")
		watched(t, mailwatch.Options{}, b, k, func(*mailwatch.Watcher) {
			pass(24 * time.Hour)
			if n := b.times(); n < 24*12 || n > 24*25 { // every 2.5 to 5 minutes
				t.Errorf("it was tried %d times in a day", n)
			}
			b.mu.Lock()
			b.broken = nil
			b.mu.Unlock()
			pass(5 * time.Minute)
			k.has(t, "a")
		})
	})
}

func TestMailWaitsWhereNothingCanBeStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("the disk is full")
		var mu sync.Mutex
		unable := full
		b, k := &box{validity: 1}, &book{}
		watched(t, mailwatch.Options{Unable: func() error { mu.Lock(); defer mu.Unlock(); return unable }}, b, k, func(w *mailwatch.Watcher) {
			b.add("a")
			pass(time.Hour)
			k.has(t)
			if s := w.State(); s.LastError != full.Error() {
				t.Errorf("it stands as %+v, and does not say why", s)
			}
			if n := b.times(); n > 40 {
				t.Errorf("it was opened %d times in an hour", n)
			}
			mu.Lock()
			unable = nil
			mu.Unlock()
			pass(5 * time.Minute)
			k.has(t, "a")
		})
	})
}

// Two nodes that both believe that they watch make one event of each message.
func TestTwoWatchersMakeOneEventOfAMail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, k := &box{validity: 1}, &book{}
		watched(t, mailwatch.Options{}, b, k, func(one *mailwatch.Watcher) {
			watched(t, mailwatch.Options{}, b, k, func(other *mailwatch.Watcher) {
				var want []string
				for n := range 50 {
					want = append(want, fmt.Sprint("mail ", n))
					b.add(want[n])
					pass(17 * time.Second)
				}
				pass(10 * time.Minute)
				k.has(t, want...)
				if got := one.State().Accepted + other.State().Accepted; got != 50 {
					t.Errorf("they say that they accepted %d, want 50", got)
				}
			})
		})
	})
}

// The server forgets its numbers: what was there and what was read is no news, what was not
// read is.
func TestNumberingAnewDoublesNothingAndLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, k := &box{validity: 1}, &book{}
		watched(t, mailwatch.Options{}, b, k, func(*mailwatch.Watcher) {
			b.add("a", "b")
			pass(time.Minute)
		})
		b.validity, b.mails = 2, []string{"b", "c", "a"}
		watched(t, mailwatch.Options{}, b, k, func(*mailwatch.Watcher) { k.has(t, "a", "b", "c") })
		if k.at.Validity != 2 || k.at.UID != 3 || k.at.Upto != 3 {
			t.Errorf("it has read up to %+v", k.at)
		}
	})
}
