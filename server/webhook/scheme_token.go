package webhook

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// tokenScheme is for senders that cannot sign, and show a secret in a header: as a
// bearer token, or as they like. It proves less than a signature: who has seen one
// delivery can make others.
func tokenScheme(o SchemeOptions) (scheme, error) {
	names := spelling{
		signature: http.CanonicalHeaderKey(o.SignatureHeader),
		id:        http.CanonicalHeaderKey(o.IDHeader),
	}
	prefix := o.Prefix
	if names.signature == "" {
		names.signature = "Authorization"
	}
	if names.signature == "Authorization" && prefix == "" {
		prefix = "Bearer "
	}
	if err := checkNames(names); err != nil {
		return scheme{}, err
	}
	return scheme{
		name: Token,
		forms: []form{{
			names:  names,
			signed: []string{bodyField},
			ways:   []way{{"", behind(prefix), shown}},
		}},
		readKey: textKey,
	}, nil
}

// behind reads a shown secret that stands behind a prefix, in capitals or not: that
// of an Authorization header is no matter of case (RFC 9110, section 11.1).
func behind(prefix string) encoding {
	return encoding{
		encode: func(raw []byte) string { return prefix + string(raw) },
		decode: func(header string) ([]byte, error) {
			if len(header) <= len(prefix) || !strings.EqualFold(header[:len(prefix)], prefix) {
				return nil, fmt.Errorf("%q is not before it", prefix)
			}
			return shownEncoding.decode(header[len(prefix):])
		},
	}
}

// unsafeScheme believes everybody.
func unsafeScheme(o SchemeOptions) (scheme, error) {
	if !o.NoVerification {
		return scheme{}, errors.New("the scheme verifies nothing, which has to be said twice")
	}
	names := spelling{id: http.CanonicalHeaderKey(o.IDHeader)}
	if err := checkNames(spelling{signature: "-", id: names.id}); err != nil {
		return scheme{}, err
	}
	return scheme{name: UnsafeNone, unsigned: true, forms: []form{{names: names, signed: []string{bodyField}}}}, nil
}
