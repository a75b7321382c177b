package openai

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// serverSaid is an error in the server's own words: the object that OpenAI has for
// it, or the bare text of other servers.
type serverSaid struct {
	Message, Type, Code, Param loose
}

func (s *serverSaid) Error() string { return string(s.Message) }

func (s *serverSaid) UnmarshalJSON(raw []byte) error {
	switch {
	case raw[0] == '{':
		type plain serverSaid
		return json.Unmarshal(raw, (*plain)(s))
	case string(raw) == "false":
		return nil
	}
	return s.Message.UnmarshalJSON(raw)
}

// withheld reports whether the provider keeps back its answer for what the question is
// about: some say so by an error, where others have a finish_reason for it.
func (s *serverSaid) withheld() bool { return s.is("content_filter", "content_policy_violation") }

// saidIn looks for an error in the body of an answer. One that is no JSON is a
// proxy's page, and none of our business.
func saidIn(body []byte) serverSaid {
	var several []json.RawMessage // some servers make a list of it
	if json.Unmarshal(body, &several) == nil && len(several) > 0 {
		body = several[0]
	}
	var wrapped struct {
		Error  *serverSaid `json:"error"`
		Detail loose       `json:"detail"`
	}
	var bare serverSaid
	_ = json.Unmarshal(body, &wrapped)
	_ = json.Unmarshal(body, &bare)
	switch {
	case wrapped.Error != nil:
		return *wrapped.Error
	case bare.Message == "":
		bare.Message = wrapped.Detail
	}
	return bare
}

// outOfQuota: OpenAI says 429 to this as well, but no waiting helps.
func (s *serverSaid) outOfQuota() bool {
	return s.is("insufficient_quota", "billing_hard_limit_reached", "billing_not_active")
}

// is reports whether the code or the type is one of words.
func (s *serverSaid) is(words ...string) bool {
	return slices.Contains(words, string(s.Code)) || slices.Contains(words, string(s.Type))
}

// tooLong reports whether the request was longer than the model takes, or than its
// limit of tokens a minute can ever be. OpenAI has a code for the first; of other
// servers, and of the second, the text alone tells.
func (s *serverSaid) tooLong() bool {
	if s.is("context_length_exceeded", "exceed_context_size_error") {
		return true
	}
	return containsAny(strings.ToLower(string(s.Message)), []string{
		"maximum context length", "context window", "available context size", "prompt is too long", "input is too long",
		"exceeds the maximum number of tokens", "request too large",
	})
}

// status is the one that fits an error which came in a stream, behind a 200. What is
// not plainly the request's fault may pass.
func (s *serverSaid) status() int {
	if code, err := strconv.Atoi(string(s.Code)); err == nil && code >= 400 && code < 600 {
		return code
	}
	switch {
	case s.is("rate_limit_exceeded", "rate_limit_error", "insufficient_quota"):
		return http.StatusTooManyRequests
	case s.is("invalid_api_key", "authentication_error"):
		return http.StatusUnauthorized
	case s.is("permission_error"):
		return http.StatusForbidden
	case s.is("model_not_found", "not_found_error"):
		return http.StatusNotFound
	case s.is("invalid_request_error", "invalid_prompt", "context_length_exceeded", "bad_request"):
		return http.StatusBadRequest
	}
	return http.StatusServiceUnavailable
}
