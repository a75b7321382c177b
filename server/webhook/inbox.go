package webhook

import (
	"context"
	"net/http"
	"time"
)

// Inbox keeps events. A nil error from Accept is a promise to the sender: events,
// dedupe keys and jobs are on disk, in one transaction.
type Inbox interface {
	// Accept stores the events of one delivery and enqueues a job for each, all or
	// none. It gives a receipt an event, in their order: for one whose key was seen
	// before, the first event's id and Duplicate.
	Accept(ctx context.Context, b Batch) ([]Receipt, error)
	// Reject keeps a record of a refused delivery, in a bounded ring per source.
	Reject(ctx context.Context, r Rejection) error
}

// Batch is the events of one delivery: one, but for senders that collect several.
type Batch struct {
	// Raw is what was signed, if that is not the body of the one event there is.
	Raw    []byte
	Events []Event
	// DedupeFor is how long a key counts, from when it was last seen: one not seen for
	// longer is that of a new event. 0 means DefaultDedupe. A weak key counts for
	// WeakWindow at most.
	DedupeFor time.Duration
	// RerunIfFailed: an event that comes again after all its runs have failed, or that
	// could not become one, is routed again.
	RerunIfFailed bool
}

// Event is a verified delivery, or one element of it, exactly as it came.
type Event struct {
	ID     string // ours, "evt_..."
	Source string // name of the webhook in the configuration
	// Key identifies the delivery among all of the source's: the provider's id,
	// or a hash of the signed bytes (Weak).
	Key string
	// Weak: the key is a hash, and counts as seen for WeakWindow only.
	Weak        bool
	ContentType string
	Headers     http.Header // allow-listed, secrets left out
	Body        []byte      // the exact bytes that were signed, or an element of them
	ReceivedAt  time.Time
	// ProviderAt is when it happened, as the sender says; zero if it does not.
	ProviderAt time.Time
	// VerifiedBy says which secret matched: "secret 1 of 2".
	VerifiedBy string
}

// WeakWindow is how long a hash of the content counts as the same delivery.
const WeakWindow = 24 * time.Hour

// DefaultDedupe is how long the key of a source counts that says nothing of it:
// providers have a delivery sent again for up to 30 days (ING-10).
const DefaultDedupe = 35 * 24 * time.Hour

// Receipt is what became of an accepted delivery.
type Receipt struct {
	ID        string // of the first event with this key
	Duplicate bool
	Rerun     bool // it is routed again, because it had failed
}

// Rejection is a refused delivery, kept so that a person can find out why.
type Rejection struct {
	Source      string
	At          time.Time
	Remote      string // the peer's address
	Status      int    // the HTTP status answered
	Reason      string
	HeaderNames []string
	Excerpt     []byte // at most RejectedExcerpt bytes of the body
}

const (
	// RejectedExcerpt bounds what is kept of a refused body, in bytes.
	RejectedExcerpt = 4 << 10
	// RejectedRing bounds how many rejections are kept per source.
	RejectedRing = 1000
)
