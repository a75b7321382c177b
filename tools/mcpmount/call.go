package mcpmount

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"drawbridge/tools"
)

// metaKey carries our idempotency key to servers that honour it, such as another
// Drawbridge.
const metaKey = "drawbridge/idempotency-key"

// caller makes the function behind a tool: own is the server's name of it.
func (m *Mount) caller(own, name string, effect tools.Effect) func(context.Context, json.RawMessage) (json.RawMessage, error) {
	return func(ctx context.Context, arguments json.RawMessage) (json.RawMessage, error) {
		if len(arguments) == 0 {
			arguments = json.RawMessage(`{}`)
		}
		if !json.Valid(arguments) {
			return nil, tools.Errorf(tools.Invalid, "arguments: this is no JSON object")
		}
		call := m.call
		if m.settings.Source != nil {
			call = m.callSource
		}
		raw, err := call(ctx, own, name, arguments)
		if err != nil {
			return nil, m.explain(err, name, effect)
		}
		return m.result(raw, name, effect)
	}
}

// call makes the call, once more if the server had forgotten our session: it did
// nothing then.
func (m *Mount) call(ctx context.Context, own, name string, arguments json.RawMessage) (json.RawMessage, error) {
	c, err := m.connected(ctx)
	if err != nil {
		return nil, err
	}
	raw, err := m.callOn(ctx, c, own, name, arguments)
	c.calls.Done()
	if !errors.Is(err, errSessionGone) {
		return raw, err
	}
	<-c.ctx.Done() // the wire has said so, too
	if c, err = m.connected(ctx); err != nil {
		return nil, err
	}
	defer c.calls.Done()
	return m.callOn(ctx, c, own, name, arguments)
}

func (m *Mount) callOn(ctx context.Context, c *conn, own, name string, arguments json.RawMessage) (json.RawMessage, error) {
	t, err := m.callable(own, name)
	if err != nil {
		return nil, err
	}
	r := request{
		method:  methodCall,
		params:  object{"name": own, "arguments": arguments},
		meta:    object{},
		caller:  ctx,
		timeout: m.settings.CallTimeout,
		tool:    &t,
	}
	if key := tools.Key(ctx); key != "" {
		r.meta[metaKey] = key
	}
	return c.converse(ctx, r)
}

// connected waits for a connection, and notes that a call is on it: its calls are to be Done
// then. It waits not for longer than a call may take.
func (m *Mount) connected(ctx context.Context) (c *conn, err error) {
	err = m.await(ctx, func() bool {
		if c = m.conn; c == nil || c.ctx.Err() != nil {
			return false
		}
		c.calls.Add(1)
		return true
	})
	return c, err
}

// await waits until the server can be called, but not for longer than a call may take.
// up is asked while mu is held.
func (m *Mount) await(ctx context.Context, up func() bool) error {
	timer := time.NewTimer(m.settings.CallTimeout)
	defer timer.Stop()
	for {
		m.mu.Lock()
		ready, turned, status, refused := up(), m.turned, m.status, m.refused
		m.mu.Unlock()
		switch {
		case ready:
			return nil
		case status.State == Stopped:
			return tools.Errorf(tools.Unavailable, "the server %q is not running here; nothing was changed.", m.settings.Name)
		case refused:
			return tools.Errorf(tools.Unavailable, "the server %q refuses our credentials; nothing was changed. A person has to correct them.", m.settings.Name)
		}
		select {
		case <-turned:
		case <-timer.C:
			return tools.Errorf(tools.Unavailable, "the server %q cannot be reached; nothing was changed. Try again later, or go on without it.", m.settings.Name)
		case <-ctx.Done():
			return tools.Errorf(tools.Unavailable, "the server %q could not be reached in the time the call had; nothing was changed.", m.settings.Name)
		}
	}
}

// callable is the definition of a tool that may be called now. One that was offered
// a moment ago may have been changed or dropped since.
func (m *Mount) callable(own, name string) (listed, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if t, ok := m.verdict.own[own]; ok {
		return t, nil
	}
	for _, h := range m.verdict.held {
		if h.Is.Tool == own {
			return listed{}, tools.Errorf(tools.Denied, "%s: %s; a person has to look: drawbridge tools accept %s", name, h.Why, name)
		}
	}
	return listed{}, tools.Errorf(tools.NotFound, "%s: the server does not have this tool any more.", name)
}

// maxText bounds the text of an error that reaches a model, in bytes.
const maxText = 16 << 10

// result passes a result on as it is, unless the server says that the call failed.
func (m *Mount) result(raw json.RawMessage, name string, effect tools.Effect) (json.RawMessage, error) {
	var r struct {
		IsError bool              `json:"isError"`
		Content []json.RawMessage `json:"content"` // each of any form: a block that is odd must not make an answer none
	}
	if len(raw) == 0 || raw[0] != '{' || json.Unmarshal(raw, &r) != nil {
		return nil, m.unanswered(name, effect, "the server's answer is no result")
	}
	if !r.IsError {
		return raw, nil
	}
	var said []string
	for _, raw := range r.Content {
		var part struct {
			Text string `json:"text"`
		}
		if json.Unmarshal(raw, &part) == nil && part.Text != "" {
			said = append(said, part.Text)
		}
	}
	if len(said) == 0 {
		return nil, tools.Errorf(tools.Failed, "%s failed, and did not say why.", name)
	}
	return nil, tools.Errorf(tools.Failed, "%s", m.clean.text(strings.Join(said, "\n"), maxText))
}
