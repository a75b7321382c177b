package shopify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync/atomic"
	"time"
)

// maxAnswer bounds an answer, in bytes.
const maxAnswer = 16 << 20

// operation is one of queries.go.
type operation struct {
	name, text string
	write      bool
}

// variables are of an operation.
type variables = map[string]any

// answer is what a request came to.
type answer struct {
	status int // of HTTP; 0 if there was no answer
	header http.Header
	// sent: it may have reached Shopify.
	sent bool
	// read: the body could be read as what the API answers.
	read   bool
	data   json.RawMessage
	errors []graphError
	cost   *cost
	cause  error
}

// graphError is one of an answer's errors.
type graphError struct {
	Message    string `json:"message"`
	Extensions struct {
		Code string `json:"code"`
	} `json:"extensions"`
}

// coded reports whether one of the answer's errors has a code.
func (a *answer) coded(code string) bool {
	for _, e := range a.errors {
		if e.Extensions.Code == code {
			return true
		}
	}
	return false
}

// throttledTries is how often what was refused for want of points is sent in all.
const throttledTries = 5

// run carries an operation out and reads its data into out.
func (b *Backend) run(ctx context.Context, op operation, vars variables, out any) error {
	fresh := false
	for try := 1; ; try++ {
		signer := b.token.Load()
		token, err := signer.get(ctx)
		if err != nil {
			return b.failure(op, &answer{cause: errors.Join(errNothingSent, err)})
		}
		a, err := b.once(ctx, op, vars, token)
		if err != nil {
			return err
		}
		switch {
		case a.status == http.StatusUnauthorized && !fresh && signer.refused(token):
			fresh = true // it was not carried out; another token may be taken
			continue
		case a.status == http.StatusOK && a.coded("THROTTLED") && try < throttledTries:
			wait := a.cost.wait()
			if wait > longestWait || b.sleep(ctx, wait) != nil {
				return limited(wait)
			}
			continue
		}
		if err := b.failure(op, a); err != nil {
			return err
		}
		if err := json.Unmarshal(a.data, out); err != nil {
			return b.unread(op)
		}
		return nil
	}
}

// once sends an operation once, when there are points for it. An error says that it was not
// sent.
func (b *Backend) once(ctx context.Context, op operation, vars variables, token string) (*answer, error) {
	wait, reserved, err := b.points.take(ctx, op.name)
	if err != nil {
		return nil, err
	}
	if wait > 0 && b.sleep(ctx, wait) != nil {
		b.points.give(op.name, reserved, nil)
		return nil, limited(wait)
	}
	a := b.exchange(ctx, op, vars, token)
	b.points.give(op.name, reserved, a.cost)
	return a, nil
}

func (b *Backend) exchange(ctx context.Context, op operation, vars variables, token string) *answer {
	body, err := json.Marshal(map[string]any{"query": op.text, "operationName": op.name, "variables": vars})
	if err != nil {
		return &answer{cause: fmt.Errorf("writing variables of %s: %w", op.name, err)}
	}
	var asked, connected atomic.Bool
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	request, err := http.NewRequestWithContext(traced, http.MethodPost, b.url+"/admin/api/"+APIVersion+"/graphql.json", bytes.NewReader(body))
	if err != nil {
		return &answer{cause: err}
	}
	request.GetBody = nil // whether it is sent again is decided by who knows what it does
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	request.Header.Set("X-Shopify-Access-Token", token)
	response, err := b.client.Do(request)
	if err != nil {
		return &answer{sent: !asked.Load() || connected.Load(), cause: err}
	}
	defer func() { _ = response.Body.Close() }()
	a := &answer{status: response.StatusCode, header: response.Header, sent: true}
	raw, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil || len(raw) > maxAnswer {
		a.cause = err
		return a
	}
	a.parse(raw)
	return a
}

// parse reads a body. errors is a list of objects, or a text where the request was not let
// in at all.
func (a *answer) parse(raw []byte) {
	var body struct {
		Data       json.RawMessage `json:"data"`
		Errors     json.RawMessage `json:"errors"`
		Extensions struct {
			Cost *cost `json:"cost"`
		} `json:"extensions"`
	}
	if json.Unmarshal(raw, &body) != nil {
		return
	}
	a.data, a.cost = body.Data, body.Extensions.Cost
	if len(body.Errors) > 0 && json.Unmarshal(body.Errors, &a.errors) != nil {
		var text string
		if json.Unmarshal(body.Errors, &text) != nil {
			text = "it says so in a way that cannot be shown"
		}
		a.errors = []graphError{{Message: text}}
	}
	a.read = len(a.errors) > 0 || len(a.data) > 0 && string(a.data) != "null"
}

// retryAfter reads the header, in seconds or as a date; 0 if it is not there.
func retryAfter(header http.Header, now time.Time) time.Duration {
	text := header.Get("Retry-After")
	if n, err := strconv.ParseFloat(text, 64); err == nil && n > 0 {
		return seconds(n)
	}
	if at, err := http.ParseTime(text); err == nil && at.After(now) {
		return min(at.Sub(now), time.Hour)
	}
	return 0
}
