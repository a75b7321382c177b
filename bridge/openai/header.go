package openai

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// longestPause keeps a hostile or mistaken server from parking a run for years.
	longestPause = 24 * time.Hour
	// quotaPause is how long to wait at least for somebody to pay.
	quotaPause = time.Minute
)

// retryAfter reads the header of RFC 9110, section 10.2.3: seconds, or a date.
// OpenAI also sends milliseconds, which are finer.
func retryAfter(header http.Header, now time.Time) time.Duration {
	if ms, err := strconv.ParseFloat(header.Get("Retry-After-Ms"), 64); err == nil && ms > 0 {
		return bounded(ms/1000, longestPause)
	}
	value := header.Get("Retry-After")
	if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds > 0 {
		return bounded(seconds, longestPause)
	}
	if at, err := http.ParseTime(value); err == nil && at.After(now) {
		return bounded(at.Sub(now).Seconds(), longestPause)
	}
	return 0
}

func bounded(seconds float64, most time.Duration) time.Duration {
	if !(seconds < most.Seconds()) { // nor a number that is none
		return most
	}
	return time.Duration(seconds * float64(time.Second))
}

// askNoMore reports whether the server says that the same request should not be sent
// again.
func askNoMore(header http.Header) bool { return header.Get("X-Should-Retry") == "false" }

// allowance is what an answer's headers tell about a limit: so many are left until
// it is reset.
type allowance struct {
	limit, left int // limit is 0 if it was not told
	reset       time.Duration
}

// allowed reads the x-ratelimit headers for what ("requests" or "tokens").
func allowed(header http.Header, what string, now time.Time) (allowance, bool) {
	left, err := strconv.Atoi(header.Get("X-Ratelimit-Remaining-" + what))
	if err != nil || left < 0 {
		return allowance{}, false
	}
	reset, ok := resetIn(header.Get("X-Ratelimit-Reset-"+what), now)
	limit, _ := strconv.Atoi(header.Get("X-Ratelimit-Limit-" + what))
	return allowance{max(limit, 0), left, reset}, ok
}

// resetIn reads when a limit is reset: OpenAI writes 6m0s, other vendors seconds, a
// Unix time or a date. However far away it is, no model is held up for hours.
func resetIn(value string, now time.Time) (time.Duration, bool) {
	const most = 5 * time.Minute
	value = strings.TrimSpace(value)
	d, err := time.ParseDuration(value)
	if err != nil {
		d, err = secondsOrDate(value, now)
	}
	if err != nil || d < 0 {
		return 0, false
	}
	return min(d, most), true
}

func secondsOrDate(value string, now time.Time) (time.Duration, error) {
	seconds, err := strconv.ParseFloat(value, 64)
	switch {
	case err == nil && seconds > 1e12: // milliseconds since 1970
		return time.UnixMilli(int64(min(seconds, 1e15))).Sub(now), nil
	case err == nil && seconds > 1e9:
		return time.Unix(int64(seconds), 0).Sub(now), nil
	case err == nil:
		return bounded(seconds, longestPause), nil
	}
	at, err := time.Parse(time.RFC3339, value)
	if err != nil {
		at, err = http.ParseTime(value)
	}
	return at.Sub(now), err
}
