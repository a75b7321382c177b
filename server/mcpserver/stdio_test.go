package mcpserver_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"drawbridge/server/mcpserver"
)

// pipes is a client at the level of lines.
type pipes struct {
	in     *io.PipeWriter
	lines  chan string
	served chan error
}

func servePipes(ctx context.Context, f *fixture) *pipes {
	in, toServer := io.Pipe()
	fromServer, out := io.Pipe()
	p := &pipes{in: toServer, lines: make(chan string, 100), served: make(chan error, 1)}
	go func() {
		p.served <- f.ServeStdio(ctx, in, out, desk)
		_ = out.Close()
	}()
	go func() {
		defer close(p.lines)
		for scanner := bufio.NewScanner(fromServer); scanner.Scan(); {
			p.lines <- scanner.Text()
		}
	}()
	return p
}

func (p *pipes) write(t *testing.T, text string) {
	t.Helper()
	if _, err := io.WriteString(p.in, text); err != nil {
		t.Fatal(err)
	}
}

// rest are all lines until the output ends, which must be messages of the protocol.
func (p *pipes) rest(t *testing.T) []string {
	t.Helper()
	var all []string
	for line := range p.lines {
		var message struct{ JSONRPC string }
		if err := json.Unmarshal([]byte(line), &message); err != nil || message.JSONRPC != "2.0" {
			t.Errorf("not a message: %q", line)
		}
		all = append(all, line)
	}
	return all
}

func callLine(id int, tool, text string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":%q,"arguments":{"text":%q}}}`+"\n", id, tool, text)
}

func TestEndOfInputWaitsForCallsUnderWay(t *testing.T) {
	for _, tool := range []string{"note_add", "note_read"} {
		f := newFixture(t, mcpserver.Options{})
		started, finish := f.held()
		p := servePipes(t.Context(), f)
		p.write(t, callLine(1, tool, "x"))
		<-started
		if err := p.in.Close(); err != nil {
			t.Fatal(err)
		}
		close(finish)
		if err := <-p.served; err != nil {
			t.Errorf("serving: %v", err)
		}
		if lines := p.rest(t); len(lines) != 1 || !strings.Contains(lines[0], `"n1"`) {
			t.Errorf("%s: got %q", tool, lines)
		}
	}
}

func TestSignalWaitsForCallsUnderWay(t *testing.T) {
	f := newFixture(t, mcpserver.Options{})
	started, finish := f.held()
	ctx, signal := context.WithCancel(t.Context())
	p := servePipes(ctx, f)
	p.write(t, callLine(1, "note_send", "x"))
	<-started
	signal()
	close(finish)
	if err := <-p.served; err != nil {
		t.Errorf("serving: %v", err)
	}
	_ = p.in.Close()
	if lines := p.rest(t); len(lines) != 1 || !strings.Contains(lines[0], `"n1"`) {
		t.Errorf("got %q", lines)
	}
	if row := f.rows(t, 1)[0]; row.Outcome != "ok" {
		t.Errorf("row %+v", row)
	}
}

// A read is given up when the grace period is over, a write never is.
func TestWriteOutlivesTheGracePeriodAndAReadDoesNot(t *testing.T) {
	for tool, outlives := range map[string]bool{"note_send": true, "note_read": false} {
		f := newFixture(t, mcpserver.Options{Grace: time.Millisecond})
		started, cancelled, finish := make(chan struct{}), make(chan struct{}), make(chan struct{})
		f.do = func(ctx context.Context, _ note) (saved, error) {
			close(started)
			select {
			case <-ctx.Done():
				close(cancelled)
			case <-finish:
			}
			return saved{ID: "n1"}, ctx.Err()
		}
		p := servePipes(t.Context(), f)
		p.write(t, callLine(1, tool, "x"))
		<-started
		_ = p.in.Close()
		if outlives {
			select {
			case err := <-p.served:
				t.Fatalf("%s: ended with the call under way: %v", tool, err)
			case <-time.After(50 * time.Millisecond): // long past the grace period
			}
			close(finish)
		} else {
			<-cancelled
		}
		if err := <-p.served; err != nil {
			t.Errorf("%s: %v", tool, err)
		}
		if got := strings.Join(p.rest(t), "\n"); strings.Contains(got, `"n1"`) != outlives {
			t.Errorf("%s: got %s", tool, got)
		}
	}
}

func TestLinesThatAreNoMessagesAreAnsweredAndSurvived(t *testing.T) {
	f := newFixture(t, mcpserver.Options{BodyLimit: 1000})
	p := servePipes(t.Context(), f)
	for _, test := range []struct{ line, says string }{
		{"garbage\n", `"code":-32700`},
		{"\x00\xff\xfe\n", `"code":-32700`},
		{`{"jsonrpc":"2.0",` + "\n", `"code":-32700`},
		{strings.Repeat("x", 1001) + "\n", `more than 1000 bytes`},
		{`{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"` + strings.Repeat("x", 100_000) + `"}}` + "\n", `more than 1000 bytes`},
		{`[{"jsonrpc":"2.0","id":1,"method":"ping"}]` + "\n", `"code":-32700`},
		{`{"jsonrpc":"1.0","id":1,"method":"ping"}` + "\n", `"code":-32600`},
		{"\n \r\n" + `{"jsonrpc":"2.0","id":"a","method":"ping"}` + "\r\n", `"id":"a","result":{}`},
		{`{"jsonrpc":"2.0","id":2,"method":"no/such"}` + "\n", `"code":-32601`},
	} {
		p.write(t, test.line)
		if answer := <-p.lines; !strings.Contains(answer, test.says) {
			t.Errorf("%.40q: got %s", test.line, answer)
		}
	}
	p.write(t, strings.TrimSuffix(callLine(3, "note_read", "last"), "\n")) // no line break
	_ = p.in.Close()
	if err := <-p.served; err != nil {
		t.Errorf("serving: %v", err)
	}
	if lines := p.rest(t); len(lines) != 1 || !strings.Contains(lines[0], "last") {
		t.Errorf("after the last line: %q", lines)
	}
}

func TestManyCallsAtOnceAreAllAnsweredBeforeTheEnd(t *testing.T) {
	f := newFixture(t, mcpserver.Options{})
	p := servePipes(t.Context(), f)
	const calls = 300
	var input strings.Builder
	for i := range calls {
		input.WriteString(callLine(i, "note_read", "x"))
	}
	answered := make(chan int)
	go func() { answered <- len(p.rest(t)) }()
	p.write(t, input.String())
	_ = p.in.Close()
	if err := <-p.served; err != nil {
		t.Errorf("serving: %v", err)
	}
	if got := <-answered; got != calls {
		t.Errorf("%d answers to %d calls", got, calls)
	}
}

func TestBrokenInputIsReported(t *testing.T) {
	f := newFixture(t, mcpserver.Options{})
	broken := errors.New("bad pipe")
	p := servePipes(t.Context(), f)
	_ = p.in.CloseWithError(broken)
	if err := <-p.served; !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	p.rest(t)
}

// TestOutputThatNobodyReadsEndsIt: the input stays open, so that nothing else tells.
func TestOutputThatNobodyReadsEndsIt(t *testing.T) {
	for _, test := range []struct {
		tool    string
		outcome string
	}{{"note_send", "ok"}, {"note_read", "unavailable"}} {
		t.Run(test.tool, func(t *testing.T) {
			f := newFixture(t, mcpserver.Options{Grace: time.Hour})
			started, finish := make(chan struct{}), make(chan struct{})
			f.do = func(ctx context.Context, _ note) (saved, error) {
				close(started)
				select {
				case <-ctx.Done():
				case <-finish:
				}
				return saved{ID: "n1"}, ctx.Err()
			}
			in, toServer := io.Pipe()
			fromServer, out := io.Pipe()
			served := make(chan error, 1)
			go func() { served <- f.ServeStdio(t.Context(), in, out, desk) }()
			p := &pipes{in: toServer}
			p.write(t, callLine(1, test.tool, "x"))
			<-started
			_ = fromServer.Close()
			p.write(t, `{"jsonrpc":"2.0","id":2,"method":"ping"}`+"\n")
			if test.outcome == "ok" {
				close(finish) // a write is waited for, a read is not
			}
			if err := <-served; err != nil {
				t.Errorf("serving: %v", err)
			}
			if row := f.rows(t, 1)[0]; row.Outcome != test.outcome {
				t.Errorf("row %+v", row)
			}
			_ = toServer.Close()
		})
	}
}

func TestOutputThatBreaksIsReported(t *testing.T) {
	f := newFixture(t, mcpserver.Options{})
	in, toServer := io.Pipe()
	fromServer, out := io.Pipe()
	full := errors.New("disk full")
	_ = fromServer.CloseWithError(full)
	served := make(chan error, 1)
	go func() { served <- f.ServeStdio(t.Context(), in, out, desk) }()
	p := &pipes{in: toServer}
	p.write(t, `{"jsonrpc":"2.0","id":1,"method":"ping"}`+"\n")
	if err := <-served; !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	_ = toServer.Close()
}
