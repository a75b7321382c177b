package webhook

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// engine verifies deliveries of one source by its scheme.
type engine struct {
	scheme
	keys      []key
	tolerance time.Duration
	clients   clients
}

// key is a secret, read.
type key struct {
	name     string // "secret 1 of 2"
	bytes    []byte
	way      int // of the form's ways, whose signatures it makes
	notAfter time.Time
	macs     map[string]func(signed [][]byte) []byte // by algorithms that have one for each key
}

func (k key) ended(at time.Time) bool { return !k.notAfter.IsZero() && at.After(k.notAfter) }

func newEngine(s scheme, secrets []Secret, tolerance time.Duration) (*engine, error) {
	if s.unsigned && len(secrets) > 0 {
		return nil, errors.New("a secret, and nothing that it could verify")
	}
	if len(secrets) == 0 && !s.unsigned {
		return nil, errors.New("no secret to verify with")
	}
	e := &engine{scheme: s, tolerance: tolerance}
	for i, secret := range secrets {
		k, err := keyOf(s.readKey, secret.Value)
		if err != nil {
			return nil, &SecretError{fmt.Errorf("%s: %w", ordinal(i, len(secrets)), err)}
		}
		k.name, k.notAfter, k.macs = ordinal(i, len(secrets)), secret.NotAfter, s.macsOf(k)
		e.keys = append(e.keys, k)
	}
	return e, nil
}

// macsOf are the MACs under a key that deliveries of any form may have.
func (s scheme) macsOf(k key) map[string]func(signed [][]byte) []byte {
	macs := map[string]func([][]byte) []byte{}
	for _, f := range s.forms {
		if k.way < len(f.ways) && f.ways[k.way].keyed != nil {
			macs[f.ways[k.way].name] = f.ways[k.way].keyed(k.bytes)
		}
	}
	return macs
}

// ErrNoURL: the scheme signs the address that the sender calls, and it is not known.
var ErrNoURL = errors.New("the scheme signs the address that the sender calls, and no public URL is known")

// SecretError is a secret that is none of its scheme's.
type SecretError struct{ error }

func (e *SecretError) Unwrap() error { return e.error }

// keyOf decodes a secret. HMAC takes an empty key without complaint, and then
// anyone can sign.
func keyOf(read func(string) (key, error), secret string) (key, error) {
	if strings.TrimSpace(secret) != secret {
		return key{}, errors.New("the text begins or ends with white space, probably by accident")
	}
	k, err := read(secret)
	if err != nil {
		return key{}, err
	}
	if len(k.bytes) == 0 {
		return key{}, errors.New("the key is empty")
	}
	return k, nil
}

// Verify implements [Verifier].
func (e *engine) Verify(d Delivery) (Verified, error) { return e.verify(d, nil) }

// verify checks the signature first and the replay window second: only then does
// "stale" in the record of rejections mean that the sender was genuine.
func (e *engine) verify(d Delivery, t *trace) (Verified, error) {
	t.at(stepHeaders)
	env, err := e.open(d)
	if err != nil {
		return Verified{}, err
	}
	t.opened(e, env)
	v := Verified{By: "nobody: the source takes unsigned deliveries", Headers: e.kept(env.form.names, d.Header)}
	if !e.unsigned {
		n, err := e.match(env, d, t)
		if err != nil {
			return Verified{}, err
		}
		v.By, v.Until = e.keys[n].name, e.keys[n].notAfter
		t.matched(v)
	}
	if err := e.fresh(env, d.ArrivedAt, t); err != nil {
		return Verified{}, err
	}
	if err := e.admit(env, d, t); err != nil {
		return Verified{}, err
	}
	if e.challenge != nil {
		if reply, asks := e.challenge(d.Body); asks {
			t.asked(reply)
			v.Reply = &reply
			return v, nil
		}
	}
	t.at(stepEvents)
	if v.Parts, err = e.parts(env, d); err != nil {
		return Verified{}, err
	}
	t.parted(v.Parts)
	v.Reply = e.reply
	return v, nil
}

// match finds a secret that signed the delivery. Every secret is tried against
// every signature, for either side may be in the middle of a rotation.
func (e *engine) match(env envelope, d Delivery, t *trace) (int, error) {
	t.at(stepSignature)
	if len(env.signatures) == 0 {
		return 0, unverified("%s holds no readable signature", env.form.source())
	}
	ended := -1
	for _, address := range env.form.spellingsOf(d.URL) {
		signed, err := env.form.contentOf(env, d, address)
		if err != nil {
			return 0, err
		}
		t.signed(env, d, address, signed)
		for i, k := range e.keys {
			accepts, expected := env.form.ways[k.way].accepts(k, signed)
			if !slices.ContainsFunc(env.signatures, func(s signature) bool { return s.way == k.way && accepts(s.raw) }) {
				t.differs(e, env, i, expected)
				continue
			}
			if !k.ended(d.ArrivedAt) {
				return i, nil
			}
			ended = i
		}
	}
	if ended >= 0 {
		return 0, unverified("signed with %s, which ended %s",
			ordinal(ended, len(e.keys)), e.keys[ended].notAfter.UTC().Format(time.RFC3339))
	}
	return 0, unverified("no signature matches any of %d secrets", len(e.keys))
}

// source names where the signature is, for people.
func (f form) source() string {
	if f.inPath {
		return "the path"
	}
	return f.names.signature
}

// spellingsOf gives the addresses to try.
func (f form) spellingsOf(address string) []string {
	if f.addresses == nil {
		return []string{address}
	}
	return f.addresses(address)
}

// contentOf gives the bytes that were signed, if address is how the sender spelt it.
func (f form) contentOf(env envelope, d Delivery, address string) ([][]byte, error) {
	c := content{id: env.id, timestamp: env.timestamp, method: d.Method, url: address, body: d.Body}
	if f.signs(urlField) && d.URL == "" {
		return nil, ErrNoURL
	}
	if f.signs(formField) {
		var err error
		if c.form, err = signedForm(d); err != nil {
			return nil, err
		}
	}
	return f.fill(c), nil
}

// fresh holds the timestamp to the replay window. The arrival is cut to the
// stamp's unit, as a stamp of whole seconds cannot be compared any finer.
func (e *engine) fresh(env envelope, arrived time.Time, t *trace) error {
	unit := env.form.unit
	if unit == 0 {
		t.timeless()
		return nil
	}
	t.at(stepTime)
	age := arrived.Truncate(unit).Sub(env.at)
	switch {
	case age > e.tolerance:
		return unverified("timestamp %v old, %v allowed", age, e.tolerance)
	case -age > e.tolerance:
		return unverified("timestamp %v in the future, %v allowed", -age, e.tolerance)
	}
	t.aged(env, age, e.tolerance)
	return nil
}

// admit makes the checks of the scheme's own.
func (e *engine) admit(env envelope, d Delivery, t *trace) error {
	t.at(stepOwn)
	if err := e.clients.check(d); err != nil {
		return err
	}
	for _, check := range []func(Delivery) error{env.form.check, e.check} {
		if check == nil {
			continue
		}
		if err := check(d); err != nil {
			return err
		}
		t.admitted()
	}
	return nil
}

// kept copies the headers worth storing. It is a list of what stays, so that a
// credential in a header nobody thought of is left out.
func (e *engine) kept(names spelling, h http.Header) http.Header {
	kept := make(http.Header, 4)
	keep := func(name string) {
		if values := h.Values(name); name != "" && len(values) > 0 {
			kept[name] = values // nobody changes those of a request
		}
	}
	for _, name := range [...]string{"Content-Type", "User-Agent", names.id, names.timestamp} {
		keep(name)
	}
	for _, name := range e.keep {
		keep(name)
	}
	return kept
}

// NeedsURL reports whether deliveries are judged by the address they were sent to.
func (e *engine) NeedsURL() bool { return e.needsURL() }

// Unsigned reports whether deliveries prove nothing.
func (e *engine) Unsigned() bool { return e.unsigned }

// TakesToken reports whether deliveries show a secret in their path.
func (e *engine) TakesToken() bool { return e.forms[0].inPath }

// greeter is an engine whose senders ask first.
type greeter struct{ *engine }

// Greet implements [Greeter].
func (g greeter) Greet(query url.Values, at time.Time) (Reply, error) {
	return g.greet(g.engine, query, at)
}
