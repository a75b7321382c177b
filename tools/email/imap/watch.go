package imap

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"

	"drawbridge/tools/email/imap/reading"
)

// Position is how far a folder was read: all that it had up to UID.
type Position struct {
	Validity, UID uint32
	At            time.Time // when the newest that was read came
}

// Arrived is a message that has come.
type Arrived struct {
	Position
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
	// After is how far it was read; nil: what is there already is not new.
	After *Position
	// Poll is how often to look, besides being told by the server.
	Poll time.Duration
	// Begin is told where reading begins, each time a connection was made.
	Begin func(ctx context.Context, at Position) error
	// Each is told of each message, in the order of their numbers. After an error the same
	// message comes again, in another Follow.
	Each func(ctx context.Context, m Arrived) error
	// Told is called once it is known whether the server tells of new mail (IDLE).
	Told func(idle bool)
	// Given up are messages that could not be fetched so often that they are told of
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

// Follow tells of new mail until ctx ends or something fails. It has a connection of its own.
func (b *Backend) Follow(ctx context.Context, w Watch) error {
	c, err := b.connect(ctx)
	if err != nil {
		return judge(ctx, err)
	}
	defer func() { c.close() }()
	at, err := c.begin(ctx, w)
	if err != nil {
		return judge(ctx, err)
	}
	caps := c.client.Caps()
	idle := caps.Has(imap.CapIdle) || caps.Has(imap.CapIMAP4rev2)
	w.Told(idle)
	for {
		if at, err = b.news(ctx, c, w, at); err == nil {
			err = c.wait(ctx, w.Poll, idle)
		}
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			var unread *Unread
			if errors.As(err, &unread) {
				return err
			}
			return judge(ctx, err)
		}
	}
}

// begin opens the folder and says from where on messages are new.
func (c *conn) begin(ctx context.Context, w Watch) (at Position, err error) {
	if err := c.enter(ctx, w.Folder); err != nil {
		return at, err
	}
	switch {
	case w.After == nil:
		at = Position{Validity: c.folder.validity, At: time.Now()}
		if at.UID = c.folder.next - 1; c.folder.next == 0 {
			last, err := c.search(ctx, imap.SearchCriteria{})
			if err != nil {
				return at, err
			}
			at.UID = 0
			if uids := last.take(1); len(uids) > 0 {
				at.UID = uint32(uids[0])
			}
		}
	case w.After.Validity == c.folder.validity:
		at = *w.After
	default:
		// Numbered anew: whatever came since about then is looked at once more, and known
		// by its key if it was there before.
		at = Position{Validity: c.folder.validity, At: w.After.At}
	}
	return at, w.Begin(ctx, at)
}

// renumberedSlack is how far before the newest message the reading begins where messages
// were numbered anew: the time they came may have been written in another zone.
const renumberedSlack = 24 * time.Hour

// news tells of the messages behind a position.
func (b *Backend) news(ctx context.Context, c *conn, w Watch, at Position) (Position, error) {
	var behind imap.UIDSet
	behind.AddRange(imap.UID(at.UID)+1, 0)
	criteria := imap.SearchCriteria{UID: []imap.UIDSet{behind}}
	if at.UID == 0 && w.After != nil && w.After.Validity != at.Validity {
		criteria.Since = at.At.Add(-2 * renumberedSlack)
	}
	found, err := c.search(ctx, criteria)
	if err != nil {
		return at, err
	}
	for {
		uids := found.lowest(fetched, at.UID)
		if len(uids) == 0 {
			return at, nil
		}
		for _, uid := range uids {
			m, there, err := b.arrived(ctx, c, w, uid)
			if err != nil {
				return at, err
			}
			if !there { // it is gone again
				continue
			}
			if m.At.Before(at.At) {
				m.At = at.At
			}
			if err := w.Each(ctx, m); err != nil {
				return at, err
			}
			at = m.Position
		}
		at.UID = max(at.UID, uint32(uids[len(uids)-1]))
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
	if w.GivenUp(p.uid) {
		m = Arrived{Position: Position{Validity: p.validity, UID: p.uid}, Key: "unreadable:" + p.id()}
		m.Event, err = json.Marshal(arrival{Type: "mail.received", ID: p.id(), Folder: p.folder, Unreadable: true})
		return m, true, err
	}
	r, there, err := c.read(ctx, uid)
	if err != nil && ctx.Err() == nil {
		err = &Unread{p.uid, err}
	}
	if err != nil || !there {
		return m, there, err
	}
	l := reading.Parse(r.whole)
	sum := sha256.New()
	fmt.Fprintf(sum, "%d\n", r.size)
	_, _ = sum.Write(r.whole)
	m = Arrived{Position: Position{Validity: p.validity, UID: p.uid, At: r.at}, Key: "mail:" + hex.EncodeToString(sum.Sum(nil)), Sent: l.Date}
	m.Event, err = json.Marshal(b.event(r, l))
	return m, true, err
}

// wait returns when there may be news: the server tells, or it is time to look.
func (c *conn) wait(ctx context.Context, poll time.Duration, idle bool) error {
	select {
	case <-c.news: // told of before
	default:
	}
	timer := time.NewTimer(poll)
	defer timer.Stop()
	pause := func() {
		select {
		case <-timer.C:
		case <-c.news:
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
	return c.ask(ctx, poll+answerTime, smallAnswer, c.folder.name, func() error {
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

// arrival is the event of a message: what conditions and prompts see of it.
type arrival struct {
	Type       string    `json:"type"` // mail.received
	ID         string    `json:"id"`   // for email_get_message, and in_reply_to of email_send
	Folder     string    `json:"folder"`
	MessageID  string    `json:"message_id"`
	From       person    `json:"from"`
	ReplyTo    []person  `json:"reply_to"`
	To         []person  `json:"to"`
	Cc         []person  `json:"cc"`
	Subject    string    `json:"subject"`
	Date       time.Time `json:"date,omitzero"`
	ReceivedAt time.Time `json:"received_at,omitzero"`
	Text       string    `json:"text"`
	TextCut    bool      `json:"text_cut"`
	// Automatic: a program wrote it, and no answer should go there.
	Automatic   bool       `json:"automatic"`
	InReplyTo   string     `json:"in_reply_to"`
	References  []string   `json:"references"`
	ThreadID    string     `json:"thread_id"`
	Attachments []attached `json:"attachments"`
	SizeBytes   int64      `json:"size_bytes"`
	// Unreadable: the server did not give it out, again and again.
	Unreadable bool `json:"unreadable"`
	// Withheld: a notice of our own, to people who decide. What it says is for them alone.
	Withheld bool `json:"withheld"`
}

type person struct {
	Name    string `json:"name"`
	Address string `json:"address"`
}

type attached struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Bytes   int    `json:"bytes"`
	Text    string `json:"text"`
	TextCut bool   `json:"text_cut"`
}

func (b *Backend) event(r raw, l reading.Letter) arrival {
	if withheld(b.message(r, l), b.s.Own) {
		return arrival{Type: "mail.received", ID: r.id(), Folder: r.folder, ReceivedAt: r.at, Withheld: true, Automatic: true}
	}
	a := arrival{Type: "mail.received", ID: r.id(), Folder: r.folder, MessageID: l.MessageID, ReplyTo: persons(l.ReplyTo), To: persons(l.To), Cc: persons(l.Cc), Subject: l.Subject,
		Date: l.Date, ReceivedAt: r.at, Text: l.Text, TextCut: l.TextCut || r.size > wholeMail, Automatic: l.Automatic, References: references(l), ThreadID: threadID(rootOf(l, r.id())),
		Attachments: []attached{}, SizeBytes: r.size}
	if len(l.From) > 0 {
		a.From = persons(l.From[:1])[0]
	}
	if len(l.InReplyTo) > 0 {
		a.InReplyTo = l.InReplyTo[0]
	}
	for _, file := range l.Attachments {
		a.Attachments = append(a.Attachments, attached(file))
	}
	return a
}

func persons(list []mail.Address) []person {
	all := []person{}
	for _, a := range list {
		all = append(all, person(a))
	}
	return all
}
