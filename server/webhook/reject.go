package webhook

import (
	"context"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	// rejectTimeout bounds the record of a refusal, which the sender waits for.
	rejectTimeout = time.Second
	// Header names are a stranger's text like the body, and bounded like it.
	maxHeaderNames = 64
	maxHeaderName  = 128 // bytes
	// strangerInterval is how often deliveries to no source are logged.
	strangerInterval = time.Minute
	// A source's refusals are recorded at this rate, in records a second, and so
	// many at once: each costs a write, and anyone can send a wrong signature.
	recordRate  = 20
	recordBurst = 200
)

// reject records a refused delivery. The record is for people: that it cannot be
// written changes nothing for the sender. A sender that hangs up does not prevent
// it, or a forger could leave no trace.
//
// A flood of refusals is recorded in part: it must not keep the disk from what is
// signed.
func (h *Handler) reject(r *http.Request, s Source, why *Refusal, body []byte, arrived time.Time) {
	if !h.records[s.Name].AllowN(h.now(), 1) { // arrived would turn its clock back
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), rejectTimeout)
	defer cancel()
	h.log.WarnContext(ctx, "refused a webhook", "source", s.Name, "status", why.Status,
		"reason", why.Reason, "remote", remote(r))
	err := h.inbox.Reject(ctx, Rejection{
		Source:      s.Name,
		At:          arrived,
		Remote:      remote(r),
		Status:      why.Status,
		Reason:      why.Reason,
		HeaderNames: headerNames(r.Header),
		Excerpt:     body[:min(len(body), RejectedExcerpt)],
	})
	if err != nil {
		h.log.ErrorContext(ctx, "could not record a refused webhook", "source", s.Name, "err", err)
	}
}

// remote is the peer's address without its port.
func remote(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

func headerNames(h http.Header) []string {
	names := slices.Sorted(maps.Keys(h))
	names = names[:min(len(names), maxHeaderNames)]
	for i, name := range names {
		names[i] = name[:min(len(name), maxHeaderName)]
	}
	return names
}

// strangers counts deliveries to no source. They leave one line a minute and no
// record: anyone can send them, and must not be able to fill the disk.
type strangers struct {
	mu     sync.Mutex
	unsaid int // since the last line
	logged time.Time
}

// add counts one, and gives how many there were when it is time for a line.
func (s *strangers) add(now time.Time) (count int, due bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unsaid++
	if !s.logged.IsZero() && now.Sub(s.logged) < strangerInterval {
		return 0, false
	}
	count, s.unsaid, s.logged = s.unsaid, 0, now
	return count, true
}

// answerStranger says 404 without reading the body, for a source that is disabled
// and for one that never was: neither answer nor time tells them apart.
func (h *Handler) answerStranger(w http.ResponseWriter, r *http.Request, arrived time.Time) {
	if count, due := h.strangers.add(arrived); due {
		h.log.WarnContext(r.Context(), "refused deliveries to no webhook source",
			"count", count, "remote", remote(r))
	}
	answerError(w, http.StatusNotFound)
}
