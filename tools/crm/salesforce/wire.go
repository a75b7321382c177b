package salesforce

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// maxAnswer bounds an answer, in bytes. A page of two thousand rows of a query is below.
const maxAnswer = 32 << 20

// answer is what Salesforce said to one request, whatever that is.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// lost is why there is no answer.
type lost struct {
	sent  bool // the request may have reached Salesforce
	cause error
}

func (l *lost) Error() string { return "salesforce: no answer: " + l.cause.Error() }
func (l *lost) Unwrap() error { return l.cause }

// errNothingSent says that a request was given up before any of it was sent.
var errNothingSent = errors.New("salesforce: nothing was sent")

// send makes a request, signed. One that is refused for its token has had no effect: it is
// made once more, behind a new sign-in.
func (b *Backend) send(ctx context.Context, method, path string, body []byte) (answer, error) {
	for try := 0; ; try++ {
		if err := b.pace.wait(ctx); err != nil {
			return answer{}, err
		}
		signed, err := b.session.get(ctx)
		if err != nil {
			return answer{}, b.noToken(err)
		}
		got, err := b.once(ctx, signed, method, path, body)
		if err != nil {
			return answer{}, err
		}
		if got.status == http.StatusUnauthorized {
			b.session.drop(signed)
			if try == 0 {
				continue
			}
		}
		b.pace.heed(got)
		return got, nil
	}
}

// once makes one request.
func (b *Backend) once(ctx context.Context, signed *token, method, path string, body []byte) (answer, error) {
	var asked, connected atomic.Bool
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	req, err := http.NewRequestWithContext(traced, method, signed.instance+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, fmt.Errorf("salesforce: making a request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+signed.access)
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json; charset=UTF-8")
	}
	response, err := b.client.Do(req)
	if err != nil {
		return answer{}, &lost{sent: !asked.Load() || connected.Load(), cause: err}
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err == nil && len(raw) > maxAnswer {
		err = fmt.Errorf("an answer of more than %d bytes", maxAnswer)
	}
	if err != nil {
		return answer{}, &lost{sent: true, cause: err}
	}
	return answer{response.StatusCode, response.Header, raw}, nil
}

// inTheWay is how often a request is made again while another one holds the records that it
// is about. It has had no effect then.
var inTheWay = []time.Duration{200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond}

// get reads what is at a path into out.
func (b *Backend) get(ctx context.Context, path string, out any) error {
	got, err := b.send(ctx, http.MethodGet, path, nil)
	if err != nil {
		return b.readError(err)
	}
	if got.status != http.StatusOK {
		return b.readError(b.said(got.status, got.header, got.body))
	}
	if err := decode(got.body, out); err != nil {
		return b.readError(err)
	}
	return nil
}

// part is one request of several that are made together.
type part struct {
	id, method, path string
	body             map[string]any
}

type partAnswer struct {
	Body   json.RawMessage   `json:"body"`
	Header map[string]string `json:"httpHeaders"`
	Status int               `json:"httpStatusCode"`
	ID     string            `json:"referenceId"`
}

// compose makes several requests in one: in their order, and, if whole, all or none.
func (b *Backend) compose(ctx context.Context, whole bool, parts []part) ([]partAnswer, error) {
	type one struct {
		Method string         `json:"method"`
		URL    string         `json:"url"`
		ID     string         `json:"referenceId"`
		Body   map[string]any `json:"body,omitempty"`
	}
	var all struct {
		Whole bool  `json:"allOrNone"`
		Parts []one `json:"compositeRequest"`
	}
	all.Whole = whole
	for _, p := range parts {
		all.Parts = append(all.Parts, one{p.method, p.path, p.id, p.body})
	}
	body, err := json.Marshal(all)
	if err != nil {
		return nil, fmt.Errorf("salesforce: writing a request: %w", err)
	}
	got, err := b.send(ctx, http.MethodPost, data+"/composite", body)
	if err != nil {
		return nil, err
	}
	if got.status != http.StatusOK {
		return nil, b.said(got.status, got.header, got.body)
	}
	var answers struct {
		Parts []partAnswer `json:"compositeResponse"`
	}
	if err := decode(got.body, &answers); err != nil {
		return nil, err
	}
	if len(answers.Parts) != len(parts) {
		return nil, fmt.Errorf("%w: %d answers to %d requests", errUnread, len(answers.Parts), len(parts))
	}
	for i, p := range parts {
		if answers.Parts[i].ID != p.id {
			return nil, fmt.Errorf("%w: an answer to %q in the place of %q", errUnread, answers.Parts[i].ID, p.id)
		}
	}
	return answers.Parts, nil
}

// ask makes several queries in one request; each finds at most a page of rows.
func (b *Backend) ask(ctx context.Context, queries ...string) ([][]record, error) {
	var parts []part
	for i, q := range queries {
		parts = append(parts, part{id: fmt.Sprintf("q%d", i), method: http.MethodGet, path: queryPath(q)})
	}
	answers, err := b.compose(ctx, false, parts)
	if err != nil {
		return nil, b.readError(err)
	}
	found := make([][]record, len(queries))
	for i, a := range answers {
		if a.Status != http.StatusOK {
			return nil, b.readError(b.said(a.Status, nil, a.Body))
		}
		var page rows
		if err := decode(a.Body, &page); err != nil {
			return nil, b.readError(err)
		}
		found[i] = page.Records
	}
	return found, nil
}

var errUnread = errors.New("salesforce: the answer cannot be read")

func decode(raw []byte, out any) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(out); err != nil {
		return fmt.Errorf("%w: %w", errUnread, err)
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
