package webhook

import (
	"bytes"
	"errors"
	"net/http"
	"net/url"
)

// Account is what became of a delivery that was looked into.
type Account struct {
	Steps []Step
	// Genuine: somebody who holds a secret has signed it, in time.
	Genuine bool
	// Status is what the endpoint answers.
	Status int
	// Reply is what it says, if the sender's protocol prescribes that.
	Reply *Reply
}

// Explain judges a delivery as the endpoint of a source would, and tells each step.
// Secrets that are too short to start with are used all the same, and noted. An error
// is one of the source's settings, such as a secret that is none.
func Explain(name string, secrets []Secret, o SchemeOptions, d Delivery) (Account, error) {
	e, err := prepare(name, secrets, o)
	if err != nil {
		return Account{}, err
	}
	t := &trace{check: stepSecrets}
	for i, k := range e.keys {
		if len(k.bytes) < e.minimum(k) {
			t.say(Noted, "%s has %d bytes; an endpoint with fewer than %d does not start", ordinal(i, len(e.keys)), len(k.bytes), e.minimum(k))
		}
	}
	if d.Method == http.MethodGet && e.asks(d) {
		return e.explainGreeting(d, t), nil
	}
	v, err := e.verify(d, t)
	got := Account{Status: http.StatusOK, Reply: v.Reply}
	var refusal *Refusal
	if errors.As(err, &refusal) {
		t.say(Failed, "%s", refusal.Reason)
		got.Status = refusal.Status
	} else if err != nil {
		return Account{}, err
	}
	// What is judged last is the event's key. A delivery without one is refused, and
	// genuine.
	got.Genuine = err == nil || t.check == stepEvents
	if t.check == stepSignature && err != nil {
		e.suspect(d, t)
	}
	if got.Genuine && d.Method != http.MethodPost {
		t.at("method")
		t.say(Noted, "the endpoint takes deliveries by POST only, and answers %s with 405", brief(d.Method, 20))
		got.Status = http.StatusMethodNotAllowed
	}
	got.Steps = t.steps
	return got, nil
}

// asks reports whether a GET is a question of the scheme's, and not a delivery.
func (e *engine) asks(d Delivery) bool {
	return e.greet != nil && d.Header.Get(e.forms[0].names.signature) == ""
}

func (e *engine) explainGreeting(d Delivery, t *trace) Account {
	t.at("question")
	t.say(Noted, "a GET delivers nothing: the sender asks whether the address is ours")
	var query url.Values
	if u, err := url.Parse(d.URL); err == nil {
		query = u.Query()
	}
	reply, err := e.greet(e, query, d.ArrivedAt)
	got := Account{Status: http.StatusOK, Genuine: err == nil}
	var refusal *Refusal
	if errors.As(err, &refusal) {
		t.say(Failed, "%s", refusal.Reason)
		got.Status = refusal.Status
	} else {
		t.say(Passed, "answered with %s", brief(string(reply.Body), 200))
		got.Reply = &reply
	}
	got.Steps = t.steps
	return got
}

// suspect looks for what people do to a body on its way, and says which of it would
// explain the signature.
func (e *engine) suspect(d Delivery, t *trace) {
	for _, change := range []struct {
		what string
		make func([]byte) []byte
	}{
		{"without the line end at its end: something added one", func(b []byte) []byte { return bytes.TrimRight(b, "\r\n") }},
		{"with a line feed at its end: something cut it off", func(b []byte) []byte { return append(bytes.Clone(b), '\n') }},
		{"with CRLF at its end: something cut it off", func(b []byte) []byte { return append(bytes.Clone(b), "\r\n"...) }},
		{"with LF for CRLF: something changed the line ends", func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")) }},
		{"with CRLF for LF: something changed the line ends", func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")) }},
	} {
		changed := d
		changed.Body = change.make(d.Body)
		if bytes.Equal(changed.Body, d.Body) {
			continue
		}
		env, err := e.open(changed)
		if err != nil {
			return
		}
		if _, err := e.match(env, changed, nil); err == nil {
			t.say(Noted, "the body would verify %s", change.what)
			return
		}
	}
	if e.needsURL() {
		t.say(Noted, "the address is signed as well: compare server.public_url with what the sender calls, down to https and the path")
	}
}

// AsksByGet reports whether senders of a scheme ask with a GET whether an address is
// ours.
func AsksByGet(name string) bool { return name == Meta || name == X }

// IsPublic reports whether a secret is a public key of its scheme, which verifies and
// cannot sign.
func IsPublic(name, secret string) bool {
	e, err := prepare(name, []Secret{{Value: secret}}, SchemeOptions{SignatureHeader: "X-Signature"})
	return err == nil && e.forms[0].ways[e.keys[0].way].verify != nil
}
