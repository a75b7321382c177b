package callback

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Verdict is what to do after an attempt.
type Verdict string

const (
	// Delivered: the receiver answered 2xx.
	Delivered Verdict = "delivered"
	// Retry: try again after Result.Wait, as long as the schedule has attempts.
	Retry Verdict = "retry"
	// Gone: the receiver answered 410; it wants no message any more, this one
	// and all to come.
	Gone Verdict = "gone"
)

// Wish is what a receiver says in the header webhook-delivery (DEL-13).
type Wish string

const (
	NoWish Wish = ""
	// Disable: no message any more, this one and all to come.
	Disable Wish = "disable"
	// AbortMessage: this message no more.
	AbortMessage Wish = "abort-message"
)

func wishOf(h http.Header) Wish {
	switch wish := Wish(strings.ToLower(strings.TrimSpace(h.Get("Webhook-Delivery")))); wish {
	case Disable, AbortMessage:
		return wish
	}
	return NoWish
}

// Result is what came of one attempt. It holds no secret.
type Result struct {
	Verdict    Verdict
	Status     int // 0: there was no answer
	Latency    time.Duration
	RemoteAddr string // the address connected to, "" if none was
	Excerpt    []byte // the first MaxExcerpt bytes of the answer's body
	Reason     string // why it was not delivered, for the log and the operator
	// Wish is what the receiver asks for, if it was to be obeyed.
	Wish Wish

	// overloaded: the receiver said or showed that it has too much to do.
	overloaded bool
	retryAfter time.Duration // the receiver's wish; 0 if it has none
}

// overloadWait is the least wait after 429, 503 or a timeout.
const overloadWait = time.Minute

// Wait turns the schedule's wait into the one to keep. After 429, 503 or a timeout
// it is at least 60 s; what the receiver asks for by Retry-After counts between
// that and twice that, so that no receiver can put a message off for ever.
func (r Result) Wait(scheduled time.Duration) time.Duration {
	if !r.overloaded {
		return scheduled
	}
	base := max(scheduled, overloadWait)
	return min(max(base, r.retryAfter), 2*base)
}

// judge reads the verdict from the status and headers of an answer.
func (r *Result) judge(resp *http.Response, now time.Time) {
	r.Status = resp.StatusCode
	switch code := resp.StatusCode; {
	case code >= 200 && code < 300:
		r.Verdict = Delivered
		return
	case code == http.StatusGone:
		r.Verdict = Gone
	case code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable:
		r.overloaded = true
		r.retryAfter = parseRetryAfter(resp.Header.Get("Retry-After"), now)
	}
	r.Reason = "answered " + strconv.Itoa(resp.StatusCode)
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		r.Reason += "; redirects are not followed, so set the final address"
	}
}

// parseRetryAfter reads seconds or an HTTP date (RFC 9110, section 10.2.3). What
// cannot be read is no wish.
func parseRetryAfter(text string, now time.Time) time.Duration {
	text = strings.TrimSpace(text)
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
