package imap

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// The client of the protocol waits for ever where a login is answered before it was put in
// full: such an exchange is left to itself.
func TestExchangeThatNeverEndsIsLeft(t *testing.T) {
	for _, cancelled := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			near, far := net.Pipe()
			defer func() { _ = far.Close() }()
			ctx, cancel := context.WithCancel(t.Context())
			if cancelled {
				cancel()
			}
			defer cancel()
			never := make(chan struct{})
			defer close(never) // the test's own goroutines have to end
			m := &meter{Conn: near}
			began := time.Now()
			err := m.await(ctx, answerTime, func() error { <-never; return nil })
			longest := answerTime + grace
			if cancelled {
				longest = grace
			}
			if took := time.Since(began); !errors.Is(err, errStuck) || took != longest {
				t.Errorf("cancelled %t: after %v: %v; want it left after %v", cancelled, took, err, longest)
			}
			if _, err := far.Read(make([]byte, 1)); err == nil {
				t.Error("the connection is open")
			}
		})
	}
}

// answersEarly is a connection to a server that answers a command before it has read all of
// it, and is gone.
type answersEarly struct {
	net.Conn
	far    net.Conn
	answer string
}

func (a *answersEarly) Write([]byte) (int, error) {
	go func() { _, _ = io.WriteString(a.far, a.answer) }()
	synctest.Wait() // as much of it is read as anybody takes
	return 0, io.ErrClosedPipe
}

// The client of the protocol would close the channel on which it hands over what comes.
func TestConnectionThatEndsWhileItsAnswerIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer func() { _ = far.Close() }()
		m := &meter{Conn: near}
		m.left.Store(smallAnswer)
		answer := "* OK [CAPABILITY IMAP4rev1] hello\r\n"
		for n := range 1000 { // more than it keeps for whoever asked
			answer += fmt.Sprintf("* %[1]d FETCH (UID %[1]d)\r\n", n+1)
		}
		client := imapclient.New(&teller{Conn: &answersEarly{m, far, answer}, meter: m}, nil)
		messages, err := client.Fetch(imap.UIDSet{{Start: 1, Stop: 1000}}, &imap.FetchOptions{UID: true}).Collect()
		if len(messages) == 0 || err == nil || !errors.Is(m.why(err), io.ErrClosedPipe) {
			t.Errorf("gives %d messages, %v; want those that were read, and what ended the connection", len(messages), err)
		}
		if err := client.Close(); err != nil && strings.Contains(err.Error(), "panic") {
			t.Error(err)
		}
		// What is asked from now on ends as well.
		if err := client.Noop().Wait(); err == nil {
			t.Error("a question behind the end is answered")
		}
	})
}

func TestShallowPassesAnswersOn(t *testing.T) {
	deep := strings.Repeat("(", deepest+1)
	for _, answer := range []string{
		"* OK " + deep + " in words\r\n",
		"T1 NO " + deep + "\r\n* OK again\r\n",
		"+ " + deep + "\r\n",
		"* 1 FETCH (BODY[] {" + "501" + "}\r\n" + deep + ")\r\n",
		"* 1 FETCH (X \"\\\"" + deep + "\")\r\n",
		"* THREAD " + strings.Repeat("(", deepest) + "\r\n* THREAD " + strings.Repeat("(", deepest) + "\r\n",
		"* SEARCH\r\n" + strings.Repeat("* 1 FETCH (UID 1)\r\n", 1000),
	} {
		for _, step := range []int{1, 7, 4096} {
			near, far := net.Pipe()
			go func() {
				for rest := answer; rest != ""; {
					n := min(step, len(rest))
					_, _ = io.WriteString(far, rest[:n])
					rest = rest[n:]
				}
				_ = far.Close()
			}()
			got, err := io.ReadAll(bufio.NewReader(&shallow{Conn: near, meter: &meter{Conn: near}}))
			if err != nil || string(got) != answer {
				t.Errorf("in steps of %d, of %.60q came %d bytes of %d: %v", step, answer, len(got), len(answer), err)
			}
		}
	}
}

func TestShallowRefusesWhatIsTooDeep(t *testing.T) {
	deep := strings.Repeat("(", deepest+1)
	for _, answer := range []string{
		"* 1 FETCH (BODYSTRUCTURE " + deep,
		"* ok\r\n* 1 fetch " + deep,
		"* OKAY " + deep,
		"* 1 FETCH (X \"a\" " + deep,
		"* 1 FETCH (X {3}\n\")\"" + deep,
		"* 1 FETCH (X {3} \r\n* O" + deep,
		"* LIST (" + strings.Repeat("{1}\r\n)(", deepest),
		"* 1 FETCH (X \"\n* OK \" " + deep,
	} {
		s := &shallow{Conn: saying{strings.NewReader(answer)}, meter: &meter{}}
		if _, err := io.ReadAll(s); !errors.Is(err, errMalformed) {
			t.Errorf("%.60q gives %v", answer, err)
		}
		if failed := s.meter.failed.Load(); failed == nil || !errors.Is(*failed, errMalformed) {
			t.Errorf("%.60q leaves no cause", answer)
		}
	}
}

// saying is a connection from which a text comes.
type saying struct{ io.Reader }

func (saying) Write(p []byte) (int, error)      { return len(p), nil }
func (saying) Close() error                     { return nil }
func (saying) LocalAddr() net.Addr              { return nil }
func (saying) RemoteAddr() net.Addr             { return nil }
func (saying) SetDeadline(time.Time) error      { return nil }
func (saying) SetReadDeadline(time.Time) error  { return nil }
func (saying) SetWriteDeadline(time.Time) error { return nil }
