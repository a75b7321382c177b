package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// engine verifies deliveries of one source by its scheme.
type engine struct {
	scheme
	keys      []key
	tolerance time.Duration
}

type key struct {
	bytes    []byte
	notAfter time.Time
}

func (k key) ended(at time.Time) bool { return !k.notAfter.IsZero() && at.After(k.notAfter) }

func newEngine(s scheme, secrets []Secret, tolerance time.Duration) (*engine, error) {
	if len(secrets) == 0 {
		return nil, errors.New("no secret to verify with")
	}
	e := &engine{scheme: s, tolerance: tolerance}
	for i, secret := range secrets {
		raw, err := keyOf(s, secret.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", ordinal(i, len(secrets)), err)
		}
		e.keys = append(e.keys, key{raw, secret.NotAfter})
	}
	return e, nil
}

// keyOf decodes a secret. HMAC takes an empty key without complaint, and then
// anyone can sign.
func keyOf(s scheme, secret string) ([]byte, error) {
	if strings.TrimSpace(secret) != secret {
		return nil, errors.New("the text begins or ends with white space, probably by accident")
	}
	raw, err := s.decodeKey(secret)
	if err != nil {
		return nil, err
	}
	if len(raw) == 0 {
		return nil, errors.New("the key is empty")
	}
	return raw, nil
}

// Verify checks the signature first and the replay window second: only then does
// "stale" in the record of rejections mean that the sender was genuine.
func (e *engine) Verify(d Delivery) (Verified, error) {
	env, err := e.open(d.Header)
	if err != nil {
		return Verified{}, err
	}
	n, err := e.match(env, d)
	if err != nil {
		return Verified{}, err
	}
	if err := e.fresh(env, d.ArrivedAt); err != nil {
		return Verified{}, err
	}
	dedupe, weak := e.dedupeKey(env, d)
	return Verified{
		Parts:   []Part{{Key: dedupe, Weak: weak, Body: d.Body}},
		By:      ordinal(n, len(e.keys)),
		Until:   e.keys[n].notAfter,
		Headers: e.kept(env.names, d.Header),
	}, nil
}

// match finds a secret that signed the delivery. Every secret is tried against
// every signature, for either side may be in the middle of a rotation. The MAC is
// made once per secret, so a header full of signatures buys no extra hashing.
func (e *engine) match(env envelope, d Delivery) (int, error) {
	if len(env.signatures) == 0 {
		return 0, unverified("%s holds no readable signature", env.names.signature)
	}
	signed := e.fill(env.id, env.timestamp, d.Body)
	ended := -1
	for i, k := range e.keys {
		want := e.mac(k.bytes, signed)
		if !slices.ContainsFunc(env.signatures, func(got []byte) bool { return hmac.Equal(got, want) }) {
			continue
		}
		if !k.ended(d.ArrivedAt) {
			return i, nil
		}
		ended = i
	}
	if ended >= 0 {
		return 0, unverified("signed with %s, which ended %s",
			ordinal(ended, len(e.keys)), e.keys[ended].notAfter.UTC().Format(time.RFC3339))
	}
	return 0, unverified("no signature matches any of %d secrets", len(e.keys))
}

// fresh holds the timestamp to the replay window. The arrival is cut to the
// stamp's unit, as a stamp of whole seconds cannot be compared any finer.
func (e *engine) fresh(env envelope, arrived time.Time) error {
	if e.unit == 0 {
		return nil
	}
	age := arrived.Truncate(e.unit).Sub(env.at)
	switch {
	case age > e.tolerance:
		return unverified("timestamp %v old, %v allowed", age, e.tolerance)
	case -age > e.tolerance:
		return unverified("timestamp %v in the future, %v allowed", -age, e.tolerance)
	}
	return nil
}

// dedupeKey prefers the sender's id. The hash leaves the timestamp out, because a
// retry of the same event has a new one.
func (e *engine) dedupeKey(env envelope, d Delivery) (dedupe string, weak bool) {
	if env.id != "" {
		return env.id, false
	}
	if e.bodyKey != nil {
		if id := e.bodyKey(d.Body); id != "" && len(id) <= maxID {
			return id, false
		}
	}
	h := sha256.New()
	h.Write([]byte(d.Source))
	h.Write([]byte{0}) // no name holds a zero: source and content cannot run together
	for _, part := range e.fill(env.id, "", d.Body) {
		h.Write(part)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), true
}

// kept copies the headers worth storing. It is a list of what stays, so that a
// credential in a header nobody thought of is left out.
func (e *engine) kept(names spelling, h http.Header) http.Header {
	kept := http.Header{}
	for _, name := range append([]string{"Content-Type", "User-Agent", names.id, names.timestamp}, e.keep...) {
		if values := h.Values(name); name != "" && len(values) > 0 {
			kept[name] = slices.Clone(values)
		}
	}
	return kept
}
