package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

// Source is one configured webhook: POST /webhooks/Name.
type Source struct {
	Name     string // 1 to 64 characters of [a-z0-9_-]
	Verifier Verifier
	MaxBody  int64 // bytes, up to MaxMaxBody; 0 means DefaultMaxBody
	// Disabled: the source answers exactly as one that does not exist.
	Disabled bool
}

const (
	// DefaultMaxBody is the body limit of a source that sets none, in bytes.
	DefaultMaxBody = 10 << 20
	// MaxMaxBody is the largest limit a source may set, in bytes. A body is held in
	// memory until it is stored; the largest any known sender posts is 25 MB.
	MaxMaxBody = 64 << 20
	// defaultAcceptTimeout is about when senders hang up: Slack after 3 s, Shopify
	// and HubSpot after 5 s.
	defaultAcceptTimeout = 3 * time.Second
	// retryAfter is what a sender is asked to wait that is to come back.
	retryAfter = "5" // seconds
)

// Options of a Handler. The zero value is right for production, but for Log.
type Options struct {
	Now func() time.Time // nil: time.Now
	Log *slog.Logger     // nil: nothing is logged
	// AcceptTimeout bounds one Inbox.Accept; 0 means 3 s. An event committed after
	// the sender was told to come back is found again by its key.
	AcceptTimeout time.Duration
	// PublicURL is how the outside reaches [Prefix]: what senders sign that sign the
	// address. "" if no source needs it.
	PublicURL string
}

// Handler takes deliveries for every source.
type Handler struct {
	sources   map[string]Source
	inbox     Inbox
	now       func() time.Time
	log       *slog.Logger
	timeout   time.Duration
	publicURL string
	strangers strangers
	records   map[string]*rate.Limiter // of refusals, by source
}

// NewHandler serves the sources. A name that cannot stand in a path, or stands
// there twice, and a source without a verifier are errors.
func NewHandler(sources []Source, inbox Inbox, o Options) (*Handler, error) {
	h := &Handler{
		sources: map[string]Source{},
		records: map[string]*rate.Limiter{},
		inbox:   inbox,
		now:     o.Now,
		log:     o.Log,
		timeout: o.AcceptTimeout,

		publicURL: strings.TrimSuffix(o.PublicURL, "/"),
	}
	if h.now == nil {
		h.now = time.Now
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	if h.timeout == 0 {
		h.timeout = defaultAcceptTimeout
	}
	for _, s := range sources {
		if err := h.add(s); err != nil {
			return nil, fmt.Errorf("webhook source %q: %w", s.Name, err)
		}
	}
	return h, nil
}

func (h *Handler) add(s Source) error {
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
	case s.MaxBody < 0 || s.MaxBody > MaxMaxBody:
		return fmt.Errorf("body limit %d is not between 0 and %d bytes", s.MaxBody, MaxMaxBody)
	case s.MaxBody == 0:
		s.MaxBody = DefaultMaxBody
	}
	h.sources[s.Name] = s
	h.records[s.Name] = rate.NewLimiter(recordRate, recordBurst)
	return nil
}

// ServeHTTP answers a delivery: 200 stored or known, 400 malformed, 401 not
// verified, 404 no such source, 405 not a POST, 413 too large, 503 our fault, or
// a body that came too slowly.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	arrived := h.now() // before the body: a slow one is judged by when it came
	source, token, ok := h.route(r.URL.Path)
	if !ok {
		h.answerStranger(w, r, arrived)
		return
	}
	if r.Method != http.MethodPost {
		h.greet(w, r, source, arrived)
		return
	}
	got, err := h.receive(r, source, token, arrived)
	var refusal *Refusal
	if errors.As(err, &refusal) {
		h.reject(r, source, refusal, got.body, arrived)
		answerError(w, refusal.Status)
		return
	}
	var receipts []Receipt
	if err == nil {
		receipts, err = h.accept(r.Context(), got.batch)
	}
	if err != nil {
		h.comeBack(w, r, got.batch, source, err)
		return
	}
	answerStored(w, got.reply, receipts)
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
	attrs := []any{"source", s.Name, "err", cause}
	if len(b.Events) > 0 {
		attrs = append(attrs, "event", b.Events[0].ID, "events", len(b.Events))
	}
	h.log.ErrorContext(r.Context(), "asked the sender of a webhook to come back", attrs...)
	answerError(w, http.StatusServiceUnavailable)
}

// accept stores the events and says so in the log. A sender that hangs up does not
// stop it: GitHub would not send again.
func (h *Handler) accept(ctx context.Context, b Batch) ([]Receipt, error) {
	if len(b.Events) == 0 {
		return nil, nil
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.timeout)
	defer cancel()
	receipts, err := h.inbox.Accept(bounded, b)
	if err != nil {
		return nil, fmt.Errorf("storing the event: %w", err)
	}
	for i, e := range b.Events {
		h.log.InfoContext(ctx, "accepted a webhook", "source", e.Source, "event", receipts[i].ID,
			"duplicate", receipts[i].Duplicate, "verified_by", e.VerifiedBy)
	}
	return receipts, nil
}
