package chatapi

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
	"drawbridge/server/apierror"
	"drawbridge/server/dispatch"
)

// ending is how a message closes, or what is answered in its place.
type ending struct {
	more    string // words of ours, for what the model did not say
	refusal string
	calls   []openai.Call // the caller's own
	finish  string
	fault   *apierror.Error // in place of all this
}

// conclude decides how the message closes.
//
// A run that came to nothing is an error only if nothing was said and nothing was done:
// clients send a request again by themselves after most errors, and must not do so
// once tools have been called. Otherwise the account of what was done is the answer.
func (s *speech) conclude(run string, end dispatch.ExchangeEnd) ending {
	o := end.Outcome
	if !s.spoke && end.Usage.Calls == 0 && o.Usage.Calls == 0 { // in this exchange, and in the run before
		if fault := faultOf(run, end); fault != nil {
			return ending{fault: fault}
		}
	}
	switch {
	case end.State == dispatch.Waiting && o.Reason == bridge.ClientCalls:
		return ending{calls: end.Calls, finish: "tool_calls"}
	case end.State == dispatch.Waiting:
		return ending{more: waits(run, o), finish: "stop"}
	case o.Reason == bridge.ModelRefused:
		return ending{refusal: cmp.Or(end.Refusal, o.Answer), finish: "stop"}
	case s.spoke && (end.State == dispatch.Succeeded || cutOff(o.Reason) || strings.TrimSpace(o.Answer) == s.last()):
		return ending{finish: finishOf(end)}
	}
	return ending{more: o.Answer, finish: finishOf(end)}
}

// cutOff reports whether the model's words, as far as they came, are the answer.
func cutOff(r bridge.Reason) bool { return r == bridge.Length || r == bridge.ContentFiltered }

func finishOf(end dispatch.ExchangeEnd) string {
	switch {
	case end.Outcome.Reason == bridge.Length:
		return string(openai.FinishLength)
	case end.Outcome.Reason == bridge.ContentFiltered:
		return string(openai.FinishFiltered)
	}
	return string(openai.FinishStop)
}

// waits says that a person has to do something first.
func waits(run string, o bridge.Outcome) string {
	text := strings.TrimSpace(o.Answer)
	if text == "" {
		text = "This waits for a person (" + string(o.Reason) + ")."
	}
	return fmt.Sprintf("%s\n\nThe run %s goes on by itself once that is decided.", text, run)
}

// faultOf is the error that a run without words and without calls ends in, nil if it
// ends in an answer all the same.
func faultOf(run string, end dispatch.ExchangeEnd) *apierror.Error {
	o := end.Outcome
	e := &apierror.Error{Message: fmt.Sprintf("%s (run %s)", strings.TrimSpace(o.Answer), run), Type: apierror.Server, Code: string(o.Reason), Once: true}
	switch {
	case o.Reason == bridge.BudgetDay:
		e.Status, e.Type, e.Code = http.StatusTooManyRequests, apierror.InsufficientQuota, "insufficient_quota"
		e.RetryAfter = o.RetryAfter
	case o.Reason == bridge.ContextFull:
		e.Status, e.Type, e.Code, e.Param = http.StatusBadRequest, apierror.InvalidRequest, "context_length_exceeded", "messages"
	case o.Reason == bridge.ModelError, end.State == dispatch.Dead:
		e.Status = http.StatusBadGateway
	default:
		return nil
	}
	return e
}

// goesOn is the status for a run that is at work still, or has been, while its caller
// gets no answer. Sent again, the request would have everything done a second time; not
// all clients heed [apierror.Error.Once], but those we know send none of 4xx again by
// themselves, apart from 408, 409 and 429.
const goesOn = http.StatusFailedDependency

// away is the answer to a caller that has waited long enough for a model or for tools
// that are not there. The run goes on without it, unless it is cancelled by that.
func away(run, why string, cancels bool) *apierror.Error {
	e := &apierror.Error{Status: goesOn, Type: apierror.Server, Code: "model_unavailable", Once: true,
		Message: fmt.Sprintf("the run %s has to wait (%s) and goes on by itself; look at /v1/runs/%s, or cancel it there", run, why, run)}
	if cancels {
		e.Message = fmt.Sprintf("the run %s had to wait too long (%s) and is cancelled; /v1/runs/%s says what it has done; then send the request again", run, why, run)
	}
	return e
}

// brokenOff is the answer when the run is put down here, as on a stop of the server.
func brokenOff(run string) *apierror.Error {
	return &apierror.Error{Status: goesOn, Type: apierror.Server, Code: "run_interrupted", Once: true,
		Message: fmt.Sprintf("the server stops; the run %s goes on when it is back: look at /v1/runs/%s", run, run)}
}
