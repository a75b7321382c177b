package openaitest

import "sync"

// Gate holds replies up until a test opens it, and says when one stands before it.
type Gate struct {
	reached, open     chan struct{}
	reachOnce, opened sync.Once
}

// NewGate makes a closed gate.
func NewGate() *Gate { return &Gate{reached: make(chan struct{}), open: make(chan struct{})} }

// Reached is closed once a reply stands before the gate, everything before it sent.
func (g *Gate) Reached() <-chan struct{} { return g.reached }

// Open lets all pass, from now on.
func (g *Gate) Open() { g.opened.Do(func() { close(g.open) }) }

func (g *Gate) reach() { g.reachOnce.Do(func() { close(g.reached) }) }
