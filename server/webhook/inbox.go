package webhook

import (
	"context"
	"net/http"
	"time"
)

// Inbox keeps events. A nil error from Accept is a promise to the sender: event,
// dedupe key and job are on disk, in one transaction.
type Inbox interface {
	// Accept stores the event and enqueues its job, unless its key was seen
	// before: then it gives the first event's id and Duplicate.
	Accept(ctx context.Context, e Event) (Receipt, error)
	// Reject keeps a record of a refused delivery, in a bounded ring per source.
	Reject(ctx context.Context, r Rejection) error
}

// Event is a verified delivery, exactly as it came.
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
	Body        []byte      // the exact bytes that were signed
	ReceivedAt  time.Time
	// VerifiedBy says which secret matched: "secret 1 of 2".
	VerifiedBy string
}

// WeakWindow is how long a hash of the content counts as the same delivery.
const WeakWindow = 24 * time.Hour

// Receipt is what became of an accepted delivery.
type Receipt struct {
	ID        string // of the first event with this key
	Duplicate bool
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
