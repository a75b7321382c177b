package mailwatch

import "time"

// Found is what a mailbox has when it is opened.
type Found struct {
	Validity uint32
	// Last is the highest number that was ever given, and Newest when the message that has
	// the highest came; zero if the mailbox is empty.
	Last   uint32
	Newest time.Time
}

// slack is how far before the newest message that was read another one may have come that
// was not, when a server numbers anew: messages are not always numbered as they come.
const slack = 24 * time.Hour

// start says where reading begins, and whether that is another position than the one
// before (nil: there is none). Keys count for keep.
func start(before *Position, mailbox string, found Found, now time.Time, keep time.Duration) (at Position, other bool) {
	if before == nil || before.Mailbox != mailbox {
		// What is there already is not new, and has to be known as such if it is numbered anew.
		newest := found.Newest
		if newest.After(now) { // or nothing that comes before would be new
			newest = now
		}
		return Position{Mailbox: mailbox, Validity: found.Validity, UID: found.Last, At: newest, Since: newest}, true
	}
	if before.Validity == found.Validity {
		return *before, false
	}
	// Numbered anew. What came shortly before the newest that was read is looked at once more,
	// for as long as the keys of it count; all that was read before stays read.
	back := min(slack, max(0, keep-slack-now.Sub(before.At)))
	since := before.At.Add(-back)
	if before.At.IsZero() || since.Before(before.Since) {
		since = before.Since
	}
	return Position{Mailbox: mailbox, Validity: found.Validity, At: before.At, Since: since, Upto: found.Last}, true
}

// behind is the position when a message was read. A server may say that it came tomorrow,
// and then nothing that comes before would be new after the next numbering.
func (p Position) behind(m Mail, now time.Time) Position {
	p.UID = m.UID
	if came := m.Came; came.After(p.At) {
		p.At = came
		if came.After(now) {
			p.At = now
		}
	}
	return p
}
