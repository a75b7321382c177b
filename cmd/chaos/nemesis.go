package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// What the nemesis does.
const (
	kill     = "kill"     // a node, with -9, and starts it again
	killAll  = "kill all" // nodes at once
	deploy   = "deploy"   // SIGTERM, wait for the end, start again
	freezing = "freeze"   // SIGSTOP, SIGCONT after a while
	pgKill   = "kill postgres"
	pgStop   = "restart postgres" // in order, or after having been away for a while
)

// fault is one thing that is done to the nodes, or to their database.
type fault struct {
	After time.Duration // the one before
	What  string
	Node  int
	Lasts time.Duration // how long a node stays down or stopped, or PostgreSQL away
}

func (f fault) String() string {
	text := f.What
	if f.What == kill || f.What == deploy || f.What == freezing {
		text += fmt.Sprintf(" n%d", f.Node+1)
	}
	if f.Lasts > 0 {
		text += fmt.Sprintf(" for %s", f.Lasts.Round(time.Millisecond))
	}
	return text
}

// script is what there is to plan for.
type script struct {
	nodes    int
	postgres bool
	lasts    time.Duration // of the load
	longest  time.Duration // that a node is stopped
}

// faults plans what is done, from chance alone: the same chance, the same faults.
func (s script) faults(random *rand.Rand) []fault {
	deck := []string{kill, kill, deploy, kill, freezing, kill, kill}
	switch {
	case s.postgres:
		deck = append(deck, pgKill, pgStop, killAll)
	case s.nodes > 1:
		deck = append(deck, killAll)
	}
	between := func(from, to time.Duration) time.Duration {
		return from + time.Duration(random.Float64()*float64(to-from))
	}
	var plan []fault
	long := true // the first freeze is as long as they get
	for at := 2 * time.Second; ; {
		random.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
		if long { // and there is one, however short it all is
			first := slices.Index(deck, freezing)
			deck[1], deck[first] = deck[first], deck[1]
		}
		for _, what := range deck {
			f := fault{After: between(500*time.Millisecond, 4*time.Second), What: what, Node: random.IntN(s.nodes)}
			switch f.What {
			case freezing:
				f.Lasts = between(500*time.Millisecond, s.longest)
				if long {
					f.Lasts = s.longest
				}
			case kill:
				if s.nodes > 1 { // some stay away until others have taken over
					f.Lasts = between(0, []time.Duration{2 * time.Second, 2 * time.Second, 20 * time.Second}[random.IntN(3)])
				}
			case pgStop:
				f.Lasts = between(0, min(30*time.Second, s.longest))
			}
			at += f.After
			if s.nodes == 1 || f.What == pgStop {
				at += f.Lasts
			}
			if at > s.lasts {
				return plan
			}
			long = long && f.What != freezing
			plan = append(plan, f)
		}
	}
}

// strike is a fault that was done.
type strike struct {
	What    string    `json:"what"`
	Node    string    `json:"node,omitempty"`
	At      time.Time `json:"at"`
	Carried []string  `json:"carried,omitempty"` // the events whose runs it was at work on
	// Last: no node was left.
	Last bool `json:"last,omitempty"`
	// From is when somebody could take over: At, unless no node was there.
	From time.Time `json:"from"`
	// Until is when it was there again.
	Until time.Time `json:"until"`
}

// database is what the nodes share, if it is a process of its own.
type database interface {
	kill() error
	stop() error
	start() error
	close()
	log(to string) error
}

// nemesis does what is planned.
type nemesis struct {
	nodes    []*node
	database database // nil for none
	book     *book
	say      func(format string, args ...any)

	mu      sync.Mutex
	away    map[*node]bool
	strikes []*strike
	under   sync.WaitGroup
	broken  []error
}

// work does the faults, one after the other, until the phase ends. Nodes that are away
// come back beside; at the end of the phase at once.
func (m *nemesis) work(ctx, phase context.Context, plan []fault) {
	m.away = map[*node]bool{}
	for _, f := range plan {
		if wait(phase, f.After); phase.Err() != nil {
			return
		}
		m.do(ctx, phase, f)
	}
}

func (m *nemesis) do(ctx, phase context.Context, f fault) {
	switch f.What {
	case killAll:
		m.say("%s", f)
		m.killAll(ctx)
	case pgKill, pgStop:
		m.say("%s", f)
		m.strikeDatabase(phase, f)
	default:
		if n := m.await(phase, f.Node); n != nil {
			f.Node = slices.Index(m.nodes, n)
			m.say("%s", f)
			m.strikeNode(ctx, phase, n, f)
		}
	}
}

// await waits until there is a node that can be struck; nil if the phase ends before.
func (m *nemesis) await(phase context.Context, number int) *node {
	for phase.Err() == nil {
		if n := m.steady(number); n != nil {
			return n
		}
		wait(phase, 100*time.Millisecond)
	}
	return nil
}

// steady is the node of a number, or the next one that is there. The last one standing
// is spared, unless it is the only one there is.
func (m *nemesis) steady(number int) *node {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.nodes) > 1 && len(m.nodes)-len(m.away) < 2 {
		return nil
	}
	for i := range m.nodes {
		if n := m.nodes[(number+i)%len(m.nodes)]; !m.away[n] {
			m.away[n] = true
			return n
		}
	}
	return nil
}

func (m *nemesis) strikeNode(ctx, phase context.Context, n *node, f fault) {
	s := m.note(f.What, n)
	back := func() {
		defer m.back(n)
		if f.What == freezing {
			wait(phase, f.Lasts)
			m.failed(n.thaw())
			m.thawed(s)
			return
		}
		if f.What == deploy {
			n.stop()
		}
		wait(phase, f.Lasts)
		m.restart(ctx, n, s)
	}
	switch f.What {
	case kill:
		n.kill()
	case freezing:
		m.failed(n.freeze())
	}
	if len(m.nodes) == 1 {
		back()
		return
	}
	m.under.Go(back)
}

// restart has a node serve again.
func (m *nemesis) restart(ctx context.Context, n *node, s *strike) {
	m.mu.Lock()
	if len(m.away) == len(m.nodes) && s.From == s.At {
		s.From = time.Now()
	}
	m.mu.Unlock()
	m.failed(n.start(ctx))
	m.mu.Lock()
	defer m.mu.Unlock()
	s.Until = time.Now()
}

// thawed notes that a node goes on. A single one takes over from itself.
func (m *nemesis) thawed(s *strike) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s.Until = time.Now()
	if len(m.nodes) == 1 {
		s.From = s.Until
	}
}

func (m *nemesis) killAll(ctx context.Context) {
	m.mu.Lock()
	var there []*node
	for _, n := range m.nodes {
		if !m.away[n] {
			m.away[n] = true
			there = append(there, n)
		}
	}
	m.mu.Unlock()
	strikes := map[*node]*strike{}
	for _, n := range there {
		strikes[n] = m.note(kill, n)
		n.kill()
	}
	var all sync.WaitGroup
	for _, n := range there {
		all.Go(func() {
			m.restart(ctx, n, strikes[n])
			m.back(n)
		})
	}
	all.Wait()
}

func (m *nemesis) strikeDatabase(phase context.Context, f fault) {
	s := m.note(f.What, nil)
	if f.What == pgKill {
		m.failed(m.database.kill())
	} else {
		m.failed(m.database.stop())
		wait(phase, f.Lasts)
	}
	m.failed(m.database.start())
	m.mu.Lock()
	defer m.mu.Unlock()
	s.Until = time.Now()
}

// note begins a strike: what the node is at work on is looked at just before.
func (m *nemesis) note(what string, n *node) *strike {
	now := time.Now()
	s := &strike{What: what, At: now, From: now}
	if n != nil {
		s.Node, s.Carried = n.name, m.book.carried(n.name, now)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s.Last = n != nil && len(m.away) == len(m.nodes)
	m.strikes = append(m.strikes, s)
	return s
}

func (m *nemesis) back(n *node) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.away, n)
}

// still reports whether no node is stopped in the middle of something.
func (m *nemesis) still() bool {
	return !slices.ContainsFunc(m.nodes, (*node).frozen)
}

// failed keeps what the nemesis itself could not do.
func (m *nemesis) failed(err error) {
	if err == nil {
		return
	}
	m.say("  %v", err)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.broken = append(m.broken, err)
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
