package imap

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"

	"drawbridge/tools/email/imap/reading"
)

// Found is what a folder has when it is opened to be watched.
type Found struct {
	Validity uint32
	// Last is the highest number that was given, and Newest when the message came that has
	// the highest of those that are there; zero if there is none.
	Last   uint32
	Newest time.Time
}

// From is where watching begins: behind UID. Of the messages up to the number Upto those are
// new that came after Since.
type From struct {
	UID   uint32
	Since time.Time
	Upto  uint32
}

func (f From) fresh(uid uint32, came time.Time) bool {
	return uid > f.UID && (uid > f.Upto || came.After(f.Since))
}

// Arrived is a message that has come.
type Arrived struct {
	Validity, UID uint32
	Came          time.Time // by the server's clock; zero of one that could not be fetched
	// Key is the same for the same message, however often and wherever it is fetched: a
	// hash of what is read of it. Two that are alike in every byte are one.
	Key   string
	Event []byte // JSON, see arrival
	// Sent is when it was written, as its writer says; zero if he does not.
	Sent time.Time
}

// Watch is what to look for, and who is told.
type Watch struct {
	Folder string
	// Poll is how often to look, besides being told by the server.
	Poll time.Duration
	// Begin says from where on messages are new, each time a connection was made.
	Begin func(ctx context.Context, found Found) (From, error)
	// Each is told of each message, in the order of their numbers. An error of it ends the
	// watching.
	Each func(ctx context.Context, m Arrived) error
	// Told is called once it is known whether the server tells of new mail (IDLE).
	Told func(idle bool)
	// GivenUp are messages that could not be fetched so often that they are told of
	// without what is in them.
	GivenUp func(uid uint32) bool
}

// Unread is a message that could not be fetched.
type Unread struct {
	UID uint32
	err error
}

func (u *Unread) Error() string { return fmt.Sprintf("fetching message %d: %v", u.UID, u.err) }

func (u *Unread) Unwrap() error { return u.err }

// Follow tells of new mail until ctx ends or something fails. It has a connection of its own,
// and another once there is a new password.
func (b *Backend) Follow(ctx context.Context, w Watch) error {
	for {
		err := b.follow(ctx, w)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
		case errors.As(err, new(*Unread)):
			return err
		default:
			return judge(ctx, err)
		}
	}
}

// follow tells of new mail for as long as the password is that of its connection.
func (b *Backend) follow(ctx context.Context, w Watch) error {
	c, outdated, err := b.connect(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	found, err := c.found(ctx, w.Folder)
	if err != nil {
		return err
	}
	from, err := w.Begin(ctx, found)
	if err != nil {
		return err
	}
	caps := c.client.Caps()
	idle := caps.Has(imap.CapIdle) || caps.Has(imap.CapIMAP4rev2)
	w.Told(idle)
	for {
		select { // what is told from now on may be behind what is looked for
		case <-c.news:
		default:
		}
		if from.UID, err = b.news(ctx, c, w, from); err != nil {
			return err
		}
		if err := c.wait(ctx, w.Poll, idle, outdated); err != nil {
			return err
		}
		select {
		case <-outdated:
			return nil
		default:
		}
	}
}

// found opens the folder and says what it has.
func (c *conn) found(ctx context.Context, name string) (found Found, err error) {
	if err := c.enter(ctx, name); err != nil {
		return found, err
	}
	found.Validity = c.folder.validity
	if c.folder.next > 0 {
		found.Last = c.folder.next - 1
	}
	var last imap.UIDSet
	last.AddRange(0, 0) // the highest that there is
	hits, err := c.search(ctx, imap.SearchCriteria{UID: []imap.UIDSet{last}})
	if err != nil {
		return found, err
	}
	// Its date alone: a message that cannot be read is not to hold up the others.
	all, err := c.fetch(ctx, hits.take(1), smallMargin, func(o *imap.FetchOptions) { o.Flags, o.RFC822Size = false, false })
	if err != nil || len(all) == 0 {
		return found, err
	}
	found.Last, found.Newest = max(found.Last, all[0].uid), all[0].at
	return found, nil
}

// otherZone is how far before a time messages are asked for that came after it: servers
// compare dates alone, in a zone of their own.
const otherZone = 48 * time.Hour

// news tells of the messages behind a number, and gives the number behind which it ended.
func (b *Backend) news(ctx context.Context, c *conn, w Watch, from From) (uint32, error) {
	if from.UID < from.Upto {
		doubtful := imap.SearchCriteria{}
		if !from.Since.IsZero() {
			doubtful.Since = from.Since.Add(-otherZone)
		}
		at, err := b.newsIn(ctx, c, w, from, from.Upto, doubtful)
		if err != nil {
			return at, err
		}
		from.UID = from.Upto
	}
	return b.newsIn(ctx, c, w, from, 0, imap.SearchCriteria{})
}

// newsIn tells of those up to a number, 0 being the last.
func (b *Backend) newsIn(ctx context.Context, c *conn, w Watch, from From, upto uint32, criteria imap.SearchCriteria) (uint32, error) {
	var behind imap.UIDSet
	behind.AddRange(imap.UID(from.UID)+1, imap.UID(upto))
	criteria.UID = []imap.UIDSet{behind}
	found, err := c.search(ctx, criteria)
	if err != nil {
		return from.UID, err
	}
	for {
		uids := found.lowest(fetched, from.UID)
		if len(uids) == 0 {
			return from.UID, nil
		}
		for _, uid := range uids {
			m, there, err := b.arrived(ctx, c, w, uid)
			if err != nil {
				return from.UID, err
			}
			if there && (m.Came.IsZero() || from.fresh(m.UID, m.Came)) { // else it is gone again, or old
				if err := w.Each(ctx, m); err != nil {
					return from.UID, err
				}
			}
			from.UID = uint32(uid)
		}
	}
}

// lowest gives the next numbers above one, in their order. A server gives the last message
// for a range behind it.
func (h *hits) lowest(most int, above uint32) []imap.UID {
	var uids []imap.UID
	for _, r := range h.ranges {
		for uid := max(uint64(r.Start), uint64(above)+1); uid <= uint64(r.Stop) && len(uids) < most; uid++ {
			uids = append(uids, imap.UID(uid))
		}
	}
	slices.Sort(uids)
	return slices.Compact(uids)
}

func (b *Backend) arrived(ctx context.Context, c *conn, w Watch, uid imap.UID) (m Arrived, there bool, err error) {
	p := place{c.folder.name, c.folder.validity, uint32(uid)}
	m = Arrived{Validity: p.validity, UID: p.uid}
	if w.GivenUp(p.uid) {
		m.Key = "unreadable:" + p.id()
		m.Event, err = json.Marshal(arrival{Type: "mail.received", ID: p.id(), Folder: p.folder, Unreadable: true}.whole())
		return m, true, err
	}
	r, there, err := c.read(ctx, uid)
	if err == nil && there {
		err = b.understand(r, &m)
	}
	if err != nil && ctx.Err() == nil {
		err = &Unread{p.uid, err}
	}
	return m, there, err
}

// understand reads a message as it was fetched. It is an outsider's work: one that brings
// our reading of it down is one that cannot be read, and not the end of this process.
func (b *Backend) understand(r raw, m *Arrived) (err error) {
	defer func() {
		if broken := recover(); broken != nil {
			err = fmt.Errorf("reading it panicked: %v", broken)
		}
	}()
	l := reading.Parse(r.whole)
	sum := sha256.New()
	fmt.Fprintf(sum, "%d\n", r.size)
	_, _ = sum.Write(r.whole)
	m.Came, m.Key, m.Sent = r.at, "mail:"+hex.EncodeToString(sum.Sum(nil)), l.Date
	m.Event, err = json.Marshal(b.event(r, l).whole())
	return err
}

// longestIdle is how long a server may tell of nothing before it is asked: what is between
// us and it may have forgotten the connection, and nobody would know.
const longestIdle = 10 * time.Minute

// wait returns when there may be news: the server tells, or it is time to look.
func (c *conn) wait(ctx context.Context, poll time.Duration, idle bool, outdated <-chan struct{}) error {
	timer := time.NewTimer(min(poll, longestIdle))
	defer timer.Stop()
	pause := func() {
		select {
		case <-timer.C:
		case <-c.news:
		case <-outdated:
		case <-c.client.Closed():
		case <-ctx.Done():
		}
	}
	if !idle {
		pause()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return c.enter(ctx, c.folder.name)
	}
	return c.ask(ctx, longestIdle+answerTime, smallAnswer, c.folder.name, func() error {
		command, err := c.client.Idle()
		if err != nil {
			return err
		}
		pause()
		if err := command.Close(); err != nil {
			return err
		}
		return command.Wait()
	})
}
