package mailwatch

import (
	"context"
	"time"
)

// Position is how far a mailbox was read: all that it had up to UID are events.
type Position struct {
	// Mailbox says which one it is: account, server and folder. That of another is no
	// position in this one.
	Mailbox string
	// Validity is the UIDVALIDITY under which UID counts (RFC 9051, 2.3.1.1).
	Validity uint32
	UID      uint32
	// At is when the newest that was read came, by the mail server's clock: what the
	// reading goes on from when the server has numbered its messages anew.
	At time.Time
}

// Store keeps positions, by the names of sources.
type Store interface {
	// MailPosition is how far a source was read; false if it never was.
	MailPosition(ctx context.Context, source string) (Position, bool, error)
	// MoveMail notes how far a source was read. Within one numbering of one mailbox it
	// never goes back: whoever is late, on another node, changes nothing.
	MoveMail(ctx context.Context, source string, to Position) error
}
