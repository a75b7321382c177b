package mcpmount

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
)

// httpWire speaks streamable HTTP (MCP 2025-11-25 and 2026-07-28, transports): each
// message is a POST, whose response brings what belongs to it.
type httpWire struct {
	settings Settings
	log      *slog.Logger
	time     timing
	client   *http.Client

	in      inbox
	ctx     context.Context // until close
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu      sync.Mutex
	session string
	version string
}

const maxRedirects = 5

// newClient follows redirects on the same host only, and never one that would turn
// a message into something else: our headers are secrets of that host.
func newClient(transport http.RoundTripper) *http.Client {
	return &http.Client{Transport: transport, CheckRedirect: func(next *http.Request, before []*http.Request) error {
		first := before[0]
		if len(before) > maxRedirects || next.URL.Scheme != first.URL.Scheme || next.URL.Host != first.URL.Host || next.Method != first.Method {
			return http.ErrUseLastResponse
		}
		return nil
	}}
}

// NewTransport has no bound on a response as a whole: answers may take long.
func NewTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		MaxIdleConnsPerHost:    8,
		IdleConnTimeout:        30 * time.Second,
		ForceAttemptHTTP2:      true,
	}
}

func newHTTPWire(s Settings, log *slog.Logger, t timing, client *http.Client) *httpWire {
	ctx, cancel := context.WithCancel(context.Background())
	return &httpWire{settings: s, log: log, time: t, client: client, ctx: ctx, cancel: cancel}
}

func (w *httpWire) open(_ context.Context, in inbox) error {
	w.in = in
	return nil
}

func (w *httpWire) agreed(version string) {
	w.mu.Lock()
	w.version = version
	w.mu.Unlock()
}

// send posts a message and reads the response to its end.
func (w *httpWire) send(ctx context.Context, p parcel) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(w.ctx, cancel)()
	reached := &reach{}
	request, err := http.NewRequestWithContext(reached.trace(ctx), http.MethodPost, w.settings.URL, bytes.NewReader(p.text))
	if err != nil {
		return fmt.Errorf("%w: %w", errUnsent, plain(err))
	}
	w.dress(request, p.header)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json, text/event-stream")
	response, err := w.client.Do(request)
	if err != nil {
		return w.failed(err, reached)
	}
	defer response.Body.Close()
	if p.method == methodInitialize {
		w.mu.Lock()
		w.session = response.Header.Get(mcp.HeaderSessionID)
		w.mu.Unlock()
	}
	at := &cursor{}
	if err = w.take(response, p, at, request.Header.Get(mcp.HeaderSessionID) != ""); at.id == "" {
		return err
	}
	_ = response.Body.Close() // the rest may come on another
	return w.resume(ctx, p, at, err)
}

// dress adds what each request carries.
func (w *httpWire) dress(r *http.Request, more http.Header) {
	for name, value := range w.settings.Headers {
		r.Header.Set(name, value)
		if http.CanonicalHeaderKey(name) == "Host" {
			r.Host = value
		}
	}
	for name, values := range more {
		r.Header[name] = values
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.version != "" {
		r.Header.Set(mcp.HeaderProtocolVersion, w.version)
	}
	if w.session != "" && !mcp.IsModernProtocol(w.version) {
		r.Header.Set(mcp.HeaderSessionID, w.session)
	}
}

// failed judges a request without a response. A server that cannot be reached at
// all is gone, and with it the connection.
func (w *httpWire) failed(err error, reached *reach) error {
	err = plain(err)
	if !reached.nobody() {
		return err
	}
	if w.ctx.Err() == nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		w.in.ended(fmt.Errorf("reaching the server: %w", err))
	}
	return fmt.Errorf("%w: %w", errUnsent, err)
}

// take reads a response. Nil means that no answer was due.
func (w *httpWire) take(response *http.Response, p parcel, at *cursor, inSession bool) error {
	switch status := response.StatusCode; {
	case status == http.StatusNotFound && inSession:
		w.in.ended(errSessionGone)
		return errSessionGone
	case status < 200 || status > 299:
		return w.refused(response, p, inSession)
	}
	switch kind(response) {
	case "text/event-stream":
		if err := w.events(response.Body, p.id, at); !errors.Is(err, io.EOF) {
			return plain(err)
		}
	case "application/json":
		text, err := readBounded(response.Body, w.settings.MaxMessage)
		if err != nil {
			return plain(err)
		}
		w.in.receive(p.id, text)
	}
	if p.id == 0 {
		return nil
	}
	return errNoAnswer
}

// refused reads a status that says no. Many servers put an answer beside it; some
// say 400 where the protocol has 404 for a session that is gone.
func (w *httpWire) refused(response *http.Response, p parcel, inSession bool) error {
	status := &statusError{code: response.StatusCode}
	// Our credentials may be good for some tools and not for others (MCP 2025-11-25,
	// authorization, scope challenges): a call that is forbidden ends nothing else.
	if status.refused() && !(p.method == methodCall && status.code == http.StatusForbidden) {
		w.in.ended(status)
		return status
	}
	if p.id == 0 || kind(response) != "application/json" {
		return status
	}
	text, err := readBounded(response.Body, w.settings.MaxMessage)
	if err != nil {
		return status
	}
	if inSession && status.code == http.StatusBadRequest && bytes.Contains(bytes.ToLower(text), []byte("session")) {
		w.in.ended(errSessionGone)
		return errSessionGone
	}
	w.in.receive(p.id, text)
	return status
}

func (w *httpWire) events(body io.Reader, about int64, at *cursor) error {
	return readEvents(body, w.settings.MaxMessage, at, func(e event) error {
		if e.name == "" || e.name == "message" {
			w.in.receive(about, e.data)
		}
		return nil
	})
}

// close ends the session, if the server is still there to be told.
func (w *httpWire) close() {
	w.mu.Lock()
	session := w.session
	w.mu.Unlock()
	if session != "" {
		w.bye()
	}
	w.cancel()
	w.running.Wait()
	w.client.CloseIdleConnections()
}

func (w *httpWire) bye() {
	ctx, cancel := context.WithTimeout(w.ctx, w.time.cancelGrace)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodDelete, w.settings.URL, nil)
	if err != nil {
		return
	}
	w.dress(request, nil)
	if response, err := w.client.Do(request); err == nil {
		_ = response.Body.Close()
	}
}

// reach is how far a request got, as net/http tells. A transport that tells nothing
// may have sent everything.
type reach struct{ began, wrote atomic.Bool }

func (r *reach) trace(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		// net/http posts again by itself only if it knows that nothing was written.
		GetConn:      func(string) { r.began.Store(true); r.wrote.Store(false) },
		WroteHeaders: func() { r.wrote.Store(true) },
	})
}

// nobody: the request reached nobody.
func (r *reach) nobody() bool { return r.began.Load() && !r.wrote.Load() }

// kind is the media type of a response, without its parameters.
func kind(response *http.Response) string {
	media, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	return media
}

// plain takes the address out of an error of net/http: it may hold a token.
func plain(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
