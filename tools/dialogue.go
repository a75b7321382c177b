package tools

import (
	"context"
	"encoding/json"
	"errors"
)

// Progress is how far a call has come, in units of the tool's own.
type Progress struct {
	// Done grows from one report to the next.
	Done float64
	// Total is what Done ends at, 0 if that is not known.
	Total   float64
	Message string
}

type progressContext struct{}

// WithProgress has the call below ctx report its progress to fn. A door sets it
// if its caller asked for progress. fn may be called by several goroutines at once.
func WithProgress(ctx context.Context, fn func(Progress)) context.Context {
	return context.WithValue(ctx, progressContext{}, fn)
}

// ReportProgress tells the caller how far the call has come. If nobody asked, it
// does nothing.
func ReportProgress(ctx context.Context, p Progress) {
	if fn, ok := ctx.Value(progressContext{}).(func(Progress)); ok {
		fn(p)
	}
}

// Question is what a tool asks the person behind its caller while it works (MCP
// 2025-11-25, elicitation).
type Question struct {
	// Message says whose question it is, if it is not our own: clients show it as ours.
	Message string
	// Schema is the JSON Schema of the answer's content, a flat object. Empty if
	// the person is to visit URL instead.
	Schema json.RawMessage
	URL    string
}

// What a person may answer.
const (
	Accept  = "accept"  // with the content asked for
	Decline = "decline" // a clear no
	Cancel  = "cancel"  // no choice: the question was put away
)

// Reply is the answer to a Question.
type Reply struct {
	Action string // Accept, Decline or Cancel
	// Content is a JSON object that the person filled in, if Action is Accept and
	// the question had a schema.
	Content json.RawMessage
}

// ErrNobody says that no person can be asked behind this caller.
var ErrNobody = errors.New("nobody is there to be asked")

// An Asker puts a question to a person and waits for the answer, or until ctx ends.
// Several goroutines may use it at once.
type Asker = func(ctx context.Context, q Question) (Reply, error)

type askContext struct{}

// WithAsk has the call below ctx ask its questions through fn. A door sets it if
// its caller can show them to a person.
func WithAsk(ctx context.Context, fn Asker) context.Context {
	return context.WithValue(ctx, askContext{}, fn)
}

// AskerOf is what WithAsk set, nil if there is nobody to ask.
func AskerOf(ctx context.Context) Asker {
	fn, _ := ctx.Value(askContext{}).(Asker)
	return fn
}

// Ask puts a question to the person behind the caller and waits for the answer, or
// until ctx ends. It gives ErrNobody if there is no such person.
func Ask(ctx context.Context, q Question) (Reply, error) {
	if fn := AskerOf(ctx); fn != nil {
		return fn(ctx, q)
	}
	return Reply{}, ErrNobody
}

// Remark is what a tool says to whoever looks over the shoulder of its caller, while it
// works. It is no part of the result, and no model reads it.
type Remark struct {
	// Level is debug, info, notice, warning or error.
	Level   string
	Message string
}

type remarkContext struct{}

// WithRemarks has the call below ctx say its remarks to fn. A door sets it if its caller
// wants to hear any. fn may be called by several goroutines at once.
func WithRemarks(ctx context.Context, fn func(Remark)) context.Context {
	return context.WithValue(ctx, remarkContext{}, fn)
}

// Tell says something to the caller. If nobody listens, it does nothing.
func Tell(ctx context.Context, r Remark) {
	if fn, ok := ctx.Value(remarkContext{}).(func(Remark)); ok {
		fn(r)
	}
}
