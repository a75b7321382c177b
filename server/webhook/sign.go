package webhook

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Outgoing is a delivery about to be signed.
type Outgoing struct {
	ID     string // for schemes with an id header; Stripe's id is in the body
	At     time.Time
	Method string // for schemes that sign it; "" is POST
	URL    string // for schemes that sign it: what the sender calls
	// ContentType is that of the body, which Twilio signs as a form if it is one.
	ContentType string
	Body        []byte
}

// Sign gives the headers a sender of the scheme would send with the body: for
// tests, for the demo, and for trying out a source from the command line. Where the
// source verifies with a public key, the secret is the private one.
//
// Salesforce shows its secret in the path: there are no headers then.
func Sign(name, secret string, m Outgoing, o SchemeOptions) (http.Header, error) {
	s, err := schemeNamed(name, o)
	if err != nil {
		return nil, err
	}
	h := http.Header{}
	if m.ContentType != "" {
		h.Set("Content-Type", m.ContentType)
	}
	f := s.forms[0]
	if f.names.id != "" && m.ID != "" {
		h.Set(f.names.id, m.ID)
	}
	if s.unsigned {
		return h, nil
	}
	if f.names.id != "" && m.ID == "" && !f.idOptional {
		return nil, fmt.Errorf("signing as %s: the scheme needs an id", name)
	}
	read := s.readKey
	if s.readPrivate != nil {
		read = s.readPrivate
	}
	k, err := keyOf(read, secret)
	if err == nil && !f.inPath {
		err = f.sign(h, k, m)
	}
	if err != nil {
		return nil, fmt.Errorf("signing as %s: %w", name, err)
	}
	return h, nil
}

// sign adds the headers of the signature.
func (f form) sign(h http.Header, k key, m Outgoing) error {
	stamp := ""
	if f.unit != 0 {
		stamp = strconv.FormatInt(m.At.UnixNano()/int64(f.unit), 10)
	}
	if f.names.timestamp != "" {
		h.Set(f.names.timestamp, stamp)
	}
	if m.Method == "" {
		m.Method = http.MethodPost
	}
	d := Delivery{Method: m.Method, URL: m.URL, Header: h, Body: m.Body}
	signed, err := f.contentOf(envelope{id: m.ID, timestamp: stamp}, d, f.spellingsOf(m.URL)[0])
	if err != nil {
		return err
	}
	w := f.ways[k.way]
	text, err := w.make(k.bytes, signed)
	if err != nil {
		return err
	}
	text = w.prefix + text
	if f.stampItem != "" {
		text = f.stampItem + stamp + f.separator + text
	}
	if f.versionHeader != "" {
		h.Set(f.versionHeader, f.version)
	}
	h.Set(f.names.signature, text)
	return nil
}

// make gives the signature as it is written. A shown secret is not hashed: the
// sender shows it.
func (w way) make(key []byte, signed [][]byte) (string, error) {
	switch {
	case w.bare:
		return w.encode(key), nil
	case w.algorithm.sign != nil:
		raw, err := w.algorithm.sign(key, signed)
		return w.encode(raw), err
	}
	return w.encode(w.mac(key, signed)), nil
}
