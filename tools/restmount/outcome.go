package restmount

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"drawbridge/tools"
)

// maxSaid bounds what is passed on of an API's own words, in bytes.
const maxSaid = 2048

// unsigned is for a call that was not made, because there are no credentials for it.
func (a *API) unsigned(o *operation, err error) error {
	var token *tokenError
	switch {
	case errors.As(err, &token) && token.refused:
		return tools.Errorf(tools.Denied, "%s: %s; nothing was changed. A person has to correct our credentials.", o.shown, token.why)
	case errors.As(err, &token):
		return tools.Errorf(tools.Unavailable, "%s: %s; nothing was changed.", o.shown, token.why)
	}
	return tools.Errorf(tools.Unavailable, "%s: no access token came in time; nothing was changed.", o.shown)
}

// lost is for a call without an answer.
func (a *API) lost(o *operation, err error, sent bool) error {
	why := a.clean.line(bare(err).Error(), 300)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		why = "it took too long"
	case errors.Is(err, context.Canceled):
		why = "the caller did not wait for it"
	}
	if !sent {
		return tools.Errorf(tools.Unavailable, "%s: the call did not reach the API (%s); nothing was changed.", o.shown, why)
	}
	return o.unanswered(why)
}

// unanswered says what is known of a call that was sent: a read changed nothing whatever
// became of it, of anything else nobody knows.
func (o *operation) unanswered(why string) *tools.Error {
	if !o.writes() {
		return tools.Errorf(tools.Unavailable, "%s: no answer came (%s); it only reads, so nothing was changed.", o.shown, why)
	}
	return tools.Errorf(tools.OutcomeUnknown, "%s: the call was sent and no answer came (%s). It may have taken effect: do not repeat it blindly, look first.", o.shown, why)
}

// codes are the statuses that mean something of their own. Of the others, a write that
// got 5xx may have been done; 4xx says that it was not.
var codes = map[int]tools.Code{
	http.StatusBadRequest: tools.Invalid, http.StatusRequestEntityTooLarge: tools.Invalid, http.StatusRequestURITooLong: tools.Invalid,
	http.StatusUnsupportedMediaType: tools.Invalid, http.StatusUnprocessableEntity: tools.Invalid,
	http.StatusUnauthorized: tools.Denied, http.StatusForbidden: tools.Denied,
	http.StatusNotFound: tools.NotFound, http.StatusGone: tools.NotFound,
	http.StatusConflict: tools.Conflict, http.StatusPreconditionFailed: tools.Conflict, http.StatusLocked: tools.Conflict, http.StatusPreconditionRequired: tools.Conflict,
	http.StatusTooManyRequests: tools.RateLimited,
}

// advice is what to do about a code.
var advice = map[tools.Code]string{
	tools.Invalid:     "Correct the arguments and call again.",
	tools.NotFound:    "Look up what there is first.",
	tools.Conflict:    "Its state does not allow this now.",
	tools.RateLimited: "Nothing was changed; try again later.",
}

// refused is for an answer that says no.
func (a *API) refused(o *operation, e *reply) error {
	said := a.said(e)
	switch {
	case e.status < 400:
		return tools.Errorf(tools.Failed, "%s: the API wants us to go to another address%s (status %d), which is not followed.", o.shown, otherHost(e.header), e.status)
	case e.status >= 500 || e.status == http.StatusRequestTimeout:
		err := o.unanswered(fmt.Sprintf("status %d%s", e.status, said))
		err.RetryAfter = retryAfter(e.header, time.Now)
		return err
	}
	code, known := codes[e.status]
	if e.status == http.StatusForbidden && exhausted(e.header) {
		code = tools.RateLimited
	}
	if !known {
		code = tools.Failed
	}
	word := advice[code]
	switch e.status {
	case http.StatusUnauthorized:
		word = "Our credentials are not taken; a person has to look. Go on without it."
	case http.StatusForbidden:
		if code == tools.Denied {
			word = "Our credentials do not allow this. Go on without it, or have a person look."
		}
	}
	err := tools.Errorf(code, "%s", strings.TrimSpace(fmt.Sprintf("%s: the API refused (status %d)%s. %s", o.shown, e.status, said, word)))
	if code == tools.RateLimited {
		err.RetryAfter = retryAfter(e.header, time.Now)
	}
	return err
}

// otherHost names the host of a redirect, and nothing else of it.
func otherHost(header http.Header) string {
	u, err := url.Parse(header.Get("Location"))
	if err != nil || u.Host == "" {
		return ""
	}
	return ", at " + strconv.QuoteToASCII(tidy(u.Host, 100))
}

// exhausted: some say 403 where they mean 429.
func exhausted(header http.Header) bool {
	return header.Get("Retry-After") != "" || header.Get("X-Ratelimit-Remaining") == "0"
}

// mostPatience bounds how long an API can have us wait.
const mostPatience = 24 * time.Hour

// retryAfter is RFC 9110, 10.2.3, or what many say who limit rates.
func retryAfter(header http.Header, now func() time.Time) time.Duration {
	wait := time.Duration(0)
	text := strings.TrimSpace(header.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		wait = at.Sub(now())
	} else if reset, err := strconv.ParseInt(header.Get("X-Ratelimit-Reset"), 10, 64); err == nil && header.Get("X-Ratelimit-Remaining") == "0" && reset > 1_000_000_000 {
		wait = time.Unix(reset, 0).Sub(now())
	}
	return min(max(wait, 0), mostPatience)
}

// said is what the API says in words, redacted, behind a colon.
func (a *API) said(e *reply) string {
	text := messageOf(e.body)
	if text == "" && textual(e.header.Get("Content-Type")) {
		text = tidy(string(e.body), 500)
	}
	if text = a.clean.line(text, maxSaid); text == "" {
		return ""
	}
	return ": " + text
}

// places are where error messages stand: problem details (RFC 9457), Stripe, GitHub,
// Slack, OAuth, JSON:API and their like.
var places = [][]string{{"error", "message"}, {"message"}, {"detail"}, {"error_description"}, {"error", "description"}, {"error"}, {"title"}, {"msg"}, {"description"}, {"reason"}}

// messageOf finds the message of an error that is JSON. Where there is no message in a
// known place, it is the whole of it.
func messageOf(body []byte) string {
	var whole any
	if len(body) > 256<<10 || json.Unmarshal(body, &whole) != nil {
		return ""
	}
	var words []string
	for _, place := range places {
		if text, ok := at(whole, place).(string); ok && text != "" {
			words = append(words, text)
			break
		}
	}
	if object, ok := whole.(map[string]any); ok {
		for _, name := range []string{"errors", "invalid_params", "invalid-params", "details"} {
			if more := object[name]; more != nil {
				raw, _ := json.Marshal(more) // it was just read
				words = append(words, string(raw))
			}
		}
		if inner, ok := object["error"].(map[string]any); ok {
			for _, name := range []string{"code", "param", "decline_code"} {
				if text, ok := inner[name].(string); ok && text != "" {
					words = append(words, name+" "+text)
				}
			}
		}
	}
	if len(words) == 0 {
		raw, _ := json.Marshal(whole)
		return string(raw)
	}
	return strings.Join(words, "; ")
}

func at(value any, path []string) any {
	for _, name := range path {
		object, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = object[name]
	}
	return value
}
