package webhook

import (
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// Secret is one key a source may sign with. It prints as [redacted].
type Secret struct {
	// Value is the text the sender showed. The scheme decides how it becomes a
	// key, never its prefix: whsec_ means base64 to one sender and nothing to another.
	Value string
	// NotAfter is the last moment the secret counts; zero is without end. Set it
	// on the old secret while a new one is being rolled out.
	NotAfter time.Time
}

const redacted = "[redacted]"

func (Secret) String() string               { return redacted }
func (Secret) GoString() string             { return redacted }
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Delivery is what a verifier judges: the request as it came.
type Delivery struct {
	Source string
	Method string
	// URL is the address the sender called: the configured public URL and the
	// request's own target, byte for byte as it was received. "" if no public URL is
	// configured. What a request says of its host is no part of it: that is the
	// sender's to choose.
	URL string
	// Token is the part of the path behind the source's name, for senders that
	// cannot sign and show a secret there instead.
	Token  string
	Header http.Header
	Body   []byte // the exact bytes received
	// Certificates are those the sender showed, its own first; none but over mTLS.
	Certificates []*x509.Certificate
	// ArrivedAt is when the request reached us, before its body was read. Both the
	// replay window and the end of a secret are judged by it.
	ArrivedAt time.Time
}

// Verified is what a genuine delivery was found to be.
type Verified struct {
	// Parts are the events in it: one, but for senders that collect several, and
	// none where the sender only wants to know whether we are there.
	Parts []Part
	By    string // the secret that matched: "secret 2 of 3"
	// Until is when that secret ends; zero if it does not.
	Until time.Time
	// Headers are those worth keeping with the events: never a signature.
	Headers http.Header
	// Reply is what the sender's protocol wants to hear once all is stored; nil where
	// any 2xx does.
	Reply *Reply
}

// Part is one event of a delivery.
type Part struct {
	Key  string    // the dedupe key
	Weak bool      // Key is a hash of the content, not the sender's id
	Body []byte    // the delivery's whole body, or the bytes of it that are this event
	At   time.Time // when it happened, as the sender says; zero if it does not
}

// Reply is an answer that a sender's protocol prescribes.
type Reply struct {
	ContentType string
	Body        []byte
}

// Verifier tells genuine deliveries from others. Its error is a *[Refusal] when
// the delivery is at fault; any other error is a fault of ours.
type Verifier interface {
	Verify(d Delivery) (Verified, error)
}

// Greeter is a Verifier whose sender asks with a GET whether the address is ours,
// before it delivers anything there.
type Greeter interface {
	Verifier
	// Greet answers the question in a query. Its error is a *[Refusal] when the
	// question is not to be answered.
	Greet(query url.Values, at time.Time) (Reply, error)
}

// Refusal is why a delivery was not accepted.
type Refusal struct {
	Status int // the HTTP status that says so
	// Reason is for the log and the record of rejections. It holds no secret and
	// no signature, and is still not told to the sender: it would teach a forger.
	Reason string
}

func (r *Refusal) Error() string { return r.Reason }

// malformed refuses a delivery that lacks what its scheme demands.
func malformed(format string, args ...any) *Refusal {
	return &Refusal{Status: http.StatusBadRequest, Reason: fmt.Sprintf(format, args...)}
}

// unverified refuses a delivery that nobody who holds a secret has signed now.
func unverified(format string, args ...any) *Refusal {
	return &Refusal{Status: http.StatusUnauthorized, Reason: fmt.Sprintf(format, args...)}
}
