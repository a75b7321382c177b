package webhook

import (
	"bytes"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"
)

// received is what a request turned out to be.
type received struct {
	body  []byte // as far as it was read, also with an error
	batch Batch  // without events if there is nothing to store
	reply *Reply // what the sender's protocol wants to hear
}

// receive reads a delivery and turns it into the events in it, if it is genuine.
func (h *Handler) receive(r *http.Request, s Source, token string, arrived time.Time) (received, error) {
	body, err := readBody(r, s.MaxBody)
	got := received{body: body}
	if err != nil {
		return got, err
	}
	verified, err := s.Verifier.Verify(h.delivery(r, s, token, body, arrived))
	if err != nil {
		return got, err
	}
	if !verified.Until.IsZero() {
		h.log.WarnContext(r.Context(), "verified a webhook with a secret that is about to end",
			"source", s.Name, "verified_by", verified.By, "until", verified.Until)
	}
	got.reply = verified.Reply
	for _, part := range verified.Parts {
		id, err := uuid.NewV7()
		if err != nil {
			return got, fmt.Errorf("making an event id: %w", err)
		}
		got.batch.Events = append(got.batch.Events, Event{
			ID:          "evt_" + hex.EncodeToString(id[:]),
			Source:      s.Name,
			Key:         part.Key,
			Weak:        part.Weak,
			ContentType: r.Header.Get("Content-Type"),
			Headers:     verified.Headers,
			Body:        part.Body,
			ReceivedAt:  arrived,
			ProviderAt:  part.At,
			VerifiedBy:  verified.By,
		})
	}
	if len(verified.Parts) > 1 || len(verified.Parts) == 1 && len(verified.Parts[0].Body) != len(body) {
		got.batch.Raw = body
	}
	return got, nil
}

// delivery is the request as its verifier judges it.
func (h *Handler) delivery(r *http.Request, s Source, token string, body []byte, arrived time.Time) Delivery {
	d := Delivery{Source: s.Name, Method: r.Method, Token: token, Header: r.Header, Body: body, ArrivedAt: arrived}
	if h.publicURL != "" {
		d.URL = h.publicURL + target(r)
	}
	if r.TLS != nil {
		d.Certificates = append([]*x509.Certificate(nil), r.TLS.PeerCertificates...)
	}
	return d
}

// target is the path and query as the sender wrote them: it signed those bytes, and
// not their cleaned form.
func target(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		return r.RequestURI
	}
	return r.URL.RequestURI() // a request line with a whole address in it
}

// errSlow: the read deadline came before the end of the body.
var errSlow = errors.New("reading the body: not all of it came in time")

// firstRead bounds what is set aside for a body before any of it has come, in bytes: a
// length is a claim.
const firstRead = 64 << 10

// readBody reads at most one byte above the limit, which tells "full" from "cut":
// a chunked body announces no length, and one cut short must never be stored.
func readBody(r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	// In one piece, where its length is known: io.ReadAll would let it grow in five.
	body := bytes.NewBuffer(make([]byte, 0, bytes.MinRead+min(max(r.ContentLength, 0), firstRead)))
	_, err := body.ReadFrom(io.LimitReader(r.Body, limit+1))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return body.Bytes(), fmt.Errorf("%w: %d bytes came: %w", errSlow, body.Len(), err)
	case err != nil:
		return body.Bytes(), malformed("body broke off after %d bytes: %v", body.Len(), err)
	case int64(body.Len()) > limit:
		return body.Bytes(), tooLarge(limit)
	}
	return body.Bytes(), nil
}

func tooLarge(limit int64) *Refusal {
	return &Refusal{Status: http.StatusRequestEntityTooLarge, Reason: fmt.Sprintf("body above the source's limit of %d bytes", limit)}
}
