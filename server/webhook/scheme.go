package webhook

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"time"
)

// scheme is one way of signing, as data for the engine. Only forms and readKey have
// to be there.
type scheme struct {
	name string
	// forms are the ways its senders go about it. The first one that a delivery is in
	// is the delivery's.
	forms []form
	// readKey makes a key of a secret's text. The scheme decides how: the same prefix
	// means different things to different senders.
	readKey func(secret string) (key, error)
	// readPrivate is readKey for signing, where that takes another secret.
	readPrivate func(secret string) (key, error)
	// unsigned: nobody can tell whose its deliveries are.
	unsigned bool

	// check is what must hold of a delivery besides its signature.
	check func(d Delivery) error
	// challenge answers a signed delivery that only asks whether we are there.
	challenge func(body []byte) (Reply, bool)
	// greet answers a GET that asks the same.
	greet func(e *engine, query url.Values, at time.Time) (Reply, error)
	// split takes a verified body apart. None, or none found: it is one event.
	split func(body []byte) [][]byte
	// inside finds the dedupe key in a verified body, or in one that was split off,
	// and when it happened. "" means there is no key: an odd body never loses a
	// verified event.
	inside func(body []byte) (id string, at time.Time)
	// when says when it happened, by the headers.
	when func(h http.Header) time.Time
	// keep lists further headers to store with the event.
	keep []string
	// reply is what its senders want to hear once all is stored.
	reply *Reply
}

// form is one shape of a scheme's deliveries.
type form struct {
	version string // what people call it, "" if there is but one
	names   spelling
	// versionHeader, if it is sent, has to hold the version.
	versionHeader string
	// inPath: the signature is not in a header, it is the token in the path.
	inPath bool
	// unit of the timestamp. 0: none is signed, so there is no replay window.
	unit time.Duration
	// signed spells the bytes that are signed, as fields and literals.
	signed []string
	// addresses gives the spellings of the address that may have been signed; nil:
	// the one there is.
	addresses func(address string) []string
	// separator splits the signature header into items; "" means it is one item.
	separator string
	// stampItem marks the item that is the timestamp, where the signature header
	// carries it; "" means it has a header of its own.
	stampItem string
	// ways are the kinds of signature it may carry. A key says which is its own.
	ways []way
	// idOptional: not all its senders have an id, and none is malformed for that.
	idOptional bool
	// check is what must hold of a delivery in this form, besides its signature.
	check func(d Delivery) error
}

// way is one kind of signature.
type way struct {
	// prefix marks the items that are of this way. Others belong to versions we do
	// not know, and are skipped.
	prefix string
	encoding
	algorithm
}

// spelling names the headers of a form. Without an id header the dedupe key is in
// the body, or is made of it.
type spelling struct{ signature, timestamp, id string }

// The fields that signed may hold.
const (
	secretField    = "{secret}" // is hashed before all others, by the algorithm
	idField        = "{id}"
	timestampField = "{timestamp}"
	methodField    = "{method}"
	urlField       = "{url}"
	formField      = "{form}" // the body's parameters, sorted, if it is a form
	bodyField      = "{body}"
)

// signs reports whether a field is among the signed bytes.
func (f form) signs(field string) bool {
	for _, part := range f.signed {
		if part == field {
			return true
		}
	}
	return false
}

// fits reports whether headers are those of a delivery in this form.
func (f form) fits(h http.Header) bool {
	if len(h.Values(f.names.signature)) == 0 {
		return false
	}
	said := h.Get(f.versionHeader)
	return f.versionHeader == "" || said == "" || said == f.version
}

// needsURL reports whether deliveries cannot be judged without the public URL.
func (s scheme) needsURL() bool {
	for _, f := range s.forms {
		if f.signs(urlField) {
			return true
		}
	}
	return false
}

// content is what the fields stand for.
type content struct {
	id, timestamp, method, url string
	form                       []byte
	body                       []byte
}

// fill gives the signed bytes in parts, so that a large body is not copied.
func (f form) fill(c content) [][]byte {
	parts := make([][]byte, 0, len(f.signed))
	for _, field := range f.signed {
		switch field {
		case secretField:
		case idField:
			parts = append(parts, []byte(c.id))
		case timestampField:
			parts = append(parts, []byte(c.timestamp))
		case methodField:
			parts = append(parts, []byte(c.method))
		case urlField:
			parts = append(parts, []byte(c.url))
		case formField:
			parts = append(parts, c.form)
		case bodyField:
			parts = append(parts, c.body)
		default:
			parts = append(parts, []byte(field))
		}
	}
	return parts
}

// encoding is how the bytes of a signature are written in a header.
type encoding struct {
	encode func([]byte) string
	decode func(string) ([]byte, error)
}

var (
	hexEncoding    = encoding{hex.EncodeToString, hex.DecodeString}
	base64Encoding = encoding{base64.StdEncoding.EncodeToString, decodeBase64}
)

var errNotCanonical = errors.New("not canonical base64")

// decodeBase64 refuses every text but the one that encodes to itself. Go's decoder
// lets stray bits and line breaks pass, which would give one key many spellings.
func decodeBase64(text string) ([]byte, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || base64.StdEncoding.EncodeToString(raw) != text {
		return nil, errNotCanonical
	}
	return raw, nil
}

// textKey takes the whole text of the secret as the key.
func textKey(secret string) (key, error) { return key{bytes: []byte(secret)}, nil }
