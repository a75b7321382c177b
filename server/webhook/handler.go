package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// Source is one configured webhook: POST /webhooks/Name.
type Source struct {
	Name     string // 1 to 64 characters of [a-z0-9_-]
	Verifier Verifier
	MaxBody  int64 // bytes, up to MaxMaxBody; 0 means DefaultMaxBody
	// AllowIPs are where deliveries may come from, besides being genuine; none is
	// everywhere. It goes by the request's RemoteAddr.
	AllowIPs []netip.Prefix
	// ContentTypes are the media types that deliveries may have; none is any.
	ContentTypes []string
	// Rate bounds the verified deliveries a second; 0 means DefaultRate. Ten seconds'
	// worth may come at once: it is there for the disk, and no measure of the work.
	Rate int
	// DedupeFor is how long a key counts, from when it was last seen; 0 means
	// DefaultDedupe.
	DedupeFor time.Duration
	// RerunIfFailed has an event run again that failed, when its sender delivers it again.
	RerunIfFailed bool
	// Answer is what the sender of a stored delivery hears, where its scheme wants
	// nothing in particular.
	Answer Answer
	// Disabled: the source answers exactly as one that does not exist.
	Disabled bool
}

const (
	// DefaultMaxBody is the body limit of a source that sets none, in bytes.
	DefaultMaxBody = 10 << 20
	// MaxMaxBody is the largest limit a source may set, in bytes. A body is held in
	// memory until it is stored; the largest any known sender posts is 25 MB.
	MaxMaxBody = 64 << 20
	// DefaultRate is how many deliveries a second a source takes that sets no rate.
	DefaultRate = 1000
	// burst is how many seconds' worth of deliveries may come at once.
	burst = 10
	// defaultAcceptTimeout is the ceiling of an acknowledgement (ING-04): the least
	// patient senders hang up after 1 to 1.25 s.
	defaultAcceptTimeout = time.Second
	// retryAfter is what a sender is asked to wait that is to come back.
	retryAfter = "5" // seconds
)

// Options of a Handler. The zero value is right for production, but for Log.
type Options struct {
	Now func() time.Time // nil: time.Now
	Log *slog.Logger     // nil: nothing is logged
	// AcceptTimeout bounds one Inbox.Accept; 0 means 1 s. An event committed after
	// the sender was told to come back is found again by its key.
	AcceptTimeout time.Duration
	// PublicURL is how the outside reaches [Prefix]: what senders sign that sign the
	// address. "" if no source needs it.
	PublicURL string
	// Meter counts deliveries where several nodes take those of one source; nil: this
	// process takes them all.
	Meter Meter
	// Unable says why nothing can be accepted now, such as a full disk; nil if it can.
	// It is asked for each delivery. May be nil.
	Unable func() error
}

// Handler takes deliveries for every source.
type Handler struct {
	mu         sync.RWMutex // guards sources once deliveries come
	sources    map[string]Source
	inbox      Inbox
	now        func() time.Time
	log        *slog.Logger
	deadlines  deadlines // of accepts
	publicURL  string
	unable     func() error
	strangers  strangers
	records    map[string]*rate.Limiter // of refusals, by source
	allowances map[string]*allowance    // by source
	meter      Meter
	closing    atomic.Int64 // when nothing is accepted any more, unix nanoseconds; 0: no end is in sight
}

// NewHandler serves the sources. A name that cannot stand in a path, or stands
// there twice, and a source without a verifier are errors.
func NewHandler(sources []Source, inbox Inbox, o Options) (*Handler, error) {
	h := &Handler{
		sources:    map[string]Source{},
		records:    map[string]*rate.Limiter{},
		allowances: map[string]*allowance{},
		meter:      o.Meter,
		inbox:      inbox,
		now:        o.Now,
		log:        o.Log,

		deadlines: deadlines{after: o.AcceptTimeout},
		publicURL: strings.TrimSuffix(o.PublicURL, "/"),
		unable:    o.Unable,
	}
	if h.unable == nil {
		h.unable = func() error { return nil }
	}
	if h.now == nil {
		h.now = time.Now
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	if h.deadlines.after == 0 {
		h.deadlines.after = defaultAcceptTimeout
	}
	for _, s := range sources {
		if err := h.add(s); err != nil {
			return nil, fmt.Errorf("webhook source %q: %w", s.Name, err)
		}
	}
	return h, nil
}

func (h *Handler) add(s Source) error {
	if s.MaxBody == 0 {
		s.MaxBody = DefaultMaxBody
	}
	if s.Rate == 0 {
		s.Rate = DefaultRate
	}
	if s.DedupeFor == 0 {
		s.DedupeFor = DefaultDedupe
	}
	if s.Answer.Status == 0 {
		s.Answer.Status = http.StatusOK
	}
	_, taken := h.sources[s.Name]
	switch {
	case !nameRule.MatchString(s.Name):
		return errors.New("a name is 1 to 64 characters of [a-z0-9_-]")
	case taken:
		return errors.New("there are two of this name")
	case s.Verifier == nil:
		return errors.New("it has no verifier, and would let everybody in")
	case h.publicURL == "" && needsURL(s.Verifier):
		return errors.New("its scheme signs the address that the sender calls: set server.public_url")
	case len(s.AllowIPs) == 0 && isUnsigned(s.Verifier):
		return errors.New("its deliveries prove nothing: it needs the addresses they may come from")
	case s.MaxBody < 0 || s.MaxBody > MaxMaxBody:
		return fmt.Errorf("body limit %d is not between 0 and %d bytes", s.MaxBody, MaxMaxBody)
	case s.Rate < 0:
		return fmt.Errorf("rate %d is negative", s.Rate)
	case s.DedupeFor < 0:
		return fmt.Errorf("keys cannot count for %v", s.DedupeFor)
	}
	if err := s.Answer.check(); err != nil {
		return err
	}
	h.sources[s.Name] = s
	h.records[s.Name] = rate.NewLimiter(recordRate, recordBurst)
	h.allowances[s.Name] = &allowance{limiter: rate.NewLimiter(rate.Limit(s.Rate), s.Rate*burst)}
	return nil
}

// ServeHTTP answers a delivery, in one fixed order of steps: what can be told by the
// request's head comes before its body, what is genuine before what there is room for.
// 200 (or what the source says): stored, or known; 400 malformed; 401 not verified, or
// from elsewhere; 404 no such source; 405 not a POST; 413 too large; 415 of another
// type; 429 too many; 503 our fault, or a body that came too slowly.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	arrived := h.now() // before the body: a slow one is judged by when it came
	source, token, ok := h.route(r.URL.Path)
	if !ok {
		h.answerStranger(w, r, arrived)
		return
	}
	if err := source.welcomes(r); err != nil {
		h.refuse(w, r, source, err, nil, arrived)
		return
	}
	if r.Method != http.MethodPost {
		h.greet(w, r, source, arrived)
		return
	}
	if err := h.open(source, r, arrived); err != nil {
		h.refuseOrComeBack(w, r, source, received{}, err, arrived)
		return
	}
	got, err := h.receive(r, source, token, arrived)
	if err == nil {
		err = h.pace(r.Context(), source)
	}
	var receipts []Receipt
	if err == nil {
		receipts, err = h.accept(r.Context(), source, got.batch)
	}
	if err != nil {
		h.refuseOrComeBack(w, r, source, got, err, arrived)
		return
	}
	source.Answer.stored(w, got.reply, receipts)
}

// refuseOrComeBack tells faults of the delivery from ours.
func (h *Handler) refuseOrComeBack(w http.ResponseWriter, r *http.Request, s Source, got received, cause error, arrived time.Time) {
	var refusal *Refusal
	if errors.As(cause, &refusal) {
		h.refuse(w, r, s, refusal, got.body, arrived)
		return
	}
	h.comeBack(w, r, got.batch, s, cause)
}

// refuse records a refusal and answers it.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, s Source, why *Refusal, body []byte, arrived time.Time) {
	h.reject(r, s, why, body, arrived)
	if why.Status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", retryAfter)
	}
	answerError(w, why.Status)
}

// comeBack asks the sender to send again. It is answered with 503 even where it
// was too slow itself: a slow line is nobody's mistake, and a 4xx makes some
// senders give up.
func (h *Handler) comeBack(w http.ResponseWriter, r *http.Request, b Batch, s Source, cause error) {
	w.Header().Set("Retry-After", retryAfter)
	if errors.Is(cause, errSlow) {
		if h.records[s.Name].AllowN(h.now(), 1) { // anyone can send slowly
			h.log.WarnContext(r.Context(), "gave up on a webhook whose body did not arrive in time",
				"source", s.Name, "remote", remote(r), "err", cause)
		}
		answerText(w, http.StatusServiceUnavailable, slowAdvice)
		return
	}
	if errors.Is(cause, errClosing) {
		// Whoever sends more over this connection would meet its end.
		w.Header().Set("Connection", "close")
		answerError(w, http.StatusServiceUnavailable)
		return
	}
	if errors.Is(cause, errUnable) { // whoever found that out has said it, once
		h.log.DebugContext(r.Context(), "asked the sender of a webhook to come back", "source", s.Name, "err", cause)
		answerError(w, http.StatusServiceUnavailable)
		return
	}
	attrs := []any{"source", s.Name, "err", cause}
	if len(b.Events) > 0 {
		attrs = append(attrs, "event", b.Events[0].ID, "events", len(b.Events))
	}
	h.log.ErrorContext(r.Context(), "asked the sender of a webhook to come back", attrs...)
	answerError(w, http.StatusServiceUnavailable)
}

// accept stores the events and says so in the log. A sender that hangs up does not
// stop it: GitHub would not send again.
func (h *Handler) accept(ctx context.Context, s Source, b Batch) ([]Receipt, error) {
	if len(b.Events) == 0 {
		return nil, nil
	}
	b.DedupeFor, b.RerunIfFailed = s.DedupeFor, s.RerunIfFailed
	receipts, err := h.inbox.Accept(h.deadlines.bound(ctx), b)
	if err != nil {
		return nil, fmt.Errorf("storing the event: %w", err)
	}
	if !h.log.Enabled(ctx, slog.LevelInfo) {
		return receipts, nil
	}
	for i, e := range b.Events {
		msg := "accepted a webhook"
		if receipts[i].Rerun {
			msg = "accepted a webhook of an event that had failed; it runs again"
		}
		h.log.InfoContext(ctx, msg, "source", e.Source, "event", receipts[i].ID,
			"duplicate", receipts[i].Duplicate, "verified_by", e.VerifiedBy)
	}
	return receipts, nil
}
