package webhook

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// hmacScheme is an HMAC as a source describes it, for the many senders that have no
// scheme of their own here.
func hmacScheme(o SchemeOptions) (scheme, error) {
	names := spelling{
		signature: http.CanonicalHeaderKey(o.SignatureHeader),
		timestamp: http.CanonicalHeaderKey(o.TimestampHeader),
		id:        http.CanonicalHeaderKey(o.IDHeader),
	}
	if names.signature == "" {
		return scheme{}, errors.New("scheme hmac needs the name of its signature header")
	}
	if err := checkNames(names); err != nil {
		return scheme{}, err
	}
	f := form{names: names}
	w := way{prefix: o.Prefix}
	var err error
	if names.timestamp != "" {
		f.unit = time.Second
	}
	if o.Milliseconds {
		f.unit = time.Millisecond
	}
	if f.signed, err = signedBy(o.Signed, names); err != nil {
		return scheme{}, err
	}
	if w.encoding, err = encodingNamed(o.Encoding); err != nil {
		return scheme{}, err
	}
	if w.algorithm, err = hashNamed(o.Hash); err != nil {
		return scheme{}, err
	}
	f.ways = []way{w}
	s := scheme{name: HMAC, forms: []form{f}}
	s.readKey, err = keyEncodingNamed(o.KeyEncoding)
	return s, err
}

func encodingNamed(name string) (encoding, error) {
	switch name {
	case "", "hex":
		return hexEncoding, nil
	case "base64":
		return base64Encoding, nil
	}
	return encoding{}, fmt.Errorf("encoding %q is neither hex nor base64", name)
}

func hashNamed(name string) (algorithm, error) {
	switch name {
	case "", "sha256":
		return hmacSHA256, nil
	case "sha512":
		return hmacSHA512, nil
	case "sha1":
		return hmacSHA1, nil
	}
	return algorithm{}, fmt.Errorf("hash %q is none of sha256, sha512 and sha1", name)
}

func keyEncodingNamed(name string) (func(string) (key, error), error) {
	switch name {
	case "", "text":
		return textKey, nil
	case "hex":
		return func(secret string) (key, error) {
			raw, err := hex.DecodeString(secret)
			if err != nil {
				err = errors.New("the secret is not hex")
			}
			return key{bytes: raw}, err
		}, nil
	case "base64":
		return func(secret string) (key, error) {
			raw, err := decodeBase64(secret)
			return key{bytes: raw}, err
		}, nil
	}
	return nil, fmt.Errorf("secrets encoded in %q are none of text, hex and base64", name)
}

// signedBy reads a template of the signed bytes. The body has to be in it, or anyone
// could change it; and the timestamp, if there is one, or it would prove nothing.
func signedBy(template string, names spelling) ([]string, error) {
	if template == "" {
		template = bodyField
		if names.timestamp != "" {
			template = timestampField + "." + bodyField
		}
	}
	var parts []string
	for rest := template; rest != ""; {
		at := strings.IndexByte(rest, '{')
		end := strings.IndexByte(rest, '}')
		switch {
		case at < 0:
			parts, rest = append(parts, rest), ""
		case at > 0:
			parts, rest = append(parts, rest[:at]), rest[at:]
		case end < 0:
			return nil, errors.New("signed: a { without its }")
		default:
			parts, rest = append(parts, rest[:end+1]), rest[end+1:]
		}
	}
	f := form{signed: parts}
	for _, part := range parts {
		switch {
		case part[0] != '{', part == bodyField, part == methodField, part == urlField:
		case part == idField && names.id != "", part == timestampField && names.timestamp != "":
		default:
			return nil, fmt.Errorf("signed: %s is not known here; there are {body}, {method} and {url}, and with their headers set {id} and {timestamp}", part)
		}
	}
	if !f.signs(bodyField) {
		return nil, errors.New("signed: without {body} anyone could change it")
	}
	if names.timestamp != "" && !f.signs(timestampField) {
		return nil, errors.New("signed: without {timestamp} anyone could change it")
	}
	return parts, nil
}

// checkNames keeps apart what is stored with an event from what must not be: the
// id and timestamp headers are kept, a signature or a credential never.
func checkNames(n spelling) error {
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
