package callback

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"time"

	"drawbridge/server/egress"
)

const (
	defaultTimeout        = 15 * time.Second
	maxTimeout            = 30 * time.Second // Standard Webhooks recommends 15 to 30 s
	defaultConnectTimeout = 5 * time.Second

	// MaxExcerpt is how much of an answer is kept, in bytes.
	MaxExcerpt = 20_000
	// maxRead is how much of an answer is read, in bytes, of the headers and again of
	// the body: enough that an honest receiver is not cut off while it writes, and
	// no more from an endless one.
	maxRead = 64 << 10
	// maxReason bounds a reason, in bytes: some errors quote what the receiver sent.
	maxReason = 500
)

// Options of a Sender. The zero value is right for production.
type Options struct {
	Now            func() time.Time // nil: time.Now
	Log            *slog.Logger     // one debug line an attempt; nil: none
	Timeout        time.Duration    // of a whole attempt; 0 means 15 s, at most 30 s
	ConnectTimeout time.Duration    // of connecting, and again of the TLS handshake; 0 means 5 s
	// Roots are the authorities trusted for TLS; nil means the system's.
	Roots *x509.CertPool
	// Egress says what may be called; nil means what is public.
	Egress *egress.Rules
}

// Sender makes attempts. It is safe for concurrent use and holds nothing open.
type Sender struct {
	now     func() time.Time
	log     *slog.Logger
	timeout time.Duration
	rules   *egress.Rules
	clients map[Origin]*http.Client
}

// NewSender makes a sender.
func NewSender(o Options) *Sender {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.ConnectTimeout <= 0 {
		o.ConnectTimeout = defaultConnectTimeout
	}
	if o.Egress == nil {
		o.Egress = egress.New(egress.Settings{}, egress.Options{})
	}
	s := &Sender{now: o.Now, log: o.Log, timeout: min(o.Timeout, maxTimeout), rules: o.Egress, clients: map[Origin]*http.Client{}}
	for _, origin := range []Origin{Requested, Configured} {
		s.clients[origin] = newClient(s.rules, origin, o.ConnectTimeout, o.Roots)
	}
	return s
}

// Attempt is one POST of one message to one endpoint.
type Attempt struct {
	ID     string // of the message
	URL    string
	Origin Origin // who chose URL
	// Secrets of the endpoint: all that are live sign.
	Secrets []Secret
	Body    []byte // what Message.Body gave when the run ended
	// Obey: the receiver may say by the header webhook-delivery what to do.
	Obey bool
}

// Send makes one attempt. It always gives a Result: a setting that cannot work and
// every failure of the network come as Retry, because both may be mended while the
// schedule runs. When ctx ends first the verdict is Retry as well; the caller can
// tell by ctx, and need not count the attempt.
func (s *Sender) Send(ctx context.Context, a Attempt) Result {
	start := s.now()
	bounded, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	result := Result{Verdict: Retry}
	if err := s.attempt(bounded, a, start, &result); err != nil {
		result.Reason = reason(err)
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			result.Reason = "no answer within " + s.timeout.String()
		}
		result.overloaded = timedOut(err)
	}
	result.Latency = s.now().Sub(start)
	s.log.DebugContext(ctx, "attempted a callback", "callback", a.ID, "verdict", result.Verdict,
		"status", result.Status, "latency", result.Latency, "remote", result.RemoteAddr, "reason", result.Reason)
	return result
}

// attempt fills result as far as it comes. An error means there was no answer.
func (s *Sender) attempt(ctx context.Context, a Attempt, at time.Time, result *Result) error {
	target, err := checkURL(s.rules, a.URL, a.Origin) // whatever was checked before (SSRF-07)
	if err != nil {
		return err
	}
	signature, err := SignAll(a.Secrets, a.ID, at, a.Body)
	if err != nil {
		return fmt.Errorf("signing: %w", err)
	}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(c httptrace.GotConnInfo) { result.RemoteAddr = c.Conn.RemoteAddr().String() },
	})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), bytes.NewReader(a.Body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Drawbridge")
	req.Header.Set("Webhook-Id", a.ID)
	req.Header.Set("Webhook-Timestamp", strconv.FormatInt(at.Unix(), 10))
	req.Header.Set("Webhook-Signature", signature)
	resp, err := s.clients[a.Origin].Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	result.judge(resp, s.now())
	if a.Obey {
		result.Wish = wishOf(resp.Header)
	}
	// The status has decided: a body that breaks off or never ends changes nothing.
	read, _ := io.ReadAll(io.LimitReader(resp.Body, maxRead))
	result.Excerpt = read[:min(len(read), MaxExcerpt)]
	return nil
}

// reason is an error's text without the address, whose path or query may hold a
// token of the receiver's.
func reason(err error) string {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	text := err.Error()
	return strings.ToValidUTF8(text[:min(len(text), maxReason)], "")
}

func timedOut(err error) bool {
	var network net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network) && network.Timeout()
}
