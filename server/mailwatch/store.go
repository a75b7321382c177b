package mailwatch

import (
	"context"
	"errors"
	"time"

	"drawbridge/server/webhook"
)

// Position is how far a mailbox was read: all that it had up to UID are events, or were
// there before anybody watched.
type Position struct {
	// Mailbox says which one it is: account and folder. A position in another one is none
	// in this. The server is not a part of it: who moves to another one keeps the place.
	Mailbox string
	// Validity is the UIDVALIDITY under which UID counts (RFC 9051, 2.3.1.1).
	Validity uint32
	UID      uint32
	// At is when the newest that was read came, by the mail server's clock: what the
	// reading goes on from when the server has numbered its messages anew.
	At time.Time
	// Since is when the newest came that was there before anybody watched, or that was
	// read before the server last numbered its messages anew. Zero if there was none.
	Since time.Time
	// Upto are the numbers that the server gave when it numbered anew, 0 if it never did: a
	// message up to there is new only if it came after Since. All behind it are.
	Upto uint32
}

// ErrMoved says that somebody else, on another node, has moved the position.
var ErrMoved = errors.New("somebody else has read on in this mailbox")

// Store keeps positions, by the names of sources, and what was read with them.
type Store interface {
	// MailPosition is how far a source was read; false if it never was.
	MailPosition(ctx context.Context, source string) (Position, bool, error)
	// BeginMail notes where reading begins, if the position still is what it was (nil: there
	// was none). Else nothing is changed, and the error is ErrMoved.
	BeginMail(ctx context.Context, source string, was *Position, to Position) error
	// AcceptMail stores the event of a message and the position behind it, in one
	// transaction. If the position is not one before it in the same numbering of the same
	// mailbox, nothing is changed, and the error is ErrMoved. A message whose key is known
	// is no other event: only the position moves. Keys count for keep from when they were
	// last seen.
	AcceptMail(ctx context.Context, e webhook.Event, keep time.Duration, to Position) (webhook.Receipt, error)
}
