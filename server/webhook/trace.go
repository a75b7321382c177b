package webhook

import (
	"fmt"
	"strings"
	"time"
)

// The checks, in their order, as people read them.
const (
	stepSecrets   = "secrets"
	stepHeaders   = "headers"
	stepSignature = "signature"
	stepTime      = "time"
	stepOwn       = "sender"
	stepEvents    = "events"
)

// Step is one line of an explanation.
type Step struct {
	Check   string // which check: "signature"
	Outcome Outcome
	Text    string // what was found. It holds no secret, and of a signature no more than its beginning
}

// Outcome is how a step went.
type Outcome int

// The outcomes.
const (
	Noted Outcome = iota
	Passed
	Failed
)

// trace gathers what a verification finds. Deliveries that nobody asks about have
// none: a nil trace hears nothing.
type trace struct {
	check string
	steps []Step
}

func (t *trace) say(outcome Outcome, format string, args ...any) {
	t.steps = append(t.steps, Step{t.check, outcome, fmt.Sprintf(format, args...)})
}

// at begins a check.
func (t *trace) at(check string) {
	if t != nil {
		t.check = check
	}
}

func (t *trace) opened(e *engine, env envelope) {
	if t == nil || e.unsigned {
		return
	}
	f := env.form
	found := count(len(env.signatures), "signature")
	if f.unit != 0 {
		found += fmt.Sprintf(", timestamp %s", env.timestamp)
	}
	if env.id != "" {
		found += fmt.Sprintf(", id %s", brief(env.id, 64))
	}
	if f.version != "" {
		found += ", version " + f.version
	}
	t.say(Passed, "%s: %s", f.source(), found)
	if env.skipped > 0 {
		t.say(Noted, "skipped %s: of another version, or not in the scheme's encoding", count(env.skipped, "item"))
	}
}

// signed says what was hashed, with the parts that are no secret and short.
func (t *trace) signed(env envelope, d Delivery, address string, parts [][]byte) {
	if t == nil || env.form.ways[0].bare {
		return
	}
	size := 0
	for _, part := range parts {
		size += len(part)
	}
	t.say(Noted, "signed are %d bytes: %s", size, env.form.spell(env, d, address))
}

// spell shows the template, with the body only counted.
func (f form) spell(env envelope, d Delivery, address string) string {
	var b strings.Builder
	for _, part := range f.signed {
		switch part {
		case bodyField:
			fmt.Fprintf(&b, "<body, %d bytes>", len(d.Body))
		case secretField:
			b.WriteString("<secret>")
		case formField:
			b.WriteString("<sorted form>")
		case idField:
			b.WriteString(brief(env.id, 64))
		case timestampField:
			b.WriteString(env.timestamp)
		case methodField:
			b.WriteString(d.Method)
		case urlField:
			b.WriteString(brief(address, 200))
		default:
			b.WriteString(part)
		}
	}
	return b.String()
}

// differs says of one secret what was expected and what came.
func (t *trace) differs(e *engine, env envelope, i int, expected []byte) {
	if t == nil {
		return
	}
	w := env.form.ways[e.keys[i].way]
	var got []string
	for _, s := range env.signatures {
		if s.way == e.keys[i].way {
			got = append(got, opening(w, s.raw))
		}
	}
	switch {
	case len(got) == 0:
		t.say(Noted, "%s makes signatures of %s, and there is none", ordinal(i, len(e.keys)), strings.TrimRight(w.prefix, ",="))
	case w.bare:
		t.say(Noted, "%s is not what was shown", ordinal(i, len(e.keys)))
	case expected == nil:
		t.say(Noted, "%s: %s %s does not verify", ordinal(i, len(e.keys)), w.name, strings.Join(got, ", "))
	default:
		t.say(Noted, "%s: %s expected %s, got %s", ordinal(i, len(e.keys)), w.name, opening(w, expected), strings.Join(got, ", "))
	}
}

// shownOfMAC is how many characters of a signature are shown: enough to compare by
// eye, and far from enough to send.
const shownOfMAC = 8

func opening(w way, raw []byte) string {
	text := w.encode(raw)
	return text[:min(len(text), shownOfMAC)] + "…"
}

func (t *trace) matched(v Verified) {
	if t == nil {
		return
	}
	until := ""
	if !v.Until.IsZero() {
		until = ", which ends " + v.Until.UTC().Format(time.RFC3339)
	}
	t.say(Passed, "matches %s%s", v.By, until)
}

func (t *trace) timeless() {
	if t != nil {
		t.at(stepTime)
		t.say(Noted, "no timestamp is signed, so a delivery never becomes too old; its key stops a repeated one")
	}
}

func (t *trace) aged(env envelope, age, tolerance time.Duration) {
	if t == nil {
		return
	}
	way := "old"
	if age < 0 {
		age, way = -age, "in the future"
	}
	t.say(Passed, "signed %s, %v %s; %v allowed", env.at.UTC().Format(time.RFC3339), age, way, tolerance)
}

func (t *trace) admitted() {
	if t != nil {
		t.say(Passed, "what else the scheme asks for holds")
	}
}

func (t *trace) asked(reply Reply) {
	if t != nil {
		t.at(stepEvents)
		t.say(Passed, "no event: the sender asks whether the address is ours, and hears %s", brief(string(reply.Body), 200))
	}
}

func (t *trace) parted(parts []Part) {
	if t == nil {
		return
	}
	t.say(Passed, "%s", count(len(parts), "event"))
	const most = 5
	for i, part := range parts[:min(len(parts), most)] {
		weak := ""
		if part.Weak {
			weak = ", a hash of its content, which counts for a day"
		}
		at := ""
		if !part.At.IsZero() {
			at = ", of " + part.At.UTC().Format(time.RFC3339)
		}
		t.say(Noted, "event %d of %d: key %s%s, %d bytes%s", i+1, len(parts), brief(part.Key, 100), weak, len(part.Body), at)
	}
	if more := len(parts) - most; more > 0 {
		t.say(Noted, "and %s more", count(more, "event"))
	}
}

// count is a number of things in words.
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// brief cuts a text of a stranger.
func brief(text string, most int) string {
	if len(text) > most {
		return text[:most] + "…"
	}
	return text
}
