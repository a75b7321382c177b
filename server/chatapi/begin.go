package chatapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"drawbridge/bridge"
	"drawbridge/bridge/openai"
	"drawbridge/server/apierror"
	"drawbridge/server/apihttp"
	"drawbridge/server/dispatch"
)

// caller is who asks, and how.
type caller struct {
	owner, bounds  string
	key            string // the idempotency key, "" without one
	again          bool   // the client says that it has sent this before
	cancelWhenGone bool
}

// begin makes the request a run, or a part of one.
//
// Results of the caller's functions belong to the run that asked for them. If that run
// is not there any more, or waits for nothing (the answer is wanted anew, or something
// earlier was edited), the conversation is as good as any other: a new run gets all of it.
// Not so if the run was cancelled, or has waited too long after it had made calls, which
// no other run would know of: programs send results by themselves, and whether to go on
// is for a person to say.
func (a *API) begin(ctx context.Context, q request, c caller) (x dispatch.Exchange, id string, fault *apierror.Error) {
	digest := q.digest()
	if reply, seq, ok := q.reply(); ok {
		reply.Owner, reply.Key, reply.Digest, reply.CancelWhenGone, reply.Again = c.owner, c.key, digest, c.cancelWhenGone, c.again
		x, err := a.runs.Reply(ctx, reply)
		switch {
		case err == nil:
			return x, fmt.Sprintf("%s-%d", completionID(x.Run()), seq), nil
		case len(reply.Messages) == 0 && (errors.Is(err, dispatch.ErrCancelled) || errors.Is(err, dispatch.ErrExpired)):
			return nil, "", over(reply.Run, err)
		case !errors.Is(err, dispatch.ErrNotFound) && !errors.Is(err, dispatch.ErrEnded) && !errors.Is(err, dispatch.ErrNotWaiting):
			return nil, "", a.refusal(ctx, q, err)
		}
	}
	run := dispatch.NewRun{Agent: q.agent, Source: "chat", Prompt: q.question(), Tainted: q.foreign(), Owner: c.owner, Bounds: c.bounds, Key: c.key, Digest: digest}
	x, err := a.runs.Talk(ctx, dispatch.Talk{Run: run, Conversation: q.conversation, CancelWhenGone: c.cancelWhenGone, Again: c.again})
	if err != nil {
		return nil, "", a.refusal(ctx, q, err)
	}
	return x, completionID(x.Run()), nil
}

// over is the answer to results that came after the end of their run.
func over(run string, why error) *apierror.Error {
	code, what := "run_cancelled", "was cancelled"
	if errors.Is(why, dispatch.ErrExpired) {
		code, what = "run_expired", "has ended, since they did not come in time"
	}
	return apierror.Invalid("messages", code, "the run %s, which asked for these results, %s; /v1/runs/%s says what it has done; "+
		"to go on all the same, say so in a message behind the results", run, what, run)
}

// completionID is made from the run's: a request that joins gets the id of the first.
func completionID(run string) string { return "chatcmpl-" + run }

// reply is the request as an answer to a run's open calls, and the sequence number of
// the answer that made them; it reports whether it is one: results of calls that a run
// of ours asked for, and behind them nothing but what people say.
func (q request) reply() (dispatch.Reply, int64, bool) {
	messages := q.conversation.Messages
	at := len(messages) - 1
	for at >= 0 && len(messages[at].Calls) == 0 {
		if messages[at].Role == openai.Assistant {
			return dispatch.Reply{}, 0, false
		}
		at--
	}
	if at < 0 {
		return dispatch.Reply{}, 0, false
	}
	run, seq, ok := askedBy(messages[at].Calls)
	if !ok {
		return dispatch.Reply{}, 0, false
	}
	r := dispatch.Reply{Run: run, Agent: q.agent, Results: map[string]string{},
		Functions: q.conversation.Functions, Params: q.conversation.Params}
	for _, m := range messages[at+1:] {
		if m.Role == openai.Tool {
			r.Results[m.CallID] = m.Content
		} else {
			r.Messages = append(r.Messages, m)
		}
	}
	return r, seq, true
}

// askedBy names the run and the answer that all the calls are of.
func askedBy(calls []openai.Call) (run string, seq int64, ok bool) {
	for i, c := range calls {
		of, answer, _, ours := bridge.ClientCall(c.ID)
		if !ours || i > 0 && (of != run || answer != seq) {
			return "", 0, false
		}
		run, seq = of, answer
	}
	return run, seq, true
}

// refusal explains why a request became no run.
func (a *API) refusal(ctx context.Context, q request, err error) *apierror.Error {
	var conversation *bridge.ConversationError
	var missing *dispatch.MissingResultsError
	switch {
	case errors.Is(err, dispatch.ErrUnknownAgent):
		return noSuchModel(q.agent)
	case errors.Is(err, dispatch.ErrAnswersLater):
		return apierror.Invalid("model", "answers_in_batches", "%q answers in batches, within a day, and cannot be talked to: start a run of it with POST /v1/runs, and look for its answer later", shown(q.agent))
	case errors.Is(err, dispatch.ErrKeyReused):
		return apihttp.KeyReused()
	case errors.Is(err, dispatch.ErrStopping): // before anything was begun
		return &apierror.Error{Status: http.StatusServiceUnavailable, Type: apierror.Server, Code: "server_stopping", RetryAfter: time.Second,
			Message: "the server is being stopped; send the request again in a moment"}
	case errors.As(err, &conversation):
		return apierror.Invalid(conversation.Param, "invalid_value", "%s", conversation.Message)
	case errors.As(err, &missing):
		r := &reading{}
		r.missingResults("messages", missing.CallIDs)
		return r.err
	}
	if ctx.Err() == nil {
		a.o.Log.ErrorContext(ctx, "beginning a chat", "agent", q.agent, "err", err)
	}
	return apierror.Internal()
}

func noSuchModel(name string) *apierror.Error {
	return apierror.NotFound("model", "model_not_found", "there is no model %q that you may talk to; /v1/models lists those there are", shown(name))
}
