package guard

import (
	"context"
	"time"
)

// Posting is a message about an approval that stands somewhere and can be changed: it is
// to show how the approval stands, for as long as people may decide about it, and then
// what came of it.
type Posting struct {
	Approval string
	Target   string // as in Approval.Notify
	ID       string // of the message, where that is
	Shown    string // what it shows, as whoever posts says; "" if that is not known
	Stands   string // how the approval stood when the posting was found due
	Attempts int    // in vain, to have it show that
}

// Reposted is what came of changing a posting.
type Reposted struct {
	Shown string
	// Over: it shows how things ended, and is never changed again.
	Over bool
	// Problem is why it could not be changed; then it is due again at Next.
	Problem string
	Next    time.Time
}

// Postings keeps what was posted, until it shows how things ended.
type Postings interface {
	// Posted notes that whoever a notice is for was told by a message: the notice is owed no
	// more, and the message is kept, in one transaction.
	Posted(ctx context.Context, n Notice, p Posting) error
	// KeepPosting keeps a message that was found and is not known yet: it was posted, and
	// whoever did so died before noting it. Of an approval that is not there it does nothing.
	KeepPosting(ctx context.Context, p Posting) error
	// DuePostings gives those whose approval stands otherwise than when they were last
	// looked at, or has run out, and when the next one will.
	DuePostings(ctx context.Context, limit int) (due []Posting, next time.Time, err error)
	// Reposted notes what came of one. If the approval has changed since it was found due,
	// it is due again.
	Reposted(ctx context.Context, p Posting, r Reposted) error
}
