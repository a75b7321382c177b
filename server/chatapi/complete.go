package chatapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"drawbridge/server/apierror"
	"drawbridge/server/apihttp"
	"drawbridge/server/auth"
)

// Headers of ours, and one that others have as well.
const (
	runHeader      = "X-Drawbridge-Run"           // in answers: the run
	activityHeader = "X-Drawbridge-Activity"      // true: show what is done besides
	goneHeader     = "X-Drawbridge-On-Disconnect" // continue, cancel
	// retryHeader is how OpenAI's own clients say that they send a request again, as they
	// do by themselves when a connection was lost or an answer did not come in time.
	retryHeader = "X-Stainless-Retry-Count"
)

// complete answers one POST /v1/chat/completions.
func (a *API) complete(w http.ResponseWriter, r *http.Request, p auth.Principal) {
	leave, fault := apihttp.Enter(r.Context(), w, a.o.Limits, p)
	if fault != nil {
		fault.Write(w)
		return
	}
	defer leave()
	c, show, fault := a.caller(r.Header, p)
	if fault != nil {
		fault.Write(w)
		return
	}
	q, fault := a.request(w, r, p)
	if fault != nil {
		fault.Write(w)
		return
	}
	x, id, fault := a.begin(r.Context(), q, c)
	if fault != nil {
		fault.Write(w)
		return
	}
	w.Header().Set(runHeader, x.Run())
	about := completion{id, a.o.Now().Unix(), q.agent}
	var out audience = &whole{w: w, completion: about}
	if q.stream {
		out = newStream(w, about, q.usage)
	}
	at := attendance{x: x, speech: newSpeech(q.json, out.words), out: out, show: show, cancels: c.cancelWhenGone, keepAlive: a.o.KeepAlive, patience: a.o.Patience}
	if err := at.attend(r.Context()); err != nil {
		a.o.Log.DebugContext(r.Context(), "nobody listens to a chat any more", "run", x.Run())
	}
}

// caller reads what the headers say, and whether activity is to be shown.
func (a *API) caller(h http.Header, p auth.Principal) (c caller, show bool, fault *apierror.Error) {
	c = caller{owner: p.String(), bounds: auth.NotedBounds(p), cancelWhenGone: a.o.CancelWhenGone}
	if n, err := strconv.Atoi(h.Get(retryHeader)); err == nil && n > 0 {
		c.again = true
	}
	if c.key, fault = apihttp.KeyOf(h); fault != nil {
		return c, false, fault
	}
	switch h.Get(goneHeader) {
	case "":
	case "cancel":
		c.cancelWhenGone = true
	case "continue":
		c.cancelWhenGone = false
	default:
		return c, false, apierror.Invalid(goneHeader, "invalid_value", "%s may be continue or cancel", goneHeader)
	}
	switch h.Get(activityHeader) {
	case "":
		return c, a.o.Activity, nil
	case "true", "false":
		return c, h.Get(activityHeader) == "true", nil
	}
	return c, false, apierror.Invalid(activityHeader, "invalid_value", "%s may be true or false", activityHeader)
}

// request reads the body, and checks that the caller may talk to whom it asks for.
func (a *API) request(w http.ResponseWriter, r *http.Request, p auth.Principal) (request, *apierror.Error) {
	body, fault := apihttp.Body(w, r, a.o.BodyLimit)
	if fault != nil {
		return request{}, fault
	}
	q, fault := parse(body)
	if fault != nil {
		return request{}, fault
	}
	agent, found := a.agentFor(p, q.agent)
	switch {
	case !found:
		return request{}, noSuchModel(q.agent)
	case agent.Output && q.json:
		return request{}, apierror.Invalid("response_format", "unsupported_parameter",
			"response_format is not supported with the model %q: its answers have a form of their own", q.agent)
	}
	if agent.Blind {
		if at := q.first("image_url"); at != "" {
			return request{}, apierror.Invalid(at, "unsupported_content", "%s is an image, and the model %q cannot be shown any; describe it in words", at, q.agent)
		}
	}
	if agent.NoFiles {
		if at := q.first("file"); at != "" {
			return request{}, apierror.Invalid(at, "unsupported_content", "%s is a file, and the model %q takes none; send what it says as text", at, q.agent)
		}
	}
	if param, what := agent.API.Lacks(q.conversation.Messages, q.conversation.Params); param != "" {
		return request{}, apierror.Invalid(param, "unsupported_parameter",
			"%s is not supported with the model %q: it is asked by OpenAI's Responses API, which has no %s", param, q.agent, what)
	}
	q.json = q.json || agent.Output
	return q, nil
}

// first is where the first part of a kind stands in the conversation, "" if there is none.
func (q request) first(kind string) string {
	for i, m := range q.conversation.Messages {
		for j, part := range m.Parts {
			var on struct{ Type string }
			if json.Unmarshal(part, &on) == nil && on.Type == kind {
				return fmt.Sprintf("messages[%d].content[%d]", i, j)
			}
		}
	}
	return ""
}
