package mcpmount

import (
	"context"
	"errors"
	"fmt"
	"maps"
)

// errRenewed ends a connection whose credentials were read anew.
var errRenewed = errors.New("the credentials were read anew")

// SetCredentials has the server reached with another environment and other headers from now
// on. A program is started anew. Calls under way come to their end on the connection that
// they are on; no other is made on it.
func (m *Mount) SetCredentials(env, headers map[string]string) error {
	next := m.settings
	next.Env, next.Headers = maps.Clone(env), maps.Clone(headers)
	if err := next.check(); err != nil {
		return fmt.Errorf("mounting %q: %w", next.Name, err)
	}
	m.clean.learn(next)
	m.mu.Lock()
	m.current = next
	if m.conn != nil {
		// From this moment on, and not only from when Run has come to it: whoever calls now waits
		// for the next connection.
		m.conn, m.status.State = nil, Starting
	}
	m.mu.Unlock()
	select {
	case m.renewed <- struct{}{}:
	default: // another one is on its way, and will read these
	}
	return nil
}

// retire closes a connection that nobody gets any more once its calls have ended, which
// they do within the time that each has.
func (m *Mount) retire(ctx context.Context, c *conn) {
	m.retired.Go(func() {
		defer c.close()
		over := make(chan struct{})
		go func() {
			defer close(over)
			c.calls.Wait()
		}()
		select {
		case <-over:
		case <-c.ctx.Done():
		case <-ctx.Done():
		}
	})
}
