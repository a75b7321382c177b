package webhook

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// envelope is what the headers of a delivery say, read but not yet believed.
type envelope struct {
	names      spelling
	id         string
	timestamp  string // as written: the text is what was signed, not its value
	at         time.Time
	signatures [][]byte
}

// maxID bounds an id, in bytes: it becomes a key in an index.
const maxID = 255

// open reads the headers. A missing signature is 401 and anything else that is
// missing or unreadable is 400.
func (s scheme) open(h http.Header) (envelope, error) {
	env := envelope{names: s.spelled(h)}
	if h.Get(env.names.signature) == "" {
		return env, unverified("no %s header", env.names.signature)
	}
	header, err := single(h, env.names.signature)
	if err != nil {
		return env, err
	}
	if env.names.id != "" {
		if env.id, err = s.readID(h, env.names.id); err != nil {
			return env, err
		}
	}
	stamps, signatures := s.items(header)
	env.signatures = signatures
	if s.unit != 0 {
		if env.timestamp, err = s.readStamp(h, env.names, stamps); err != nil {
			return env, err
		}
		env.at, err = parseStamp(env.timestamp, s.unit)
	}
	return env, err
}

// spelled picks the spelling the delivery uses.
func (s scheme) spelled(h http.Header) spelling {
	for _, names := range s.spellings {
		if len(h.Values(names.signature)) > 0 {
			return names
		}
	}
	return s.spellings[0]
}

// items takes the signature header apart. An item that cannot be decoded is
// skipped like one of an unknown version: another may still match.
func (s scheme) items(header string) (stamps []string, signatures [][]byte) {
	list := []string{header}
	if s.separator != "" {
		list = strings.Split(header, s.separator)
	}
	for _, item := range list {
		if stamp, ok := strings.CutPrefix(item, s.stampItem); ok && s.stampItem != "" {
			stamps = append(stamps, stamp)
			continue
		}
		text, ok := strings.CutPrefix(item, s.prefix)
		if !ok {
			continue
		}
		if raw, err := s.encoding.decode(text); err == nil && len(raw) > 0 {
			signatures = append(signatures, raw)
		}
	}
	return stamps, signatures
}

func (s scheme) readStamp(h http.Header, names spelling, stamps []string) (string, error) {
	if s.stampItem == "" {
		return single(h, names.timestamp)
	}
	if len(stamps) != 1 {
		return "", malformed("%s holds %d timestamps, not one", names.signature, len(stamps))
	}
	return stamps[0], nil
}

func (s scheme) readID(h http.Header, name string) (string, error) {
	id, err := single(h, name)
	switch {
	case err != nil:
		return "", err
	case len(id) > maxID:
		return "", malformed("%s has %d bytes, %d allowed", name, len(id), maxID)
	case s.signed[0] == idField && strings.Contains(id, "."):
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
