package imap_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"drawbridge/tools/email/imap"
)

// fake is a mail server that does as it is told. It has one folder, whatever it is called.
type fake struct {
	caps     string
	security *tls.Config
	implicit bool
	// tell has a connection that waits (IDLE) be told that there is more.
	tell chan struct{}

	mu       sync.Mutex
	on       answering
	validity int
	mails    []string // numbered from 1
	came     []time.Time
	conns    int
	logins   []string
}

// answering gives another answer than the usual to a command, in which TAG stands for the
// command's; "" for the usual one. What is behind it is written until nobody reads.
type answering func(conn int, verb, rest string) (answer, endless string)

// does has the fake answer otherwise from now on; nil for as usual.
func (f *fake) does(on answering) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.on = on
}

const (
	cut     = "CUT"     // ends the connection
	silence = "SILENCE" // says nothing from now on
)

func newFake(mails ...string) *fake {
	f := &fake{tell: make(chan struct{}), validity: 7, caps: "IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=XOAUTH2"}
	for _, raw := range mails {
		f.add(raw, time.Date(2026, 3, 2, 9, 30, len(f.mails), 0, time.UTC))
	}
	return f
}

func (f *fake) add(raw string, at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mails, f.came = append(f.mails, raw), append(f.came, at)
}

// renumber gives all messages other numbers.
func (f *fake) renumber() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.validity++
}

// pipe is a Dial to the fake without a network.
func (f *fake) pipe(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	go f.serve(server)
	return client, nil
}

// listen is a Dial to the fake over the network, as 127.0.0.1.
func (f *fake) listen(t testing.TB) func(ctx context.Context, network, address string) (net.Conn, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go f.serve(conn)
		}
	}()
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, l.Addr().String())
	}
}

// over gives a backend over the fake, without a network.
func (f *fake) over(t testing.TB, change func(*imap.Settings)) *imap.Backend {
	t.Helper()
	s := imap.Settings{Address: "127.0.0.1:143", TLS: imap.Clear, Auth: imap.Plain, Username: "desk", Password: "first-secret", Own: "orders@example.org",
		Folders: []string{"INBOX"}, Dial: f.pipe, Now: time.Now}
	if change != nil {
		change(&s)
	}
	b, err := imap.New(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// session is a connection to the fake.
type session struct {
	f    *fake
	conn net.Conn
	in   *bufio.Reader
	nth  int
	idle string        // the tag of the command
	over chan struct{} // closed when the connection is
}

func (f *fake) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	f.mu.Lock()
	f.conns++
	s := &session{f: f, conn: conn, nth: f.conns, over: make(chan struct{})}
	f.mu.Unlock()
	defer close(s.over)
	if f.implicit {
		s.conn = tls.Server(conn, f.security)
	}
	s.in = bufio.NewReader(s.conn)
	if !s.obey("", "GREETING", "") {
		return
	}
	for {
		line, err := s.in.ReadString('\n')
		if err != nil {
			return
		}
		tag, rest, _ := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
		verb, rest, _ := strings.Cut(rest, " ")
		if verb == "UID" {
			verb, rest, _ = strings.Cut(rest, " ")
		}
		if tag == "DONE" {
			tag, verb = s.idle, tag
		}
		if !s.obey(tag, verb, rest) {
			return
		}
	}
}

// obey gives the answer that the test wants, or the usual one; false: the connection is
// over.
func (s *session) obey(tag, verb, rest string) bool {
	answer, endless := "", ""
	s.f.mu.Lock()
	on := s.f.on
	s.f.mu.Unlock()
	if on != nil {
		answer, endless = on(s.nth, verb, rest)
	}
	switch {
	case answer == "" && endless == "":
		return s.usual(tag, verb, rest) == nil
	case answer == silence:
		_, _ = io.Copy(io.Discard, s.conn)
		return false
	}
	answer, ends := strings.CutSuffix(answer, cut)
	if _, err := io.WriteString(s.conn, strings.ReplaceAll(answer, "TAG", tag)); err != nil || ends {
		return false
	}
	if endless != "" {
		go func() { _, _ = io.Copy(io.Discard, s.in) }() // or both might wait for each other
	}
	for endless != "" {
		if _, err := io.WriteString(s.conn, endless); err != nil {
			return false
		}
	}
	return true
}

var numbers = regexp.MustCompile(`UID (\d+|\*)(?::(\d+|\*))?`)

func (s *session) usual(tag, verb, rest string) error {
	f := s.f
	f.mu.Lock()
	n, validity := len(f.mails), f.validity
	f.mu.Unlock()
	said := ""
	switch verb {
	case "GREETING":
		_, err := io.WriteString(s.conn, "* OK ready\r\n")
		return err
	case "CAPABILITY":
		said = "* CAPABILITY " + f.caps + "\r\n"
	case "STARTTLS":
		if _, err := io.WriteString(s.conn, tag+" OK go on\r\n"); err != nil {
			return err
		}
		s.conn = tls.Server(s.conn, f.security)
		s.in = bufio.NewReader(s.conn)
		return nil
	case "LOGIN", "AUTHENTICATE":
		if way, word, ok := strings.Cut(rest, " "); ok && verb == "AUTHENTICATE" {
			raw, _ := base64.StdEncoding.DecodeString(word)
			rest = way + " " + string(raw)
		}
		f.mu.Lock()
		f.logins = append(f.logins, rest)
		f.mu.Unlock()
	case "EXAMINE":
		said = fmt.Sprintf("* %d EXISTS\r\n* OK [UIDVALIDITY %d] lasting\r\n* OK [UIDNEXT %d] next\r\n", n, validity, n+1)
	case "SEARCH":
		said = "* SEARCH"
		for _, uid := range f.within(rest, n) {
			said += " " + strconv.Itoa(uid)
		}
		said += "\r\n"
	case "FETCH":
		said = f.fetched(rest, n)
	case "IDLE":
		if _, err := io.WriteString(s.conn, "+ waiting\r\n"); err != nil {
			return err
		}
		s.idle = tag
		go func() {
			select {
			case <-f.tell:
				_, _ = io.WriteString(s.conn, "* 1000 EXISTS\r\n")
			case <-s.over:
			}
		}()
		return nil
	case "LOGOUT":
		_, _ = io.WriteString(s.conn, "* BYE now\r\n"+tag+" OK bye\r\n")
		return io.EOF
	}
	_, err := io.WriteString(s.conn, said+tag+" OK done\r\n")
	return err
}

// within are the numbers that a search is about.
func (f *fake) within(rest string, n int) (uids []int) {
	from, to := 1, n
	if m := numbers.FindStringSubmatch(rest); m != nil {
		number := func(text string) int {
			if i, err := strconv.Atoi(text); err == nil {
				return i
			}
			return n
		}
		if from, to = number(m[1]), number(m[1]); m[2] != "" {
			to = number(m[2])
		}
	}
	for uid := max(1, min(from, to)); uid <= min(n, max(from, to)); uid++ {
		uids = append(uids, uid)
	}
	return uids
}

func (f *fake) fetched(rest string, n int) string {
	set, items, _ := strings.Cut(rest, " ")
	var b strings.Builder
	f.mu.Lock()
	defer f.mu.Unlock()
	for part := range strings.SplitSeq(set, ",") {
		for _, uid := range f.within("UID "+part, n) {
			raw := f.mails[uid-1]
			head, text, _ := strings.Cut(raw, "\r\n\r\n")
			head += "\r\n\r\n"
			fmt.Fprintf(&b, "* %d FETCH (UID %d FLAGS () INTERNALDATE %q RFC822.SIZE %d", uid, uid, f.came[uid-1].Format("_2-Jan-2006 15:04:05 -0700"), len(raw))
			for name, content := range map[string]string{"BODY.PEEK[HEADER]<": head, "BODY.PEEK[TEXT]<": text, "BODY.PEEK[]<": raw} {
				if strings.Contains(items, name) {
					fmt.Fprintf(&b, " %s<0> {%d}\r\n%s", strings.TrimSuffix(strings.Replace(name, ".PEEK", "", 1), "<"), len(content), content)
				}
			}
			b.WriteString(")\r\n")
		}
	}
	return b.String()
}

func (f *fake) loggedIn() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.logins...)
}
