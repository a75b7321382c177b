package main

import (
	"context"
	"strings"
	"sync"
)

// gate holds the model's answers to some events until so many of their runs ask at the
// same time. Of a source whose runs are bounded that shows that every place is free: a
// place held by a run that is gone would keep the gate shut.
type gate struct {
	mu     sync.Mutex
	prefix string // of the events that it holds; "" for none
	wants  int
	inside map[string]bool
	opened chan struct{}
}

// shut holds the events of a prefix until wants of them are there.
func (g *gate) shut(prefix string, wants int) (opened <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.prefix, g.wants, g.inside, g.opened = prefix, wants, map[string]bool{}, make(chan struct{})
	return g.opened
}

// open lets everything through again, and gives how many were there at most.
func (g *gate) open() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	there := len(g.inside)
	if g.prefix != "" && there < g.wants {
		close(g.opened)
	}
	g.prefix = ""
	return there
}

func (g *gate) pass(ctx context.Context, event string) {
	g.mu.Lock()
	if g.prefix == "" || !strings.HasPrefix(event, g.prefix) || len(g.inside) >= g.wants {
		g.mu.Unlock()
		return
	}
	g.inside[event] = true
	opened := g.opened
	if len(g.inside) >= g.wants {
		close(opened)
	}
	g.mu.Unlock()
	select {
	case <-opened:
	case <-ctx.Done():
	}
}
