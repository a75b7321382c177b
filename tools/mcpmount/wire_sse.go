package mcpmount

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
)

// sseWire speaks the older HTTP+SSE (MCP 2024-11-05, transports): one stream brings
// everything in, and says first where messages are to be posted.
type sseWire struct {
	http     *httpWire
	endpoint string // once known
	known    chan struct{}
	once     sync.Once
}

func newSSEWire(w *httpWire) *sseWire {
	return &sseWire{http: w, known: make(chan struct{})}
}

// open waits until the server has said where to post.
func (w *sseWire) open(ctx context.Context, in inbox) error {
	w.http.in = in
	failed := make(chan error, 1)
	w.http.running.Go(func() {
		err := w.follow()
		failed <- err
		in.ended(err)
	})
	select {
	case <-w.known:
		return nil
	case err := <-failed:
		return err
	case <-ctx.Done():
		return fmt.Errorf("waiting for the server's endpoint: %w", ctx.Err())
	}
}

func (w *sseWire) follow() error {
	response, err := w.http.get(w.http.ctx, "")
	if err != nil {
		return fmt.Errorf("opening the server's stream: %w", plain(err))
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode != http.StatusOK:
		return &statusError{code: response.StatusCode}
	case kind(response) != "text/event-stream":
		return errors.New("the server's stream is no event stream")
	}
	err = readEvents(response.Body, w.http.settings.MaxMessage, &cursor{}, func(e event) error {
		switch e.name {
		case "endpoint":
			return w.learn(response.Request.URL, string(e.data))
		case "", "message":
			w.http.in.receive(0, e.data)
		}
		return nil
	})
	return fmt.Errorf("the server's stream ended: %w", plain(err))
}

// learn takes the address for messages, which gets our credentials: it has to be
// on the same host.
func (w *sseWire) learn(base *url.URL, endpoint string) error {
	u, err := base.Parse(endpoint)
	if err != nil || u.Scheme != base.Scheme || u.Host != base.Host {
		return errors.New("the server wants messages sent to another host")
	}
	w.once.Do(func() {
		w.endpoint = u.String()
		close(w.known)
	})
	return nil
}

func (w *sseWire) send(ctx context.Context, p parcel) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(w.http.ctx, cancel)()
	reached := &reach{}
	request, err := http.NewRequestWithContext(reached.trace(ctx), http.MethodPost, w.endpoint, bytes.NewReader(p.text))
	if err != nil {
		return fmt.Errorf("%w: %w", errUnsent, plain(err))
	}
	w.http.dress(request, nil)
	request.Header.Set("Content-Type", "application/json")
	response, err := w.http.client.Do(request)
	if err != nil {
		return w.http.failed(err, reached)
	}
	defer response.Body.Close()
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return &statusError{code: response.StatusCode}
	}
	return nil // the answer comes on the stream
}

func (w *sseWire) agreed(string) {} // the older protocol knows no version header

func (w *sseWire) close() { w.http.close() }
