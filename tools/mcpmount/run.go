package mcpmount

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Run offers what was accepted before, connects to the server, follows its list and
// connects again whenever the connection ends, until ctx does. Then it ends the
// server's process and returns. Call it once.
func (m *Mount) Run(ctx context.Context) {
	defer m.settled()
	defer m.retired.Wait()
	defer m.turn(func() { m.status.State = Stopped })
	for failures := 1; ; failures++ {
		began := time.Now()
		m.turn(func() { m.status.State, m.refused = Starting, false })
		err := m.Remember(ctx)
		if err == nil {
			err = m.serve(ctx)
		}
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > m.time.steady {
			failures = 1
		}
		if errors.Is(err, errRenewed) {
			failures = 0
			continue
		}
		if !m.rest(ctx, err, failures) {
			return
		}
	}
}

// rest says why the connection ended and waits for the next attempt.
func (m *Mount) rest(ctx context.Context, cause error, failures int) bool {
	var status *statusError
	refused := errors.As(cause, &status) && status.refused()
	wait := m.time.retryIn(failures)
	if refused {
		wait = max(wait, m.time.refused)
	}
	why := m.clean.line(cause.Error(), maxWord)
	m.log.Warn("no connection to the server", "error", why, "retry_in", wait.Round(time.Millisecond).String())
	m.turn(func() {
		m.status.State, m.status.LastError, m.refused = Waiting, why, refused
		m.status.Restarts++
	})
	m.settled()
	over := time.NewTimer(wait)
	defer over.Stop()
	select {
	case <-over.C:
	case <-m.renewed: // perhaps the server takes these
	case <-ctx.Done():
		return false
	}
	return true
}

// serve is one connection, from its beginning to its end, and says why it ended.
func (m *Mount) serve(ctx context.Context) (ended error) {
	if m.settings.Source != nil {
		return m.serveSource(ctx)
	}
	starting, cancel := context.WithTimeout(ctx, m.settings.StartTimeout)
	defer cancel()
	c, err := m.connect(starting)
	if err != nil {
		return hurry(ctx, starting, err)
	}
	defer func() {
		m.turn(func() { m.conn = nil })
		if errors.Is(ended, errRenewed) {
			m.retire(ctx, c)
		} else {
			c.close()
		}
	}()
	if err := m.read(starting, c); err != nil {
		return hurry(ctx, starting, err)
	}
	select {
	case <-m.renewed:
		return errRenewed
	default:
	}
	version, _ := c.agreed()
	m.turn(func() {
		m.conn, m.status.State = c, Ready
		m.status.Server, m.status.Version, m.status.Protocol = c.server.Name, c.server.Version, version
	})
	m.settled()
	m.log.Info("connected to the server", "server", c.server.Name, "version", c.server.Version, "tools", m.Status().Offered)
	return m.follow(ctx, c)
}

// hurry says so if it was the clock that ended the start.
func hurry(ctx, starting context.Context, err error) error {
	if ctx.Err() == nil && errors.Is(starting.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("the server was not ready in time: %w", err)
	}
	return err
}

// read reads the list and takes it over.
func (m *Mount) read(ctx context.Context, c *conn) error {
	list, unreadable, err := c.list(ctx)
	if err != nil {
		return err
	}
	return m.adopt(ctx, list, unreadable)
}

// follow reads the list again when the server says that it changed, not more often
// than once a second, and the book while something is held.
func (m *Mount) follow(ctx context.Context, c *conn) error {
	look := time.NewTicker(m.time.lookAtBook)
	defer look.Stop()
	changed, rested := c.changed, (<-chan time.Time)(nil)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c.ctx.Done():
			return c.why()
		case <-m.renewed:
			return errRenewed
		case <-look.C:
			m.lookAgain(ctx)
		case <-rested:
			changed, rested = c.changed, nil
		case <-changed:
			wait, err := m.readAgain(ctx, c)
			if err != nil {
				return err
			}
			changed, rested = nil, time.After(wait)
		}
	}
}

// readAgain reads the list and says how long to leave the server alone. One that
// does not want to list just now still takes calls: the list as it was stands until
// it does.
func (m *Mount) readAgain(ctx context.Context, c *conn) (wait time.Duration, err error) {
	reading, cancel := context.WithTimeout(ctx, m.settings.StartTimeout)
	defer cancel()
	var said *rpcError
	if err := m.read(reading, c); !errors.As(err, &said) {
		return m.time.relist, err
	}
	m.log.Warn("the server said that its list changed, and does not give it; trying again later", "error", m.clean.line(said.Error(), maxWord))
	c.notice(message{Method: methodListChanged})
	return m.time.maxRetry, nil
}

// lookAgain finds out whether a person has accepted what is held, by way of another
// process.
func (m *Mount) lookAgain(ctx context.Context) {
	if m.options.Book == nil || len(m.Status().Held) == 0 {
		return
	}
	m.changing.Lock()
	defer m.changing.Unlock()
	if err := m.recall(ctx); err != nil {
		m.log.Warn("looking for accepted definitions", "error", err)
		return
	}
	m.present()
}

// connect opens a connection and agrees on a protocol.
func (m *Mount) connect(ctx context.Context) (*conn, error) {
	m.mu.Lock()
	settings := m.current
	m.mu.Unlock()
	if settings.URL == "" {
		return m.shake(ctx, newStdioWire(settings, m.log, m.clean, m.time))
	}
	w := newHTTPWire(settings, m.log, m.time, m.client)
	c, err := m.shake(ctx, w)
	if err == nil {
		return c, nil
	}
	// A server that does not know the POST may be an older one (MCP 2025-11-25,
	// transports, backwards compatibility).
	var status *statusError
	var said *rpcError
	older := errors.As(err, &status) && slices.Contains([]int{http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed}, status.code)
	if !older && !errors.As(err, &said) {
		return nil, err
	}
	c, sse := m.shake(ctx, newSSEWire(newHTTPWire(settings, m.log, m.time, m.client)))
	if sse != nil {
		return nil, fmt.Errorf("neither streamable HTTP (%w) nor SSE (%w)", err, sse)
	}
	return c, nil
}

func (m *Mount) shake(ctx context.Context, w wire) (*conn, error) {
	c := newConn(w, m.log, m.clean, m.time, m.settings.Name)
	err := c.start(ctx)
	if err == nil {
		err = c.shake(ctx)
	}
	if err != nil {
		c.close()
		return nil, err
	}
	c.attend()
	return c, nil
}
