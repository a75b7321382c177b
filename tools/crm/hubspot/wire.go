package hubspot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"

	"drawbridge/tools"
)

// maxAnswer bounds an answer, in bytes. A page of a hundred records with the longest texts
// that HubSpot keeps is well below.
const maxAnswer = 32 << 20

// request is one request to the API.
type request struct {
	method string
	path   string // below the base, its segments escaped
	query  url.Values
	body   any
	// search requests have a pace of their own.
	search bool
}

// answer is what a request came to.
type answer struct {
	status int
	header http.Header
	body   []byte
	// sent: something of the request may have reached HubSpot.
	sent bool
}

// read makes a request that changes nothing, and reads its answer into out.
func (b *Backend) read(ctx context.Context, r request, out any) error {
	a, err := b.ask(ctx, r)
	if err != nil {
		return b.readError(err)
	}
	if a.status >= http.StatusMultipleChoices {
		if refused := b.refusal(a); refused != nil {
			return refused
		}
		return tools.Errorf(tools.Unavailable, "HubSpot is out of order at the moment (it answers %d); nothing was changed. Try again later.", a.status)
	}
	if err := json.Unmarshal(a.body, out); err != nil {
		return b.readError(errors.New("an answer that is no JSON"))
	}
	return nil
}

// write makes a request that changes something, once, and reads its answer into out.
func (b *Backend) write(ctx context.Context, r request, out any) error {
	a, err := b.ask(ctx, r)
	if err != nil {
		return b.writeError(err, a)
	}
	if a.status >= http.StatusMultipleChoices {
		if refused := b.refusal(a); refused != nil {
			return refused
		}
		return unknownOutcome()
	}
	if err := json.Unmarshal(a.body, out); err != nil {
		return unknownOutcome()
	}
	return nil
}

// ask makes one request. Its error says that there is no answer, or not all of it.
func (b *Backend) ask(ctx context.Context, r request) (answer, error) {
	if err := b.pace.wait(ctx, r.search); err != nil {
		return answer{}, err
	}
	req, err := b.build(ctx, r)
	if err != nil {
		return answer{}, err
	}
	var asked, connected atomic.Bool
	req = req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		GetConn: func(string) { asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	}))
	response, err := b.client.Do(req)
	a := answer{sent: !asked.Load() || connected.Load()}
	if err != nil {
		return a, err
	}
	defer func() { _ = response.Body.Close() }()
	a.status, a.header = response.StatusCode, response.Header
	b.pace.heed(response.Header)
	a.body, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err == nil && len(a.body) > maxAnswer {
		err = fmt.Errorf("an answer of more than %d bytes", maxAnswer)
	}
	if err != nil && a.status >= http.StatusMultipleChoices {
		err = nil // the status says it
	}
	return a, err
}

func (b *Backend) build(ctx context.Context, r request) (*http.Request, error) {
	address := b.base + r.path
	if len(r.query) > 0 {
		address += "?" + r.query.Encode()
	}
	var body io.Reader
	if r.body != nil {
		raw, err := json.Marshal(r.body)
		if err != nil {
			return nil, fmt.Errorf("hubspot: encoding a request: %w", err)
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, address, body)
	if err != nil {
		return nil, fmt.Errorf("hubspot: %s %s: %w", r.method, r.path, err)
	}
	req.Header.Set("Authorization", "Bearer "+b.token.Load().(string))
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// The addresses of the API. The version is part of each.

func objectsPath(object string, more ...string) string {
	return "/crm/objects/" + APIVersion + "/" + segments(append([]string{object}, more...))
}

func associationsPath(from, to string) string {
	return "/crm/associations/" + APIVersion + "/" + segments([]string{from, to, "batch", "read"})
}

func ownersPath() string { return "/crm/owners/" + APIVersion }

func segments(parts []string) string {
	escaped := make([]string, len(parts))
	for i, part := range parts {
		escaped[i] = url.PathEscape(part)
	}
	return strings.Join(escaped, "/")
}
