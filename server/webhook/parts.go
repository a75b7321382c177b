package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"
)

// maxParts is how many events a delivery may be taken apart into. More than that no
// sender collects, and they have to be stored within the time it waits: so it stays
// one event.
const maxParts = 5000

// parts are the events of a verified delivery, at least one.
func (e *engine) parts(env envelope, d Delivery) ([]Part, error) {
	id := env.id
	if env.form.names.id != "" && id == "" {
		var err error
		if id, err = env.form.readID(d.Header); err != nil {
			return nil, err
		}
	}
	if e.split != nil {
		if bodies := e.split(d.Body); len(bodies) > 0 {
			return e.several(env, d, bodies), nil
		}
	}
	part := Part{Key: id, Body: d.Body, At: e.happened(env, d)}
	found, at := e.look(d.Body)
	if !at.IsZero() {
		part.At = at
	}
	if part.Key == "" {
		part.Key = found
	}
	if part.Key == "" {
		part.Key, part.Weak = e.weakKey(env, d), true
	}
	return []Part{part}, nil
}

// several gives each body its own key. Where none is in it, the hash of its bytes
// is; a body that is there twice then is two events, told apart by their order.
func (e *engine) several(env envelope, d Delivery, bodies [][]byte) []Part {
	parts := make([]Part, len(bodies))
	sent, seen := e.happened(env, d), map[string]int{}
	for i, body := range bodies {
		id, at := e.look(body)
		parts[i] = Part{Key: id, Body: body, At: at}
		if at.IsZero() {
			parts[i].At = sent
		}
		if id == "" {
			parts[i].Key, parts[i].Weak = hashKey(d.Source, body), true
			seen[parts[i].Key]++
			if n := seen[parts[i].Key]; n > 1 {
				parts[i].Key += "#" + strconv.Itoa(n)
			}
		}
	}
	return parts
}

// look finds key and time in a body. A key too long for an index is none.
func (e *engine) look(body []byte) (id string, at time.Time) {
	if e.inside == nil {
		return "", time.Time{}
	}
	if id, at = e.inside(body); len(id) > maxID {
		id = ""
	}
	return id, at
}

// happened is when it happened as the headers say or, failing that, when it was sent.
func (e *engine) happened(env envelope, d Delivery) time.Time {
	if e.when != nil {
		if at := e.when(d.Header); !at.IsZero() {
			return at
		}
	}
	return env.at
}

// weakKey hashes what was signed. It leaves the timestamp out, because a retry of
// the same event has a new one.
func (e *engine) weakKey(env envelope, d Delivery) string {
	env.timestamp = ""
	signed, err := env.form.contentOf(env, d, d.URL)
	if err != nil {
		return hashKey(d.Source, d.Body) // it was verified, so there is none
	}
	return hashKey(d.Source, signed...)
}

func hashKey(source string, parts ...[]byte) string {
	h := sha256.New()
	h.Write([]byte(source))
	h.Write([]byte{0}) // no name holds a zero: source and content cannot run together
	for _, part := range parts {
		h.Write(part)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}
