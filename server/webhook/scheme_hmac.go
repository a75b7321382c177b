package webhook

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// hmacScheme is HMAC-SHA256 under the names a source sets, for the many senders
// that have no scheme of their own here. The key is the secret's text.
func hmacScheme(o SchemeOptions) (scheme, error) {
	names := spelling{
		signature: http.CanonicalHeaderKey(o.SignatureHeader),
		timestamp: http.CanonicalHeaderKey(o.TimestampHeader),
		id:        http.CanonicalHeaderKey(o.IDHeader),
	}
	if err := checkNames(names); err != nil {
		return scheme{}, err
	}
	s := scheme{
		spellings: []spelling{names},
		signed:    []string{bodyField},
		prefix:    o.Prefix,
		decodeKey: textKey,
		mac:       hmacSHA256,
	}
	if names.timestamp != "" {
		s.unit = time.Second
		s.signed = []string{timestampField, ".", bodyField}
	}
	switch o.Encoding {
	case "", "hex":
		s.encoding = hexEncoding
	case "base64":
		s.encoding = base64Encoding
	default:
		return scheme{}, fmt.Errorf("encoding %q is neither hex nor base64", o.Encoding)
	}
	return s, nil
}

// checkNames keeps apart what is stored with an event from what must not be: the
// id and timestamp headers are kept, a signature or a credential never.
func checkNames(n spelling) error {
	if n.signature == "" {
		return errors.New("scheme hmac needs the name of its signature header")
	}
	for _, kept := range []string{n.timestamp, n.id} {
		switch kept {
		case n.signature:
			return fmt.Errorf("header %q cannot be the signature and something else", kept)
		case "Authorization", "Proxy-Authorization", "Cookie":
			return fmt.Errorf("header %q holds a credential, which must not be stored", kept)
		}
	}
	if n.id != "" && n.id == n.timestamp {
		return fmt.Errorf("header %q cannot be both the id and the timestamp", n.id)
	}
	return nil
}
