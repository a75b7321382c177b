package slack

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

	"github.com/slack-go/slack"
)

// maxAnswer bounds an answer, in bytes: a page of a thousand channels is well below.
const maxAnswer = 8 << 20

// maxTime bounds one request. A person may wait for it.
const maxTime = 15 * time.Second

// errNothingSent says that a request was given up before any of it was sent.
var errNothingSent = errors.New("slack: nothing was sent")

// exchange is what one request came to. Slack says in the body whether it was done, and
// the library takes a body that says nothing of it for a yes.
type exchange struct {
	asked     atomic.Bool // a connection was asked for
	connected atomic.Bool // and there was one: something may have been sent
	status    int
	header    http.Header
	answer    answer
}

// answer is what an answer says of the request, and of a message if it posted one.
type answer struct {
	OK      bool   `json:"ok"`
	Error   string `json:"error"`
	Needed  string `json:"needed"`
	TS      string `json:"ts"`
	Message struct {
		Thread string `json:"thread_ts"`
	} `json:"message"`
}

// sent reports whether the request may have reached Slack.
func (x *exchange) sent() bool { return !x.asked.Load() || x.connected.Load() }

type exchangeContext struct{}

// watched notes what becomes of requests, and bounds their answers.
type watched struct{ next http.RoundTripper }

func (w watched) RoundTrip(req *http.Request) (*http.Response, error) {
	next := w.next
	if next == nil {
		next = http.DefaultTransport
	}
	x, watching := req.Context().Value(exchangeContext{}).(*exchange)
	if !watching {
		x = &exchange{}
	}
	req = req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		GetConn: func(string) { x.asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { x.connected.Store(true) },
	}))
	response, err := next.RoundTrip(req)
	if err != nil {
		return response, err
	}
	x.status, x.header = response.StatusCode, response.Header
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	_ = response.Body.Close()
	if err == nil && len(body) > maxAnswer {
		err = fmt.Errorf("an answer of more than %d bytes", maxAnswer)
	}
	if err != nil {
		return nil, err
	}
	if response.StatusCode == http.StatusOK && json.Unmarshal(body, &x.answer) != nil {
		x.answer = answer{}
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}

// read makes a request that changes nothing.
func read[T any](ctx context.Context, b *Backend, method string, do func(ctx context.Context, api *slack.Client) (T, error)) (T, error) {
	out, x, err := once(ctx, b, method, "", do)
	if err == nil && x.answer.OK {
		return out, nil
	}
	var none T
	return none, b.readError(ctx, method, err, x)
}

// write makes a request that changes something; channel is where a message is posted, for
// the pace. What comes of it is in the answer, whatever the library made of the rest.
func write(ctx context.Context, b *Backend, method, channel string, do func(ctx context.Context, api *slack.Client) error) (answer, error) {
	_, x, err := once(ctx, b, method, channel, func(ctx context.Context, api *slack.Client) (struct{}, error) { return struct{}{}, do(ctx, api) })
	if x.answer.OK && (method != methodPost || stampForm.MatchString(x.answer.TS)) {
		return x.answer, nil
	}
	return answer{}, b.writeError(ctx, method, err, x)
}

func once[T any](ctx context.Context, b *Backend, method, channel string, do func(ctx context.Context, api *slack.Client) (T, error)) (T, *exchange, error) {
	x := &exchange{}
	if err := b.pace.wait(ctx, method, channel); err != nil {
		var none T
		return none, x, err
	}
	ctx, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
	out, err := do(context.WithValue(ctx, exchangeContext{}, x), b.account.Load().api)
	return out, x, err
}

// retryAfter reads the header, in seconds as Slack documents it; 0 if it is not there.
func retryAfter(header http.Header) time.Duration {
	if seconds, err := strconv.Atoi(header.Get("Retry-After")); err == nil && seconds > 0 {
		return min(time.Duration(seconds)*time.Second, time.Hour)
	}
	return 0
}
