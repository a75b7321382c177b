package webhook

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Outgoing is a delivery about to be signed.
type Outgoing struct {
	ID   string // for schemes with an id header; Stripe's id is in the body
	At   time.Time
	Body []byte
}

// Sign gives the headers a sender of the scheme would send with the body: for
// tests, for the demo, and for trying out a source from the command line.
func Sign(name, secret string, m Outgoing, o SchemeOptions) (http.Header, error) {
	s, err := schemeNamed(name, o)
	if err != nil {
		return nil, err
	}
	raw, err := keyOf(s, secret)
	if err != nil {
		return nil, fmt.Errorf("signing as %s: %w", name, err)
	}
	names := s.spellings[0]
	if names.id != "" && m.ID == "" {
		return nil, fmt.Errorf("signing as %s: the scheme needs an id", name)
	}
	h := http.Header{}
	stamp := ""
	if s.unit != 0 {
		stamp = strconv.FormatInt(m.At.UnixNano()/int64(s.unit), 10)
	}
	if names.id != "" {
		h.Set(names.id, m.ID)
	}
	if names.timestamp != "" {
		h.Set(names.timestamp, stamp)
	}
	signature := s.prefix + s.encoding.encode(s.mac(raw, s.fill(m.ID, stamp, m.Body)))
	if s.stampItem != "" {
		signature = s.stampItem + stamp + s.separator + signature
	}
	h.Set(names.signature, signature)
	return h, nil
}
