package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"time"
)

// scheme is one way of signing, as data for the engine.
type scheme struct {
	// spellings are the names its headers go by. The first one whose signature
	// header is present is the delivery's.
	spellings []spelling
	// unit of the timestamp. 0: none is signed, so there is no replay window.
	unit time.Duration
	// signed spells the bytes that are signed, as fields and literals.
	signed []string
	// separator splits the signature header into items; "" means it is one item.
	separator string
	// prefix marks the items that are signatures of this scheme. Others belong to
	// versions we do not know, and are skipped.
	prefix string
	// stampItem marks the item that is the timestamp, where the signature header
	// carries it; "" means it has a header of its own.
	stampItem string
	encoding  encoding
	decodeKey func(secret string) ([]byte, error)
	mac       func(key []byte, signed [][]byte) []byte
	// bodyKey finds the dedupe key in a verified body, where no header has it.
	// "" means there is none: an odd body never loses a verified event.
	bodyKey func(body []byte) string
	// keep lists further headers to store with the event.
	keep []string
}

// spelling names the headers of a scheme. Without an id header the dedupe key is
// in the body, or is made of it.
type spelling struct{ signature, timestamp, id string }

// The fields that signed may hold.
const (
	idField        = "{id}"
	timestampField = "{timestamp}"
	bodyField      = "{body}"
)

// encoding is how MAC bytes are written in a header.
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
func textKey(secret string) ([]byte, error) { return []byte(secret), nil }

func hmacSHA256(key []byte, signed [][]byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, part := range signed {
		h.Write(part)
	}
	return h.Sum(nil)
}

// fill gives the signed bytes in parts, so that a large body is not copied.
func (s scheme) fill(id, timestamp string, body []byte) [][]byte {
	parts := make([][]byte, 0, len(s.signed))
	for _, field := range s.signed {
		switch field {
		case idField:
			parts = append(parts, []byte(id))
		case timestampField:
			parts = append(parts, []byte(timestamp))
		case bodyField:
			parts = append(parts, body)
		default:
			parts = append(parts, []byte(field))
		}
	}
	return parts
}
