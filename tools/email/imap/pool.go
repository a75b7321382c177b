package imap

import (
	"context"
	"slices"
	"sync"
	"time"
)

const (
	// maxConns is how many questions are asked at once: a mail server lets an account have
	// ten to twenty connections, over all programs that use it.
	maxConns = 4
	// idleTime is how long a connection waits for the next question. A server waits for
	// half an hour at least (RFC 9051, 5.4), whatever is between us and it for less.
	idleTime = 2 * time.Minute
)

// pool keeps connections for the next question.
type pool struct {
	open  func(ctx context.Context) (*conn, error)
	slots chan struct{} // one taken for each connection in use

	mu     sync.Mutex
	idle   []*conn // the last was used last
	closed bool
	age    int // raised when connections made before are not to be used on
}

func newPool(open func(ctx context.Context) (*conn, error)) *pool {
	return &pool{open: open, slots: make(chan struct{}, maxConns)}
}

// take gives a connection; waited: it has waited since its last question. One on which
// folder is open is preferred. What was taken is given back.
func (p *pool) take(ctx context.Context, folder string) (c *conn, waited bool, err error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, false, &failure{stage: connecting, err: context.Cause(ctx)}
	}
	if c := p.waiting(folder); c != nil {
		return c, true, nil
	}
	p.mu.Lock()
	age := p.age
	p.mu.Unlock()
	if c, err = p.open(ctx); err != nil {
		<-p.slots
		return nil, false, err
	}
	c.age = age
	return c, false, nil
}

func (p *pool) waiting(folder string) *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := len(p.idle) - 1
	for j, c := range p.idle {
		if c.folder != nil && c.folder.name == folder {
			i = j
		}
	}
	if i < 0 {
		return nil
	}
	c := p.idle[i]
	p.idle = slices.Delete(p.idle, i, i+1)
	c.idle.Stop() // should it run already, it will not find c
	return c
}

// give takes a connection back, which is closed unless it is good for another question.
func (p *pool) give(c *conn) {
	defer func() { <-p.slots }()
	p.mu.Lock()
	keep := c.sound && !p.closed && c.age == p.age
	if keep {
		p.idle = append(p.idle, c)
		c.idle = time.AfterFunc(idleTime, func() { p.expire(c) })
	}
	p.mu.Unlock()
	if !keep {
		c.close()
	}
}

// expire closes a connection that nobody has taken.
func (p *pool) expire(c *conn) {
	p.mu.Lock()
	i := slices.Index(p.idle, c)
	if i >= 0 {
		p.idle = slices.Delete(p.idle, i, i+1)
	}
	p.mu.Unlock()
	if i >= 0 {
		c.close()
	}
}

// close ends what waits; what is in use ends when it is given back.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.renew()
}

// renew ends the connections that there are, those in use when they are given back: the
// next question gets one that is made for it.
func (p *pool) renew() {
	p.mu.Lock()
	idle := p.idle
	p.idle = nil
	p.age++
	p.mu.Unlock()
	var wait sync.WaitGroup
	for _, c := range idle {
		c.idle.Stop()
		wait.Go(c.close)
	}
	wait.Wait()
}
