package server_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"drawbridge/server"
)

// piped serves one connection at a time in memory, so that a test's clock can be synctest's.
type piped chan net.Conn

func (p piped) Accept() (net.Conn, error) {
	if conn, ok := <-p; ok {
		return conn, nil
	}
	return nil, net.ErrClosed
}
func (p piped) Close() error   { return nil }
func (p piped) Addr() net.Addr { return &net.TCPAddr{} }

// pipedTo serves a handler behind all that holds on every route, by both versions of HTTP.
func pipedTo(t *testing.T, handle http.HandlerFunc) (dial func() net.Conn) {
	t.Helper()
	both := &http.Protocols{}
	both.SetHTTP1(true)
	both.SetUnencryptedHTTP2(true)
	s := &http.Server{Handler: server.New(server.Options{Routes: []server.Route{open("/", handle)}}).Handler(), Protocols: both, ReadHeaderTimeout: time.Second}
	p := make(piped)
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(p) }()
	t.Cleanup(func() {
		close(p)
		<-ended
		_ = s.Close()
	})
	return func() net.Conn {
		ours, theirs := net.Pipe()
		t.Cleanup(func() { _ = ours.Close() })
		p <- theirs
		return ours
	}
}

// TestING06_EachPieceOfAnAnswerHasItsTime: a stream may go on, and be silent, for as long as
// it likes, by either version of HTTP.
func TestING06_EachPieceOfAnAnswerHasItsTime(t *testing.T) {
	for name, first := range map[string]bool{"HTTP/1.1": true, "HTTP/2": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dial := pipedTo(t, func(w http.ResponseWriter, r *http.Request) {
					for range 5 {
						if _, err := io.WriteString(w, "piece\n"); err != nil {
							t.Errorf("by %s: %v", r.Proto, err)
						}
						_ = http.NewResponseController(w).Flush()
						time.Sleep(40 * time.Second)
					}
				})
				spoken := &http.Protocols{}
				spoken.SetHTTP1(first)
				spoken.SetUnencryptedHTTP2(!first)
				transport := &http.Transport{Protocols: spoken, DialContext: func(context.Context, string, string) (net.Conn, error) { return dial(), nil }}
				defer transport.CloseIdleConnections()
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://x/", nil)
				if err != nil {
					t.Fatal(err)
				}
				res, err := transport.RoundTrip(req)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = res.Body.Close() }()
				body, err := io.ReadAll(res.Body)
				if want := strings.Repeat("piece\n", 5); err != nil || string(body) != want || res.Proto[:6] != name[:6] {
					t.Errorf("by %s: %q (%v), want %q", res.Proto, body, err, want)
				}
			})
		})
	}
}

// TestING06_ReaderWhoTakesNothingIsLeft after half a minute.
func TestING06_ReaderWhoTakesNothingIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		took := make(chan time.Duration, 1)
		dial := pipedTo(t, func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(time.Hour) // however long it thought before
			begun := time.Now()
			for {
				if _, err := w.Write(make([]byte, 1<<10)); err != nil {
					took <- time.Since(begun)
					return
				}
			}
		})
		if _, err := io.WriteString(dial(), "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if after := <-took; after != 30*time.Second {
			t.Errorf("left after %v, want 30 seconds", after)
		}
	})
}

// TestConnectionOutlivesTheTimeOfItsAnswers: that of one that has gone does not end the next,
// and not what goes before it.
func TestConnectionOutlivesTheTimeOfItsAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := pipedTo(t, func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			_, _ = w.Write(body)
		})()
		from := bufio.NewReader(conn)
		for i, head := range []string{"", "", "Expect: 100-continue\r\n"} {
			time.Sleep(time.Duration(i) * 45 * time.Second)
			if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"+head+"\r\n"); err != nil {
				t.Fatal(err)
			}
			if head != "" {
				if line, err := from.ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 100 ") {
					t.Fatalf("request %d: %q (%v), want to be told to go on", i, line, err)
				}
				if _, err := from.ReadString('\n'); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := io.WriteString(conn, "hello"); err != nil {
				t.Fatal(err)
			}
			res, err := http.ReadResponse(from, nil)
			if err != nil {
				t.Fatalf("request %d: %v", i, err)
			}
			if body, err := io.ReadAll(res.Body); err != nil || string(body) != "hello" {
				t.Errorf("request %d: %q (%v)", i, body, err)
			}
			_ = res.Body.Close()
		}
	})
}
