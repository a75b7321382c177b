package mcpmount

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
)

// receive takes one message of the server's, or a batch of them.
func (c *conn) receive(about int64, text []byte) {
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return // as it begins many an event stream
	}
	if text[0] == '[' {
		var batch []json.RawMessage
		if json.Unmarshal(text, &batch) == nil {
			for _, one := range batch {
				c.receiveOne(about, one)
			}
			return
		}
	}
	c.receiveOne(about, text)
}

func (c *conn) receiveOne(about int64, text []byte) {
	var m message
	if err := json.Unmarshal(text, &m); err != nil {
		c.reject(text)
		return
	}
	if id, ok := m.answered(); ok {
		c.answer(id, m)
		return
	}
	switch {
	case m.Method == "" && m.Error != nil && !m.hasID() && about != 0:
		c.answer(about, m) // the server could not tell what it refused; the wire can
	case m.Method == "":
		c.reject(text)
	case c.pace.Wait(c.ctx) != nil:
		return
	case m.hasID():
		c.serve(about, m)
	default:
		c.notice(m)
	}
}

// answer delivers to the request that waits, if it still does.
func (c *conn) answer(id int64, m message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.junk = 0
	if x := c.open[id]; x != nil {
		delete(c.open, id)
		x.answer <- m
	}
}

// reject skips what is no message: many servers print a banner. One that prints
// nothing else is none.
func (c *conn) reject(text []byte) {
	if c.pace.Wait(c.ctx) != nil {
		return
	}
	c.mu.Lock()
	c.junk++
	c.skipped++
	inRow, inAll := c.junk, c.skipped
	c.mu.Unlock()
	switch {
	case inRow > maxJunk:
		c.end(fmt.Errorf("the server sent %d lines in a row that are no messages", inRow))
	case inAll < maxJunkLogged:
		c.log.Warn("skipped what is no message", "text", c.clean.line(string(text), 200))
	case inAll == maxJunkLogged:
		c.log.Warn("skipped what is no message; more of it is not logged", "text", c.clean.line(string(text), 200))
	}
}

// notice takes a notification.
func (c *conn) notice(m message) {
	switch m.Method {
	case methodListChanged:
		select {
		case c.changed <- struct{}{}:
		default: // noted already
		}
	case methodProgress:
		c.progress(m.Params)
	}
}

// serve works on a request of the server's, if there is room.
func (c *conn) serve(about int64, m message) {
	select {
	case c.served <- struct{}{}:
	default:
		return
	}
	c.begin(func() {
		defer func() { <-c.served }()
		out := outgoing{ID: m.ID}
		switch m.Method {
		case methodPing:
			out.Result = json.RawMessage(`{}`)
		case methodElicit:
			out.Result, out.Error = c.elicit(about, m.Params)
		default:
			out.Error = &rpcError{Code: codeMethodNotFound, Message: "this client does not offer " + c.clean.line(m.Method, 100)}
		}
		text, err := out.encode()
		if err != nil {
			c.log.Warn("answering a server's request", "error", err)
			return
		}
		ctx, cancel := context.WithTimeout(c.ctx, c.time.cancelGrace)
		defer cancel()
		if err := c.wire.send(ctx, parcel{text: text}); err != nil {
			c.log.Debug("answering a server's request", "error", err)
		}
	})
}
