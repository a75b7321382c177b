package runapi

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"drawbridge/bridge"
	"drawbridge/server/apierror"
	"drawbridge/server/apihttp"
	"drawbridge/server/dispatch"
)

// Bounds of a request beside its size.
const (
	maxPrompt   = 1 << 20 // bytes
	maxAddress  = 2048    // bytes of a URL
	maxMetadata = 16      // OpenAI's own, as are the lengths of keys and values, in characters
	maxName     = 64
	maxValue    = 512
	maxDelay    = 366 * 24 * time.Hour
)

// request is what a caller asks for.
type request struct {
	agent, prompt, callback string
	metadata                map[string]string
	untrusted               bool
	priority                dispatch.Priority
	budget                  bridge.Budget
	startAt                 time.Time
	// delay and start are as they were written: a request that is sent again says the
	// same, at another time.
	delay, start string
}

// digest is a hash of what is asked for.
func (q request) digest() string {
	canonical, _ := json.Marshal([]any{"run", q.agent, q.prompt, q.callback, q.metadata, q.untrusted, q.priority, q.budget, q.delay, q.start})
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:])
}

// parse reads a request's body.
func parse(body []byte, now time.Time) (request, *apierror.Error) {
	r := &reading{}
	o := r.object("", body)
	q := request{agent: r.text(o, "agent", maxName), prompt: r.text(o, "prompt", maxPrompt), callback: r.callback(o), metadata: r.metadata(o), priority: r.priority(o), budget: r.budget(o)}
	if raw := o.take("untrusted"); raw != nil {
		if json.Unmarshal(raw, &q.untrusted) != nil {
			r.wrong("untrusted", "invalid_type", "untrusted is true or false")
		}
	}
	r.startTime(o, &q, now)
	o.done(r)
	for _, needed := range []struct{ name, value string }{{"agent", q.agent}, {"prompt", strings.TrimSpace(q.prompt)}} {
		if needed.value == "" {
			r.wrong(needed.name, "missing_required_parameter", "%s is missing, or blank", needed.name)
		}
	}
	return q, r.err
}

// reading is one request being read. The first thing that is wrong is what is told.
type reading struct{ err *apierror.Error }

func (r *reading) wrong(param, code, format string, arguments ...any) {
	if r.err == nil {
		r.err = apierror.Invalid(param, code, format, arguments...)
	}
}

// object is a JSON object whose members are taken one by one, by their exact names.
type object struct {
	at      string // "callback.", "" for the request itself
	names   []string
	members map[string]json.RawMessage
}

// object takes an object apart. Members that are null count as absent.
func (r *reading) object(at string, raw []byte) *object {
	apart, err := apihttp.TakeApart(raw)
	path := strings.TrimSuffix(at, ".")
	switch {
	case err != nil || !json.Valid(raw) || !utf8.Valid(raw):
		r.wrong(path, "invalid_json", "%s is not a JSON object in UTF-8", cmp.Or(path, "the request"))
	case apart.Doubled:
		r.wrong(short(at+apart.Twice), "invalid_value", "%s is there twice", short(at+apart.Twice))
	}
	return &object{at, apart.Names, apart.Members}
}

// take removes a member and gives it, nil if it is absent.
func (o *object) take(name string) json.RawMessage {
	value := o.members[name]
	delete(o.members, name)
	if string(value) == "null" {
		return nil
	}
	return value
}

// done refuses whatever was not taken, by its name.
func (o *object) done(r *reading) {
	for _, name := range o.names {
		if value, left := o.members[name]; left && string(value) != "null" {
			r.wrong(short(o.at+name), "unknown_parameter", "%s is not known here; take it out of the request", short(o.at+name))
		}
	}
}

// short is a name for a message, whatever the client made of it.
func short(name string) string {
	if len(name) > 100 {
		name = strings.ToValidUTF8(name[:100], "") + "..."
	}
	return name
}

// text takes a string of at most so many bytes, "" if it is absent. There is no NUL in
// it: some stores keep none in a text.
func (r *reading) text(o *object, name string, most int) string {
	raw := o.take(name)
	if raw == nil {
		return ""
	}
	var text string
	switch {
	case json.Unmarshal(raw, &text) != nil:
		r.wrong(o.at+name, "invalid_type", "%s is not a string", o.at+name)
	case len(text) > most:
		r.wrong(o.at+name, "string_above_max_length", "%s has more than %d bytes", o.at+name, most)
	case strings.ContainsRune(text, 0):
		r.wrong(o.at+name, "invalid_value", "%s has a character U+0000 in it", o.at+name)
	}
	return text
}

// callback takes an address, bare or in an object. Whether it may be called is for
// others to say.
func (r *reading) callback(o *object) string {
	raw, param := o.members["callback"], "callback"
	if raw == nil || string(raw) == "null" {
		return r.text(o, "callback", maxAddress)
	}
	var address string
	if raw[0] == '{' {
		param = "callback.url"
		inner := r.object("callback.", o.take("callback"))
		address = r.text(inner, "url", maxAddress)
		inner.done(r)
	} else {
		address = r.text(o, "callback", maxAddress)
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Scheme != "https" || u.Hostname() == "":
		r.wrong(param, "invalid_value", "%s has to be an address that begins with https://", param)
	case u.User != nil:
		r.wrong(param, "invalid_value", "%s holds a user or a password; callbacks are signed, and need none", param)
	case u.Fragment != "":
		r.wrong(param, "invalid_value", "%s has a fragment (#), which is never sent; take it out", param)
	}
	return address
}

// metadata takes names and values that are kept with the run.
func (r *reading) metadata(o *object) map[string]string {
	raw := o.take("metadata")
	if raw == nil {
		return nil
	}
	inner := r.object("metadata.", raw)
	if len(inner.members) > maxMetadata {
		r.wrong("metadata", "object_above_max_properties", "metadata has %d members; it may have %d", len(inner.members), maxMetadata)
	}
	values := map[string]string{}
	for _, name := range inner.names {
		if utf8.RuneCountInString(name) > maxName || strings.ContainsRune(name, 0) {
			r.wrong("metadata", "invalid_value", "a name in metadata has more than %d characters, or U+0000 in it: %.100q", maxName, name)
		}
		if string(inner.members[name]) == "null" {
			r.wrong("metadata."+short(name), "invalid_type", "metadata.%s is not a string", short(name))
		}
		if _, taken := values[name]; !taken {
			values[name] = r.text(inner, name, 4*maxValue)
		}
		if utf8.RuneCountInString(values[name]) > maxValue {
			r.wrong("metadata."+short(name), "string_above_max_length", "metadata.%s has more than %d characters", short(name), maxValue)
		}
	}
	return values
}

// priorities are the words for them.
var priorities = map[string]dispatch.Priority{"high": dispatch.High, "normal": dispatch.Normal, "low": dispatch.Low}

func priorityName(p dispatch.Priority) string {
	for name, one := range priorities {
		if one == p {
			return name
		}
	}
	return "normal"
}

func (r *reading) priority(o *object) dispatch.Priority {
	name := r.text(o, "priority", maxName)
	p, known := priorities[name]
	if name != "" && !known {
		r.wrong("priority", "invalid_value", "priority is %.100q; it may be high, normal or low", name)
	}
	return p
}

// budget takes what of the agent's budget is to be left unused.
func (r *reading) budget(o *object) (b bridge.Budget) {
	raw := o.take("budget")
	if raw == nil {
		return b
	}
	inner := r.object("budget.", raw)
	b.Turns, b.Calls, b.Tokens = r.number(inner, "turns"), r.number(inner, "calls"), r.number(inner, "tokens")
	if wall := r.text(inner, "wall", maxName); wall != "" {
		var err error
		if b.Wall, err = time.ParseDuration(wall); err != nil || b.Wall <= 0 {
			r.wrong("budget.wall", "invalid_value", "budget.wall is %.100q; it is a time such as 90s or 5m", wall)
		}
	}
	inner.done(r)
	return b
}

// number takes a whole number of 1 or more, 0 if it is absent.
func (r *reading) number(o *object, name string) (n int) {
	raw := o.take(name)
	if raw != nil && (json.Unmarshal(raw, &n) != nil || n < 1) {
		r.wrong(o.at+name, "invalid_value", "%s is %.100s; it is a whole number of 1 or more", o.at+name, raw)
	}
	return n
}

// startTime takes when the run may begin: after a while, or at a time.
func (r *reading) startTime(o *object, q *request, now time.Time) {
	q.delay, q.start = r.text(o, "delay", maxName), r.text(o, "start_at", maxName)
	var err error
	switch {
	case q.delay != "" && q.start != "":
		r.wrong("delay", "invalid_value", "delay and start_at exclude each other")
	case q.delay != "":
		var delay time.Duration
		if delay, err = time.ParseDuration(q.delay); err != nil || delay < 0 {
			r.wrong("delay", "invalid_value", "delay is %.100q; it is a time such as 90s, 15m or 2h30m", q.delay)
		}
		q.startAt = now.Add(delay)
	case q.start != "":
		if q.startAt, err = time.Parse(time.RFC3339, q.start); err != nil {
			r.wrong("start_at", "invalid_value", "start_at is %.100q; it is a time by RFC 3339, such as 2026-01-31T08:00:00+01:00", q.start)
		}
	}
	if q.startAt.After(now.Add(maxDelay)) {
		r.wrong("start_at", "invalid_value", "the run would start in more than %d days", int(maxDelay.Hours()/24))
	}
}
