package webhook

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// envelope is what a delivery says of itself, read but not yet believed.
type envelope struct {
	form       form
	id         string
	timestamp  string // as written: the text is what was signed, not its value
	at         time.Time
	signatures []signature
	skipped    int // items of versions we do not know, and undecodable ones
}

type signature struct {
	way int // of the form's
	raw []byte
}

const (
	// maxID bounds an id, in bytes: it becomes a key in an index.
	maxID = 255
	// maxSignatures is how many are tried. A sender that rotates sends one for each
	// active key; each costs a verification where a public key makes one necessary.
	maxSignatures = 32
)

// open reads the headers. A missing signature is 401 and anything else that is
// missing or unreadable is 400.
func (s scheme) open(d Delivery) (envelope, error) {
	env := envelope{form: s.formOf(d.Header)}
	if s.unsigned {
		return env, nil
	}
	text, err := env.form.signatureOf(d)
	if err != nil {
		return env, err
	}
	names := env.form.names
	if names.id != "" && env.form.signs(idField) {
		if env.id, err = env.form.readID(d.Header); err != nil {
			return env, err
		}
	}
	stamps := env.read(text)
	if env.form.unit == 0 {
		return env, nil
	}
	if env.timestamp, err = env.form.readStamp(d.Header, stamps); err != nil {
		return env, err
	}
	env.at, err = parseStamp(env.timestamp, env.form.unit)
	return env, err
}

// formOf picks the form a delivery is in: the first that fits.
func (s scheme) formOf(h http.Header) form {
	for _, f := range s.forms {
		if f.fits(h) {
			return f
		}
	}
	return s.forms[0]
}

// signatureOf gives the text that is, or holds, the signature.
func (f form) signatureOf(d Delivery) (string, error) {
	if f.inPath {
		if d.Token == "" {
			return "", unverified("no token in the path behind the source's name")
		}
		return d.Token, nil
	}
	if d.Header.Get(f.names.signature) == "" {
		return "", unverified("no %s header", f.names.signature)
	}
	return single(d.Header, f.names.signature)
}

// read takes the signature header apart. An item that cannot be decoded is skipped
// like one of an unknown version: another may still match.
func (env *envelope) read(header string) (stamps []string) {
	f := env.form
	for f.separator != "" {
		item, rest, more := strings.Cut(header, f.separator)
		if stamp, ok := strings.CutPrefix(item, f.stampItem); ok && f.stampItem != "" {
			stamps = append(stamps, stamp)
		} else {
			env.add(item)
		}
		if !more {
			return stamps
		}
		header = rest
	}
	env.add(header)
	return nil
}

func (env *envelope) add(item string) {
	for i, way := range env.form.ways {
		text, ok := strings.CutPrefix(item, way.prefix)
		if !ok || len(env.signatures) == maxSignatures {
			continue
		}
		if raw, err := way.decode(text); err == nil && len(raw) > 0 {
			env.signatures = append(env.signatures, signature{i, raw})
			return
		}
	}
	env.skipped++
}

func (f form) readStamp(h http.Header, stamps []string) (string, error) {
	if f.stampItem == "" {
		return single(h, f.names.timestamp)
	}
	if len(stamps) != 1 {
		return "", malformed("%s holds %d timestamps, not one", f.names.signature, len(stamps))
	}
	return stamps[0], nil
}

// readID reads the delivery's id. It is "" only where an id is optional.
func (f form) readID(h http.Header) (string, error) {
	name := f.names.id
	if f.idOptional && len(h.Values(name)) == 0 {
		return "", nil
	}
	id, err := single(h, name)
	switch {
	case err != nil:
		return "", err
	case len(id) > maxID:
		return "", malformed("%s has %d bytes, %d allowed", name, len(id), maxID)
	case f.signs(idField) && strings.Contains(id, "."):
		// "a.1" + "." + "2" + ".body" and "a" + "." + "1" + ".2.body" are the same
		// signed bytes: a dot would let a forger move the borders between the parts.
		return "", malformed("%s contains a full stop", name)
	}
	return id, nil
}

// single reads a header that must be there once. Sent twice it is ambiguous:
// whoever stands in front of us may have judged the other one.
func single(h http.Header, name string) (string, error) {
	values := h.Values(name)
	switch {
	case len(values) == 0 || values[0] == "":
		return "", malformed("no %s header", name)
	case len(values) > 1:
		return "", malformed("%s sent %d times", name, len(values))
	}
	return values[0], nil
}

// maxStamp bounds a timestamp, in digits: year 33658 in milliseconds, and far from
// where time arithmetic wraps around.
const maxStamp = 15

// parseStamp reads plain digits: ParseUint takes no sign, no space and no exponent.
func parseStamp(text string, unit time.Duration) (time.Time, error) {
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil || len(text) > maxStamp {
		return time.Time{}, malformed("timestamp is not a plain number of at most %d digits", maxStamp)
	}
	perSecond := uint64(time.Second / unit)
	return time.Unix(int64(n/perSecond), int64(n%perSecond)*int64(unit)), nil
}
