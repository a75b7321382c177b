package webhook

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// welcomes refuses whoever may not deliver here at all. It is no proof of anything,
// and so comes on top of the signature (ING-24). The answer is that to a wrong
// signature: a stranger does not learn that addresses matter.
func (s Source) welcomes(r *http.Request) *Refusal {
	if len(s.AllowIPs) == 0 {
		return nil
	}
	from, err := netip.ParseAddr(remote(r))
	from = from.Unmap().WithZone("")
	if err != nil || !slices.ContainsFunc(s.AllowIPs, func(p netip.Prefix) bool { return p.Contains(from) }) {
		return unverified("address %s is none of those allowed", remote(r))
	}
	return nil
}

var (
	errClosing = errors.New("the server is shutting down")
	errUnable  = errors.New("nothing can be accepted now")
)

// open reports whether a delivery like this can be taken now. It is asked before the
// body is read: there is no use in having it sent.
func (h *Handler) open(s Source, r *http.Request, arrived time.Time) error {
	if at := h.closing.Load(); at != 0 && arrived.UnixNano() >= at {
		return errClosing
	}
	if err := h.unable(); err != nil {
		return fmt.Errorf("%w: %w", errUnable, err)
	}
	return s.takes(r.Header.Get("Content-Type"))
}

// Close has deliveries that come later than the grace refused with 503, and their
// connections closed: a process that is about to end still answers whom it heard.
func (h *Handler) Close(grace time.Duration) {
	h.closing.CompareAndSwap(0, h.now().Add(grace).UnixNano())
}

// takes refuses media types that the source does not list.
func (s Source) takes(contentType string) error {
	if len(s.ContentTypes) == 0 {
		return nil
	}
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil || !slices.ContainsFunc(s.ContentTypes, func(t string) bool { return strings.EqualFold(t, media) }) {
		return &Refusal{Status: http.StatusUnsupportedMediaType, Reason: fmt.Sprintf("content type %.100q is none of those the source takes", contentType)}
	}
	return nil
}
