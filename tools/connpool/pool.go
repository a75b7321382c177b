// Package connpool keeps connections to a server for the next use, for protocols of which a
// connection has one conversation at a time and costs a login (SMTP, IMAP).
package connpool

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Conn is a connection that may be used again.
type Conn interface {
	comparable
	// Reusable reports whether another conversation may begin on it.
	Reusable() bool
	Close()
}

// Settings of a pool; each has to be there.
type Settings[C Conn] struct {
	// Open makes a connection.
	Open func(ctx context.Context) (C, error)
	// Most is how many are in use at once; who wants another waits.
	Most int
	// Idle is how long one waits for its next use before it is closed.
	Idle time.Duration
	// Full is the error of somebody who waited in vain, for as long as he could; why is what
	// ended the waiting.
	Full func(why error) error
}

// Pool keeps connections. Who takes one gives it back.
type Pool[C Conn] struct {
	s     Settings[C]
	slots chan struct{} // one taken for each connection in use

	mu     sync.Mutex
	used   map[C]int  // the age at which each was asked for
	idle   []*idle[C] // the last was used last
	closed bool
	age    int // raised when connections made before are not to be used on
}

type idle[C Conn] struct {
	conn  C
	age   int
	timer *time.Timer
}

// New makes an empty pool.
func New[C Conn](s Settings[C]) *Pool[C] {
	return &Pool[C]{s: s, slots: make(chan struct{}, s.Most), used: map[C]int{}}
}

// Take gives a connection; waited: it has waited since its last use. Of those that wait, the
// last of the preferred is taken, and without any, or with preferred nil, the last used.
func (p *Pool[C]) Take(ctx context.Context, preferred func(C) bool) (c C, waited bool, err error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return c, false, p.s.Full(context.Cause(ctx))
	}
	c, waited, age := p.waiting(preferred)
	if waited {
		return c, true, nil
	}
	if c, err = p.s.Open(ctx); err != nil {
		<-p.slots
		return c, false, err
	}
	p.mu.Lock()
	p.used[c] = age
	p.mu.Unlock()
	return c, false, nil
}

func (p *Pool[C]) waiting(preferred func(C) bool) (c C, found bool, age int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := len(p.idle) - 1
	if i < 0 {
		return c, false, p.age
	}
	for j, one := range p.idle {
		if preferred != nil && preferred(one.conn) {
			i = j
		}
	}
	one := p.idle[i]
	p.idle = slices.Delete(p.idle, i, i+1)
	one.timer.Stop() // should it run already, it will not find it
	p.used[one.conn] = one.age
	return one.conn, true, one.age
}

// Give takes a connection back, which is closed unless it is good for another use.
func (p *Pool[C]) Give(c C) {
	defer func() { <-p.slots }()
	reusable := c.Reusable()
	p.mu.Lock()
	age := p.used[c]
	delete(p.used, c)
	keep := reusable && !p.closed && age == p.age
	if keep {
		one := &idle[C]{conn: c, age: age}
		one.timer = time.AfterFunc(p.s.Idle, func() { p.expire(one) })
		p.idle = append(p.idle, one)
	}
	p.mu.Unlock()
	if !keep {
		c.Close()
	}
}

// expire closes a connection that nobody has taken.
func (p *Pool[C]) expire(one *idle[C]) {
	p.mu.Lock()
	i := slices.Index(p.idle, one)
	if i >= 0 {
		p.idle = slices.Delete(p.idle, i, i+1)
	}
	p.mu.Unlock()
	if i >= 0 {
		one.conn.Close()
	}
}

// Close ends what waits; what is in use ends when it is given back.
func (p *Pool[C]) Close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.Renew()
}

// Renew ends the connections that there are, those in use when they are given back: the next
// use gets one that is made for it.
func (p *Pool[C]) Renew() {
	p.mu.Lock()
	waiting := p.idle
	p.idle = nil
	p.age++
	p.mu.Unlock()
	var ends sync.WaitGroup
	for _, one := range waiting {
		one.timer.Stop()
		ends.Go(one.conn.Close)
	}
	ends.Wait()
}
