package mcpmount

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"

	"drawbridge/tools"
)

const (
	// maxQuestion bounds what a server may put before a person, in bytes.
	maxQuestion = 4096
	// maxAsking bounds the questions of one call that a person has before them.
	maxAsking = 3
)

// progress passes a report on to the caller of the call that it names. Reports that
// come faster than the caller takes them are dropped.
func (c *conn) progress(params json.RawMessage) {
	var p struct {
		Token    json.RawMessage `json:"progressToken"`
		Progress float64         `json:"progress"`
		Total    float64         `json:"total"`
		Message  string          `json:"message"`
	}
	if json.Unmarshal(params, &p) != nil {
		return
	}
	id, ok := message{ID: p.Token}.answered()
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	x := c.open[id]
	if x == nil || x.caller == nil {
		return
	}
	select {
	case x.progress <- tools.Progress{Done: p.Progress, Total: p.Total, Message: c.clean.line(p.Message, 500)}:
	default:
	}
}

// elicitation is a server's question (MCP 2025-11-25, elicitation/create).
type elicitation struct {
	Mode    string          `json:"mode"`
	Message string          `json:"message"`
	Schema  json.RawMessage `json:"requestedSchema"`
	URL     string          `json:"url"`
}

// question checks what a server asks and makes clear who asks.
func (c *conn) question(params json.RawMessage) (tools.Question, error) {
	var e elicitation
	if err := json.Unmarshal(params, &e); err != nil {
		return tools.Question{}, errors.New("the question cannot be read")
	}
	q := tools.Question{Message: fmt.Sprintf("The server %q asks: %s", c.mount, c.clean.text(e.Message, maxQuestion))}
	switch e.Mode {
	case "", "form":
		q.Schema = e.Schema
		if q.Schema == nil {
			return q, errors.New("the question has no requestedSchema")
		}
	case "url":
		u, err := url.Parse(e.URL)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
			return q, errors.New("the question's url is no address of a web page")
		}
		q.URL = u.String()
	default:
		return q, errors.New("the question's mode is neither form nor url")
	}
	return q, nil
}

// elicit answers a question that the server asks of its own, during a call.
func (c *conn) elicit(about int64, params json.RawMessage) (json.RawMessage, *rpcError) {
	q, err := c.question(params)
	if err != nil {
		return nil, &rpcError{Code: codeInvalidParams, Message: err.Error()}
	}
	x := c.callFor(about)
	if x == nil {
		c.log.Warn("a question of the server cannot be put to anybody: it belongs to no call, or to one of several")
		return replyJSON(tools.Reply{Action: tools.Cancel}), nil
	}
	defer func() {
		x.asked.Store(true)
		x.asking.Add(-1)
	}()
	if x.asking.Add(1) > maxAsking {
		return replyJSON(tools.Reply{Action: tools.Cancel}), nil
	}
	ctx, cancel := context.WithCancel(x.caller)
	defer cancel()
	defer context.AfterFunc(c.ctx, cancel)()
	return c.put(ctx, q), nil
}

// put asks the person behind the caller. Nobody there is no choice made.
func (c *conn) put(ctx context.Context, q tools.Question) json.RawMessage {
	reply, err := tools.Ask(ctx, q)
	if err != nil {
		if !errors.Is(err, tools.ErrNobody) {
			c.log.Warn("passing a question on", "error", err)
		}
		reply = tools.Reply{Action: tools.Cancel}
	}
	return replyJSON(reply)
}

// callFor is the call that a question belongs to: the one on whose stream it came,
// else the only one under way. Of several it is none: to guess would put one
// caller's question, and the consent it asks for, before another.
func (c *conn) callFor(about int64) *exchange {
	c.mu.Lock()
	defer c.mu.Unlock()
	if x := c.open[about]; x != nil && x.caller != nil {
		return x
	}
	var only *exchange
	for _, x := range c.open {
		if x.caller == nil {
			continue
		}
		if only != nil {
			return nil
		}
		only = x
	}
	return only
}

func replyJSON(r tools.Reply) json.RawMessage {
	out := object{"action": r.Action}
	if r.Action == tools.Accept && json.Valid(r.Content) {
		out["content"] = r.Content
	}
	raw, err := out.raw()
	if err != nil {
		return json.RawMessage(`{"action":"` + tools.Cancel + `"}`)
	}
	return raw
}
