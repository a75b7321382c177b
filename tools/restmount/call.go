package restmount

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"

	"drawbridge/tools"
)

// call makes one call of an operation.
func (a *API) call(ctx context.Context, client *http.Client, o *operation, arguments json.RawMessage) (json.RawMessage, error) {
	s, err := a.prepare(o, arguments)
	if err != nil {
		return nil, err
	}
	if key := tools.Key(ctx); key != "" && a.settings.IdempotencyHeader != "" && o.writes() {
		s.header.Set(a.settings.IdempotencyHeader, key)
	}
	e, err := a.exchange(ctx, client, o, s)
	if err != nil {
		return nil, err
	}
	if e.status >= 300 && (e.status != http.StatusNotModified || o.writes()) {
		return nil, a.refused(o, e)
	}
	return a.answer(o, e, arguments)
}

func (o *operation) writes() bool { return o.method != http.MethodGet && o.method != http.MethodHead }

// reply is what came back.
type reply struct {
	status int
	header http.Header
	body   []byte
	more   bool // there was more than is read of an answer
}

// exchange sends a request, once more if our token was refused: nothing was done then.
func (a *API) exchange(ctx context.Context, client *http.Client, o *operation, s *sending) (*reply, error) {
	for again := false; ; again = true {
		e, with, err := a.send(ctx, client, o, s)
		if err != nil {
			return nil, err
		}
		if e.status != http.StatusUnauthorized || again || !s.with.auth.renew(with) {
			return e, nil
		}
	}
}

func (a *API) send(ctx context.Context, client *http.Client, o *operation, s *sending) (*reply, string, error) {
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }})
	request, err := s.request(ctx)
	if err != nil {
		return nil, "", tools.Errorf(tools.Invalid, "arguments: they make no request")
	}
	with, err := s.with.auth.sign(ctx, request)
	if err != nil {
		return nil, "", a.unsigned(o, err)
	}
	answer, err := client.Do(request)
	if err != nil {
		return nil, "", a.lost(o, err, sent.Load())
	}
	defer func() { _ = answer.Body.Close() }()
	e := &reply{status: answer.StatusCode, header: answer.Header}
	if e.body, err = io.ReadAll(io.LimitReader(answer.Body, a.settings.MaxResponse+1)); err != nil && e.status < 300 {
		return nil, "", a.lost(o, errors.New("the answer breaks off"), true)
	}
	if int64(len(e.body)) > a.settings.MaxResponse {
		e.body, e.more = e.body[:a.settings.MaxResponse], true
	}
	return e, with, nil
}

// noRedirects: what an address answers is the answer.
func noRedirects(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// maxRedirects bounds how often a read is led on.
const maxRedirects = 5

// sameOrigin follows a redirect of a read to the same scheme, host and port. Anywhere else
// our credentials do not go, and a write is not made a second time.
func sameOrigin(next *http.Request, before []*http.Request) error {
	first := before[0]
	reads := first.Method == http.MethodGet || first.Method == http.MethodHead
	if !reads || len(before) > maxRedirects || next.URL.Scheme != first.URL.Scheme || next.URL.Host != first.URL.Host || next.URL.User != nil {
		return http.ErrUseLastResponse
	}
	next.Header.Del("Referer") // it may hold a key of the query
	return nil
}
