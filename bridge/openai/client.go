package openai

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	wire "github.com/sashabaranov/go-openai"
)

// DefaultTimeout is how long a model may be silent. Models that think say nothing
// for minutes.
const DefaultTimeout = 5 * time.Minute

// API is the way an endpoint is asked.
type API string

const (
	// Chat is /v1/chat/completions, which every compatible server speaks.
	Chat API = "chat"
	// Responses is OpenAI's /v1/responses.
	Responses API = "responses"
)

// Options of a Client. The zero value asks api.openai.com without a key.
type Options struct {
	// BaseURL ends before /chat/completions, usually in /v1.
	BaseURL string
	APIKey  string
	// API is Chat by default.
	API API
	// HTTPClient keeps many connections to the endpoint by default.
	HTTPClient *http.Client
	// Timeout is how long the model may say nothing, before an answer's first byte
	// or between two; DefaultTimeout by default. An answer that keeps coming may
	// take as long as it likes.
	Timeout time.Duration
	// Now reads a Retry-After that names a date. It is time.Now by default.
	Now func() time.Time
}

// Client asks one endpoint, once for each question. It is safe for concurrent use.
type Client struct {
	dialect
	name      string // the configured name of the model, if there is one
	access    atomic.Pointer[access]
	http      *http.Client
	timeout   time.Duration
	now       func() time.Time
	functions definitions
	unwanted  unwanted
}

// New makes a client. It sends nothing yet.
func New(o Options) *Client {
	c := &Client{http: o.HTTPClient, timeout: o.Timeout, now: o.Now}
	if c.timeout <= 0 {
		c.timeout = DefaultTimeout
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.http == nil {
		c.http = newHTTPClient()
	}
	c.access.Store(accessTo(o.BaseURL, o.APIKey))
	c.dialect = chatDialect
	if o.API == Responses {
		c.dialect = responsesDialect
	}
	c.functions.write = c.definition
	return c
}

// dialect is what the two APIs differ in.
type dialect struct {
	body       func(*Client, Request) (body, error)
	definition func(Function) ([]byte, error)
	send       func(context.Context, *wire.Client) error
	read       func(*Client, Request) reading
	endpoint   wire.BatchEndpoint
}

var chatDialect = dialect{
	body:       (*Client).chatBody,
	definition: chatDefinition,
	endpoint:   wire.BatchEndpointChatCompletions,
	send: func(ctx context.Context, api *wire.Client) error {
		_, err := api.CreateChatCompletionStream(ctx, wire.ChatCompletionRequest{})
		return err
	},
	read: func(c *Client, r Request) reading {
		return &chatAnswer{hear: r.hear, by: c.mark(r), thinks: c.unwanted.by(r.Model, noThoughtsBack)}
	},
}

// Complete asks once and gives the whole answer; r.Hear is told of its words as they
// come. An error is an *[Error], or the context's own when that ended first. What
// was heard of an answer that ends in an error is void.
func (c *Client) Complete(ctx context.Context, r Request) (Answer, error) {
	answer, _, err := c.ask(ctx, r)
	return answer, err
}

// ask is Complete, with the header of the server's answer, nil if there was none.
func (c *Client) ask(ctx context.Context, r Request) (Answer, http.Header, error) {
	const most = 4 // one more than there are things that a server may not take
	for try := 1; ; try++ {
		answer, x, err := c.exchange(ctx, r)
		if err != nil && ctx.Err() != nil {
			return Answer{}, nil, ctx.Err()
		}
		if err == nil || try == most || !c.adapt(&r, err) {
			return answer, x.header(), err
		}
	}
}

// adapt reports whether the request can be sent again without what the error says
// that the server does not take.
func (c *Client) adapt(r *Request, err error) bool {
	what, found := mentioned(err)
	if !found || what == metadata && len(c.metadata(*r)) == 0 { // a function may have a member of that name, too
		return false
	}
	if what == encrypted && r.forgetItems() {
		return true // reasoned under another key, perhaps
	}
	c.unwanted.learn(r.Model, what)
	return true
}

func (c *Client) exchange(ctx context.Context, r Request) (Answer, *exchange, error) {
	out, err := c.body(c, r)
	if err != nil {
		return Answer{}, nil, unsendable(err)
	}
	ctx, x, stop := begin(ctx, c.http, out, c.timeout)
	defer stop()
	config := c.access.Load().config
	config.HTTPClient = x
	if err = c.send(ctx, wire.NewClientWithConfig(config)); err == nil {
		defer x.in.Body.Close()
		var answer Answer
		if answer, err = x.read(c.read(c, r)); err == nil {
			return answer.withUsage(r), x, nil
		}
	}
	if withheld(err) {
		return Answer{Model: r.Model, Finish: FinishFiltered}.withUsage(r), x, nil
	}
	return Answer{}, x, c.explain(ctx, r.Model, x, err)
}

// unsendable is the error for a request that breaks the rules before it is sent.
func unsendable(err error) *Error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	return permanentError(BadRequest, "the request cannot be written: "+err.Error())
}

func (r Request) hear(text string) {
	if r.Hear.Text != nil {
		r.Hear.Text(text)
	}
}

func (a Answer) withUsage(r Request) Answer {
	if a.Usage.Prompt+a.Usage.Completion == 0 {
		a.Usage = estimate(r, a)
	}
	return a
}
