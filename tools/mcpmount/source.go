package mcpmount

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"drawbridge/tools"
)

// Source is what stands in a server's place within this process: something else than MCP
// that can be described as an MCP server would describe itself. What it lists is pinned,
// offered and called as a server's tools are.
type Source interface {
	// List gives the tools there are, and those that cannot be. It may be called again at
	// any time, and never by two at once.
	List(ctx context.Context) ([]SourceTool, []LeftOut, error)
}

// SourceTool is one tool of a source.
type SourceTool struct {
	// JSON is its definition, as in a server's tools/list. What is not in its hashed
	// members (definition.go) may change without anybody's being asked.
	JSON json.RawMessage
	// Call makes a call of just this definition and gives a CallToolResult, or an error
	// for the model: a *tools.Error. ctx ends with the time that a call has.
	Call func(ctx context.Context, arguments json.RawMessage) (json.RawMessage, error)
}

// serveSource is serve of a source: it is listed, and listed again from time to time. A
// list that cannot be had once it was had is no reason to offer nothing.
func (m *Mount) serveSource(ctx context.Context) error {
	if err := m.readSource(ctx); err != nil {
		return err
	}
	m.turn(func() { m.status.State, m.status.LastError = Ready, "" })
	m.settled()
	m.log.Info("read what there is", "tools", m.Status().Offered)
	look := time.NewTicker(m.time.lookAtBook)
	defer look.Stop()
	var again <-chan time.Time
	if m.settings.Relist > 0 {
		ticker := time.NewTicker(m.settings.Relist)
		defer ticker.Stop()
		again = ticker.C
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-look.C:
			m.lookAgain(ctx)
		case <-again:
			m.relistSource(ctx)
		}
	}
}

func (m *Mount) relistSource(ctx context.Context) {
	err := m.readSource(ctx)
	if ctx.Err() != nil {
		return
	}
	why := ""
	if err != nil {
		why = m.clean.line(err.Error(), maxWord)
		m.log.Warn("reading again what there is; what was read before stands", "error", why)
	}
	m.turn(func() { m.status.LastError = why })
}

// readSource reads the list and takes it over.
func (m *Mount) readSource(ctx context.Context) error {
	reading, cancel := context.WithTimeout(ctx, m.settings.StartTimeout)
	defer cancel()
	all, leftOut, err := m.settings.Source.List(reading)
	if err != nil {
		return hurry(ctx, reading, err)
	}
	var list []listed
	for i, one := range all {
		t, err := readTool(one.JSON)
		if err != nil {
			leftOut = append(leftOut, LeftOut{Tool: fmt.Sprintf("number %d", i+1), Why: err.Error()})
			continue
		}
		t.call = one.Call
		list = append(list, t)
	}
	return m.adopt(ctx, list, leftOut)
}

// callSource calls a source's tool, once the source has been read.
func (m *Mount) callSource(ctx context.Context, own, name string, arguments json.RawMessage) (json.RawMessage, error) {
	if err := m.await(ctx, func() bool { return m.status.State == Ready }); err != nil {
		return nil, err
	}
	t, err := m.callable(own, name)
	if err != nil {
		return nil, err
	}
	if t.call == nil { // what the book had, and the source has not
		return nil, tools.Errorf(tools.Unavailable, "%s: it cannot be called now; nothing was changed.", name)
	}
	ctx, cancel := context.WithTimeout(ctx, m.settings.CallTimeout)
	defer cancel()
	raw, err := t.call(ctx, arguments)
	var ours *tools.Error
	if err != nil && !errors.As(err, &ours) {
		return nil, tools.Hide(err)
	}
	return raw, err
}
