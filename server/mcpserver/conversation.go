package mcpserver

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"reflect"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"drawbridge/server/auth"
	"drawbridge/server/guard"
	"drawbridge/tools"
)

const (
	// maxOpen is how many questions may wait for their answers at once.
	maxOpen = 1000
	// answerID names the one question of an answer.
	answerID = "answer"
)

// conversations are the calls that asked a question and wait for the answer.
//
// A server of protocol 2026-07-28 sends no requests: it answers a call with
// "input required", and the client makes the call again with the person's answer
// (MRTR, SEP-2322). The call itself must not be made twice for that. So it goes on
// here, between the requests, and the guard sees one call: one audit row, one key.
//
// A client finds its call again by a state, which is random, serves once, and only
// the same principal for the same tool and arguments. It means nothing outside of
// this process and says nothing, so there is nothing to sign.
type conversations struct {
	log     *slog.Logger
	timeout time.Duration
	leaving context.Context // done when nobody is to be asked any more

	mu   sync.Mutex
	open map[string]*question // by state
}

// conversation is one call, over all of its requests.
type conversation struct {
	all       *conversations
	principal string
	tool      string
	arguments any
	shows     mcp.ElicitationCapability

	alive     context.Context // done when the client has gone, or left a question unanswered
	end       context.CancelCauseFunc
	current   atomic.Pointer[context.Context] // of the request that waits
	questions chan *question
	done      chan struct{} // closed when result and err may be read
	result    *mcp.CallToolResult
	err       error
}

// question waits for the answer in the client's next request.
type question struct {
	*conversation
	state  string
	params mcp.ElicitationParams
	reply  chan tools.Reply // has room for one
}

// take begins a conversation, or goes on with the one that the request names. A
// state that nobody waits for goes on to the guard, which refuses it.
func (cs *conversations) take(ctx context.Context, request mcp.CallToolRequest, shows mcp.ElicitationCapability, next server.ToolHandlerFunc) (*mcp.CallToolResult, error) {
	if request.Params.RequestState == "" {
		return cs.begin(ctx, request, shows, next).wait(ctx)
	}
	q := cs.claim(ctx, request)
	if q == nil {
		return next(ctx, request)
	}
	q.reply <- reply(server.ElicitationResponse(request.Params.InputResponses, answerID))
	return q.wait(ctx)
}

func (cs *conversations) begin(ctx context.Context, request mcp.CallToolRequest, shows mcp.ElicitationCapability, next server.ToolHandlerFunc) *conversation {
	principal, _ := auth.From(ctx)
	c := &conversation{
		all: cs, principal: principal.String(), tool: guard.NameOf(request), arguments: request.Params.Arguments, shows: shows,
		questions: make(chan *question), done: make(chan struct{}),
	}
	c.alive, c.end = context.WithCancelCause(context.WithoutCancel(ctx))
	calling := tools.WithAsk(c.alive, c.ask)
	calling = tools.WithProgress(calling, func(p tools.Progress) { tools.ReportProgress(*c.current.Load(), p) })
	calling = tools.WithRemarks(calling, func(r tools.Remark) { tools.Tell(*c.current.Load(), r) })
	c.current.Store(&ctx)
	go c.call(calling, request, next)
	return c
}

// call makes the call. A panic, which in a request would cost that request, must not
// cost the process.
func (c *conversation) call(ctx context.Context, request mcp.CallToolRequest, next server.ToolHandlerFunc) {
	defer c.end(nil)
	defer close(c.done)
	defer func() {
		if fault := recover(); fault != nil {
			c.all.log.Error("call panicked", "tool", c.tool, "stack", string(debug.Stack()))
			c.result, c.err = nil, errors.New("the call ended without a result")
		}
	}()
	c.result, c.err = next(ctx, request)
}

// wait is what a request gets: the result, or the next question.
func (c *conversation) wait(ctx context.Context) (*mcp.CallToolResult, error) {
	c.current.Store(&ctx)
	select {
	case <-c.done:
		return c.result, c.err
	case q := <-c.questions:
		return server.NewInputRequestBuilder(q.state).Elicit(answerID, q.params).ToolResult(), nil
	case <-ctx.Done():
		c.end(context.Cause(ctx)) // what then becomes of the call is the guard's to say
		return nil, ctx.Err()
	}
}

// ask is the call's tools.Asker.
func (c *conversation) ask(ctx context.Context, q tools.Question) (tools.Reply, error) {
	params, err := elicit(q, c.shows)
	if err != nil {
		return tools.Reply{}, err
	}
	asked := &question{conversation: c, state: rand.Text(), params: params, reply: make(chan tools.Reply, 1)}
	if !c.all.add(asked) {
		c.all.log.Warn("not asking: too many questions wait for their answers", "tool", c.tool, "principal", c.principal, "limit", maxOpen)
		return tools.Reply{}, tools.ErrNobody
	}
	defer c.all.remove(asked)
	waiting, cancel := context.WithTimeout(ctx, c.all.timeout)
	defer cancel()
	defer context.AfterFunc(c.alive, cancel)()
	defer context.AfterFunc(c.all.leaving, cancel)()
	select {
	case c.questions <- asked: // the request that waits answers with it
	case <-waiting.Done():
		return noAnswer(ctx)
	}
	select {
	case reply := <-asked.reply:
		return reply, nil
	case <-waiting.Done():
		if !c.all.remove(asked) {
			return <-asked.reply, nil // a request has brought it just now
		}
		defer c.end(nil) // the client has no other way back to this call
		return noAnswer(ctx)
	}
}

// noAnswer is the reply to a question that nobody answered in time, unless it is
// the call that ended.
func noAnswer(ctx context.Context) (tools.Reply, error) {
	return tools.Reply{Action: tools.Cancel}, ctx.Err()
}

func (cs *conversations) add(q *question) bool {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if len(cs.open) >= maxOpen {
		return false
	}
	cs.open[q.state] = q
	return true
}

// remove reports whether the question was still open.
func (cs *conversations) remove(q *question) bool {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	_, was := cs.open[q.state]
	delete(cs.open, q.state)
	return was
}

// claim finds the question that the request answers, and nobody finds it again.
func (cs *conversations) claim(ctx context.Context, request mcp.CallToolRequest) *question {
	principal, _ := auth.From(ctx)
	cs.mu.Lock()
	defer cs.mu.Unlock()
	q := cs.open[request.Params.RequestState]
	if q == nil || q.principal != principal.String() || q.tool != guard.NameOf(request) || !reflect.DeepEqual(q.arguments, request.Params.Arguments) {
		return nil
	}
	delete(cs.open, q.state)
	return q
}
