package bridge

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// unreachable: a call's answer was lost on the way, and the call may be repeated.
type unreachable struct{ cause error }

func (u *unreachable) Error() string { return "the tool server cannot be reached: " + u.cause.Error() }

// effect is what a call may change. A call that will only be answered with an
// error changes nothing; a tool we were not shown might do anything.
func (r *run) effect(c *call) Effect {
	if c.intent != nil {
		return c.intent.Effect
	}
	intent, refused := r.intend(c)
	if refused != nil {
		return Read
	}
	return intent.Effect
}

// begin decides what happens with a call: it notes the intent and reports true if
// the call is to be made, else it notes the result, or that its outcome is in doubt.
func (r *run) begin(ctx context.Context, t *turn, c *call) bool {
	result := func(code ResultCode, text string) bool {
		r.note(EntryResult, Result{Answer: t.seq, Index: c.index, CallID: c.id, IsError: true, Code: code, Content: text})
		return false
	}
	if c.intent != nil { // of an earlier life, or noted just now to be made again
		return r.again(t, c)
	}
	if reason := r.history.beforeCalling(r.options.Now()); reason != "" {
		return result(ResultCode(reason), budgetText(reason, r.history.brief.Budget)+" This call was not made.")
	}
	intent, refused := r.intend(c)
	if refused != nil {
		r.record(ctx, refused.tool, c, refused.text)
		return result(refused.code, refused.text)
	}
	intent.Answer, intent.Index, intent.CallID, intent.Key = t.seq, c.index, c.id, r.history.key(t, c)
	r.note(EntryIntent, intent)
	return true
}

// record tells whoever keeps the record of calls of one that no server will see.
func (r *run) record(ctx context.Context, tool string, c *call, why string) {
	if r.task.Refused != nil {
		r.task.Refused(ctx, tool, c.asked.Arguments, why)
	}
}

// refusedCall is a call that is answered without being made.
type refusedCall struct {
	code ResultCode
	tool string // what was to be called
	text string // for the model
}

// intend turns what the model asked for into a call that can be made.
func (r *run) intend(c *call) (Intent, *refusedCall) {
	intent := Intent{Function: c.asked.Name}
	fn, known := r.functions.byName[c.asked.Name]
	switch {
	case c.local():
		intent.Effect, intent.Idempotent, intent.Inward = Read, true, true
	case known: // offered or not: a model may remember a function, and the guard knows who may call it
		intent.Tool, intent.Effect, intent.Idempotent, intent.Taints = fn.Name, fn.Effect, fn.Idempotent, fn.Taints
		intent.Policy, intent.Claimed, intent.Inward = fn.Policy, fn.Claimed, fn.Inward
	case toolName.MatchString(c.asked.Name):
		// Passed on as it is: the server refuses it, and keeps a record of the
		// attempt as of any other.
		intent.Tool, intent.Effect, intent.Taints, intent.Unknown = c.asked.Name, Write, true, true
		intent.Claimed = r.functions.claimed
	default:
		return Intent{}, &refusedCall{UnknownFunction, c.asked.Name, r.unknownText(c.asked.Name)}
	}
	arguments, problem := parseArguments(c.asked.Arguments)
	if problem != "" {
		return Intent{}, &refusedCall{MalformedArguments, cmp.Or(intent.Tool, c.asked.Name), problem}
	}
	if known {
		var err error
		if arguments, err = fn.converted.Invert(arguments); err != nil {
			return Intent{}, &refusedCall{InvalidArguments, fn.Name, err.Error()}
		}
	}
	intent.Arguments = arguments
	return intent, nil
}

// call makes one call that has an intent.
func (r *run) call(ctx context.Context, t *turn, c *call) (Result, error) {
	result := Result{Answer: t.seq, Index: c.index, CallID: c.id}
	var returned CallResult
	var err error
	if c.local() {
		returned = r.answerOwn(c, &result)
	} else {
		returned, err = r.send(ctx, c.intent, &result, c.sure)
		c.sure = false
		if err == nil && c.tried && returned.IsError && c.intent.Effect != Read {
			err = triedAgain(returned)
		}
	}
	if err != nil {
		return Result{}, err
	}
	result.Content, result.Parts, result.IsError = returned.Content, returned.Parts, returned.IsError
	c.fault = returned.Fault
	switch {
	case returned.Code != "":
		result.Code = returned.Code
	case c.intent.Unknown && returned.IsError:
		result.Code = UnknownFunction
		result.Content = r.unknownText(c.intent.Function) + " The tool server said: " + returned.Content
	}
	// An error of a tool may be an outsider's words as well as its result. Of a tool that
	// does not exist it is the server's.
	result.Taints = c.intent.Taints && !(c.intent.Unknown && returned.IsError)
	return result, nil
}

// send puts a call to the session and judges what came back, or did not. It sets
// the result's code where the bridge has something to say itself. A call that is sure
// not to have taken effect is made whatever the server remembers of it.
func (r *run) send(ctx context.Context, intent *Intent, result *Result, sure bool) (CallResult, error) {
	calling := ctx
	if intent.Effect != Read {
		// To break off a call that changes something is to not know whether it did.
		calling = context.WithoutCancel(ctx)
	}
	calling, cancel := context.WithTimeout(calling, r.options.CallTimeout)
	defer cancel()
	if r.task.Taint != nil && r.tainted(intent.Effect) {
		calling = r.task.Taint(calling)
	}
	if r.task.Held != nil {
		if err := r.task.Held(ctx); err != nil {
			return CallResult{}, err
		}
		if r.task.Fence != nil && intent.Effect != Read {
			calling = r.task.Fence(calling, r.task.Held)
		}
	}
	if sure && r.task.Again != nil {
		calling = r.task.Again(calling)
	}
	returned, err := r.task.Session.Call(calling, intent.Tool, intent.Arguments, intent.Key)
	r.reached(AfterCall)
	if returned.Approval != nil {
		returned.Approval.Tool = intent.name()
	}
	if intent.Effect == Read && ctx.Err() != nil {
		return CallResult{}, ctx.Err() // whatever came back may only tell of the end
	}
	switch {
	case err == nil && returned.Approval != nil:
		return CallResult{}, &needed{*returned.Approval}
	case err == nil && returned.Unknown && intent.Effect != Read:
		why := strings.TrimPrefix(returned.Content, string(OutcomeUnknown)+": ")
		if returned.Inconclusive {
			return CallResult{}, &lost{why} // nor will it be let through another time
		}
		return CallResult{}, lose(intent, why)
	case err == nil:
		return returned, nil
	}
	r.log.WarnContext(ctx, "call without a result", "tool", intent.Tool, "error", err)
	return judge(intent, result, err, calling.Err() != nil, r.options.CallTimeout.String())
}

// tainted reports whether a call is that of a run which has seen text of outsiders.
//
// The descriptions of their tools are such text too, which a model is shown before it calls
// anything. For what leaves the company and what moves money that counts; a read, or a
// call of those tools themselves, is not held against a run for what it was offered, or no
// run could use them.
func (r *run) tainted(effect Effect) bool {
	if r.history.tainted() {
		return true
	}
	return (effect == Message || effect == Money) && (r.history.brief.Foreign || r.functions.foreign)
}

// judge makes a result of a call that returned none.
func judge(intent *Intent, result *Result, err error, late bool, limit string) (CallResult, error) {
	failed := func(code ResultCode, text string) (CallResult, error) {
		result.Code = code
		return CallResult{Content: text, IsError: true}, nil
	}
	var refusal *Refusal
	answered := errors.As(err, &refusal)
	read := intent.Effect == Read
	switch {
	case answered && refusal.Untouched:
		return CallResult{Content: refusal.Message, IsError: true, Inconclusive: true}, nil
	case late && read:
		return failed(TimedOut, fmt.Sprintf("%s did not return within %s. Ask for less, or go on without it.", intent.Function, limit))
	case late:
		return CallResult{}, lose(intent, "it did not return within "+limit)
	case answered && read:
		return failed("", refusal.Message)
	case answered:
		return CallResult{}, lose(intent, "the tool broke: "+refusal.Message)
	case read || intent.Claimed:
		return CallResult{}, &unreachable{err}
	}
	return CallResult{}, lose(intent, "the connection was lost before the answer came")
}

// triedAgain is for the error of a call that was made again, since its first answer was lost.
// That it did not get to the tool is no answer: the first may have, and a model that is told
// of nothing done would make another call in its place. It is made once more where that may
// help, and is in doubt otherwise. What the tool itself has to say is nil.
func triedAgain(returned CallResult) error {
	why := "it was begun before, and did not get through a second time: " + returned.Content
	switch {
	case returned.Fault || returned.Inconclusive && returned.Passing:
		return &unreachable{errors.New(why)}
	case returned.Inconclusive:
		return &lost{why}
	}
	return nil
}

// lose is for a call of which nobody knows whether it took effect: it is repeated
// where that does no harm, and in doubt otherwise.
func lose(intent *Intent, why string) error {
	if intent.policy() == PolicyRetry {
		return &unreachable{errors.New(why)}
	}
	return &lost{why}
}

func (r *run) unknownText(name string) string {
	text := fmt.Sprintf("there is no function %q.", opening(name))
	if near := r.functions.close(name); len(near) > 0 {
		text += " Did you mean " + strings.Join(near, " or ") + "?"
	}
	return text + " Call only functions that were offered, by their exact names."
}

// parseArguments reads what the model wrote as a call's arguments, or says to the
// model what is wrong with it. Nothing at all is what many models write for a
// function without parameters.
func parseArguments(text string) (arguments json.RawMessage, problem string) {
	text = strings.TrimSpace(text)
	if text == "" || text == "null" {
		return json.RawMessage("{}"), ""
	}
	var fields map[string]json.RawMessage
	err := json.Unmarshal([]byte(text), &fields)
	if err == nil {
		return json.RawMessage(text), ""
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		at := int(syntax.Offset) - 1 // of the byte that is wrong
		if strings.HasPrefix(syntax.Error(), "unexpected end") {
			at = len(text)
		}
		return nil, fmt.Sprintf("the arguments are not valid JSON: %v at byte %d, after %q. The call was not made: write the arguments as one JSON object and call again.",
			syntax, at, closing(text[:at]))
	}
	return nil, fmt.Sprintf("the arguments are JSON, but not an object: %q. The call was not made: write {\"name\": value, ...} and call again.", opening(text))
}

// opening and closing are the ends of a text, for a message about it.
func opening(text string) string {
	const most = 60
	if len(text) <= most {
		return text
	}
	return text[:boundary(text, most)] + " ..."
}

func closing(text string) string {
	const most = 30
	if len(text) <= most {
		return text
	}
	return "... " + text[boundary(text, len(text)-most):]
}
