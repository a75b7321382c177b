package mcpmount

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"

	"drawbridge/tools"
)

// Mount is one mounted server. It is safe for concurrent use.
type Mount struct {
	settings Settings
	options  Options
	log      *slog.Logger
	clean    cleaner
	time     timing
	client   *http.Client
	unknown  map[string]rule // by pattern

	settled func()
	first   chan struct{}  // closed by settled
	renewed chan struct{}  // credentials were read anew
	retired sync.WaitGroup // connections that come to the end of their calls

	// changing keeps changes to what is offered, and calls to Changed, one after
	// the other. It is taken before mu.
	changing   sync.Mutex
	remembered bool // what the book holds is offered

	mu         sync.Mutex
	turned     chan struct{} // closed and replaced with each change of the status
	conn       *conn         // while ready
	status     Status
	current    Settings // with the credentials that count from now on
	refused    bool     // the server does not take our credentials
	accepted   map[string]Definition
	list       []listed // as last read, or as kept in the book
	unreadable []LeftOut
	fresh      bool // list is the server's, not the book's
	verdict    verdict
}

// New checks the settings and starts nothing. The error names every mistake.
func New(s Settings, o Options) (*Mount, error) {
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("mounting %q: %w", s.Name, err)
	}
	s, o = s.withDefaults(), o.withDefaults()
	rules, err := s.rules()
	if err != nil {
		return nil, fmt.Errorf("mounting %q: %w", s.Name, err)
	}
	m := &Mount{
		unknown:  rules,
		settings: s, current: s, options: o, time: productionTiming,
		log:      o.Log.With("mount", s.Name),
		clean:    newCleaner(s),
		first:    make(chan struct{}),
		renewed:  make(chan struct{}, 1),
		turned:   make(chan struct{}),
		accepted: map[string]Definition{},
		status:   Status{Name: s.Name, Kind: s.Kind, State: Stopped, Since: o.Now()},
	}
	m.settled = sync.OnceFunc(func() { close(m.first) })
	transport := o.Transport
	if transport == nil {
		transport = NewTransport()
	}
	m.client = newClient(transport)
	return m, nil
}

// Tools are those on offer now, by name.
func (m *Mount) Tools() []tools.Tool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.verdict.offered)
}

// Status is how things stand now.
func (m *Mount) Status() Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.status
	s.Offered = len(m.verdict.offered)
	s.Held, s.LeftOut = slices.Clone(m.verdict.held), slices.Clone(m.verdict.leftOut)
	return s
}

// Settled is closed once the first connection has succeeded or failed.
func (m *Mount) Settled() <-chan struct{} { return m.first }

// turn changes the status and wakes those who wait for that.
func (m *Mount) turn(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.status.State
	change()
	if m.status.State != before {
		m.status.Since = m.options.Now()
	}
	close(m.turned)
	m.turned = make(chan struct{})
}
