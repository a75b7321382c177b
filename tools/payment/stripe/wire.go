package stripe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	stripe "github.com/stripe/stripe-go/v85"
	"golang.org/x/time/rate"

	"drawbridge/tools"
)

// maxAnswer bounds an answer, in bytes. A page of a hundred invoices with their lines is
// well below.
const maxAnswer = 16 << 20

// exchange is what one request came to, which the library's errors do not always say.
type exchange struct {
	asked     atomic.Bool // a connection was asked for
	connected atomic.Bool // and there was one: something may have been sent
	status    int
	header    http.Header
}

// sent reports whether the request may have reached Stripe.
func (x *exchange) sent() bool { return !x.asked.Load() || x.connected.Load() }

type exchangeContext struct{}

// watched signs requests, notes what becomes of them, and bounds their answers.
type watched struct {
	next http.RoundTripper
	key  *atomic.Pointer[string]
}

func (w watched) RoundTrip(req *http.Request) (*http.Response, error) {
	next := w.next
	if next == nil {
		next = http.DefaultTransport
	}
	req = req.Clone(req.Context())
	req.Header.Set("Authorization", "Bearer "+*w.key.Load()) // the library keeps the key that it began with
	x, watching := req.Context().Value(exchangeContext{}).(*exchange)
	if watching {
		req = req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
			GetConn: func(string) { x.asked.Store(true) },
			GotConn: func(httptrace.GotConnInfo) { x.connected.Store(true) },
		}))
	}
	response, err := next.RoundTrip(req)
	if err != nil {
		return response, err
	}
	if watching {
		x.status, x.header = response.StatusCode, response.Header
	}
	response.Body = bounded{io.LimitReader(response.Body, maxAnswer+1), response.Body, new(int64)}
	return response, nil
}

// bounded is a body that fails beyond maxAnswer.
type bounded struct {
	io.Reader
	io.Closer
	read *int64
}

func (b bounded) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if *b.read += int64(n); *b.read > maxAnswer {
		return n, fmt.Errorf("an answer of more than %d bytes", maxAnswer)
	}
	return n, err
}

// pace keeps the account's requests below its limits.
type pace struct {
	limiter *rate.Limiter
	now     func() time.Time

	mu   sync.Mutex
	hold time.Time // until when Stripe wants to hear nothing
}

// wait waits for a place. An error means that nothing was sent.
func (p *pace) wait(ctx context.Context) error {
	p.mu.Lock()
	left := p.hold.Sub(p.now())
	p.mu.Unlock()
	if left > 0 {
		return limited(left)
	}
	if err := p.limiter.Wait(ctx); err != nil {
		if ctx.Err() != nil {
			return errors.Join(errNothingSent, ctx.Err())
		}
		return limited(0) // the wait would be longer than the call has
	}
	return nil
}

// pause holds all requests back for a while.
func (p *pace) pause(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := p.now().Add(d); until.After(p.hold) {
		p.hold = until
	}
}

func limited(after time.Duration) error {
	e := tools.Errorf(tools.RateLimited, "Stripe is asked too much at the moment; nothing was changed. Try again later.")
	if e.RetryAfter = after; after > 0 {
		e.Message = fmt.Sprintf("Stripe is asked too much at the moment; nothing was changed. Try again in %s.", after.Round(time.Second))
	}
	return e
}

// retryAfter reads the header, in seconds or as a date; 0 if it is not there.
func retryAfter(header http.Header, now time.Time) time.Duration {
	text := header.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil && seconds > 0 {
		return min(time.Duration(seconds)*time.Second, time.Hour)
	}
	if at, err := http.ParseTime(text); err == nil && at.After(now) {
		return min(at.Sub(now), time.Hour)
	}
	return 0
}

// read makes a request that changes nothing.
func read[T any](ctx context.Context, b *Backend, do func(ctx context.Context) (T, error)) (T, error) {
	out, x, err := once(ctx, b, do)
	if err != nil {
		var none T
		return none, b.readError(err, x)
	}
	return out, nil
}

// inTheWay is how often a request is made again while another one holds its key, or the
// object that it is about. Neither has had any effect then.
var inTheWay = []time.Duration{200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond}

// write makes a request that changes something, under the key of its step.
func write[T any](ctx context.Context, b *Backend, step string, params *stripe.Params, do func(ctx context.Context) (T, error)) (T, error) {
	if key := stepKey(ctx, step); key != "" {
		params.SetIdempotencyKey(key)
	}
	var none T
	for try := 0; ; try++ {
		out, x, err := once(ctx, b, do)
		switch {
		case err == nil:
			return out, nil
		case params.IdempotencyKey == nil || try == len(inTheWay) || !held(err):
			return none, b.writeError(ctx, err, x)
		}
		if b.sleep(ctx, inTheWay[try]) != nil {
			return none, b.writeError(ctx, err, x)
		}
	}
}

func once[T any](ctx context.Context, b *Backend, do func(ctx context.Context) (T, error)) (T, *exchange, error) {
	x := &exchange{}
	if err := b.pace.wait(ctx); err != nil {
		var none T
		return none, x, err
	}
	out, err := do(context.WithValue(ctx, exchangeContext{}, x))
	return out, x, err
}
