package smtp_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"io"
	"net"
	"net/textproto"
	"strings"
	"sync"
	"testing"

	"drawbridge/tools/email"
)

// fake is a mail server that does as it is told. It keeps what it has taken.
type fake struct {
	t        *testing.T
	security *tls.Config // nil: no TLS is offered
	implicit bool
	mechs    string // what AUTH offers
	// on gives another answer than the usual to the nth command of its verb, "" for the
	// usual one, and "cut" to end the connection; the line that ends a message is ".".
	on func(nth int, verb string) string

	mu     sync.Mutex
	counts map[string]int
	conns  int
	open   int
	taken  []email.Wire
	logins []string // mechanism and what was said, decoded
}

func newFake(t *testing.T) *fake {
	return &fake{t: t, counts: map[string]int{}}
}

// pipe is a Dial to the fake without a network.
func (f *fake) pipe(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	go f.serve(server)
	return client, nil
}

// dial is a Dial to the fake over TCP, whose ends do not wait for each other: TLS says
// goodbye to those who do not listen any more.
func (f *fake) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer l.Close()
	client, err := new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
	if err != nil {
		return nil, err
	}
	server, err := l.Accept()
	if err != nil {
		return nil, err
	}
	go f.serve(server)
	return client, nil
}

// session is one connection to the fake.
type session struct {
	f    *fake
	conn net.Conn
	text *textproto.Conn
	wire email.Wire
}

func (f *fake) serve(c net.Conn) {
	f.count(1)
	defer f.count(-1)
	defer func() { _ = c.Close() }()
	if f.implicit {
		c = tls.Server(c, f.security)
	}
	s := &session{f: f, conn: c, text: textproto.NewConn(c)}
	if !s.answer("220 fake.example.net ESMTP", "greeting") {
		return
	}
	for {
		line, err := s.text.ReadLine()
		if err != nil || !s.obey(line) {
			return
		}
	}
}

func (f *fake) count(by int) {
	f.mu.Lock()
	f.open += by
	f.conns += max(by, 0)
	f.mu.Unlock()
}

// answer gives the usual answer or the one told; false: the connection ends.
func (s *session) answer(usual, verb string) bool {
	f := s.f
	f.mu.Lock()
	f.counts[verb]++
	told := ""
	if f.on != nil {
		told = f.on(f.counts[verb], verb)
	}
	f.mu.Unlock()
	switch told {
	case "cut":
		return false
	case "":
		told = usual
	case "silence":
		_, _ = io.Copy(io.Discard, s.conn)
		return false
	}
	if s.text.PrintfLine("%s", told) != nil {
		return false
	}
	return told == usual || !strings.HasPrefix(told, "421")
}

func (s *session) obey(line string) bool {
	verb, rest, _ := strings.Cut(line, " ")
	switch verb = strings.ToUpper(verb); verb {
	case "EHLO":
		offers := []string{"fake.example.net", "8BITMIME", "SMTPUTF8"}
		if _, encrypted := s.conn.(*tls.Conn); s.f.security != nil && !encrypted {
			offers = append(offers, "STARTTLS")
		} else if s.f.mechs != "" {
			offers = append(offers, "AUTH "+s.f.mechs)
		}
		for i, offer := range offers {
			separator := "-"
			if i == len(offers)-1 {
				separator = " "
			}
			if s.text.PrintfLine("250%s%s", separator, offer) != nil {
				return false
			}
		}
		return true
	case "STARTTLS":
		if !s.answer("220 go on", verb) {
			return false
		}
		s.conn = tls.Server(s.conn, s.f.security)
		s.text = textproto.NewConn(s.conn)
		return true
	case "AUTH":
		return s.login(rest)
	case "MAIL":
		s.wire = email.Wire{From: between(rest)}
		return s.answer("250 ok", verb)
	case "RCPT":
		s.wire.Recipients = append(s.wire.Recipients, between(rest))
		return s.answer("250 ok", verb)
	case "DATA":
		return s.data()
	case "QUIT":
		s.answer("221 bye", verb)
		return false
	}
	return s.answer("250 ok", verb)
}

func (s *session) data() bool {
	if !s.answer("354 go on", "DATA") {
		return false
	}
	s.f.mu.Lock()
	refused := s.f.on != nil && strings.HasPrefix(s.f.on(s.f.counts["DATA"], "DATA"), "5")
	s.f.mu.Unlock()
	if refused {
		return true
	}
	raw, err := readDots(s.text.R)
	if err != nil {
		return false
	}
	s.wire.Raw = raw
	s.f.mu.Lock()
	told := ""
	if s.f.on != nil {
		told = s.f.on(s.f.counts["."]+1, ".")
	}
	if told == "" || told == "cut" || told == "silence" {
		s.f.taken = append(s.f.taken, s.wire) // it has the message, whatever it says
	}
	s.f.mu.Unlock()
	return s.answer("250 taken", ".")
}

// readDots reads a message as it was before it was written with dots (RFC 5321, 4.5.2).
func readDots(r *bufio.Reader) ([]byte, error) {
	var raw []byte
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return nil, err
		}
		if line == ".\r\n" {
			return raw, nil
		}
		raw = append(raw, strings.TrimPrefix(line, ".")...)
	}
}

func (s *session) login(rest string) bool {
	mech, first, _ := strings.Cut(rest, " ")
	said := []string{mech, decoded(first)}
	if mech == "LOGIN" {
		said = said[:1]
		for _, question := range []string{"Username:", "Password:"} {
			_ = s.text.PrintfLine("334 %s", base64.StdEncoding.EncodeToString([]byte(question)))
			line, err := s.text.ReadLine()
			if err != nil {
				return false
			}
			said = append(said, decoded(line))
		}
	}
	s.f.mu.Lock()
	s.f.logins = append(s.f.logins, strings.Join(said, " "))
	s.f.mu.Unlock()
	return s.answer("235 welcome", "AUTH")
}

func decoded(text string) string {
	raw, _ := base64.StdEncoding.DecodeString(text)
	return string(raw)
}

func between(text string) string {
	_, text, _ = strings.Cut(text, "<")
	text, _, _ = strings.Cut(text, ">")
	return text
}

func (f *fake) got() []email.Wire {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]email.Wire(nil), f.taken...)
}

func (f *fake) connections() (made, open int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.conns, f.open
}
