package openai

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// memory is a network of one server inside the process, so that a test's clock can
// stand still while nothing happens.
type memory struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (m *memory) Accept() (net.Conn, error) {
	select {
	case c := <-m.conns:
		return c, nil
	case <-m.closed:
		return nil, net.ErrClosed
	}
}

func (m *memory) Close() error {
	m.once.Do(func() { close(m.closed) })
	return nil
}

func (m *memory) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }

func (m *memory) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case m.conns <- theirs:
		return ours, nil
	case <-m.closed:
		return nil, net.ErrClosed
	}
}

// timeless runs a test with a clock of its own against a server in memory.
func timeless(t *testing.T, handler http.HandlerFunc, test func(t *testing.T, o ModelsOptions)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		network := &memory{conns: make(chan net.Conn), closed: make(chan struct{})}
		whole := func(w http.ResponseWriter, r *http.Request) {
			read, _ := io.ReadAll(r.Body) // else the server does not see that its caller is gone
			r.Body = io.NopCloser(bytes.NewReader(read))
			handler(w, r)
		}
		server := &http.Server{Handler: http.HandlerFunc(whole), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
		var served sync.WaitGroup
		served.Go(func() { _ = server.Serve(network) })
		transport := &http.Transport{DialContext: network.dial, MaxIdleConnsPerHost: 100}
		test(t, ModelsOptions{HTTPClient: &http.Client{Transport: transport}, Random: func() float64 { return 0.5 }})
		transport.CloseIdleConnections()
		server.Close()
		served.Wait()
	})
}

var local = ModelSettings{Name: "m", BaseURL: "http://model/v1", APIKey: key}

// replies answers each request with the next of some handlers, and with the last one
// from then on.
func replies(handlers ...http.HandlerFunc) http.HandlerFunc {
	var mu sync.Mutex
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		handler := handlers[0]
		if len(handlers) > 1 {
			handlers = handlers[1:]
		}
		mu.Unlock()
		handler(w, r)
	}
}

// status replies with an error, and headers given as name and value in turns.
func status(code int, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
	}
}

// says replies with a stream, whole, with the headers.
func says(text string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		io.WriteString(w, chunks(`{"content":"`+text+`"}`, "finish:stop", usageChunk, "[DONE]"))
	}
}

// stops replies with the beginning of a stream and then says nothing for as long as
// the caller listens.
func stops(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if text != "" {
			io.WriteString(w, chunks(`{"content":"`+text+`"}`))
			w.(http.Flusher).Flush()
		}
		<-r.Context().Done()
	}
}

// breaks replies with the beginning of a stream and then breaks the connection.
func breaks(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, chunks(`{"content":"`+text+`"}`))
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

// ticks replies with a stream that pauses before each of its lines.
func ticks(pause time.Duration, lines ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for _, line := range lines {
			time.Sleep(pause) // the clock is the test's own
			io.WriteString(w, line)
			w.(http.Flusher).Flush()
		}
	}
}
