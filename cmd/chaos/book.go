package main

import (
	"slices"
	"sync"
	"time"
)

// effect is something that happened on the far side.
type effect struct {
	Key   string    `json:"key"`
	Event string    `json:"event"`
	Step  string    `json:"step"`
	Tool  string    `json:"tool"`
	At    time.Time `json:"at"`
}

// book is what the far side knows: which effects took place, and which node it heard of
// which event last.
type book struct {
	mu      sync.Mutex
	effects []effect
	keyed   map[string]string // answers by key, of tools that honour keys
	calls   map[string]int    // how often a key was called with
	seen    map[string]*sight
}

// sight is where an event's run was last heard of.
type sight struct {
	node   string
	at     time.Time
	asking int  // requests under way
	odd    bool // the last one was cut or left without an answer: the run may rest
	over   bool // the model has given its last answer
}

func newBook() *book {
	return &book{keyed: map[string]string{}, calls: map[string]int{}, seen: map[string]*sight{}}
}

// again counts a call under a key, and gives how many there were before.
func (b *book) again(key string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls[key]++
	return b.calls[key] - 1
}

// act has a call take effect, unless the tool honours keys and this one was used; then
// the first answer is given again.
func (b *book) act(t tool, e effect, answer string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t.keyed && e.Key != "" {
		if first, known := b.keyed[e.Key]; known {
			return first
		}
		b.keyed[e.Key] = answer
	}
	b.effects = append(b.effects, e)
	return answer
}

// happened reports whether a call under a key took effect.
func (b *book) happened(key string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.ContainsFunc(b.effects, func(e effect) bool { return e.Key == key })
}

// has reports whether a step took effect, under whatever key.
func (b *book) has(event, step string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.ContainsFunc(b.effects, func(e effect) bool { return e.Event == event && e.Step == step })
}

func (b *book) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.effects)
}

func (b *book) all() []effect {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]effect(nil), b.effects...)
}

// enter notes that a node asks something for an event's run.
func (b *book) enter(node, event string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.seen[event]
	if s == nil || s.node != node {
		s = &sight{node: node} // what an earlier node still asks is nobody's concern
		b.seen[event] = s
	}
	s.asking++
	s.odd, s.over = false, false
}

// leave notes the end of what enter noted.
func (b *book) leave(node, event string, odd, over bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.seen[event]; s != nil && s.node == node {
		s.asking = max(0, s.asking-1)
		s.at, s.odd, s.over = time.Now(), odd, over
	}
}

// betweenQuestions is how long a run may be at work on a node without asking the far
// side or the model anything.
const betweenQuestions = 500 * time.Millisecond

// carried are the events whose runs a node is at work on now, by all we can tell.
func (b *book) carried(node string, now time.Time) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var events []string
	for event, s := range b.seen {
		if s.node == node && !s.odd && !s.over && (s.asking > 0 || now.Sub(s.at) < betweenQuestions) {
			events = append(events, event)
		}
	}
	return events
}
