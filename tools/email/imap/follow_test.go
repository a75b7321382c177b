package imap_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"drawbridge/tools/email/imap"
)

// watcher follows the fake as what keeps positions does: it begins where it ended, and, where
// all was numbered anew, behind the time of the newest.
type watcher struct {
	f        *fake
	b        *imap.Backend
	validity uint32
	last     uint32
	newest   time.Time
	begun    int
	gave     func(uid uint32) bool
	idle     bool
	events   chan string
}

func (f *fake) watch(t testing.TB) *watcher {
	return &watcher{f: f, b: f.over(t, nil), gave: func(uint32) bool { return false }, events: make(chan string, 100)}
}

func (w *watcher) follow(ctx context.Context) error {
	return w.b.Follow(ctx, imap.Watch{Folder: "INBOX", Poll: time.Minute, Told: func(idle bool) { w.idle = idle }, GivenUp: w.gave,
		Begin: func(_ context.Context, found imap.Found) (imap.From, error) {
			from := imap.From{UID: w.last}
			switch {
			case w.begun == 0:
				from = imap.From{UID: found.Last}
			case found.Validity != w.validity:
				from = imap.From{Since: w.newest, Upto: found.Last}
			}
			if w.begun++; w.begun == 1 || found.Validity != w.validity {
				w.newest = found.Newest
			}
			w.validity, w.last = found.Validity, from.UID
			return from, nil
		},
		Each: func(_ context.Context, m imap.Arrived) error {
			w.last, w.newest = m.UID, m.Came
			w.events <- string(m.Event)
			return nil
		}})
}

// told are the events so far.
func (w *watcher) told() (all []string) {
	for {
		select {
		case e := <-w.events:
			all = append(all, e)
		default:
			return all
		}
	}
}

func mailNumber(n int) (raw string, at time.Time) {
	return fmt.Sprintf("From: ada@example.com\r\nSubject: Mail %d.\r\nMessage-ID: <m%d@example.com>\r\n\r\nHello\r\n", n, n), time.Date(2026, 3, 2, 10, n, 0, 0, time.UTC)
}

// wantMails wants the events to be of these mails, in their order.
func wantMails(t *testing.T, events []string, numbers ...int) {
	t.Helper()
	if len(events) != len(numbers) {
		t.Errorf("there are %d events, want those of mails %v: %q", len(events), numbers, events)
		return
	}
	for i, n := range numbers {
		if !strings.Contains(events[i], fmt.Sprintf(`"subject":"Mail %d."`, n)) {
			t.Errorf("event %d is %s, want mail %d", i, events[i], n)
		}
	}
}

// following has follow run beside the test; end ends it and gives what it ended with.
func following(t *testing.T, w *watcher) (end func() error) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.follow(ctx) }()
	return func() error {
		cancel()
		return <-ended
	}
}

func TestWhatComesIsToldOnceAndInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(lateOrder)
		w := f.watch(t)
		end := following(t, w)
		synctest.Wait()
		wantMails(t, w.told()) // what was there is not new
		for n := range 60 {    // more than are asked for at once
			f.add(mailNumber(n))
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		first := make([]int, 60)
		for n := range first {
			first[n] = n
		}
		wantMails(t, w.told(), first...)
		f.add(mailNumber(60))
		time.Sleep(time.Minute)
		synctest.Wait()
		wantMails(t, w.told(), 60)
		if err := end(); !errors.Is(err, context.Canceled) || w.idle {
			t.Errorf("it ends with %v, IDLE %t", err, w.idle)
		}
	})
}

func TestServerThatTellsIsHeardAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(lateOrder)
		f.caps += " IDLE"
		w := f.watch(t)
		end := following(t, w)
		began := time.Now()
		for n := range 3 {
			synctest.Wait()
			f.add(mailNumber(n))
			f.tell <- struct{}{}
			synctest.Wait()
			wantMails(t, w.told(), n)
		}
		if took := time.Since(began); took != 0 || !w.idle {
			t.Errorf("it took %v, IDLE %t", took, w.idle)
		}
		// One that forgets to tell is asked.
		f.add(mailNumber(3))
		time.Sleep(time.Minute)
		synctest.Wait()
		wantMails(t, w.told(), 3)
		if err := end(); !errors.Is(err, context.Canceled) {
			t.Errorf("it ends with %v", err)
		}
	})
}

func TestNumbersMadeAnewLoseNothingAndTellNothingTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(lateOrder)
		w := f.watch(t)
		end := following(t, w)
		synctest.Wait()
		f.add(mailNumber(1))
		time.Sleep(time.Minute)
		synctest.Wait()
		wantMails(t, w.told(), 1)
		// The server numbers anew, which ends connections, and more has come by then.
		f.renumber()
		f.add(mailNumber(2))
		f.does(func(conn int, verb, _ string) (string, string) {
			if conn == 1 && verb != "GREETING" {
				return "* BYE the folder has changed\r\n" + cut, ""
			}
			return "", ""
		})
		time.Sleep(time.Minute)
		synctest.Wait()
		if err := end(); err == nil || errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "ended the connection") {
			t.Errorf("the connection that was ended gives %v", err)
		}
		end = following(t, w)
		synctest.Wait()
		f.add(mailNumber(3))
		time.Sleep(time.Minute)
		synctest.Wait()
		wantMails(t, w.told(), 2, 3)
		_ = end()
	})
}

func TestNewPasswordHasTheFolderWatchedOnAnotherConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(lateOrder)
		w := f.watch(t)
		end := following(t, w)
		synctest.Wait()
		w.b.SetPassword("second-secret")
		synctest.Wait()
		if got := f.loggedIn(); len(got) != 2 || !strings.HasSuffix(got[1], "second-secret") || w.begun != 2 {
			t.Errorf("logins are %q, and it began %d times", got, w.begun)
		}
		f.add(mailNumber(1))
		time.Sleep(time.Minute)
		synctest.Wait()
		wantMails(t, w.told(), 1)
		if err := end(); !errors.Is(err, context.Canceled) {
			t.Errorf("it ends with %v", err)
		}
	})
}

func TestMailThatCannotBeFetchedIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(lateOrder)
		w := f.watch(t)
		end := following(t, w)
		synctest.Wait()
		f.does(func(_ int, verb, rest string) (string, string) {
			if verb == "FETCH" && strings.HasPrefix(rest, "2 ") && strings.Contains(rest, "BODY") {
				return "TAG NO [SERVERBUG] broken\r\n", ""
			}
			return "", ""
		})
		f.add(mailNumber(1))
		f.add(mailNumber(2))
		time.Sleep(time.Minute)
		synctest.Wait()
		var unread *imap.Unread
		if err := end(); !errors.As(err, &unread) || unread.UID != 2 || !strings.Contains(err.Error(), "broken") {
			t.Fatalf("it ends with %v, want it to name number 2", err)
		}
		w.gave = func(uid uint32) bool { return uid == 2 }
		end = following(t, w)
		synctest.Wait()
		events := w.told()
		if len(events) != 2 || !strings.Contains(events[0], `"unreadable":true`) {
			t.Errorf("events are %q, want one that cannot be read, and the next", events)
		} else {
			wantMails(t, events[1:], 2)
		}
		_ = end()
	})
}

// TestHostileServerEndsTheWatchingInBoundedTime: none of the faults has the watching hang,
// and the next try begins where it ended.
func TestHostileServerEndsTheWatchingInBoundedTime(t *testing.T) {
	for _, fault := range faults {
		t.Run(fault.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake(lateOrder)
				w := f.watch(t)
				end := following(t, w)
				synctest.Wait()
				_ = end()
				f.add(mailNumber(1))
				f.does(func(conn int, verb, _ string) (string, string) {
					if conn == 2 && verb == fault.verb {
						return fault.answer, fault.endless
					}
					return "", ""
				})
				began := time.Now()
				if err := w.follow(t.Context()); err == nil || strings.Contains(err.Error(), "first-secret") {
					t.Errorf("it ends with %v", err)
				}
				if took := time.Since(began); took > 2*time.Minute {
					t.Errorf("it took %v", took)
				}
				end = following(t, w)
				synctest.Wait()
				wantMails(t, slices.Compact(w.told()), 1)
				_ = end()
			})
		})
	}
}

func TestServerThatCannotTellEndsTheWatchingInBoundedTime(t *testing.T) {
	for _, fault := range []fault{
		{"says nothing", "IDLE", silence, "", "did not answer in time"},
		{"ends the connection", "IDLE", cut, "", "ended the connection"},
		{"says no", "IDLE", "TAG NO not now\r\n", "", "NO not now"},
		{"does not know it", "IDLE", "TAG BAD what?\r\n", "", "BAD what?"},
		{"is no answer", "IDLE", "* SEARCH one\r\n", "", "not as the protocol has it"},
		{"ends while it waits", "IDLE", "+ waiting\r\n* BYE shutting down\r\n" + cut, "", "ended the connection"},
		{"says nothing at the end", "DONE", silence, "", "did not answer in time"},
		{"tells without end", "IDLE", "+ waiting\r\n", "* 1 FETCH (FLAGS ())\r\n", unasked},
	} {
		t.Run(fault.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake(lateOrder)
				f.caps += " IDLE"
				f.does(func(_ int, verb, _ string) (string, string) {
					if verb == fault.verb {
						return fault.answer, fault.endless
					}
					return "", ""
				})
				began := time.Now()
				err := f.watch(t).follow(t.Context())
				if err == nil || !strings.Contains(err.Error(), fault.says) {
					t.Errorf("it ends with %v, want that it says %q", err, fault.says)
				}
				if took := time.Since(began); took > 15*time.Minute {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}
