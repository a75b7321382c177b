package openai

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// maxAnswer bounds what is read of one answer, in bytes. A stream spends some hundred
// on a token, and the longest answers of today are of some hundred thousand tokens.
const maxAnswer = 64 << 20

// errSilent ends an exchange with a server that says nothing any more.
var errSilent = errors.New("the model server said nothing for too long")

// exchange is one request to the model server and its answer. It stands between
// go-openai and the network: the body that goes out is ours, and what comes back is
// bounded, and watched for silence.
type exchange struct {
	client *http.Client
	out    body
	watch  *time.Timer
	quiet  time.Duration
	most   int64          // bytes that are read of the answer
	copy   *bytes.Buffer  // of what is read, if somebody wants one
	in     *http.Response // nil until there is one
}

// begin prepares an exchange. The context it gives ends, with errSilent as its
// cause, once the server has said nothing for as long as quiet; stop releases it.
func begin(ctx context.Context, client *http.Client, out body, quiet time.Duration) (context.Context, *exchange, func()) {
	timed, cancel := context.WithCancelCause(ctx)
	x := &exchange{client: client, out: out, quiet: quiet, most: maxAnswer}
	x.watch = time.AfterFunc(quiet, func() { cancel(errSilent) })
	return timed, x, func() {
		x.watch.Stop()
		cancel(nil)
	}
}

// Do sends our body in place of go-openai's, if there is one.
func (x *exchange) Do(r *http.Request) (*http.Response, error) {
	switch {
	case x.out != nil:
		r.Body, r.ContentLength = x.out.reader(), int64(x.out.size())
		r.GetBody = func() (io.ReadCloser, error) { return x.out.reader(), nil }
	case r.Body != nil:
		r.Body = heard{r.Body, x} // a long one may take longer to send than a server may be silent
	}
	response, err := x.client.Do(r)
	if err != nil {
		return nil, err
	}
	x.in = response
	x.alive()
	if response.StatusCode/100 == 3 {
		_ = response.Body.Close()
		return nil, &movedError{response}
	}
	response.Body = http.MaxBytesReader(nil, heard{response.Body, x}, x.most)
	if x.copy != nil {
		response.Body = copied{response.Body, io.TeeReader(response.Body, x.copy)}
	}
	return response, nil
}

// header is that of the answer, nil if there was none.
func (x *exchange) header() http.Header {
	if x == nil || x.in == nil {
		return nil
	}
	return x.in.Header
}

// alive says that the server has just said something.
func (x *exchange) alive() { x.watch.Reset(x.quiet) }

// hurry lets the server be silent for no longer than most from here on.
func (x *exchange) hurry(most time.Duration) {
	x.quiet = min(x.quiet, most)
	x.alive()
}

// drain reads what is left of an answer that is complete, so that the connection
// can be used again: net/http closes one whose body was left before its end, and a
// turn would cost a new connection each. A server that does not end its answers
// loses the connection instead of holding up the run.
func (x *exchange) drain() {
	const most = 100 * time.Millisecond
	x.hurry(most)
	_, _ = io.CopyN(io.Discard, x.in.Body, 64<<10)
}

// heard is a body on its way; each piece of it is a sign of life.
type heard struct {
	io.ReadCloser
	x *exchange
}

func (h heard) Read(p []byte) (int, error) {
	n, err := h.ReadCloser.Read(p)
	if n > 0 {
		h.x.alive()
	}
	return n, err
}

// copied is a body that is copied as it is read.
type copied struct {
	io.Closer
	io.Reader
}

// body is a request's, in pieces, of which most are shared with other requests.
type body [][]byte

func (b body) size() int {
	n := 0
	for _, piece := range b {
		n += len(piece)
	}
	return n
}

func (b body) reader() io.ReadCloser { return io.NopCloser(&pieces{left: b}) }

// pieces reads a body as much at a time as there is room for. Piece by piece, as
// io.MultiReader does it, each would be a system call of its own on its way out.
type pieces struct {
	left body
	used int // of the first that is left
}

func (p *pieces) Read(to []byte) (int, error) {
	n := 0
	for n < len(to) && len(p.left) > 0 {
		copied := copy(to[n:], p.left[0][p.used:])
		n, p.used = n+copied, p.used+copied
		if p.used == len(p.left[0]) {
			p.left, p.used = p.left[1:], 0
		}
	}
	if n == 0 && len(to) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// NewTransport keeps as many connections to an endpoint as there are runs: net/http
// would keep two and open a new one for nearly every turn.
func NewTransport() *http.Transport {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = 0, 1024
	transport.ReadBufferSize, transport.WriteBufferSize = 2<<10, 2<<10 // a thousand connections may wait at once
	return transport
}

func newHTTPClient() *http.Client {
	return &http.Client{Transport: NewTransport(), CheckRedirect: sameMethod}
}

// sameMethod follows no redirect that would make a GET of the question, as the older
// ones do: what it found would answer something else.
func sameMethod(next *http.Request, before []*http.Request) error {
	const most = 10 // as in net/http
	if next.Method != before[0].Method || len(before) >= most {
		return http.ErrUseLastResponse
	}
	return nil
}

// movedError is a redirect that was not followed.
type movedError struct{ response *http.Response }

func (e *movedError) Error() string {
	to := "elsewhere"
	if at, err := e.response.Location(); err == nil {
		to = "to " + at.Scheme + "://" + at.Host + strings.TrimSuffix(strings.TrimSuffix(at.Path, "/chat/completions"), "/responses")
	}
	return "the model server has moved " + to + ": set base_url to where it is"
}
