package webhook

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/google/uuid"

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
}

// Handler takes deliveries for every source.
type Handler struct {
	sources   map[string]Source
	inbox     Inbox
	now       func() time.Time
	log       *slog.Logger
	timeout   time.Duration
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
	source, ok := h.route(r.URL.Path)
	if !ok {
		h.answerStranger(w, r, arrived)
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		answerError(w, http.StatusMethodNotAllowed)
		return
	}
	event, body, err := h.receive(r, source, arrived)
	var refusal *Refusal
	if errors.As(err, &refusal) {
		h.reject(r, source, refusal, body, arrived)
		answerError(w, refusal.Status)
		return
	}
	var receipt Receipt
	if err == nil {
		receipt, err = h.accept(r.Context(), event)
	}
	if err != nil {
		h.comeBack(w, r, event, source, err)
		return
	}
	answer(w, http.StatusOK, accepted(receipt))
}

// comeBack asks the sender to send again. It is answered with 503 even where it
// was too slow itself: a slow line is nobody's mistake, and a 4xx makes some
// senders give up.
func (h *Handler) comeBack(w http.ResponseWriter, r *http.Request, e Event, s Source, cause error) {
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
	if e.ID != "" {
		attrs = append(attrs, "event", e.ID)
	}
	h.log.ErrorContext(r.Context(), "asked the sender of a webhook to come back", attrs...)
	answerError(w, http.StatusServiceUnavailable)
}

// receive reads a delivery and turns it into an event, if it is genuine. The body
// comes back with an error too, as far as it was read.
func (h *Handler) receive(r *http.Request, s Source, arrived time.Time) (Event, []byte, error) {
	body, err := readBody(r, s.MaxBody)
	if err != nil {
		return Event{}, body, err
	}
	d := Delivery{Source: s.Name, Header: r.Header, Body: body, ArrivedAt: arrived}
	verified, err := s.Verifier.Verify(d)
	if err != nil {
		return Event{}, body, err
	}
	if !verified.Until.IsZero() {
		h.log.WarnContext(r.Context(), "verified a webhook with a secret that is about to end",
			"source", s.Name, "verified_by", verified.By, "until", verified.Until)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Event{}, body, fmt.Errorf("making an event id: %w", err)
	}
	return Event{
		ID:          "evt_" + hex.EncodeToString(id[:]),
		Source:      s.Name,
		Key:         verified.Key,
		Weak:        verified.Weak,
		ContentType: r.Header.Get("Content-Type"),
		Headers:     verified.Headers,
		Body:        body,
		ReceivedAt:  arrived,
		VerifiedBy:  verified.By,
	}, body, nil
}

// errSlow: the read deadline came before the end of the body.
var errSlow = errors.New("reading the body: not all of it came in time")

// readBody reads at most one byte above the limit, which tells "full" from "cut":
// a chunked body announces no length, and one cut short must never be stored.
func readBody(r *http.Request, limit int64) ([]byte, error) {
	tooLarge := &Refusal{
		Status: http.StatusRequestEntityTooLarge,
		Reason: fmt.Sprintf("body above the source's limit of %d bytes", limit),
	}
	if r.ContentLength > limit {
		return nil, tooLarge
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return body, fmt.Errorf("%w: %d bytes came: %w", errSlow, len(body), err)
	case err != nil:
		return body, malformed("body broke off after %d bytes: %v", len(body), err)
	case int64(len(body)) > limit:
		return body, tooLarge
	}
	return body, nil
}

// accept stores the event and says so in the log. A sender that hangs up does not
// stop it: GitHub would not send again.
func (h *Handler) accept(ctx context.Context, e Event) (Receipt, error) {
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.timeout)
	defer cancel()
	receipts, err := h.inbox.Accept(bounded, Batch{Events: []Event{e}})
	if err != nil {
		return Receipt{}, fmt.Errorf("storing the event: %w", err)
	}
	receipt := receipts[0]
	h.log.InfoContext(ctx, "accepted a webhook", "source", e.Source, "event", receipt.ID,
		"duplicate", receipt.Duplicate, "verified_by", e.VerifiedBy)
	return receipt, nil
}
